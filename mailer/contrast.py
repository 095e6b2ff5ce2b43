"""Colours as `#rgb` or `#rrggbb`, and how well one is read upon another (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from typing import Final

ENOUGH: Final = 4.5
"""The least ratio for text; `ENOUGH_LARGE` for text from 24 pixels on, or 19 in bold."""

ENOUGH_LARGE: Final = 3.0

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_DARK_END: Final = 0.04045  # of sRGB's curve, below which it is a straight line


def is_colour(text: str) -> bool:
    """Whether the text is a colour that every client reads alike: three or six hex digits."""
    return _HEX.fullmatch(text) is not None


def ratio(text: str, ground: str) -> float:
    """The contrast of two colours, from 1 (none) to 21 (black on white).

    Raises:
        ValueError: one of them is no colour (`is_colour`).
    """
    darker, lighter = sorted((luminance(text), luminance(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """How light a colour is, from 0 (black) to 1 (white).

    Raises:
        ValueError: it is no colour (`is_colour`).
    """
    if not is_colour(colour):
        raise ValueError(f"{colour} is no colour such as #0a58ca")
    digits = colour[1:]
    if len(digits) == 3:  # noqa: PLR2004  #abc is #aabbcc
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= _DARK_END else ((part + 0.055) / 1.055) ** 2.4)
