"""Colours as style sheets write them, as red, green and blue."""

from __future__ import annotations

import re
from typing import Final

Colour = tuple[int, int, int]
"""Red, green and blue from 0 to 255."""

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)

_NAMES: Final = {
    "black": BLACK,
    "white": WHITE,
    "silver": (192, 192, 192),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "maroon": (128, 0, 0),
    "red": (255, 0, 0),
    "purple": (128, 0, 128),
    "fuchsia": (255, 0, 255),
    "green": (0, 128, 0),
    "lime": (0, 255, 0),
    "olive": (128, 128, 0),
    "yellow": (255, 255, 0),
    "navy": (0, 0, 128),
    "blue": (0, 0, 255),
    "teal": (0, 128, 128),
    "aqua": (0, 255, 255),
    "orange": (255, 165, 0),
}
"""The names of CSS 2.1, which every client knows."""

_HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b")
_NUMBER = r"(\d+\.?\d*|\.\d+)"
_RGB = re.compile(
    rf"rgba?\(\s*{_NUMBER}[\s,]+{_NUMBER}[\s,]+{_NUMBER}(?:[\s,/]+{_NUMBER}(%?))?\s*\)"
)
_NAMED = re.compile(rf"(?<![\w#.-])({'|'.join(_NAMES)})(?![\w.-])")


def parse(value: str, *, upon: Colour | None = None) -> Colour | None:
    """The colour in a value, which may be a shorthand; None if there is none that is known.

    Args:
        value: in lower case.
        upon: what shines through where it is not opaque; None: nothing is known then.
    """
    if match := _HEX.search(value):
        digits = match[1] if len(match[1]) > 4 else "".join(2 * one for one in match[1])  # noqa: PLR2004  #abc is #aabbcc
        red, green, blue, alpha = (int(f"{digits}ff"[at : at + 2], 16) for at in (0, 2, 4, 6))
        return _mix((red, green, blue), alpha / 255, upon)
    if match := _RGB.search(value):
        red, green, blue = (min(round(float(match[at])), 255) for at in (1, 2, 3))
        share = 1.0 if match[4] is None else float(match[4]) / (100 if match[5] else 1)
        return _mix((red, green, blue), min(share, 1.0), upon)
    match = _NAMED.search(value)
    return _NAMES[match[1]] if match else None


def _mix(colour: Colour, share: float, upon: Colour | None) -> Colour | None:
    if share >= 1:
        return colour
    if upon is None:
        return None
    red, green, blue = (
        round(top * share + below * (1 - share)) for top, below in zip(colour, upon, strict=True)
    )
    return red, green, blue


def shown(colour: Colour) -> str:
    """The colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def is_grey(colour: Colour) -> bool:
    """Whether the colour has no hue that an eye would name."""
    return max(colour) - min(colour) < 24  # noqa: PLR2004  of 255
