"""How a mail is painted: colour, ground and size of each piece of text, in light and in dark.

It reads style sheets as browsers do, within what mails use: no positions, no images as grounds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailer.check import colours, sheets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.check.colours import Colour

NAMES: Final = frozenset(
    {
        *("color", "background-color", "background-image", "display", "visibility"),
        *("font-size", "font-weight", "line-height", "max-height", "overflow", "text-align"),
        *("margin-top", "margin-bottom", "padding-top", "padding-bottom"),
    }
)
"""The properties that decide."""

_BROWSER_LINK: Final[Colour] = (0, 0, 238)
BLOCKS: Final = frozenset(
    {"p", "div", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_BOLD_TAGS = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_SMALLER = frozenset({"small", "sub", "sup"})
_NO_STYLE: Final[Mapping[str, str]] = {}
_SILENT = frozenset({"head", "script", "style", "title"})
_LENGTH = re.compile(r"(-?(?:\d+\.?\d*|\.\d+))(px|pt|em|rem|%)?\Z")
_BOLD_FROM: Final = 600
_BROWSER_SIZE: Final = 16.0
_POINT: Final = 4 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How text is painted; None for a colour that cannot be known.

    Attributes:
        is_set: the style says the colour; it is not the browser's own.
        size, line: in CSS pixels.
        room: pixels of padding and margin above and below the line within its block.
        inside: the classes of all elements around it.
    """

    colour: Colour | None = colours.BLACK
    is_set: bool = False
    ground: Colour | None = colours.WHITE
    size: float = _BROWSER_SIZE
    line: float = 1.2 * _BROWSER_SIZE
    bold: bool = False
    room: float = 0.0
    justified: bool = False
    inside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A piece of text within one element, and how it is painted."""

    text: str
    tag: str
    look: Look
    element: HtmlElement


def runs(document: HtmlElement, *, dark: bool = False) -> list[Run]:
    """Every visible piece of text, as a reader of light mails (or dark ones) sees it."""
    body = document.find("body")
    if body is None:
        return []
    painter = _Painter(sheets.cascade(document, _rules(document, dark=dark), NAMES))
    painter.walk(body, Look())
    return painter.runs


def thinned(document: HtmlElement) -> HtmlElement:
    """A copy that is painted alike with less: of brothers that look alike two are left.

    A list of five hundred links is as legible as two of them.
    """
    copy = deepcopy(document)
    _thin(copy, {})
    return copy


def _thin(element: HtmlElement, numbers: dict[tuple[object, ...], int]) -> int:
    """Remove what repeats itself within an element; equal numbers mean equal looks."""
    seen: Counter[tuple[int, bool]] = Counter()
    for child in list(element):
        if isinstance(child.tag, str):
            kind = _thin(child, numbers), bool(child.tail and not child.tail.isspace())
            seen[kind] += 1
            if seen[kind] > 2:  # noqa: PLR2004  two, so that neighbours stay neighbours
                element.remove(child)
    attributes = element.attrib
    said = tuple(map(attributes.get, ("style", "class", "align", "bgcolor")))
    has_text = bool(element.text and not element.text.isspace())
    key = (element.tag, "href" in attributes, has_text, *said, *seen)
    return numbers.setdefault(key, len(numbers))


def declares_dark(document: HtmlElement) -> bool:
    """Whether the mail says what it looks like in the dark."""
    return any(rule.is_dark for rule in sheets.of_document(document))


def _rules(document: HtmlElement, *, dark: bool) -> Iterator[sheets.Rule]:
    for rule in sheets.of_document(document):
        if not rule.at or (dark and rule.is_dark):
            yield rule


class _Painter:
    """Walks a document; elements that say the same in the same surroundings look the same.

    Attributes:
        runs: the visible text so far, in reading order.
    """

    def __init__(self, ruled: Mapping[HtmlElement, Mapping[str, str]]) -> None:
        self.runs: list[Run] = []
        self._ruled = ruled
        self._looks: dict[tuple[object, ...], Look | None] = {}

    def walk(self, element: HtmlElement, around: Look) -> None:
        """Take in the text of an element and of all within it."""
        tag = str(element.tag)
        look = self._look(element, tag, around)
        if look is None:
            return
        if element.text and not element.text.isspace():
            self.runs.append(Run(text=element.text, tag=tag, look=look, element=element))
        for child in element:
            if isinstance(child.tag, str):
                self.walk(child, look)
            if child.tail and not child.tail.isspace():
                self.runs.append(Run(text=child.tail, tag=tag, look=look, element=element))

    def _look(self, element: HtmlElement, tag: str, around: Look) -> Look | None:
        """How an element's text looks; None if it is not shown."""
        ruled = self._ruled.get(element, _NO_STYLE)
        attributes = element.attrib
        said = tuple(map(attributes.get, ("style", "class", "align", "bgcolor")))
        # A look lives as long as this table, so that its id is its own.
        key = (id(around), tag, "href" in attributes, *said, *ruled.items())
        if key not in self._looks:
            style = {**sheets.declarations(said[0] or "")[0], **ruled}
            shown = tag not in _SILENT and not _is_hidden(style)
            self._looks[key] = _look(element, style, around) if shown else None
        return self._looks[key]


def _is_hidden(style: Mapping[str, str]) -> bool:
    closed = style.get("max-height") in ("0", "0px") and "hidden" in style.get("overflow", "")
    return closed or style.get("display") == "none" or style.get("visibility") == "hidden"


def _look(element: HtmlElement, style: Mapping[str, str], around: Look) -> Look:
    classes = element.get("class", "").split()
    size = _size(element, style, around.size)
    ground = _ground(element, style, around.ground)
    colour, is_set = _colour(element, style, around, ground)
    weight = style.get("font-weight", "")
    bold = around.bold or element.tag in _BOLD_TAGS
    if weight:
        bold = weight in ("bold", "bolder") or (weight.isdecimal() and int(weight) >= _BOLD_FROM)
    align = style.get("text-align") or element.get("align", "").lower()
    return replace(
        around,
        colour=colour,
        is_set=is_set,
        ground=ground,
        size=size,
        line=_line(style, size, around),
        bold=bold,
        room=_room(element, style, around),
        justified=align == "justify" or (around.justified and not align),
        inside=around.inside.union(classes) if classes else around.inside,
    )


def _colour(
    element: HtmlElement, style: Mapping[str, str], around: Look, ground: Colour | None
) -> tuple[Colour | None, bool]:
    value = style.get("color", "")
    if value and value not in ("inherit", "currentcolor"):
        return colours.parse(value, upon=ground), True
    if element.tag == "a" and element.get("href") and not value:
        return _BROWSER_LINK, False
    return around.colour, around.is_set


def _ground(element: HtmlElement, style: Mapping[str, str], below: Colour | None) -> Colour | None:
    """The colour behind an element; an image there leaves nothing to be known."""
    value = style.get("background-color") or element.get("bgcolor", "").lower()
    image = style.get("background-image", "")
    if "url(" in image or "gradient(" in image:
        return None
    if not value or "transparent" in value or value in ("none", "inherit", "initial", "unset"):
        return below
    return colours.parse(value, upon=below)


def _size(element: HtmlElement, style: Mapping[str, str], around: float) -> float:
    written = style.get("font-size", "")
    value = pixels(written, of=around)
    if value is None and element.tag in _SMALLER and not written:
        return around / 1.2
    return around if value is None else value


def _line(style: Mapping[str, str], size: float, around: Look) -> float:
    written = style.get("line-height", "")
    if written.replace(".", "", 1).isdecimal():
        return float(written) * size
    value = pixels(written, of=size)
    return around.line if value is None else value


def _room(element: HtmlElement, style: Mapping[str, str], around: Look) -> float:
    names = (f"{box}-{side}" for box in ("padding", "margin") for side in ("top", "bottom"))
    lengths = (pixels(style.get(name, ""), of=0.0) or 0.0 for name in names)
    own = sum(length for length in lengths if length > 0)
    if element.tag in BLOCKS:
        return own
    return around.room + (own if "block" in style.get("display", "") else 0.0)


def pixels(value: str, *, of: float) -> float | None:
    """A length in CSS pixels; `of` is what `em` and `%` are parts of. None if it is no length."""
    match = _LENGTH.match(value.strip())
    if match is None or (match[2] is None and float(match[1])):
        return None
    amount = float(match[1])
    factor = {"px": 1.0, "pt": _POINT, "em": of, "rem": _BROWSER_SIZE, "%": of / 100}
    return amount * factor.get(match[2] or "px", 1.0)
