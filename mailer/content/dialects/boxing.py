"""Where the two marks of a container can stand: on lines of their own, without moving any other.

A tag that shares its line with text takes the empty line before or behind it, if nobody else has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """Where a mark can stand: what it replaces, in what form, and the empty line that it takes."""

    start: int
    end: int
    form: str = "{}"
    empty: int | None = None


def container_marks(
    sheet: Sheet, first: Span, last: Span, *, opening: str
) -> list[tuple[int, int, str]] | None:
    """What replaces a pair of tags so that they become a container; None if there is no room."""
    text = sheet.text
    begin = _own_line(text, *first) or _line_above(text, *first)
    end = _own_line(text, *last) or _line_below(text, *last)
    if begin is None or end is None or begin.end > end.start:
        return None
    if sheet.borrowed.intersection({begin.empty, end.empty}):
        return None
    sheet.borrowed.update({begin.empty, end.empty} - {None})
    return [
        (begin.start, begin.end, begin.form.format(opening)),
        (end.start, end.end, end.form.format(":::")),
    ]


def _own_line(text: str, start: int, end: int) -> _Room | None:
    before = text[_line_of(text, start)[0] : start]
    after = text[end : _line_of(text, end)[1]]
    alone = not before.strip(" \t>") and not after.strip()
    return _Room(start=start, end=end) if alone else None


def _line_above(text: str, start: int, end: int) -> _Room | None:
    """The empty line before a tag that begins a line of text."""
    line = _line_of(text, start)[0]
    margin = _margin(text, line)
    if not line or line + len(margin) != start:
        return None
    above, last = _line_of(text, line - 1)
    if text[above:last].strip(" \t>"):
        return None
    return _Room(start=above, end=end, form=f"{margin}{{}}\n{margin}", empty=above)


def _line_below(text: str, start: int, end: int) -> _Room | None:
    """The empty line behind a tag that ends a line of text."""
    line, last = _line_of(text, end)
    if text[end:last].strip() or last == len(text):
        return None
    below, after = _line_of(text, last + 1)
    if text[below:after].strip(" \t>"):
        return None
    margin = _margin(text, line)
    return _Room(start=start, end=after, form=f"\n{margin}{{}}", empty=below)


def _line_of(text: str, place: int) -> Span:
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end


def _margin(text: str, start: int) -> str:
    """What a line begins with before its text."""
    end = start
    while end < len(text) and text[end] in " \t>":
        end += 1
    return text[start:end]
