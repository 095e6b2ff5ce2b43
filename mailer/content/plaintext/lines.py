"""Text in lines: wrapped at a width, indented, set apart by blank lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wcwidth import wcswidth, wcwidth

if TYPE_CHECKING:
    from collections.abc import Iterator

NARROWEST: Final = 20
"""Columns that the deepest nesting still gets."""

_SPACE = re.compile(r"[ \t\r\f\v]+")  # a no-break space is none
_WIDE = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_WIDE_SIGN = re.compile(rf"[{_WIDE}]")
_OPENING = "「『（【〔〈《“‘"
_CLOSING = "、。，．・：；？！）」』】〕〉》”’ー々ゝっゃゅょぁぃぅぇぉァィゥェォッャュョ"
_MARKS: Final = frozenset({"-", "–", "—", "*", "+", ">", "|", "#", "##", "###", "=", "·", "•"})
_PIECE = re.compile(rf"[{_OPENING}]*(?:[{_WIDE}]|[^{_WIDE}]+)?[{_CLOSING}]*")
"""What may stand on a line of its own in CJK text: no line begins with a comma (kinsoku)."""


def columns(text: str) -> int:
    """How many columns a text takes on a terminal or in a mail of fixed pitch."""
    if text.isascii():
        return len(text)
    whole = wcswidth(text)  # knows emoji of several signs; gives up on controls
    return whole if whole >= 0 else sum(max(wcwidth(sign), 0) for sign in text)


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces, at line ends that are meant, and between CJK signs."""
    lines: list[str] = []
    for part in text.strip(" \t\r\n\f\v").split("\n"):
        lines += _wrap_line(part, width)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _wrap_line(text: str, width: int) -> list[str]:
    lines = [""]
    used = 0
    for space, piece in _units(text):
        gap, needed = space if used else "", columns(piece)
        if used and used + len(gap) + needed > width:
            lines.append(piece)
            used = needed
        else:
            lines[-1] += gap + piece
            used += len(gap) + needed
    return lines


def _units(text: str) -> Iterator[tuple[str, str]]:
    """What may not be broken, each with the space before it."""
    for word in _words(text):
        if "://" in word or not _WIDE_SIGN.search(word):
            yield " ", word
            continue
        first, *rest = filter(None, _PIECE.findall(word))
        yield " ", first
        yield from (("", piece) for piece in rest)


def _words(text: str) -> Iterator[str]:
    """The words of a text; what begins a list or a quote hangs on the word before it."""
    last = ""
    for word in _SPACE.split(text):
        if word in _MARKS and 0 < columns(last) < NARROWEST - 1 and not _WIDE_SIGN.search(last):
            last += f" {word}"
            continue
        if last:
            yield last
        last = word
    if last:
        yield last


def join(parts: list[list[str]], *, tight: bool) -> list[str]:
    """The lines of several blocks, a blank line between them unless they are to stand tight."""
    lines: list[str] = []
    for part in parts:
        if lines and not tight:
            lines.append("")
        lines += part
    return lines


class Verbatim(str):
    """A line of code: whoever copies it wants no mark of a quote before it."""

    __slots__ = ()


def indent(lines: list[str], first: str, rest: str) -> list[str]:
    """Lines with one thing before the first of them and another before the rest."""
    return [_indented(line, rest if number else first) for number, line in enumerate(lines)]


def _indented(line: str, before: str) -> str:
    if isinstance(line, Verbatim):
        return Verbatim(("" if before.strip() else before) + line)
    return (before + line).rstrip()


def hang(text: str, first: str, width: int) -> list[str]:
    """A text wrapped behind `first`, its other lines below its beginning."""
    space = " " * columns(first)
    return indent(wrap(text, width - len(space)), first, space)
