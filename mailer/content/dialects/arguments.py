"""What stands in the tags of template languages: quoted arguments, and tags of components.

One grammar reads them all: `"a" b=1`, `src="a", alt='b'`, `(id="a")`, `title: "a"`, `` src=`a` ``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PART: Final = re.compile(
    r"(?:(?P<key>[\w.@$-]+)[ \t\n]*(?:=|:(?=[ \t\n\"'])))?[ \t\n]*"
    r"(?P<value>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|\[[^\]]*\]|[^\s,]+)\s*,?\s*",
    re.DOTALL,
)
_QUOTES: Final = "\"'`"
_ESCAPED: Final = re.compile(r"\\([\"'\\])")
_TAG_START: Final = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][\w.-]*(?::\w+)?)(?=[\s/>])")
_NAME: Final = re.compile(r"\s*(?P<name>[\w:@.#\[\]-]+)(?P<equals>\s*=\s*)?")
_BARE: Final = re.compile(r"[^\s\"'<>`{}]+")
_PATIENCE: Final = 200
"""Tags that are none before a text counts as one without any."""
_LONGEST: Final = 3_000
"""Characters of one tag: where a quote is never closed, nobody reads on to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one tag; the names are lower-case.

    Attributes:
        bare: positional ones without quotes: words to some languages, variables to others.
    """

    positional: tuple[str, ...] = ()
    named: Mapping[str, str]
    bare: frozenset[str] = frozenset()

    def first(self, *names: str) -> str:
        """The first of these that is given and not empty; or ""."""
        return next((self.named[name] for name in names if self.named.get(name)), "")

    def at(self, index: int) -> str:
        """A positional argument; or ""."""
        return self.positional[index] if index < len(self.positional) else ""

    def spoken(self) -> list[str]:
        """The positional arguments in quotes."""
        return [each for each in self.positional if each not in self.bare]

    def without_first(self) -> Arguments:
        """What is left behind the first positional argument, such as an included file."""
        return Arguments(positional=self.positional[1:], named=self.named, bare=self.bare)


def read_arguments(text: str) -> Arguments:
    """The arguments that a tag's text holds; what is no argument is skipped."""
    positional: list[str] = []
    named: dict[str, str] = {}
    bare: set[str] = set()
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    for part in _PART.finditer(text):
        value = unquoted(part["value"])
        if part["key"]:
            named.setdefault(part["key"].lower(), value)
        elif value not in {"=", "|"}:
            positional.append(value)
            bare.update({value} if value == part["value"] else ())
    return Arguments(positional=tuple(positional), named=named, bare=frozenset(bare))


def unquoted(value: str) -> str:
    """A value without its quotes."""
    if len(value) > 1 and value[0] in _QUOTES and value[-1] == value[0]:
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of HTML, JSX or Vue; a value in braces keeps them, one without a value is "true"."""

    name: str
    start: int
    end: int
    attributes: Mapping[str, str]
    closing: bool = False
    empty: bool = False


def tags(text: str) -> Iterator[Tag]:
    """Every tag of a text; what only looks like the beginning of one is skipped."""
    place = failures = 0
    while failures < _PATIENCE and (start := _TAG_START.search(text, place)):
        tag = _tag(text, start)
        if tag:
            yield tag
        else:
            failures += 1
        place = tag.end if tag else start.end()


def _tag(text: str, start: re.Match[str]) -> Tag | None:
    attributes: dict[str, str] = {}
    place, last = start.end(), min(len(text), start.end() + _LONGEST)
    while place < last:
        rest = text[place : place + 2]
        if rest[0] == ">" or rest == "/>":
            empty = rest == "/>"
            return Tag(
                name=start["name"],
                start=start.start(),
                end=place + len(rest if empty else ">"),
                attributes=attributes,
                closing=bool(start["end"]),
                empty=empty,
            )
        after = _attribute(text, place, attributes)
        if after <= place:
            return None
        place = after
    return None


def _attribute(text: str, place: int, attributes: dict[str, str]) -> int:
    """Read one attribute; gives the place behind it, or the same one if there is none."""
    if text[place].isspace() or text[place] == "/":
        return place + 1
    if text[place] == "{":
        return balanced(text, place)
    name = _NAME.match(text, place)
    if name is None:
        return place
    if not name["equals"]:
        attributes.setdefault(name["name"], "true")
        return name.end("name")
    end = _value_end(text, name.end())
    attributes.setdefault(name["name"], unquoted(text[name.end() : end]))
    return end


def _value_end(text: str, place: int) -> int:
    sign = text[place : place + 1]
    if sign in {'"', "'"}:
        return text.find(sign, place + 1) + 1
    if sign == "{":
        return balanced(text, place)
    bare = _BARE.match(text, place)
    return bare.end() if bare else -1


def balanced(text: str, place: int) -> int:
    """The place behind the brace that closes the one at `place`; -1 if nothing does."""
    depth, quote = 0, ""
    for index in range(place, min(len(text), place + _LONGEST)):
        sign = text[index]
        if quote:
            quote = "" if sign == quote else quote
        elif depth and sign in _QUOTES:
            quote = sign
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if not depth:
                return index + 1
    return -1
