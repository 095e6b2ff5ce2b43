"""Links as they are written: labels, destinations and titles."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.entities import html5
from typing import Final

_DEEPEST: Final = 32
"""Parentheses in each other in a destination, as in the reference implementations."""

PUNCTUATION: Final = r"!-/:-@\[-`{-~"
"""Characters that a backslash can stand before, in a class of a regular expression."""

LABEL = re.compile(r"\[((?:[^\\\[\]]|\\.){1,999}+)\]", re.DOTALL)
_ANGLED = re.compile(r"<((?:[^<>\n\\]|\\.)*+)>")
_BARE = re.compile(rf"(?:[^\x00-\x20\x7f()\\]|\\[{PUNCTUATION}]|\\)++|[()]")
TITLE = re.compile(
    r"\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'|\(((?:[^()\\]|\\.)*+)\)", re.DOTALL
)
_SPACES = re.compile(r"[ \t\n]*+")
_ESCAPED = re.compile(
    rf"\\([{PUNCTUATION}])|(&(?:\#[xX][0-9a-fA-F]{{1,6}}|\#[0-9]{{1,7}}|[a-zA-Z][a-zA-Z0-9]*+);)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads."""

    url: str
    title: str = ""


def normalised(label: str) -> str:
    """What two labels must share: case and white space do not matter."""
    return " ".join(label.split()).casefold()


def unescaped(text: str) -> str:
    """The text without backslashes before punctuation, and with its entities as characters."""
    return _ESCAPED.sub(_plain, text) if "\\" in text or "&" in text else text


def entity(text: str) -> str:
    """The character of an entity such as ``&amp;``; itself if there is none of that name."""
    return html.unescape(text) if text[1] == "#" or text[1:] in html5 else text


def _plain(match: re.Match[str]) -> str:
    return match[1] or entity(match[2])


def inline_target(text: str, place: int) -> tuple[Target, int] | None:
    """What follows the text of a link from its ``(`` on, and where it ends."""
    place = after_spaces(text, place + 1)
    if text.startswith(")", place):
        return Target(""), place + 1
    found = destination(text, place)
    if found is None:
        return None
    url, end = found
    title = ""
    place = after_spaces(text, end)
    if place > end and (match := TITLE.match(text, place)):
        title = unescaped(content(match))
        place = after_spaces(text, match.end())
    return (Target(url, title), place + 1) if text.startswith(")", place) else None


def destination(text: str, place: int) -> tuple[str, int] | None:
    """The address that begins at a place, and where it ends."""
    if text.startswith("<", place):
        angled = _ANGLED.match(text, place)
        return (_address(angled[1]), angled.end()) if angled else None
    depth, end = 0, place
    while piece := _BARE.match(text, end):
        depth += {"(": 1, ")": -1}.get(piece[0], 0)
        if depth < 0:
            break
        if depth > _DEEPEST:
            return None
        end = piece.end()
    return (_address(text[place:end]), end) if end > place and depth <= 0 else None


def _address(written: str) -> str:
    return unescaped(written).replace(" ", "%20")


def content(title: re.Match[str]) -> str:
    """What stands between the quotes or parentheses of a `TITLE`."""
    return title[title.lastindex or 1]


def after_spaces(text: str, place: int) -> int:
    """The next place that is neither white space nor the end of a line."""
    match = _SPACES.match(text, place)
    assert match is not None
    return match.end()
