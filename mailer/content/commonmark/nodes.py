"""The blocks of a document, and which lines the containers among them take in.

======================  ===========================================================================
container               goes on with a line that
======================  ===========================================================================
``Document``            is there
``Quote``               begins with ``>``
``List``, ``Terms``     is there: their items decide
``Item``                is indented to its text, or blank (unless nothing has stood in it so far)
``Note``, ``Meaning``   is indented by four columns, or blank
``Box``                 is there, until its closing line
======================  ===========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.content.commonmark.line import TAB

if TYPE_CHECKING:
    import re

    from mailer.content.commonmark.line import Line


@dataclass(slots=True)
class Block:
    """Any block.

    Attributes:
        first: number of its first line.
        last: number of its last line that is not blank.
    """

    first: int
    last: int


@dataclass(slots=True)
class Container(Block):
    """A block of blocks."""

    children: list[Block] = field(default_factory=list, kw_only=True)

    def goes_on(self, line: Line) -> bool:
        """Whether the line belongs to it; its own marks are taken off the line."""
        del line
        return True

    def holds(self, block: Block) -> bool:
        """Whether a block can stand directly in it."""
        return not isinstance(block, Item | Meaning)

    @property
    def has_gap(self) -> bool:
        """A blank line stands between two of its blocks."""
        pairs = zip(self.children, self.children[1:], strict=False)
        return any(below.first > above.last + 1 for above, below in pairs)


@dataclass(slots=True)
class Document(Container):
    """The whole."""


@dataclass(slots=True)
class Quote(Container):
    """A block quote."""

    def goes_on(self, line: Line) -> bool:  # noqa: D102  as in Container
        if line.indent >= TAB or not line.text.startswith(">", line.start):
            return False
        line.take_mark(1)
        line.take(1)
        return True


@dataclass(slots=True)
class List(Container):
    """Items with the same mark: ``-``, ``+``, ``*``, ``.`` or ``)`` after a number."""

    mark: str = field(kw_only=True)
    start: int = field(default=1, kw_only=True)

    def holds(self, block: Block) -> bool:  # noqa: D102  as in Container
        return isinstance(block, Item)

    @property
    def is_loose(self) -> bool:
        """Blank lines set its items or their blocks apart: their text stands in paragraphs."""
        items = (item for item in self.children if isinstance(item, Item))
        return self.has_gap or any(item.has_gap for item in items)


@dataclass(slots=True)
class Item(Container):
    """One item of a list; `width` columns stand before its text."""

    width: int = field(kw_only=True)

    def goes_on(self, line: Line) -> bool:  # noqa: D102  as in Container
        if line.blank:
            line.take(self.width)
            return bool(self.children)
        if line.indent < self.width:
            return False
        line.take(self.width)
        return True


@dataclass(slots=True)
class Note(Container):
    """The text of a footnote."""

    label: str = field(kw_only=True)

    def goes_on(self, line: Line) -> bool:  # noqa: D102  as in Container
        return _goes_on_indented(line)


@dataclass(slots=True)
class Terms(Container):
    """A definition list: `Term` and `Meaning` in turn."""

    def holds(self, block: Block) -> bool:  # noqa: D102  as in Container
        return isinstance(block, Term | Meaning)


@dataclass(slots=True)
class Meaning(Container):
    """What a term means."""

    def goes_on(self, line: Line) -> bool:  # noqa: D102  as in Container
        return _goes_on_indented(line)


@dataclass(slots=True)
class Box(Container):
    """A call-out, or details that can be folded; ends at a line of `fence`."""

    kind: str = field(kw_only=True)
    title: str = field(kw_only=True)
    fence: str = field(kw_only=True)


def _goes_on_indented(line: Line) -> bool:
    if not line.blank and line.indent < TAB:
        return False
    line.take(TAB)
    return True


@dataclass(slots=True)
class Paragraph(Block):
    """Text; empty if all of it was definitions.

    Attributes:
        task: what stands in the box of a task that begins with it; "" if it is none.
    """

    lines: list[str] = field(kw_only=True)
    task: str = field(default="", kw_only=True)


@dataclass(slots=True)
class Term(Block):
    """One term of a definition list."""

    text: str = field(kw_only=True)


@dataclass(slots=True)
class Heading(Block):
    """A heading of level 1 to 6."""

    level: int = field(kw_only=True)
    text: str = field(kw_only=True)


@dataclass(slots=True)
class Rule(Block):
    """A thematic break."""


@dataclass(slots=True)
class Hidden(Block):
    """What defines something and does not show."""


@dataclass(slots=True)
class Fenced(Block):
    """Code between two fences, the opening one indented by `indent` columns."""

    fence: str = field(kw_only=True)
    indent: int = field(kw_only=True)
    language: str = field(kw_only=True)
    lines: list[str] = field(default_factory=list, kw_only=True)


@dataclass(slots=True)
class Indented(Block):
    """Code that is indented by four columns."""

    lines: list[str] = field(kw_only=True)


@dataclass(slots=True)
class Markup(Block):
    """Raw HTML that goes on to `end`, or to a blank line if that is None.

    Attributes:
        closing: what is added where the container ends first; else it would take in all that
            follows, up to the end of the mail.
    """

    end: re.Pattern[str] | None = field(kw_only=True)
    closing: str = field(default="", kw_only=True)
    lines: list[str] = field(default_factory=list, kw_only=True)


@dataclass(slots=True)
class Table(Block):
    """A table: how its columns are aligned, and the cells of its rows, the head first."""

    aligns: list[str] = field(kw_only=True)
    rows: list[list[str]] = field(kw_only=True)
