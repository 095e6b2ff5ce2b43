"""Elements that few mail clients know, made of those that all do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from mailer.content.shape.blocks import BLOCKS, GONE, HEADINGS, paragraphs, text_of
from mailer.content.shape.callouts import titles_in

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SECTIONS_NAMES = (
    "address article aside body dialog fieldset footer form header hgroup legend main nav option "
    "search section"
)
SECTIONS: Final = frozenset(_SECTIONS_NAMES.split())
"""Parts of a page: a mail has none, but their words stay apart."""

_RENAMED: Final = {"center": "div", "dir": "ul", "menu": "ul", "strike": "s", "tt": "code"}
_FORMATS_NAMES = (
    "abbr b cite code del dfn em i ins kbd mark q s samp small span strong sub sup u var"
)
_FORMATS: Final = _FORMATS_NAMES.split()
_TAB: Final = 4


def unwrap_sections(root: HtmlElement) -> None:
    """Leave only the blocks of what is a section of a page, in place."""
    for element in reversed(list(root.iter(*SECTIONS))):
        paragraphs(element)
        element.tag = GONE
    etree.strip_tags(root, GONE)


def lift_blocks(root: HtmlElement) -> None:
    """Drop the bold, and the like, of whole blocks: the line is where it can be kept."""
    for element in root.iter(*_FORMATS):
        if any(inner.tag in BLOCKS for inner in element.iterdescendants()):
            element.tag = GONE
    etree.strip_tags(root, GONE)


def rename(root: HtmlElement) -> None:
    """What HTML 4 called otherwise; the reading of a ruby stands in brackets behind its word."""
    for element in list(root.iter("rp", "rt", *_RENAMED)):
        if element.tag == "center":
            element.set("align", "center")
        if element.tag in _RENAMED:
            element.tag = _RENAMED[element.tag]
            continue
        if element.tag == "rt":
            element.text = f"({element.text or ''}"
            element.tail = f"){(element.tail or '').lstrip()}"
        else:
            element.text = None
        element.tag = GONE
    etree.strip_tags(root, GONE)


def figures(root: HtmlElement) -> None:
    """``div.figure`` and ``p.caption``: Outlook knows neither element."""
    for element in list(root.iter("figcaption", "figure")):
        if element.tag == "figure":
            element.tag = "div"
            element.set("class", "figure")
            continue
        blocks = [child for child in element if child.tag in BLOCKS]
        if len(blocks) == 1 and blocks[0].tag == "p" and text_of(element) == text_of(blocks[0]):
            blocks.pop().drop_tag()
        if not text_of(element):
            element.drop_tree()
            continue
        element.tag = "div" if blocks else "p"
        element.set("class", "caption")


def unfold(root: HtmlElement, *, language: str) -> None:
    """`details` show their content, in ``div.details`` under their title, ``p.title``."""
    for element in list(root.iter("details", "summary")):
        if element.tag == "details":
            element.tag = "div"
            element.set("class", "details")
        elif any(True for _ in element.iter(*HEADINGS)):
            element.drop_tag()  # a title that is a heading already
        else:
            for block in [one for one in element.iterdescendants() if one.tag in BLOCKS]:
                block.drop_tag()
            if text_of(element) == "Details":
                element.text = titles_in(language).get("details", "Details")
            element.tag = "p"
            element.set("class", "title")


def spread_tabs(root: HtmlElement) -> None:
    """A tab in code is as wide as its author saw it; many clients know no `tab-size`."""
    for block in root.iter("pre"):
        for code in (block, *block.iterfind("code")):
            if code.text and "\t" in code.text:
                code.text = code.text.expandtabs(_TAB)
