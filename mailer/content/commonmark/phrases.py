"""The pieces of a text, written as elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.commonmark.pieces import Address, Element, Piece, Raw, Reference
from mailer.content.commonmark.references import normalised
from mailer.content.commonmark.scanner import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailer.content.commonmark.definitions import Definitions
    from mailer.content.commonmark.writer import Writer

_DEEPEST: Final = 100
"""Elements in each other within one text."""

_RAW_LINK = re.compile(r"<(/?)a(?=[\s>])", re.IGNORECASE)


class Phrases:
    """Writes the texts of one document, in its order.

    Args:
        defined: what the document defines.
        stash: keeps raw HTML and returns what stands for it.

    Attributes:
        referred: the labels of notes, in the order of their numbers; grows with what is written.
    """

    def __init__(self, defined: Definitions, stash: Callable[[str], str]) -> None:
        self.referred: list[str] = []
        self._numbers: dict[str, int] = {}
        self._defined = defined
        self._stash = stash
        self._in_raw_link = False

    def write(self, writer: Writer, text: str, *, task: str = "") -> None:
        """Write Markdown, after the box of a task if it is one.

        Raises:
            RecursionError: it is nested too deeply.
        """
        if task:
            checked = {} if task == " " else {"checked": "checked"}
            writer.element("input", {"type": "checkbox", "disabled": "disabled", **checked})
            writer.text(" ")
        self._in_raw_link = False
        self._write(writer, scan(text, self._defined), depth=0, in_link=False)

    def _write(self, writer: Writer, pieces: Iterable[Piece], *, depth: int, in_link: bool) -> None:
        if depth > _DEEPEST:
            raise RecursionError
        for piece in pieces:
            match piece:
                case str():
                    writer.text(piece)
                case Element("code"):
                    writer.code("".join(map(str, piece.pieces)))
                case Element():
                    within = in_link or piece.tag == "a"
                    with writer.element(piece.tag, piece.attributes) as inner:
                        self._write(inner, piece.pieces, depth=depth + 1, in_link=within)
                case Address():
                    self._write_address(writer, piece, in_link=in_link)
                case Raw():
                    self._write_raw(writer, piece)
                case Reference():
                    self._write_reference(writer, piece, in_link=in_link)

    def _write_address(self, writer: Writer, address: Address, *, in_link: bool) -> None:
        if in_link or self._in_raw_link:
            writer.text(address.text)
        else:
            with writer.element("a", {"href": address.url}) as inner:
                inner.text(address.text)

    def _write_raw(self, writer: Writer, raw: Raw) -> None:
        if link := _RAW_LINK.match(raw.markup):
            self._in_raw_link = not link[1]
        writer.stashed(self._stash(raw.markup))

    def _write_reference(self, writer: Writer, reference: Reference, *, in_link: bool) -> None:
        number = self._number(reference.label)
        with writer.element("sup") as sup:
            if in_link:
                sup.text(str(number))
                return
            link = {"class": "footnote-ref", "href": f"#{note_id(reference.label)}"}
            with sup.element("a", link) as inner:
                inner.text(str(number))

    def _number(self, label: str) -> int:
        if label not in self._numbers:
            self.referred.append(label)
            self._numbers[label] = len(self.referred)
        return self._numbers[label]


def note_id(label: str) -> str:
    """The id of a footnote."""
    return f"fn:{normalised(label)}"
