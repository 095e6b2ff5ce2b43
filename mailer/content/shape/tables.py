"""Tables say what they are: data with header cells, or layout that nobody hears of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.shape.blocks import text_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ALIGN: Final = re.compile(r"text-align\s*:\s*(left|center|right)", re.IGNORECASE)


def alignment(root: HtmlElement) -> None:
    """An author's `text-align` becomes an attribute, which every client knows."""
    for element in root.iter():
        align = _ALIGN.search(element.attrib.pop("style", ""))
        if align:
            element.set("align", align[1].lower())


def tables(root: HtmlElement, *, start: str) -> None:
    """Mark each table, in place; where lines `start`, left or right, header cells are aligned."""
    for table in list(root.iter("table")):
        rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        was_headless = _drop_empty_head(rows)
        heads = [cell for row in rows for cell in row if cell.tag == "th"]
        if heads or was_headless:
            table.set("class", "data")
        if not heads:
            table.set("role", "presentation")
        for cell in heads:
            cell.set("align", cell.get("align", start))


def _drop_empty_head(rows: list[HtmlElement]) -> bool:
    """Markdown cannot write a table without a head: an empty one means none."""
    if len(rows) < 2 or rows[0].getparent().tag != "thead":  # noqa: PLR2004  a head and a row
        return False
    if text_of(rows[0]) or rows[0].find(".//img") is not None:
        return False
    rows.pop(0).getparent().drop_tree()
    return True
