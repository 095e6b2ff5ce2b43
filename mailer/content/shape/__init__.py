"""Sanitised HTML becomes the semantic content of a mail: one tree, for both of its parts.

`settle` makes the tree that the text part is written from; `box` then wraps what Outlook can only
paint as a table. Elements carry these classes and no others, for the theme to style:

=================  ============================================================================
``table.quote``    one-cell presentation table around a ``blockquote``
``table.codebox``  one-cell presentation table around a ``pre``
``table.data``     a table with header cells
``ul.tasks``       a list of tasks; its items are ``li.task`` and begin with ``span.check``
``div.footnotes``  the notes at the end: an ``hr`` and an ``ol``
``sup.ref``        the number of a footnote in the text
``div.details``    an unfolded ``details``; its title is ``div.summary``
``img.wide``       an image that fills the column, its size unknown or at least as wide
``k s c n f``      on ``span`` in code: keyword, string, comment, number, name that is defined
=================  ============================================================================

Every image has an integer `width` of at most 536 and an `alt`; `align` on paragraphs and cells is
the author's. In-page targets are empty ``a`` elements with a `name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lxml.html

from mailer.content.shape.blocks import (
    headings,
    mark_tables,
    paragraphs,
    strip,
    unfold,
)
from mailer.content.shape.boxes import box
from mailer.content.shape.highlight import highlight
from mailer.content.shape.images import images
from mailer.content.shape.notes import footnotes, tasks
from mailer.content.shape.references import links

if TYPE_CHECKING:
    from mailer.content.source import Source
    from mailer.content.web import Web
    from mailer.model import EmbeddedImage

__all__ = ["box", "parse", "restore", "settle", "write"]

# lxml refuses these two in text that it is given, though HTML may hold them (case 10): they travel
# as their like of plane 16.
_TO_TREE = str.maketrans("\ufffe\uffff", "\U0010fffe\U0010ffff")
_FROM_TREE = str.maketrans("\U0010fffe\U0010ffff", "\ufffe\uffff")


def parse(markup: str) -> lxml.html.HtmlElement:
    """The tree of sanitised HTML, under a `div`; not nested deeper than libxml2 can (`depth`)."""
    document = f"<html><body><div>{markup.translate(_TO_TREE)}</div></body></html>"
    body = lxml.html.document_fromstring(document).find("body")
    assert body is not None
    return body[0]


def settle(
    root: lxml.html.HtmlElement, *, title: str, web: Web, column: int, source: Source
) -> tuple[EmbeddedImage, ...]:
    """Make the tree what a mail can hold, in place; returns the images that the mail must carry."""
    unfold(root)
    tasks(root)
    footnotes(root)
    mark_tables(root)
    highlight(root)
    links(root, web=web, source=source)
    carried = images(root, web=web, column=column, source=source)
    paragraphs(root)
    headings(root, title=title.translate(_TO_TREE))
    strip(root)
    return carried


def write(root: lxml.html.HtmlElement) -> str:
    """The inner HTML of the tree's root."""
    markup = lxml.html.tostring(root, encoding="unicode")
    return restore(markup.removeprefix("<div>").removesuffix("</div>"))


def restore(text: str) -> str:
    """Text from the tree with every character as its author wrote it."""
    return text.translate(_FROM_TREE)
