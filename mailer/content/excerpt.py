"""What an issue is about, without rendering it: its first heading, its first sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.source import mask_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 140
"""Characters of a preheader that we make; clients show 40 to 130 (M-29)."""

_SHORTEST: Final = 40

_ATX = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|\n[ \t]*\n)( {0,3}\S[^\n]*)\n {0,3}(?:=+|-+)[ \t]*(?=\n|\Z)")
_HTML_HEADING = re.compile(r"<h[1-6]\b[^>]*>(.*?)</h[1-6]\s*>", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r" {0,3}(?:[-*_][ \t]*){3,}$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_DEFINITION = re.compile(r"^ {0,3}\*?\[([^\]\n]+)\]:[^\n]*$", re.MULTILINE)
_NOTE = re.compile(r"\[\^[^\]\n]+\]")
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?|<img\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_EMPTY_LINK = re.compile(r"\[\s*\](?:\([^)]*\)|\[[^\]]*\])")
_NO_PROSE = re.compile(r"\s*(?:[-*+][ \t]|\d+[.)][ \t]|>|\||<|:::|\{%|\[\[|\[TOC\]| {4}|\t)")
_ENDS: Final = ".!?…。！？:;,"
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=\S)|(?<=[。！？])")


def first_heading(body: str) -> str:
    """The words of the first heading; empty if there is none."""
    return next((words for _, words in _headings(body) if words), "")


def title_of(body: str) -> str:
    """The words of the heading that stands for the whole: the only one of the highest level.

    Empty if there is none: a section's heading names no issue.
    """
    found = [(level, words) for level, words in _headings(body) if words]
    highest = [words for level, words in found if level == min(each for each, _ in found)]
    return highest[0] if len(highest) == 1 else ""


def _headings(body: str) -> Iterator[tuple[int, str]]:
    """Level and words of each heading in reading order."""
    text = mask_blocks(body)
    found = [match for kind in (_ATX, _SETEXT, _HTML_HEADING) for match in kind.finditer(text)]
    for match in sorted(found, key=lambda match: match.start(1)):
        yield _level(match), _words(match[0] if match.re is _ATX else match[1], body)


def _level(match: re.Match[str]) -> int:
    if match.re is _ATX:
        return len(match[0].lstrip()) - len(match[0].lstrip(" #"))
    if match.re is _HTML_HEADING:
        return int(match[0][2])
    return 1 if match[0].rstrip().endswith("=") else 2


def first_sentence(body: str) -> str:
    """The first sentence of the text, more where it is very short, cut where it is too long.

    A body without paragraphs is asked for its lists and quotes.
    """
    blocks = list(_blocks(mask_blocks(body)))
    prose = [block for block in blocks if not _NO_PROSE.match(block)]
    taken = ""
    for block in prose or blocks:
        words = _words(_IMAGE.sub("", block), body)
        if any(sign.isalnum() for sign in words):
            gap = " " if not taken or taken[-1] in _ENDS else " · "
            taken = _shorten((taken + gap + words).strip())
        if len(taken) >= _SHORTEST or (taken and not prose):
            break
    return taken


def says_nothing(body: str) -> bool:
    """Whether no words remain without images, comments and markup (E114)."""
    text = _DEFINITION.sub("", re.sub(r"<!--.*?(?:-->|\Z)", "", body, flags=re.DOTALL))
    text = _EMPTY_LINK.sub("", _IMAGE.sub("", text))
    return not any(sign.isalnum() for sign in _TAG.sub("", text))


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists and the like, without headings, rules and definitions."""
    text = _HTML_HEADING.sub("", _DEFINITION.sub("", text))
    for block in re.split(r"\n[ \t]*\n", text):
        lines: list[str] = []
        for line in block.split("\n"):
            if _UNDERLINE.match(line) and len(lines) == 1:
                lines.clear()
            elif not _RULE.match(line) and not _ATX.match(line):
                lines.append(line)
        if "".join(lines).strip():
            yield "\n".join(lines)


def _words(snippet: str, body: str) -> str:
    from mailer.content.markdown import plain  # noqa: PLC0415  slow to import, and often not needed

    found = (match for match in _DEFINITION.finditer(body) if match[1][0] != "^")
    definitions = "\n".join(match[0] for match in found)
    return plain(f"{_NOTE.sub('', snippet).strip()}\n\n{definitions}")


def _shorten(words: str) -> str:
    taken = ""
    for sentence in _SENTENCE_END.split(words):
        gap = " " if taken and taken[-1].isascii() else ""
        if taken and (len(taken) >= _SHORTEST or len(taken) + len(sentence) >= LONGEST):
            break
        taken += gap + sentence.strip()
    if len(taken) <= LONGEST:
        return taken
    cut = taken[: LONGEST - 1]
    return cut[: cut.rfind(" ")].rstrip(" ,;:–-") + "…" if " " in cut else cut + "…"
