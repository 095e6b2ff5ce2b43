"""In which direction people write: by the language of a document, by the letters of a text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

Direction = Literal["ltr", "rtl"]

_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS: Final = frozenset({"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"})
_RIGHT: Final = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LETTER: Final = re.compile(r"[^\W\d_]")


def direction(language: str) -> Direction:
    """In which direction a language is written: ltr or rtl; a script subtag decides first."""
    primary, *others = language.lower().replace("_", "-").split("-")
    scripts = [part for part in others if len(part) == 4]  # noqa: PLR2004  RFC 5646 §2.2.3
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if primary in _RIGHT_TO_LEFT else "ltr"


def direction_of(text: str, *, around: Direction) -> Direction:
    """In which direction a text reads that stands among others.

    It turns only if its first letter and most of its letters are of the other direction: the Latin
    name of a product turns no Arabic sentence.
    """
    if around == "ltr" and (text.isascii() or not _RIGHT.search(text)):
        return "ltr"
    letters = _LETTER.findall(text)
    right = sum(unicodedata.bidirectional(letter) in ("R", "AL") for letter in letters)
    if not letters or 2 * right == len(letters):
        return around
    most: Direction = "rtl" if 2 * right > len(letters) else "ltr"
    first = "rtl" if unicodedata.bidirectional(letters[0]) in ("R", "AL") else "ltr"
    return most if most == first else around
