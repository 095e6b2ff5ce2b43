"""Elements with text in them, written from left to right into a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from markdown.util import AtomicString

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self


class Writer:
    """Appends to one element; texts in a row are joined once.

    Python-Markdown writes ``&amp;`` of a tree as it is, since it takes it for an entity that its
    author wrote: so every ampersand that is meant goes into the tree as ``&amp;``.
    """

    __slots__ = ("_element", "_last", "_texts")

    def __init__(self, element: Element) -> None:
        self._element = element
        self._last: Element | None = None
        self._texts: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def text(self, text: str) -> None:
        """Append text."""
        self._texts.append(_escaped(text))

    def stashed(self, placeholder: str) -> None:
        """Append what stands for raw HTML until the tree is written."""
        self._texts.append(placeholder)

    def element(self, tag: str, attributes: Mapping[str, str] | None = None) -> Writer:
        """Append an element; what is returned writes into it, and ends with a `with` block."""
        self.end()
        given = {name: _escaped(value) for name, value in (attributes or {}).items()}
        self._last = SubElement(self._element, tag, given)
        return Writer(self._last)

    def code(self, text: str, attributes: Mapping[str, str] | None = None) -> None:
        """Append code, whose text no extension of the engine looks into."""
        self.element("code", attributes)
        assert self._last is not None
        self._last.text = AtomicString(_escaped(text))

    def end(self) -> None:
        """Put the texts so far into the tree."""
        if self._texts:
            text = "".join(self._texts)
            self._texts.clear()
            if self._last is None:
                self._element.text = text
            else:
                self._last.tail = text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;")
