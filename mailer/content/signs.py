"""Characters that a mail cannot hold, or that do more to it than they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.source import mask_code

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
_DATA: Final = re.compile(r"(?<=data:image/)[\w.+;=-]*;base64,[A-Za-z0-9+/=%]{1000,}")

_ODD: Final = re.compile(
    r"(?P<control>[\x00-\x08\x0e-\x1f])"
    r"|(?P<half>[\ud800-\udfff])"
    r"|(?P<override>[\u202d\u202e])"
    r"|(?P<open>[\u202a\u202b\u2066-\u2068])(?![^\n]*[\u202c\u2069])"
    r"|(?P<flood>[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{9,})"
)
_ANY: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\ud800-\udfff\u202a-\u202e\u2066-\u2068"
    r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]"
)
"""What nothing odd is without: most texts have none of it."""

_MESSAGES: Final = {
    "control": "control character {} removed",
    "half": "half a character ({}) replaced",
    "override": "{} reverses what follows it on its line",
    "open": "{} turns what follows it and is never closed",
    "flood": "more combining marks than any letter has, from {} on",
}


def printable(text: str) -> str:
    """The text without what no mail can hold; white space is space, lines stay lines."""
    text = _CONTROLS.sub("", text.replace("\x0b", " ").replace("\x0c", " "))
    return text if text.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def odd(text: str) -> Iterator[tuple[int, str]]:
    """Where a text holds something odd, and what (W152)."""
    first = _ANY.search(text)
    for sign in _ODD.finditer(text, first.start()) if first else ():
        yield sign.start(), _MESSAGES[sign.lastgroup or ""].format(f"U+{ord(sign[0][0]):04X}")


def without_data(text: str) -> str:
    """The text with the data of images written into it cut out; a mail shows none (W135).

    In code it stays: there it is meant to be read.
    """
    if ";base64," not in text:
        return text
    masked = mask_code(text)
    return _DATA.sub(lambda data: data[0] if masked[data.start()] == " " else "", text)
