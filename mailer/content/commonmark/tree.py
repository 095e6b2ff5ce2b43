"""Blocks in, the tree out that Python-Markdown writes, with the footnotes at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element

from mailer.content.commonmark import html
from mailer.content.commonmark.line import TAB
from mailer.content.commonmark.nodes import (
    Block,
    Box,
    Container,
    Document,
    Fenced,
    Heading,
    Hidden,
    Indented,
    List,
    Markup,
    Meaning,
    Note,
    Paragraph,
    Quote,
    Rule,
    Table,
    Term,
    Terms,
)
from mailer.content.commonmark.phrases import Phrases, note_id
from mailer.content.commonmark.writer import Writer

if TYPE_CHECKING:
    from mailer.content.commonmark.definitions import Definitions


def build(document: Document, defined: Definitions, stash: Callable[[str], str]) -> Element:
    """The tree of a document under a `div`.

    Args:
        document: as it was read.
        defined: what it defines.
        stash: keeps raw HTML and returns what stands for it.

    Raises:
        RecursionError: a text in it is nested too deeply.
    """
    root = Element("div")
    with Writer(root) as writer:
        builder = _Builder(defined, stash)
        builder.blocks(writer, document.children)
        builder.footnotes(writer)
    return root


class _Builder:
    def __init__(self, defined: Definitions, stash: Callable[[str], str]) -> None:
        self._defined = defined
        self._stash = stash
        self._phrases = Phrases(defined, stash)
        self._notes: list[Note] = []

    def blocks(self, writer: Writer, blocks: Iterable[Block], *, tight: bool = False) -> None:
        """Write blocks on lines of their own, the paragraphs of tight lists as bare text."""
        bare = True
        for at, block in enumerate(self._visible(blocks)):
            bare = tight and isinstance(block, Paragraph)
            if at or not bare:
                writer.text("\n")
            if not isinstance(block, Paragraph):
                _WRITE[type(block)](self, writer, block)
            elif bare:
                self._phrases.write(writer, block.lines[0], task=block.task)
            else:
                with writer.element("p") as inner:
                    self._phrases.write(inner, block.lines[0], task=block.task)
        if not bare:
            writer.text("\n")

    def footnotes(self, writer: Writer) -> None:
        """Write the notes: those that are referred to by their numbers, then the others."""
        if not self._notes:
            return
        with writer.element("div", {"class": "footnote"}) as inner:
            inner.text("\n")
            inner.element("hr")
            inner.text("\n")
            with inner.element("ol") as ol:
                for note in self._in_order():
                    ol.text("\n")
                    with ol.element("li", {"id": note_id(note.label)}) as item:
                        self.blocks(item, note.children)
                ol.text("\n")
            inner.text("\n")
        writer.text("\n")

    def _visible(self, blocks: Iterable[Block]) -> list[Block]:
        """The blocks that show here; definition lists in a row are one."""
        found: list[Block] = []
        for block in blocks:
            if isinstance(block, Note):
                self._notes.append(block)
            elif isinstance(block, Terms) and found and isinstance(found[-1], Terms):
                found[-1].children.extend(block.children)
            elif not isinstance(block, Hidden) and not _is_empty(block):
                found.append(block)
        return found

    def _in_order(self) -> Iterator[Note]:
        """All notes; the lists grow meanwhile, since notes may refer to notes or hold some."""
        written = set()
        for label in self._phrases.referred:
            written.add(id(self._defined.notes[label]))
            yield self._defined.notes[label]
        for note in self._notes:
            if id(note) not in written:
                yield note

    def _line(
        self, writer: Writer, tag: str, text: str, attributes: Mapping[str, str] | None = None
    ) -> None:
        with writer.element(tag, attributes) as inner:
            self._phrases.write(inner, text)

    def heading(self, writer: Writer, heading: Heading) -> None:
        self._line(writer, f"h{heading.level}", heading.text)

    def rule(self, writer: Writer, rule: Rule) -> None:
        del rule
        writer.element("hr")

    def fenced(self, writer: Writer, code: Fenced) -> None:
        language = {"class": f"language-{code.language}"} if code.language else {}
        with writer.element("pre") as inner:
            inner.code(_code(code.lines), language)

    def indented(self, writer: Writer, code: Indented) -> None:
        with writer.element("pre") as inner:
            inner.code(_code(code.lines[: code.last - code.first + 1]))

    def markup(self, writer: Writer, markup: Markup) -> None:
        writer.stashed(self._stash(html.settled("\n".join(markup.lines))))

    def quote(self, writer: Writer, quote: Quote) -> None:
        with writer.element("blockquote") as inner:
            self.blocks(inner, quote.children)

    def box(self, writer: Writer, box: Box) -> None:
        folded = box.kind == "details"
        outer = {} if folded else {"class": f"admonition {box.kind}"}
        with writer.element("details" if folded else "div", outer) as inner:
            inner.text("\n")
            title = {} if folded else {"class": "admonition-title"}
            text = box.title or box.kind.capitalize()
            self._line(inner, "summary" if folded else "p", text, title)
            self.blocks(inner, box.children)

    def items(self, writer: Writer, list_: List) -> None:
        ordered, tight = list_.mark in (".", ")"), not list_.is_loose
        start = {"start": str(list_.start)} if list_.start != 1 else {}
        with writer.element("ol" if ordered else "ul", start) as inner:
            for item in list_.children:
                inner.text("\n")
                if isinstance(item, Container):
                    with inner.element("li") as content:
                        self.blocks(content, item.children, tight=tight)
            inner.text("\n")

    def terms(self, writer: Writer, terms: Terms) -> None:
        with writer.element("dl") as inner:
            for block in terms.children:
                inner.text("\n")
                if isinstance(block, Term):
                    self._line(inner, "dt", block.text)
                elif isinstance(block, Meaning):
                    with inner.element("dd") as content:
                        self.blocks(content, block.children, tight=not block.has_gap)
            inner.text("\n")

    def table(self, writer: Writer, table: Table) -> None:
        with writer.element("table") as inner:
            for part, tag, rows in (
                ("thead", "th", table.rows[:1]),
                ("tbody", "td", table.rows[1:]),
            ):
                inner.text("\n")
                if rows:
                    with inner.element(part) as lines:
                        for row in rows:
                            self._row(lines, tag, row, table.aligns)
                        lines.text("\n")
            inner.text("\n")

    def _row(self, writer: Writer, tag: str, cells: list[str], aligns: list[str]) -> None:
        writer.text("\n")
        with writer.element("tr") as row:
            for cell, align in zip(cells, aligns, strict=True):
                row.text("\n")
                self._line(row, tag, cell, {"align": align} if align else {})
            row.text("\n")


def _code(lines: list[str]) -> str:
    """Code as it is read: a tab is as wide as in Markdown, where clients would make it eight."""
    return "\n".join(lines).expandtabs(TAB)


def _is_empty(block: Block) -> bool:
    return isinstance(block, Paragraph) and not block.lines


_WRITE: Final[dict[type[Block], Callable[[_Builder, Writer, Any], None]]] = {
    Box: _Builder.box,
    Fenced: _Builder.fenced,
    Heading: _Builder.heading,
    Indented: _Builder.indented,
    List: _Builder.items,
    Markup: _Builder.markup,
    Quote: _Builder.quote,
    Rule: _Builder.rule,
    Table: _Builder.table,
    Terms: _Builder.terms,
}
