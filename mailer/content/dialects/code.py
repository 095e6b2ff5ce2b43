"""Which lines of a Markdown text are code blocks: no dialect ever looks into them.

CommonMark's rules for fences and indented code, with the lists and quotes that they stand in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_QUOTE: Final = re.compile(r"(?: {0,3}>[ \t]?)+")
_MARKER: Final = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$)")
_RULE: Final = re.compile(r"(?:([-*_])[ \t]*)(?:\1[ \t]*){2,}$")
_HEADING: Final = re.compile(r"#{1,6}(?:[ \t]|$)")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})(.*)")
_CODE_INDENT: Final = 4
"""Columns behind the text of what surrounds it from which on text is code."""


class Line(Enum):
    """What a line is: prose, or a part of a code block."""

    PROSE = auto()
    OPENING = auto()
    CODE = auto()
    CLOSING = auto()


@dataclass(slots=True, kw_only=True)
class _Fence:
    mark: str
    quotes: int
    column: int


@dataclass(slots=True, kw_only=True)
class _State:
    """Where in lists and quotes the last line stood.

    Attributes:
        items: columns at which the texts of the open list items begin, the outermost first.
        before: what the last line was, None if it was blank.
    """

    quotes: int = 0
    items: list[int] = field(default_factory=list)
    before: Line | None = None
    fence: _Fence | None = None


def code_lines(
    lines: Sequence[str],
    *,
    loose: Collection[int] = (),
    skip: Callable[[int], int] = lambda _: 0,
) -> list[Line]:
    """What each line is.

    Args:
        lines: a text, without line ends.
        loose: numbers of the lines that are no code for being indented: children of components.
        skip: how many lines from this one on are to be left alone, such as a comment's.
    """
    kinds: list[Line] = []
    state = _State()
    while len(kinds) < len(lines):
        number = len(kinds)
        skipped = 0 if state.fence else skip(number)
        if skipped:
            kinds += [Line.PROSE] * skipped
            state.before = Line.PROSE
        else:
            kinds.append(_kind(lines[number], state, indented=number not in loose))
    return kinds[: len(lines)]


def _kind(line: str, state: _State, *, indented: bool) -> Line:
    quote = _QUOTE.match(line)
    quotes = quote[0].count(">") if quote else 0
    text = (line[quote.end() :] if quote else line).expandtabs(4)
    column = len(text) - len(text.lstrip())
    blank = not text.strip()
    if state.fence:
        inside = _in_fence(text, state.fence, quotes, column, blank=blank)
        if inside is Line.CLOSING:
            state.fence = None
        if inside:
            state.before = Line.CODE if inside is Line.CODE else None
            return inside
        state.fence = None
    if quotes < state.quotes and state.before is Line.PROSE and not _begins(text.strip()):
        return Line.PROSE  # a paragraph of a quote goes on without its marks
    if quotes != state.quotes and not blank:
        state.quotes, state.items, state.before = quotes, [], None
    if blank:
        state.before = state.before if state.before is Line.CODE else None
        return Line.PROSE
    return _in_text(text, column, state, indented=indented)


def _in_fence(text: str, fence: _Fence, quotes: int, column: int, *, blank: bool) -> Line | None:
    """What a line is after an opening fence; None if the fence ends before it without a mark."""
    if quotes < fence.quotes or (column < fence.column and not blank):
        return None  # the quote or the list item is over, and with it what it holds
    mark = _FENCE.match(text.strip())
    closes = mark and mark[1].startswith(fence.mark) and not mark[2].strip()
    return Line.CLOSING if closes and column - fence.column < _CODE_INDENT else Line.CODE


def _in_text(text: str, column: int, state: _State, *, indented: bool) -> Line:
    stripped = text.strip()
    starts = _begins(stripped)
    while state.items and column < state.items[-1] and (starts or state.before is not Line.PROSE):
        state.items.pop()
    base = state.items[-1] if state.items else 0
    if indented and column - base >= _CODE_INDENT and state.before is not Line.PROSE:
        state.before = Line.CODE
        return Line.CODE
    state.before = None if _HEADING.match(stripped) else Line.PROSE
    while (marker := _MARKER.match(text, column)) and not _RULE.match(text[column:].strip()):
        rest = text[marker.end() :]
        gap = len(rest) - len(rest.lstrip())
        column = marker.end() + (gap if 1 <= gap <= _CODE_INDENT and rest.strip() else 1)
        state.items.append(column)
        if not text[column:].strip():
            return Line.PROSE
    opens = _FENCE.match(text[column:].strip())
    if opens and not (opens[1][0] == "`" and "`" in opens[2]):
        base = state.items[-1] if state.items else 0
        state.fence = _Fence(mark=opens[1], quotes=state.quotes, column=base)
        return Line.OPENING
    return Line.PROSE


def _begins(stripped: str) -> bool:
    """Whether a line begins a block of its own, also directly below a paragraph."""
    return not stripped or any(kind.match(stripped) for kind in (_FENCE, _MARKER, _HEADING))
