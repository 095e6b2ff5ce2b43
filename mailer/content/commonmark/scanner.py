"""The text of a block in, its pieces out: CommonMark's inline structure, read in one pass.

========================  ====================================================================
what begins it            what it is
========================  ====================================================================
a backslash               the next character as it is, or a line break at the end of a line
`` ` ``                   code up to as many backticks
``<``                     an address in angle brackets, or HTML
``&``                     an entity
``[``, ``![``, ``]``      a link, an image, the place of a footnote
``*``, ``_``, ``~~``      emphasis (`emphasis`)
two spaces, a line end    a line break
``:name:``                an emoji
``https://``, ``www.``    a bare address (`addresses`)
========================  ====================================================================
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.content.commonmark import html
from mailer.content.commonmark.addresses import MAIL, URL, web_address
from mailer.content.commonmark.emoji import emoji
from mailer.content.commonmark.emphasis import resolve, run_of
from mailer.content.commonmark.pieces import Address, Element, Piece, Raw, Reference, words
from mailer.content.commonmark.references import (
    LABEL,
    PUNCTUATION,
    Target,
    entity,
    inline_target,
    normalised,
)

if TYPE_CHECKING:
    from mailer.content.commonmark.definitions import Definitions

_MARKS: Final = (
    r"\\|`+|<|&(?=[#a-zA-Z])|!?\[|\]|\*+|_+|~~+|==+|\n"
    r"|(?<![\w:/]):[a-z0-9+_-]+:(?![\w:/])"
)
_PLAIN = re.compile(_MARKS)
_WITH_ADDRESSES = re.compile(rf"{_MARKS}|{URL}|{MAIL}")
_MAY_HOLD_ADDRESS = re.compile(r"://|@|www\.", re.IGNORECASE)
_TICKS = re.compile(r"`+")
_ESCAPED = re.compile(rf"\\([{PUNCTUATION}\n])")
_ENTITY = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-zA-Z][a-zA-Z0-9]*+);")
_ANGLED_URL = re.compile(r"<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\x00-\x20<>]*+)>")
_ANGLED_MAIL = re.compile(
    r"<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>"
)
_NOTE = re.compile(r"\[\^([^\]\s]{1,999}+)\]")


def scan(text: str, defined: Definitions) -> list[Piece]:
    """The pieces of a text; no `Run` is left among them."""
    return _Scanner(text, defined).scan()


@dataclass(slots=True)
class _Bracket:
    """An opening bracket that may begin a link or an image.

    Attributes:
        piece: its index among the pieces.
        inside: the place in the text after it.
        has_brackets: there are others in it, so that its text is no label.
    """

    piece: int
    inside: int
    image: bool
    has_brackets: bool = False


class _Scanner:
    def __init__(self, text: str, defined: Definitions) -> None:
        self._text = text
        self._defined = defined
        self._pieces: list[Piece] = []
        self._brackets: list[_Bracket] = []
        self._dead = 0  # so many of them begin no link any more: one ended since, in them
        self._ticks: dict[int, list[int]] | None = None
        self._unended: set[str] = set()

    def scan(self) -> list[Piece]:
        text, place = self._text, 0
        pattern = _WITH_ADDRESSES if _MAY_HOLD_ADDRESS.search(text) else _PLAIN
        while match := pattern.search(text, place):
            if match.start() > place:
                self._pieces.append(text[place : match.start()])
            place = _READ.get(match[0][0], _Scanner.address)(self, match)
        if place < len(text):
            self._pieces.append(text[place:])
        return resolve(self._pieces)

    def _as_text(self, match: re.Match[str]) -> int:
        self._pieces.append(match[0])
        return match.end()

    # --- characters ------------------------------------------------------------------------------

    def backslash(self, match: re.Match[str]) -> int:
        escaped = _ESCAPED.match(self._text, match.start())
        if escaped is None:
            return self._as_text(match)
        if escaped[1] == "\n":
            self._pieces.append(Element("br"))
        self._pieces.append(escaped[1])
        return escaped.end()

    def ampersand(self, match: re.Match[str]) -> int:
        found = _ENTITY.match(self._text, match.start())
        if found is None:
            return self._as_text(match)
        self._pieces.append(entity(found[0]))
        return found.end()

    def line_end(self, match: re.Match[str]) -> int:
        before = self._pieces[-1] if self._pieces else ""
        if isinstance(before, str) and before.endswith((" ", "\t")):
            self._pieces[-1] = before.rstrip(" \t")
            if before.endswith("  "):
                self._pieces.append(Element("br"))
        self._pieces.append("\n")
        return match.end()

    def shortcode(self, match: re.Match[str]) -> int:
        self._pieces.append(emoji(match[0]))
        return match.end()

    def marks(self, match: re.Match[str]) -> int:
        start, end = match.span()
        before = self._text[start - 1] if start else ""
        self._pieces.append(run_of(match[0], before, self._text[end : end + 1]))
        return end

    # --- code, HTML, addresses -------------------------------------------------------------------

    def code(self, match: re.Match[str]) -> int:
        end = self._closing_ticks(len(match[0]), match.end())
        if end < 0:
            return self._as_text(match)
        code = self._text[match.end() : end].replace("\n", " ")
        if code.startswith(" ") and code.endswith(" ") and code.strip(" "):
            code = code[1:-1]
        self._pieces.append(Element("code", pieces=[code]))
        return end + len(match[0])

    def _closing_ticks(self, length: int, place: int) -> int:
        """Where as many backticks next stand together; -1 if nowhere."""
        if self._ticks is None:
            self._ticks = {}
            for run in _TICKS.finditer(self._text):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
        places = self._ticks.get(length, [])
        index = bisect_right(places, place - 1)
        return places[index] if index < len(places) else -1

    def angle(self, match: re.Match[str]) -> int:
        text, place = self._text, match.start()
        for pattern, scheme in ((_ANGLED_URL, ""), (_ANGLED_MAIL, "mailto:")):
            if found := pattern.match(text, place):
                self._pieces.append(Address(found[1], scheme + found[1]))
                return found.end()
        tag = html.TAG.match(text, place)
        end = tag.end() if tag else self._markup_end(place)
        if end < 0:
            return self._as_text(match)
        self._pieces.append(Raw(text[place:end]))
        return end

    def _markup_end(self, place: int) -> int:
        """Where HTML ends that is no tag; -1 if there is none."""
        for start, end in html.SPANS:
            opening = start.match(self._text, place)
            if opening is None or end in self._unended:
                continue
            found = self._text.find(end, opening.end())
            if found >= 0:
                return found + len(end)
            self._unended.add(end)
        return -1

    def address(self, match: re.Match[str]) -> int:
        if match[0].endswith(("/", ".")):
            found, end = web_address(self._text, match.start())
            self._pieces.append(found)
            return end
        self._pieces.append(Address(match[0], f"mailto:{match[0]}"))
        return match.end()

    # --- links -----------------------------------------------------------------------------------

    def opening(self, match: re.Match[str]) -> int:
        note = _NOTE.match(self._text, match.end() - 1)
        if note and normalised(note[1]) in self._defined.notes:
            if match[0] == "![":
                self._pieces.append("!")
            self._pieces.append(Reference(normalised(note[1])))
            return note.end()
        if self._brackets:
            self._brackets[-1].has_brackets = True
        bracket = _Bracket(len(self._pieces), match.end(), match[0] == "![")
        self._brackets.append(bracket)
        return self._as_text(match)

    def closing(self, match: re.Match[str]) -> int:
        if not self._brackets:
            return self._as_text(match)
        bracket = self._brackets.pop()
        is_dead = len(self._brackets) < self._dead and not bracket.image
        self._dead = min(self._dead, len(self._brackets))
        found = None if is_dead else self._target(bracket, match.start())
        if found is None:
            return self._as_text(match)
        target, end = found
        inner = resolve(self._pieces[bracket.piece + 1 :])
        del self._pieces[bracket.piece :]
        if bracket.image:
            self._pieces.append(_image(target, inner))
        else:
            self._pieces.append(_link(target, inner))
            self._dead = len(self._brackets)
        return end

    def _target(self, bracket: _Bracket, place: int) -> tuple[Target, int] | None:
        """Where a link leads whose text ends at a place, and where it ends itself."""
        text, end = self._text, place + 1
        if text.startswith("(", end) and (found := inline_target(text, end)):
            return found
        label = LABEL.match(text, end)
        if label and label[1].strip():
            name, end = label[1], label.end()
        elif bracket.has_brackets:
            return None
        else:
            name = text[bracket.inside : place]
            end += 2 if text.startswith("[]", end) else 0
        target = self._defined.links.get(normalised(name))
        return (target, end) if target else None


def _image(target: Target, inner: list[Piece]) -> Element:
    title = {"title": target.title} if target.title else {}
    return Element("img", {"src": target.url, "alt": words(inner), **title})


def _link(target: Target, inner: list[Piece]) -> Element:
    title = {"title": target.title} if target.title else {}
    return Element("a", {"href": target.url, **title}, inner)


_READ: Final[dict[str, Callable[[_Scanner, re.Match[str]], int]]] = {
    "\\": _Scanner.backslash,
    "`": _Scanner.code,
    "<": _Scanner.angle,
    "&": _Scanner.ampersand,
    "!": _Scanner.opening,
    "[": _Scanner.opening,
    "]": _Scanner.closing,
    "\n": _Scanner.line_end,
    ":": _Scanner.shortcode,
    **dict.fromkeys("*_~=", _Scanner.marks),
}
