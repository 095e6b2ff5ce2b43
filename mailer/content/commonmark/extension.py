"""CommonMark as an extension of Python-Markdown: its reading of blocks and of text is replaced.

What else the engine has stays: its other extensions, the stash for raw HTML, and the serialiser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ElementTree

from markdown.blockparser import BlockParser
from markdown.extensions import Extension
from markdown.extensions.abbr import AbbrTreeprocessor
from markdown.extensions.attr_list import AttrListTreeprocessor

from mailer.content.commonmark.reader import read
from mailer.content.commonmark.tree import build

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown import Markdown

_ATTRIBUTE: Final = r"(?:[.#][\w:-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'{}]+))"
_ATTRIBUTES: Final = rf"\{{:?[ ]*({_ATTRIBUTE}(?:[ ]+{_ATTRIBUTE})*+)[ ]*\}}"


class CommonMark(Extension):
    """Text is read as CommonMark says, with what `reader` and `scanner` add to it."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  the engine's name
        """Take the place of the engine's own readers."""
        abbreviations: dict[str, str] = {}
        md.parser = _Blocks(md, abbreviations)
        for name in ("normalize_whitespace", "html_block"):
            md.preprocessors.deregister(name)
        for name in ("inline", "prettify", "unescape"):
            md.treeprocessors.deregister(name)
        md.treeprocessors.register(_Attributes(md), "attr_list", 8)
        md.treeprocessors.register(AbbrTreeprocessor(md, abbreviations), "abbr", 7)


class _Blocks(BlockParser):
    def __init__(self, md: Markdown, abbreviations: dict[str, str]) -> None:
        super().__init__(md)
        self._abbreviations = abbreviations

    def parseDocument(  # noqa: N802  the engine's name
        self, lines: Iterable[str]
    ) -> ElementTree:
        document, defined = read(list(lines))
        self._abbreviations.clear()
        self._abbreviations.update(defined.abbreviations)
        return ElementTree(build(document, defined, self.md.htmlStash.store))


class _Attributes(AttrListTreeprocessor):
    """Attributes in braces; what is not only classes, ids and values is text and stays."""

    # The stubs call these final, which in the engine are there to be replaced.
    INLINE_RE = re.compile(rf"^{_ATTRIBUTES}")  # type: ignore[misc]
    BLOCK_RE = re.compile(rf"\n[ ]*{_ATTRIBUTES}[ ]*$")  # type: ignore[misc]
    HEADER_RE = re.compile(rf"[ ]+{_ATTRIBUTES}[ ]*$")  # type: ignore[misc]
