"""What an issue is about, without rendering it: its first heading, its first sentence."""

from __future__ import annotations

import re
from functools import wraps
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from mailer.content.personal import BRACES, is_personal
from mailer.content.source import mask_blocks, mask_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST: Final = 140
"""Characters of a preheader that we make; clients show 40 to 130 (M-29)."""

_SHORTEST: Final = 40
_LEVELS: Final = range(1, 7)

_ATX = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|\n[ \t]*\n)( {0,3}\S[^\n]*)\n {0,3}(?:=+|-+)[ \t]*(?=\n|\Z)")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h[1-6]\s*>", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r" {0,3}(?:[-*_][ \t]*){3,}$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_DEFINITION = re.compile(r"^ {0,3}\*?\[([^\]\n]+)\]:[^\n]*$", re.MULTILINE)
# Nothing below looks further than the next sign of its kind: a flood of them stays linear.
_LABEL = re.compile(r"\[([^\[\]\n]+)\]")
_NOTE = re.compile(r"\[\^[^\[\]\n]+\]")
_IMAGE = re.compile(
    r"!\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*+\](?:\([^()]*(?:\([^()]*\)[^()]*)*+\)|\[[^\[\]]*\])?"
    r"|<img\b[^<>]*>",
    re.IGNORECASE,
)
_PLAYER = re.compile(r"<(iframe|video|audio|figcaption)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_EMPTY_LINK = re.compile(r"\[\s*+\](?:\([^()]*\)|\[[^\[\]]*\])")
_ADDRESS = re.compile(r"\(?<?\bhttps?://[^\s<>)]+>?\)?", re.IGNORECASE)
_MARKUP = re.compile(r"[*`<\[&\\]|(?<!\w)_\w[^_]*\w_(?!\w)")
_BOX = re.compile(r"[ \t>]*(/{3,})[ \t]*(\w.*)?$")
_INLINE = "a|abbr|b|cite|code|del|em|i|ins|kbd|mark|s|small|span|strong|sub|sup|time|u"
_NO_PROSE = re.compile(
    rf"\s*(?:[-*+][ \t]|\d+[.)][ \t]|>|\||<(?!/?(?:{_INLINE})[\s>]|https?:)|:::| {{4}}|\t)"
)
_BY = "by|written by|posted|published|updated|author|date|von|par|por|di|door|av|af"
_BYLINE = re.compile(
    rf"(?:{_BY})\b[^.!?…]*\Z|[\W\d]*(?:\w+[\W\d]+)?\d{{4}}\W*\Z|[\W\d]+\Z", re.IGNORECASE
)
_ENDS: Final = ".!?…。！？:;,"
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=\S)|(?<=[。！？])")


def _whole(read: Callable[[str], str]) -> Callable[[str], str]:
    """Let it read a text in which each personal place is one word, and put the places back.

    One that is quoted as code comes back with its braces apart: what is made here is no Markdown,
    so nothing else would say that it is not to be filled.
    """

    @wraps(read)
    def whole(text: str) -> str:
        found = [match for match in BRACES.finditer(text) if is_personal(match[1])]
        if not found:
            return read(text)
        masked = mask_code(text)
        places = [
            match[0] if masked[match.start()] == "{" else f"{{ {{{match[1]}}} }}" for match in found
        ]
        mark = next(mark for mark in map("place{}n".format, count()) if mark not in text)
        numbers = count()
        hidden = BRACES.sub(
            lambda match: f"{mark}{next(numbers)}e" if is_personal(match[1]) else match[0], text
        )
        said = re.sub(rf"{mark}(\d+)e", lambda match: places[int(match[1])], read(hidden))
        return re.sub(rf"{mark}\d*", "", said)  # cut off in the middle, in a word without end

    return whole


@_whole
def first_heading(body: str) -> str:
    """The words of the first heading; empty if there is none."""
    return next((words for _, written in _headings(body) if (words := _words(written, body))), "")


@_whole
def title_of(body: str) -> str:
    """The words of the heading that stands for the whole: the only one of the highest level.

    Empty if there is none: a section's heading names no issue.
    """
    written = list(_headings(body))
    for level in _LEVELS:
        of_level = (_words(each, body) for found, each in written if found == level)
        spoken = list(islice((words for words in of_level if words), 2))
        if spoken:
            return spoken[0] if len(spoken) == 1 else ""
    return ""


@_whole
def first_sentence(body: str) -> str:
    """The first sentence of the text, more where it is very short, cut where it is too long.

    A body without paragraphs is asked for its lists and quotes, and then for its headings.
    """
    blocks = list(_blocks(mask_blocks(body)))
    prose = [block for block in blocks if not _NO_PROSE.match(block)]
    return (
        _said(prose, body, enough=_SHORTEST)
        or _said(blocks, body, enough=1)
        or _shorten(" · ".join(_words(each, body) for _, each in _headings(body)))
    )


def _said(blocks: list[str], body: str, *, enough: int) -> str:
    """The first words of some blocks; not much more than `enough` characters, if there are any."""
    taken = ""
    for block in blocks:
        plain = _words(_PLAYER.sub("", _IMAGE.sub("", block)), body)
        words = " ".join(_ADDRESS.sub("", plain).split())
        if any(sign.isalnum() for sign in words) and not _is_noise(words):
            gap = " " if not taken or taken[-1] in _ENDS else " · "
            taken = _shorten((taken + gap + words).strip())
        if len(taken) >= enough:
            break
    return taken


@_whole
def words_of(text: str) -> str:
    """A description without the Markdown and HTML that a site would show as such."""
    return _words(text, "") if _MARKUP.search(text) else text


def says_nothing(body: str) -> bool:
    """Whether no words remain without images, comments and markup (E114)."""
    text = _DEFINITION.sub("", re.sub(r"<!--.*?(?:-->|\Z)", "", body, flags=re.DOTALL))
    text = _EMPTY_LINK.sub("", _IMAGE.sub("", text))
    return not any(sign.isalnum() for sign in _TAG.sub("", text))


def _headings(body: str) -> Iterator[tuple[int, str]]:
    """Level and Markdown of each heading in reading order."""
    text = mask_blocks(body)
    found = [(match.start(2), len(match["marks"]), match[0]) for match in _ATX.finditer(text)]
    found += [
        (match.start(1), 1 if match[0].rstrip().endswith("=") else 2, match[1])
        for match in _SETEXT.finditer(text)
    ]
    found += [(match.start(2), int(match[1]), match[2]) for match in _HTML_HEADING.finditer(text)]
    for _, level, written in sorted(found):
        yield level, written


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, lists and the like, without headings, rules and definitions; boxes as quotes."""
    text = _boxes_as_quotes(_HTML_HEADING.sub("", _DEFINITION.sub("", text)))
    for block in re.split(r"\n[ \t]*\n", text):
        lines: list[str] = []
        for line in block.split("\n"):
            if _UNDERLINE.match(line) and len(lines) == 1:
                lines.clear()
            elif not _RULE.match(line) and not _ATX.match(line):
                lines.append(line)
        if "".join(lines).strip():
            yield "\n".join(lines)


def _boxes_as_quotes(text: str) -> str:
    lines: list[str] = []
    depth = 0
    for line in text.split("\n"):
        box = _BOX.match(line)
        if box:
            depth = max(0, depth + (1 if box[2] else -1))
            lines.append("")
        else:
            lines.append(f"> {line}" if depth and line.strip() else line)
    return "\n".join(lines)


def _is_noise(words: str) -> bool:
    """Whether a paragraph only says who wrote it, or when; or quotes a template language."""
    if len(words) < _SHORTEST and _BYLINE.match(words):
        return True
    braces = [match for match in BRACES.finditer(words) if not is_personal(match[1])]
    return bool(braces) or "{%" in words


def _words(snippet: str, body: str) -> str:
    from mailer.content.markdown import plain  # noqa: PLC0415  slow to import, and often not needed

    labels = {label.casefold() for label in _LABEL.findall(snippet)}
    found = (
        match[0]
        for match in (_DEFINITION.finditer(body) if labels else ())
        if match[1][0] != "^" and match[1].casefold() in labels
    )
    definitions = "\n".join(found)
    return plain(f"{_NOTE.sub('', snippet).strip()}\n\n{definitions}")


def _shorten(words: str) -> str:
    taken = ""
    for sentence in _SENTENCE_END.split(words):
        gap = " " if taken and taken[-1].isascii() else ""
        if len(taken) >= _SHORTEST:
            break
        taken += gap + sentence.strip()
    if len(taken) <= LONGEST:
        return taken
    cut = taken[: LONGEST - 1]
    return cut[: cut.rfind(" ")].rstrip(" ,;:–-") + "…" if " " in cut else cut + "…"
