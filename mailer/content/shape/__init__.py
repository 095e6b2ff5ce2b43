"""Sanitised HTML becomes the semantic content of a mail: one tree, for both of its parts.

`settle` makes the tree that the text part is written from; `dress` then wraps what Outlook can
only paint as a table. Elements carry these classes and no others, for the theme to style:

==================  ===========================================================================
``table.box``       one-cell presentation table; its cell is one of the next four. What follows it
                    does so after a ``p.gap`` that only Word sees
``td.quote``        around a ``blockquote``
``td.codebox``      around a ``pre``
``td.callout``      also ``tip``, ``warning`` or ``danger``; its title is ``p.title``
``td.details``      what other readers unfold; its title is ``p.title``, unless it is a heading
``div.scroll``      around each ``table.data``, so that it can scroll where a client lets it
``table.data``      a table with header cells, or one that Markdown wrote without
``ul.tasks``        a list of tasks; its items are ``li.task`` and begin with ``span.check``
``div.footnotes``   the notes at the end: an ``hr`` and an ``ol``
``sup.ref``         the number of a footnote in the text
``div.figure``      pictures and ``p.caption`` (``div.caption`` where blocks are in it), also what
                    stands for a video: its picture and its name, both linked
``img.wide``        an image that fills the column, its size unknown or at least as wide
``img.inline``      an image among words, its size unknown: as large as it is, if CSS is heeded
``.last``           the last block of an item, a cell, a quote or a box, and the last item of a list
                    that ends a quote or a box: no space below
``.turned``         a list, ``dd`` or quote in the other direction: its indent or bar changes sides
``k s c n f``       on ``span`` in code: keyword, string, comment, number, name that is defined
==================  ===========================================================================

Every image has an integer `width` that fits the column and an `alt`; every `th` has `align`,
paragraphs and other cells where the author says so. Blocks of the other direction have `dir` and
`align`, and code in right-to-left text has ``dir="ltr"``. In-page targets are empty ``a`` elements
with a `name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lxml.html

from mailer.content.script import direction
from mailer.content.shape.blocks import forget, headings, paragraphs, rules, strip
from mailer.content.shape.boxes import box
from mailer.content.shape.callouts import callouts
from mailer.content.shape.cut import Cut, cut
from mailer.content.shape.figures import (
    figures,
    lift_blocks,
    rename,
    spread_tabs,
    unfold,
    unwrap_sections,
)
from mailer.content.shape.highlight import highlight
from mailer.content.shape.images import images
from mailer.content.shape.notes import footnotes, tasks
from mailer.content.shape.references import links, shorten
from mailer.content.shape.tables import alignment, tables
from mailer.content.shape.turning import isolate, turn

if TYPE_CHECKING:
    from mailer.content.source import Source
    from mailer.content.web import Web
    from mailer.model import EmbeddedImage

__all__ = ["Cut", "cut", "dress", "parse", "restore", "settle", "write"]

# lxml refuses these two in text that it is given, though HTML may hold them (case 10): they travel
# as their like of plane 16.
_TRAVELLERS = (("\ufffe", "\U0010fffe"), ("\uffff", "\U0010ffff"))


def parse(markup: str) -> lxml.html.HtmlElement:
    """The tree of sanitised HTML, under a `div`; not nested deeper than libxml2 can (`depth`)."""
    document = f"<html><body><div>{_packed(markup)}</div></body></html>"
    body = lxml.html.document_fromstring(document).find("body")
    assert body is not None
    return body[0]


def settle(
    root: lxml.html.HtmlElement, *, title: str, web: Web, language: str, column: int, source: Source
) -> tuple[EmbeddedImage, ...]:
    """Make the tree what a mail can hold, in place; returns the images that the mail must carry."""
    document = direction(language)
    forget(root)
    unwrap_sections(root)
    rename(root)
    lift_blocks(root)
    alignment(root)
    figures(root)
    callouts(root, language=language)
    unfold(root, language=language)
    tasks(root)
    footnotes(root)
    tables(root, start="left" if document == "ltr" else "right")
    spread_tabs(root)
    highlight(root)
    links(root, web=web, source=source)
    carried = images(root, web=web, column=column, source=source)
    paragraphs(root)
    rules(root)
    headings(root, title=_packed(title))
    turn(root, document=document)
    isolate(root)
    strip(root)
    return carried


def dress(root: lxml.html.HtmlElement) -> None:
    """Shape for the eye what the text part has no use for, in place: short addresses and boxes."""
    shorten(root)
    box(root)


def write(root: lxml.html.HtmlElement) -> str:
    """The inner HTML of the tree's root."""
    markup = lxml.html.tostring(root, encoding="unicode")
    return restore(markup.removeprefix("<div>").removesuffix("</div>"))


def restore(text: str) -> str:
    """Text from the tree with every character as its author wrote it."""
    for sign, traveller in _TRAVELLERS:
        text = text.replace(traveller, sign)
    return text


def _packed(text: str) -> str:
    for sign, traveller in _TRAVELLERS:
        text = text.replace(sign, traveller)
    return text
