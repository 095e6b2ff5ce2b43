"""Quotes and code in one-cell tables: Outlook paints padding and border only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.html.builder import E

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_CLASSES = {"blockquote": "quote", "pre": "codebox"}


def box(root: HtmlElement) -> None:
    """Wrap each quote and code block in a presentation table, in place."""
    for element in list(root.iter("blockquote", "pre")):
        if any(True for _ in element.iterancestors("a")):
            continue  # a table ends a link for the HTML parsers that follow
        cell = E.td()
        table = E.table(E.tr(cell))
        for name, value in _attributes(_CLASSES[element.tag]):
            table.set(name, value)
        table.tail, element.tail = element.tail, None
        element.getparent().replace(element, table)
        cell.append(element)


def _attributes(name: str) -> tuple[tuple[str, str], ...]:
    return (
        ("role", "presentation"),
        ("class", name),
        ("width", "100%"),
        ("cellpadding", "0"),
        ("cellspacing", "0"),
        ("border", "0"),
    )
