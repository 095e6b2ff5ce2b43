"""Emphasis: which marks begin it, which end it, and which are only characters.

This is CommonMark's rule with GitHub's ``~~`` and with ``==`` as in Markdown Extra. One thing is
wider: a Chinese, Japanese or Korean character stands beside a mark as a space would, since these
scripts put none between a word and its punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailer.content.commonmark.pieces import Element, Piece, Run

if TYPE_CHECKING:
    from collections.abc import Iterable

_TAGS: Final = {
    ("*", 1): "em",
    ("*", 2): "strong",
    ("_", 1): "em",
    ("_", 2): "strong",
    ("~", 2): "del",
    ("=", 2): "mark",
}
_PAIR: Final = 2
_IN_PAIRS: Final = "~="
_NOT_IN_WORDS: Final = "_="
_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
)


@dataclass(slots=True)
class _Level:
    """A run that may begin emphasis, its place among all, and what has come after it so far."""

    run: Run | None
    serial: int
    pieces: list[Piece] = field(default_factory=list)


def run_of(marks: str, before: str, after: str) -> Run:
    """The run of marks between two characters ("" at an end of the text)."""
    space_after, space_before = not after or after.isspace(), not before or before.isspace()
    sign_after, sign_before = _is_sign(after), _is_sign(before)
    left = not space_after and (not sign_after or space_before or sign_before or _is_wide(before))
    right = not space_before and (not sign_before or space_after or sign_after or _is_wide(after))
    if marks[0] in _NOT_IN_WORDS:
        opens, closes = left and (not right or sign_before), right and (not left or sign_after)
    else:
        opens, closes = left, right
    length = len(marks)
    return Run(marks[0], length, length, opens, closes)


def resolve(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces with emphasis as elements and all other marks as text."""
    levels = [_Level(None, -1)]
    floors: dict[tuple[str, bool, int], int] = {}
    for serial, piece in enumerate(pieces):
        if not isinstance(piece, Run):
            levels[-1].pieces.append(piece)
            continue
        if piece.can_close:
            _close(piece, levels, floors)
        if piece.can_open and piece.left:
            levels.append(_Level(piece, serial))
        elif piece.left:
            levels[-1].pieces.append(piece.mark * piece.left)
    _flatten(levels, 0)
    return levels[0].pieces


def _close(run: Run, levels: list[_Level], floors: dict[tuple[str, bool, int], int]) -> None:
    """Make elements of what stands between a run and those that it ends.

    `floors` keeps the time linear: below such a serial no run can open what this kind closes.
    """
    key = (run.mark, run.can_open, run.length % 3)
    while run.left >= (_PAIR if run.mark in _IN_PAIRS else 1):
        depth = _opener(run, levels, floors.get(key, -1))
        if not depth:
            floors[key] = levels[-1].serial
            return
        _flatten(levels, depth)
        level = levels[depth]
        assert level.run is not None
        width = min(_PAIR, run.left, level.run.left)
        element = Element(_TAGS[run.mark, width], pieces=level.pieces)
        run.left -= width
        level.run.left -= width
        level.pieces = [element]
        if not level.run.left:
            levels.pop()
            levels[-1].pieces.append(element)


def _opener(run: Run, levels: list[_Level], floor: int) -> int:
    for depth in range(len(levels) - 1, 0, -1):
        level = levels[depth]
        if level.serial <= floor:
            break
        if level.run is not None and _matches(level.run, run):
            return depth
    return 0


def _matches(opener: Run, closer: Run) -> bool:
    if opener.mark != closer.mark:
        return False
    if opener.mark in _IN_PAIRS:
        return opener.left >= _PAIR
    odd = opener.can_close or closer.can_open
    return not (odd and closer.length % 3 and (opener.length + closer.length) % 3 == 0)


def _flatten(levels: list[_Level], depth: int) -> None:
    """Take the marks of the levels above `depth` as text."""
    pieces = levels[depth].pieces
    for level in levels[depth + 1 :]:
        assert level.run is not None
        pieces.append(level.run.mark * level.run.left)
        pieces.extend(level.pieces)
    del levels[depth + 1 :]


@lru_cache(maxsize=2048)
def _is_sign(character: str) -> bool:
    """Punctuation or a symbol."""
    return bool(character) and unicodedata.category(character)[0] in "PS"


def _is_wide(character: str) -> bool:
    return _WIDE.match(character) is not None
