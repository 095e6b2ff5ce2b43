"""Footnotes and task lists, from the engine's markup to ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.html.builder import E

if TYPE_CHECKING:
    from lxml.html import HtmlElement


def tasks(root: HtmlElement) -> None:
    """Checkboxes become ☑ and ☐: no mail client shows a form alike."""
    for box in list(root.iter("input")):
        item = next(box.iterancestors("li"), None)
        if box.get("type") != "checkbox" or item is None:
            box.drop_tree()
            continue
        sign = E.span("☐" if box.get("checked") is None else "☑")
        sign.set("class", "check")
        sign.tail = " " + (box.tail or "").lstrip()
        box.getparent().replace(box, sign)
        item.set("class", "task")
        item.getparent().set("class", "tasks")


def footnotes(root: HtmlElement) -> None:
    """Numbers in the text, notes at the end; the way back is left out, since few clients go it."""
    for back in root.xpath('.//a[@class="footnote-backref"]'):
        before = back.getprevious()
        if before is not None:
            before.tail = (before.tail or "").rstrip()
        else:
            parent = back.getparent()
            parent.text = (parent.text or "").rstrip()
        back.drop_tree()
    for reference in root.xpath('.//sup[a[@class="footnote-ref"]]'):
        reference.set("class", "ref")
    for notes in root.xpath('.//div[@class="footnote"]'):
        notes.set("class", "footnotes")
