"""Quotes, call-outs and code in one-cell tables: Outlook paints padding and border only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml.etree import Comment
from lxml.html.builder import E

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_CELLS: Final = {"blockquote": "quote", "pre": "codebox"}
_BOXED: Final = frozenset({"callout", "details"})
_HOLDERS: Final = ("li", "dd", "td", "th", "blockquote", "div")
_ENDS: Final = frozenset({"blockquote", "div", "dl", "ol", "p", "pre", "table", "ul"})
_GAP: Final = '[if mso]><p class="gap">\xa0</p><![endif]'
"""Word knows no margin of tables: it would print a box and what follows it as one."""

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
            if "data" in _classes(element):
                # Who has no mouse scrolls by keys, where the focus is (WCAG 2.1.1).
                _wrap(element, E.div({"class": "scroll", "tabindex": "0"}))
        elif element.tag in _CELLS or _is_boxed(element):
            _put_in_cell(element)


def _put_in_cell(element: HtmlElement) -> None:
    kinds = [word for word in _classes(element) if word != "last"]
    cell = E.td({"class": " ".join([*filter(None, [_CELLS.get(element.tag)]), *kinds])})
    for name in ("dir", "align"):
        if name in element.attrib:
            cell.set(name, element.attrib.pop(name))
    table = E.table(E.tr(cell))
    for name, value in _ATTRIBUTES:
        table.set(name, value)
    _wrap(element, table, inside=cell)
    if "last" not in _classes(table):
        gap = Comment(_GAP)
        gap.tail, table.tail = table.tail, None
        table.addnext(gap)
    element.attrib.pop("class", None)
    if element.tag == "div":
        element.drop_tag()
    if element.tag == "pre" and len(element) == 1 and element[0].tag == "code":
        element[0].drop_tag()  # a `pre` says it, and the code of texts looks otherwise
        if (element.text or "").startswith("\n"):
            element.text = f"\n{element.text}"  # parsers drop the first line end of a `pre`


def _wrap(element: HtmlElement, around: HtmlElement, inside: HtmlElement | None = None) -> None:
    """Put one element around another; what ends a block is then the outer one."""
    if "last" in _classes(element):
        around.set("class", f"{around.get('class')} last")
        element.set("class", " ".join(word for word in _classes(element) if word != "last"))
    around.tail, element.tail = element.tail, None
    element.getparent().replace(element, around)
    (around if inside is None else inside).append(element)


def _mark_last(root: HtmlElement) -> None:
    """The last block of an item, a cell, a quote or a box needs no space below it."""
    for element in root.iter(*_HOLDERS):
        last = element[-1] if len(element) else None
        if last is None or (last.tail or "").strip() or last.tag not in _ENDS:
            continue
        if element.tag == "div" and not _is_boxed(element) and "last" not in _classes(element):
            continue
        _add_class(last, "last")
        if element.tag in ("blockquote", "div") and last.tag in ("ol", "ul") and len(last):
            _add_class(last[-1], "last")


def _is_boxed(element: HtmlElement) -> bool:
    return element.tag == "div" and not _BOXED.isdisjoint(_classes(element))


def _classes(element: HtmlElement) -> list[str]:
    words: list[str] = element.get("class", "").split()
    return words


def _add_class(element: HtmlElement, word: str) -> None:
    element.set("class", " ".join([*_classes(element), word]))
