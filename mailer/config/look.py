"""What `[theme]` may say: the colours of a mail by name, its font and its measures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailer.contrast import is_colour

WIDTH: Final = 600
"""The usual width of a mail in CSS pixels."""

MARGIN: Final = 32
"""Between the edge of a mail and its text, on each side."""

_NARROWEST, _WIDEST = 480, 640  # narrower than a phone held sideways; wider than panes (M-27)
_LONGEST_FONT = 200

SANS: Final = (
    "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Helvetica,Arial,sans-serif"
)
SERIF: Final = "Georgia,'Times New Roman',Times,serif"
MONO: Final = "Menlo,Consolas,monospace"
"""Repeated on each word of code: every letter here counts."""

_FONTS: Final = {"sans": SANS, "serif": SERIF}
_GENERIC: Final = frozenset({"serif", "sans-serif", "monospace", "cursive", "system-ui"})
_FAMILY = re.compile(r"(?P<quote>['\"]?)(?P<name>-?[A-Za-z][A-Za-z0-9 -]*)(?P=quote)")

_GROUNDS = ("card", "page", "tip", "warning", "danger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One colour of the theme.

    Attributes:
        name: its key in `[theme.light]` and `[theme.dark]`.
        light, dark: what it is unless configured.
        upon: the colours that it is read upon; none for a ground or a line.
        doc: where it is seen.
    """

    name: str
    light: str
    dark: str
    upon: tuple[str, ...] = ()
    doc: str


TOKENS: Final = (
    Token(name="page", light="#eef1f4", dark="#0f1215", doc="behind the card"),
    Token(name="card", light="#ffffff", dark="#181c20", doc="behind the text"),
    Token(
        name="text",
        light="#24292f",
        dark="#d3d9df",
        upon=(*_GROUNDS, "inline", "code", "mark"),
        doc="text",
    ),
    Token(name="heading", light="#14171a", dark="#f2f5f7", upon=_GROUNDS, doc="headings, name"),
    Token(
        name="muted",
        light="#57606a",
        dark="#98a2ac",
        upon=("card", "page"),
        doc="date, byline, captions, footnotes, footer",
    ),
    Token(
        name="link",
        light="#0a58ca",
        dark="#82b4ff",
        upon=(*_GROUNDS, "inline"),
        doc="links",
    ),
    Token(name="line", light="#d8dee4", dark="#343c44", doc="rules and lines of tables"),
    Token(name="bar", light="#c9d1d9", dark="#3d464f", doc="the bar beside a quote"),
    Token(name="quote", light="#4b535c", dark="#a7b0ba", upon=("card", "page"), doc="quoted text"),
    Token(name="inline", light="#eef1f4", dark="#272d33", doc="behind code within a line"),
    Token(name="code", light="#f6f8fa", dark="#11151a", doc="behind a block of code"),
    Token(name="code_line", light="#dfe4ea", dark="#2c333a", doc="its border"),
    Token(name="mark", light="#fff3bf", dark="#4d4310", doc="behind marked text"),
    Token(name="tip", light="#eaf2ff", dark="#152338", doc="behind a tip, note or info"),
    Token(name="tip_title", light="#0a58ca", dark="#82b4ff", upon=("tip",), doc="its title, bar"),
    Token(name="warning", light="#fff4d6", dark="#2e250d", doc="behind a warning"),
    Token(
        name="warning_title",
        light="#8a5200",
        dark="#f0b95a",
        upon=("warning",),
        doc="its title, bar",
    ),
    Token(name="danger", light="#fdeaea", dark="#371a1a", doc="behind a danger"),
    Token(
        name="danger_title",
        light="#b3261e",
        dark="#ff9b94",
        upon=("danger",),
        doc="its title, bar",
    ),
    Token(name="k", light="#b0122f", dark="#ff8f88", upon=("code",), doc="keywords in code"),
    Token(name="s", light="#0a4d8c", dark="#a5d2ff", upon=("code",), doc="strings"),
    Token(name="c", light="#5b6570", dark="#98a2ae", upon=("code",), doc="comments"),
    Token(name="n", light="#0a58b0", dark="#7cc0ff", upon=("code",), doc="numbers"),
    Token(name="f", light="#6430b5", dark="#d5b3ff", upon=("code",), doc="names defined there"),
)

NAMES: Final = tuple(token.name for token in TOKENS)
LIGHT: Final = {token.name: token.light for token in TOKENS}
DARK: Final = {token.name: token.dark for token in TOKENS}


def colour(value: str) -> str:
    """Three or six hexadecimal digits behind #, which every client reads alike; six come out."""
    if not is_colour(value):
        raise ValueError("is no colour such as #0a58ca")
    digits = value[1:].lower()
    return f"#{digits}" if len(digits) > 3 else "#" + "".join(2 * one for one in digits)  # noqa: PLR2004  #abc


def width(value: int) -> int:
    """How wide a mail is at most, in pixels."""
    if not _NARROWEST <= value <= _WIDEST:
        raise ValueError(f"must be from {_NARROWEST} to {_WIDEST}")
    return value


def logo_width(value: int) -> int:
    """How wide the logo is shown, in pixels."""
    if not 16 <= value <= _NARROWEST - 2 * MARGIN:  # noqa: PLR2004  an icon
        raise ValueError(f"must be from 16 to {_NARROWEST - 2 * MARGIN}")
    return value


def template(value: str) -> str:
    """The name of a template."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise ValueError("must be the name of a template, such as letter")
    return value


def font(value: str) -> str:
    """`sans`, `serif` or a list of families as CSS has it, the last one generic.

    The result stands in attributes between double quotes: names of several words have single ones.
    """
    if value in _FONTS:
        return _FONTS[value]
    if len(value) > _LONGEST_FONT:
        raise ValueError(f"is longer than {_LONGEST_FONT} characters")
    families = [_family(part.strip()) for part in value.split(",")]
    if families[-1] not in _GENERIC:
        raise ValueError("must be sans, serif, or families that end in serif or sans-serif")
    return ",".join(families)


def _family(text: str) -> str:
    match = _FAMILY.fullmatch(text)
    if match is None:
        raise ValueError("must be sans, serif, or families separated by commas")
    name = " ".join(match["name"].split())
    return f"'{name}'" if " " in name else name
