"""Blocks that are written in the other direction than their document, and code, which never is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml.html.builder import E

from mailer.content.script import Direction, direction_of
from mailer.content.shape.blocks import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_TEXTS_NAMES = "p h1 h2 h3 h4 h5 h6 td th dt dd div li"
_TEXTS: Final = frozenset(_TEXTS_NAMES.split())
_LISTS: Final = ("dl", "ol", "ul")
_GROUPS: Final = frozenset({"blockquote", "div", *_LISTS})
_UNALIGNED: Final = frozenset({"dd", "dt", "li"})
_OVERRIDE: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_CODE: Final = ("pre", "code", "kbd", "samp")
_SIDES: Final[dict[Direction, str]] = {"ltr": "left", "rtl": "right"}


def turn(root: HtmlElement, *, document: Direction) -> None:
    """Give `dir` and `align` to what differs from the document's direction, in place.

    A group turns with all its texts, so that its bullets and bars stand on its own side. An
    author's own `dir` stays.
    """
    _turn_all(root, document)
    for code in root.iter(*_CODE):
        if code.getparent().tag != "pre" and _around(code, document) == "rtl":
            code.set("dir", "ltr")


def isolate(root: HtmlElement) -> None:
    """Keep the signs that override a direction from what stands around their text, in place."""
    for element in list(root.iter()):
        if _OVERRIDE.search(element.text or ""):
            element.insert(0, E.bdi(element.text))
            element.text = None
        if _OVERRIDE.search(element.tail or ""):
            tail = E.bdi(element.tail)
            element.tail = None
            element.addnext(tail)


def _around(element: HtmlElement, document: Direction) -> str:
    """The direction in which an element stands."""
    return next((one.get("dir") for one in element.iterancestors() if one.get("dir")), document)


def _turn(element: HtmlElement, around: Direction) -> bool:
    if element.get("dir") or element.tag in _CODE:
        return False
    if element.tag in _GROUPS and _is_whole(element, around):
        for group in element.iter("blockquote", "dd", *_LISTS):
            group.set("class", f"{group.get('class', '')} turned".strip())
        _set(_in_div(element) if element.tag in _LISTS else element, around)
        return True
    if element.tag in _TEXTS and _direction(element, around) != around:
        _set(element, around)
        return True
    return _turn_all(element, around)


def _turn_all(element: HtmlElement, around: Direction) -> bool:
    """Whether anything in an element turned."""
    return True in [_turn(child, around) for child in list(element)]


def _in_div(element: HtmlElement) -> HtmlElement:
    """A list has no `align`."""
    around = E.div()
    around.tail, element.tail = element.tail, None
    element.getparent().replace(element, around)
    around.append(element)
    return around


def _is_whole(element: HtmlElement, around: Direction) -> bool:
    """Whether every text in a group is of the other direction, and there is one."""
    found = {_direction(text, around) for text in element.iter(*_TEXTS) if _words(text).strip()}
    return bool(found) and around not in found


def _set(element: HtmlElement, around: Direction) -> None:
    """Turn an element; a cell stays aligned with its column."""
    other: Direction = "rtl" if around == "ltr" else "ltr"
    element.set("dir", other)
    if element.tag in _UNALIGNED:
        return
    side = _SIDES[around if element.tag in ("td", "th") else other]
    element.set("align", element.get("align") or side)


def _direction(element: HtmlElement, around: Direction) -> Direction:
    return direction_of(_words(element), around=around)


def _words(element: HtmlElement) -> str:
    """The text of an element that stands in no block inside it, without code."""
    return "".join(_pieces(element))


def _pieces(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag not in BLOCKS and child.tag not in _CODE:
            yield from _pieces(child)
        yield child.tail or ""
