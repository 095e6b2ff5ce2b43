"""What the text of a block is made of, once it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True)
class Element:
    """An element with what stands in it: emphasis, a link, an image, code, a line break."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Raw:
    """HTML as its author wrote it."""

    markup: str


@dataclass(frozen=True, slots=True)
class Address:
    """A bare address: a link where it does not stand in one."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that a footnote belongs to."""

    label: str


@dataclass(slots=True)
class Run:
    """Marks of emphasis in a row, of which `left` have no meaning yet.

    Attributes:
        mark: ``*``, ``_``, ``~`` or ``=``.
        length: how many there were.
    """

    mark: str
    length: int
    left: int
    can_open: bool
    can_close: bool


Piece: TypeAlias = str | Element | Raw | Address | Reference | Run


def words(pieces: list[Piece]) -> str:
    """The pieces as text without markup: what the alt text of an image shows."""
    return "".join(_words(piece) for piece in pieces)


def _words(piece: Piece) -> str:
    match piece:
        case str() as text:
            pass
        case Element():
            text = piece.attributes.get("alt", "") + words(piece.pieces)
        case Address():
            text = piece.text
        case Run():
            text = piece.mark * piece.left
        case _:
            text = ""
    return text
