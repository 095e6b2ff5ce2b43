"""What an issue is made of, and how much of a mail each part takes: for those that are too large.

A block is a heading with all that follows it up to the next one, or, where an issue has hardly any
headings, a paragraph, list or table alone. While a mail is made its blocks are kept apart by
comments, so that their styles are counted, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import lxml.html

from mailer.content import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lxml.html import HtmlElement

    from mailer.model import Issue

_MARK: Final = "<!--block {}-->"
_MARKS: Final = re.compile(r"<!--block \d+-->")
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_FEW: Final = 3
_SHOWN: Final = 48  # characters of a name
_SEARCHED: Final = 4  # words that find a line
_LINK: Final = 500
"""Octets for the link to the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of an issue.

    Attributes:
        name: its heading, or its first words.
        level: of its heading, 1 to 6; 0 if it has none.
        line: where it begins in the issue's file; 0 if that was not found.
        octets: what it takes of the HTML part as M-28 counts; 0 until it is measured.
    """

    name: str
    level: int = 0
    line: int = 0
    octets: int = 0


def split(content: str, issue: Issue) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """The blocks of an issue's own HTML, and the HTML of each."""
    root = shape.parse(content)
    groups = _grouped(root, lambda element: element.tag in _HEADINGS)
    if len(groups) < _FEW:
        groups = _grouped(root, lambda element: isinstance(element.tag, str))
    lines = _Lines(issue)
    blocks = tuple(_block(group, lines) for group in groups)
    return blocks, tuple("".join(map(_written, group)) for group in groups)


def mark(pieces: Sequence[str]) -> str:
    """The HTML of blocks as one, with a comment before each and one behind the last."""
    ends = (_MARK.format(number) for number in range(len(pieces) + 1))
    return "".join(end + piece for end, piece in zip(ends, (*pieces, ""), strict=True))


def unmark(html: str) -> str:
    """A document without the comments of `mark`."""
    return _MARKS.sub("", html)


def measure(blocks: Sequence[Block], html: str, octets: int) -> tuple[Block, ...]:
    """The blocks with their sizes.

    Args:
        blocks: as `split` found them.
        html: the document that was made of them, with its comments.
        octets: its size without them, encoded or not.
    """
    whole = len(unmark(html).encode())
    _, *pieces, _ = _MARKS.split(html)
    return tuple(
        replace(block, octets=len(piece.encode()) * octets // whole)
        for block, piece in zip(blocks, pieces, strict=True)
    )


def largest(blocks: Sequence[Block], count: int = 3) -> list[Block]:
    """The blocks that take most, the largest first."""
    return sorted(blocks, key=lambda block: -block.octets)[:count]


def where_to_cut(blocks: Sequence[Block], *, octets: int, limit: int) -> str:
    """The heading after whose section the mail may end so that it fits; empty if there is none.

    A section lasts to the next heading of its own or a higher level, as `cut_after` reads it.

    Args:
        blocks: measured, in reading order.
        octets: of the whole mail.
        limit: that it must keep, the link to the rest included.
    """
    if octets <= limit:
        return ""
    taken = list(accumulate((block.octets for block in blocks), initial=0))
    room = limit - (octets - taken[-1]) - _LINK
    first = {block.name: at for at, block in reversed([*enumerate(blocks)])}
    best, kept = "", 0
    for at, end in _sections(blocks):
        block = blocks[at]
        if first[block.name] == at and kept < taken[end] <= room:
            best, kept = block.name, taken[end]
    return best


def _sections(blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """Where each section begins, and where the next one begins that is not part of it."""
    ends = dict[int, int]()
    open_: list[int] = []
    for at, block in enumerate(blocks):
        while block.level and open_ and blocks[open_[-1]].level >= block.level:
            ends[open_.pop()] = at
        if block.level:
            open_.append(at)
    return ((at, ends.get(at, len(blocks))) for at, block in enumerate(blocks) if block.level)


def _grouped(root: HtmlElement, begins: Callable[[HtmlElement], bool]) -> list[list[HtmlElement]]:
    groups: list[list[HtmlElement]] = []
    for element in root:
        if begins(element) or not groups:
            groups.append([])
        groups[-1].append(element)
    return groups


def _block(group: list[HtmlElement], lines: _Lines) -> Block:
    elements = [element for element in group if isinstance(element.tag, str)]  # no comments
    words = next((found for element in elements if (found := _words(element))), [])
    level = _HEADINGS.get(group[0].tag, 0)
    name = " ".join(words)
    short = name if level or len(name) <= _SHOWN else f"{name[:_SHOWN].rsplit(' ', 1)[0]} …"
    return Block(name=short, level=level, line=lines.of(words))


def _words(element: HtmlElement) -> list[str]:
    return shape.restore("".join(element.itertext())).split()


def _written(element: HtmlElement) -> str:
    return shape.restore(lxml.html.tostring(element, encoding="unicode"))


class _Lines:
    """Finds words in the Markdown, each after those that were found before."""

    def __init__(self, issue: Issue) -> None:
        self._body = issue.body
        self._line, self._begins = issue.body_line, 0
        self._position = 0

    def of(self, words: list[str]) -> int:
        """The line in the file; 0 if the words stand there in no such order."""
        for count in (_SEARCHED, 1):
            pattern = r"\W+".join(re.escape(word) for word in words[:count])
            found = words and re.compile(pattern).search(self._body, self._position)
            if found:
                self._line += self._body.count("\n", self._begins, found.start())
                self._begins, self._position = found.span()
                return self._line
        return 0
