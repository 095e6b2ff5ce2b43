"""Quotes, call-outs and code in one-cell tables: Outlook paints padding and border only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml.html.builder import E

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_CELLS: Final = {"blockquote": "quote", "pre": "codebox"}
_ENDS: Final = frozenset({"dl", "ol", "p", "pre", "ul"})
_ATTRIBUTES: Final = (
    ("role", "presentation"),
    ("class", "box"),
    ("width", "100%"),
    ("cellpadding", "0"),
    ("cellspacing", "0"),
    ("border", "0"),
)


def box(root: HtmlElement) -> None:
    """Wrap each quote, call-out and code block, in place; data tables get room to scroll in."""
    _mark_last(root)
    for element in list(root.iter("blockquote", "div", "pre", "table")):
        if any(True for _ in element.iterancestors("a")):
            continue  # a table ends a link for the HTML parsers that follow
        if element.tag == "table":
            if element.get("class") == "data":
                _wrap(element, E.div({"class": "scroll"}))
        elif element.tag in _CELLS or "callout" in element.get("class", "").split():
            _put_in_cell(element)


def _put_in_cell(element: HtmlElement) -> None:
    kind = _CELLS.get(element.tag, "")
    cell = E.td({"class": f"{kind} {element.attrib.pop('class', '')}".strip()})
    for name in ("dir", "align"):
        if name in element.attrib:
            cell.set(name, element.attrib.pop(name))
    table = E.table(E.tr(cell))
    for name, value in _ATTRIBUTES:
        table.set(name, value)
    _wrap(element, table, inside=cell)
    if element.tag == "div":
        element.drop_tag()
    if element.tag == "pre" and len(element) == 1 and element[0].tag == "code":
        element[0].drop_tag()  # a `pre` says it, and the code of texts looks otherwise
        if (element.text or "").startswith("\n"):
            element.text = f"\n{element.text}"  # parsers drop the first line end of a `pre`


def _wrap(element: HtmlElement, around: HtmlElement, inside: HtmlElement | None = None) -> None:
    around.tail, element.tail = element.tail, None
    element.getparent().replace(element, around)
    (around if inside is None else inside).append(element)


def _mark_last(root: HtmlElement) -> None:
    """The last block of an item, a cell, a quote or a call-out needs no space below it."""
    for element in root.iter("li", "dd", "td", "th", "blockquote", "div"):
        last = element[-1] if len(element) else None
        if last is None or (last.tail or "").strip() or last.tag not in _ENDS:
            continue
        if element.tag == "div" and "callout" not in element.get("class", "").split():
            continue
        last.set("class", f"{last.get('class', '')} last".strip())
        if element.tag in ("blockquote", "div") and last.tag in ("ol", "ul") and len(last):
            last[-1].set("class", f"{last[-1].get('class', '')} last".strip())
