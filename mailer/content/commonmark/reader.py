"""Lines in, blocks out: CommonMark's block structure, read in one pass over the lines.

Open containers form a stack. Each line first asks them, from the outside in, whether they go on;
then it may begin blocks in the innermost that does; what is left of it is text, and text is taken
in by a paragraph even where the line lacks the marks of its containers (it goes on lazily).
"""

from __future__ import annotations

import re
from typing import Final

from mailer.content.commonmark import html, tables
from mailer.content.commonmark.definitions import Definitions
from mailer.content.commonmark.line import TAB, Line
from mailer.content.commonmark.nodes import (
    Block,
    Box,
    Container,
    Document,
    Fenced,
    Indented,
    Item,
    List,
    Markup,
    Paragraph,
    Quote,
    Table,
    Terms,
)
from mailer.content.commonmark.starts import BEGINNINGS, Blocks, Place, begin

_DEEPEST: Final = 100
"""Containers in each other: more than that no mail can hold, and no line is worth asking them."""

_TASK = re.compile(r"\[([ xX])\][ \t\n]+(?=\S)")


def read(lines: list[str]) -> tuple[Document, Definitions]:
    """The blocks of a document and what it defines.

    Raises:
        RecursionError: containers are nested too deeply.
    """
    reader = _Reader()
    for line in lines:
        reader.read(Line(line))
    return reader.end()


class _Reader:
    def __init__(self) -> None:
        self._document = Document(0, 0)
        self._defined = Definitions()
        self._open: list[Container] = [self._document]
        self._matched = 1
        self._leaf: Block | None = None
        self._number = -1

    def read(self, line: Line) -> None:
        self._number += 1
        self._match(line)
        if self._ends_box(line) or self._goes_on(line):
            return
        while not line.blank:
            blocks = self._begin(line)
            if not blocks:
                break
            if not isinstance(blocks[-1], Container):
                return
        self._read_text(line)

    def end(self) -> tuple[Document, Definitions]:
        self._matched = 0
        self._close_unmatched()
        return self._document, self._defined

    # --- which blocks go on ----------------------------------------------------------------------

    def _match(self, line: Line) -> None:
        self._matched = 0
        for container in self._open:
            if not container.goes_on(line):
                break
            if isinstance(container, Quote):
                container.last = self._number  # also a line that is only its mark
            self._matched += 1

    def _own_leaf(self) -> Block | None:
        """The open leaf, if the line belongs to the container that it stands in."""
        return self._leaf if self._matched == len(self._open) else None

    def _ends_box(self, line: Line) -> bool:
        if not line.text.startswith("///", line.start) or isinstance(self._own_leaf(), Fenced):
            return False
        fence = line.rest.rstrip()
        for depth in range(self._matched - 1, 0, -1):
            box = self._open[depth]
            if not isinstance(box, Box | List | Terms):
                return False
            if isinstance(box, Box) and box.fence == fence:
                self._matched = depth
                self._close_unmatched()
                box.last = self._number
                return True
        return False

    def _goes_on(self, line: Line) -> bool:
        """Whether the line is part of code or of raw HTML, which may end with it."""
        leaf = self._own_leaf()
        match leaf:
            case Fenced():
                return self._add_to_fenced(leaf, line)
            case Markup():
                return self._add_to_markup(leaf, line)
            case Indented() if line.blank or line.indent >= TAB:
                line.take(TAB)
                self._add(leaf, line)
                return True
        return False

    def _add_to_fenced(self, code: Fenced, line: Line) -> bool:
        rest = line.rest.rstrip(" \t")
        mark = code.fence[0]
        if line.indent < TAB and rest.startswith(code.fence) and not rest.strip(mark):
            code.last = self._number
            self._close_leaf()
        else:
            line.take(code.indent)
            self._add(code, line)
        return True

    def _add_to_markup(self, markup: Markup, line: Line) -> bool:
        if markup.end is None and line.blank:
            self._close_leaf()
            return False
        self._add(markup, line)
        if markup.end is not None and markup.end.search(line.text, line.start):
            self._close_leaf()
        return True

    def _add(self, leaf: Fenced | Indented | Markup, line: Line) -> None:
        leaf.lines.append(line.untaken)
        if not line.blank:
            leaf.last = self._number

    # --- which blocks begin ----------------------------------------------------------------------

    def _begin(self, line: Line) -> Blocks:
        if line.indent >= TAB:
            return () if isinstance(self._leaf, Paragraph) else self._begin_code(line)
        if line.text[line.start] not in BEGINNINGS:
            return ()
        blocks = begin(line, self._place())
        for block in blocks:
            self._put(block)
        if blocks and isinstance(blocks[-1], Markup):
            self._begin_markup(blocks[-1], line)
        return blocks

    def _begin_code(self, line: Line) -> Blocks:
        line.take(TAB)
        code = Indented(self._number, self._number, lines=[line.untaken])
        self._put(code)
        return (code,)

    def _begin_markup(self, markup: Markup, line: Line) -> None:
        self._add_to_markup(markup, line)
        if markup.end is None and html.HOLDS_MARKDOWN.match(line.rest):
            self._close_leaf()

    def _place(self) -> Place:
        own = self._own_leaf()
        return Place(
            number=self._number,
            container=self._open[self._matched - 1],
            paragraph=own if isinstance(own, Paragraph) else None,
            lazy=own is None and isinstance(self._leaf, Paragraph),
            defined=self._defined,
        )

    def _read_text(self, line: Line) -> None:
        leaf = self._leaf
        if line.blank:
            self._close_unmatched()
            self._close_leaf()
        elif isinstance(leaf, Paragraph):
            leaf.lines.append(line.rest)
            leaf.last = self._number
        elif isinstance(leaf, Table) and self._own_leaf():
            leaf.rows.append(tables.row(line.rest, len(leaf.aligns)))
            leaf.last = self._number
        else:
            self._put(Paragraph(self._number, self._number, lines=[line.rest]))

    # --- opening and closing ---------------------------------------------------------------------

    def _put(self, block: Block) -> None:
        self._close_unmatched()
        self._close_leaf()
        while not self._open[-1].holds(block):
            self._close_container()
        self._open[-1].children.append(block)
        if not isinstance(block, Container):
            self._leaf = block
        elif len(self._open) <= _DEEPEST:
            self._open.append(block)
        else:
            raise RecursionError
        self._matched = len(self._open)

    def _close_unmatched(self) -> None:
        if self._matched < len(self._open):
            self._close_leaf()
        while self._matched < len(self._open):
            self._close_container()

    def _close_container(self) -> None:
        container = self._open.pop()
        if container.children:
            container.last = max(container.last, container.children[-1].last)

    def _close_leaf(self) -> None:
        leaf, self._leaf = self._leaf, None
        match leaf:
            case Paragraph():
                self._close_paragraph(leaf)
            case Markup() if leaf.end is not None and not leaf.end.search(leaf.lines[-1]):
                leaf.lines.append(leaf.closing)

    def _close_paragraph(self, paragraph: Paragraph) -> None:
        text = self._defined.taken_from(paragraph)
        item = self._open[-1]
        first = isinstance(item, Item) and item.children[0] is paragraph
        task = _TASK.match(text) if first else None
        if task:
            paragraph.task, text = task[1], text[task.end() :]
        paragraph.lines = [text] if text else []
