"""MJML's attributes as the compiler knows them: it says nothing of those that it ignores.

Each element has those that change what the compiler makes, which is less than MJML documents.
"""

from __future__ import annotations

import difflib
import re
from typing import Final

_COLOUR: Final = r"#(?:[0-9a-f]{3}|[0-9a-f]{6})|(?:rgba?|hsla?)\([^()]*\)|[a-z]+"
_LENGTH: Final = r"(?:\d+(?:\.\d+)?|\.\d+)(?:px|%|em)|0"
_ONE_LENGTH = (rf"{_LENGTH}|auto", "a length such as 16px")
_LENGTHS = (rf"(?:{_LENGTH})(?:\s+(?:{_LENGTH})){{0,3}}", "one to four lengths such as 8px 16px")
_ANY = (r"(?s:.*)", "anything")
_COLOURED = (_COLOUR, "a colour such as #0a58ca")
_BORDER = (
    rf"(?:(?:{_LENGTH}|{_COLOUR})(?:\s+|$)){{1,3}}",
    "a border such as 1px solid #d8dee4",
)
_SPACING = (rf"normal|-?(?:{_LENGTH})", "a length such as 1px")
_HEIGHT = (rf"normal|\d+(?:\.\d+)?|{_LENGTH}", "a length or number such as 24px or 1.5")
_WEIGHT = (r"normal|bold|bolder|lighter|[1-9]00", "a weight such as 700")
_NUMBER = (rf"\d+|{_LENGTH}", "a number or length")


def _among(words: str) -> tuple[str, str]:
    """One of some words."""
    return "|".join(map(re.escape, words.split())), f"one of {', '.join(words.split())}"


_KINDS: Final = {
    "align": _among("left center right justify"),
    "border": _BORDER,
    "border-radius": _LENGTHS,
    "border-style": _among("solid dashed dotted double none"),
    "border-width": _LENGTHS,
    "cellpadding": _NUMBER,
    "cellspacing": _NUMBER,
    "color": _COLOURED,
    "direction": _among("ltr rtl"),
    "dir": _among("ltr rtl auto"),
    "fluid-on-mobile": _among("true false"),
    "font-size": _ONE_LENGTH,
    "font-style": _among("normal italic oblique"),
    "font-weight": _WEIGHT,
    "full-width": _among("full-width false"),
    "hamburger": _among("hamburger"),
    "height": _ONE_LENGTH,
    "icon-align": _among("top middle bottom"),
    "letter-spacing": _SPACING,
    "line-height": _HEIGHT,
    "padding": _LENGTHS,
    "table-layout": _among("auto fixed initial inherit"),
    "text-align": _among("left center right justify"),
    "text-transform": _among("none uppercase lowercase capitalize"),
    "thumbnails": _among("visible hidden"),
    "vertical-align": _among("top middle bottom"),
    "width": _ONE_LENGTH,
}
"""The last words of an attribute's name -> a pattern, and what people call it."""

_EDGES = ("top", "right", "bottom", "left")


def _sides(name: str) -> str:
    return " ".join([name, *(f"{name}-{edge}" for edge in _EDGES)])


_BOX = f"css-class mj-class {_sides('padding')}"
_IN_COLUMN = f"{_BOX} container-background-color align vertical-align"
_FONT = "font-family font-size font-style font-weight"
_TYPE = f"{_FONT} color letter-spacing line-height text-decoration text-transform"
_SECTION = (
    f"{_BOX} {_sides('border')} border-radius background-color background-position"
    " background-position-x background-position-y background-repeat background-size background-url"
    " direction full-width text-align"
)
_ICONS = (
    "icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url icon-width"
    " icon-wrapped-alt icon-wrapped-url"
)

_NAMES: Final = {
    "mjml": "lang dir",
    "mj-breakpoint": "width",
    "mj-font": "name href",
    "mj-body": "background-color css-class width",
    "mj-section": _SECTION,
    "mj-wrapper": _SECTION,
    "mj-group": "background-color css-class direction mj-class vertical-align width",
    "mj-column": f"{_BOX} {_sides('border')} {_sides('inner-border')} background-color"
    " border-radius direction inner-background-color inner-border-radius vertical-align width",
    "mj-text": f"{_IN_COLUMN} {_TYPE} height",
    "mj-image": f"{_IN_COLUMN} alt border border-left border-right border-radius fluid-on-mobile"
    " font-size full-width height href max-height name rel src srcset target title usemap width",
    "mj-button": f"{_IN_COLUMN} {_TYPE} {_sides('border')} background-color border-radius height"
    " href inner-padding name rel target text-align width",
    "mj-divider": f"{_IN_COLUMN} border-color border-style border-width width",
    "mj-spacer": f"{_IN_COLUMN} height",
    "mj-table": f"{_IN_COLUMN} border cellpadding cellspacing color font-family font-size"
    " line-height table-layout width",
    "mj-hero": f"{_BOX} {_sides('inner-padding')} align background-color background-height"
    " background-position background-url background-width height inner-background-color"
    " vertical-align width",
    "mj-social": f"{_IN_COLUMN} {_FONT} border-radius color icon-height icon-padding icon-size"
    " inner-padding line-height mode text-decoration text-padding",
    "mj-social-element": f"{_BOX} {_FONT} align alt background-color border-radius color href"
    " icon-height icon-padding icon-size line-height name rel src target text-decoration"
    " text-padding title vertical-align",
    "mj-navbar": f"{_IN_COLUMN} {_sides('ico-padding')} base-url hamburger ico-align ico-close"
    " ico-color ico-font-family ico-font-size ico-line-height ico-open ico-text-decoration"
    " ico-text-transform",
    "mj-navbar-link": f"{_BOX} {_TYPE} href name rel target",
    "mj-accordion": f"{_IN_COLUMN} {_ICONS} border font-family",
    "mj-accordion-element": f"{_ICONS} background-color border css-class font-family mj-class",
    "mj-accordion-title": f"{_BOX} {_ICONS} background-color border color font-family font-size",
    "mj-accordion-text": f"{_BOX} background-color border color font-family font-size font-weight"
    " letter-spacing line-height",
    "mj-carousel": f"{_IN_COLUMN} border-radius icon-width left-icon right-icon tb-border"
    " tb-border-radius tb-hover-border-color tb-selected-border-color tb-width thumbnails",
    "mj-carousel-image": "alt border-radius css-class href mj-class rel src target tb-border"
    " tb-border-radius tb-width thumbnails-src title",
}

ATTRIBUTES: Final = {tag: frozenset(names.split()) for tag, names in _NAMES.items()}
"""Element -> the attributes that change something; an element that is not named has none."""

_EVERY: Final = frozenset().union(*ATTRIBUTES.values())
_DEFAULTS: Final = {"mj-all": _EVERY, "mj-class": _EVERY | {"name"}}
_PARCEL: Final = re.compile(r"tok[0-9a-f]{10}[sv]\d+e")


def what_is_wrong(tag: str, name: str, value: str) -> tuple[str, str] | None:
    """Why an attribute would do nothing, and the next step; None if it does something."""
    known = _DEFAULTS.get(tag) or ATTRIBUTES.get(tag, frozenset())
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        step = f"did you mean {near[0]}?" if near else f"take it out, or use {_listed(known)}"
        return f"<{tag}> has no attribute {name}", step
    pattern, expected = _kind(name)
    if _PARCEL.search(value) or re.fullmatch(pattern, value.strip(), re.IGNORECASE):
        return None
    return f'{name}="{value}" on <{tag}> is not {expected}', f"write {expected}"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "an element that has it"


def _kind(name: str) -> tuple[str, str]:
    """What values an attribute takes: by its name, or by how that ends."""
    words = [word for word in name.split("-") if word not in _EDGES or name == word]
    for first in range(len(words)):
        kind = _KINDS.get("-".join(words[first:]))
        if kind is not None:
            return kind
    return _ANY
