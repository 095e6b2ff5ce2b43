"""Style sheets as checks need them: rules with their media, and which elements they match."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, cast

import cssselect
from lxml.cssselect import CSSSelector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.html import HtmlElement

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE: Final = re.compile(r"([{}])")
_SPLIT: Final = re.compile(r";(?![^(]*\))")
_IMPORTANT: Final = re.compile(r"\s*!\s*important\s*\Z", re.IGNORECASE)
_FONT_SIZE: Final = re.compile(r"(?<![\w.])([\d.]+(?:px|pt|em|rem|%))(?:\s*/\s*([\d.]+\w*))?")
_DARK: Final = re.compile(r"prefers-color-scheme\s*:\s*dark", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: where it holds, what it matches, what it says.

    Attributes:
        at: the at-rules around it, outermost first, such as "@media (max-width: 480px)".
        selector: one selector, without commas.
        values: property -> value, both in lower case; `important` names those that are.
    """

    at: tuple[str, ...]
    selector: str
    values: Mapping[str, str]
    important: frozenset[str]

    @property
    def is_dark(self) -> bool:
        """Whether it holds where the reader asks for the dark."""
        return any(_DARK.search(one) for one in self.at)


@lru_cache(maxsize=32)
def read(css: str) -> tuple[Rule, ...]:
    """The rules of a style sheet; what is broken in it is passed over, as clients do."""
    return tuple(_read(css))


def _read(css: str) -> Iterator[Rule]:
    around: list[str] = []
    pieces = _BRACE.split(_COMMENT.sub("", css))
    for before, brace in zip(map(str.strip, pieces[::2]), pieces[1::2], strict=False):
        if brace == "{":
            around.append(" ".join(before.rpartition(";")[2].split()))
        elif around:
            selector = around.pop()
            if not selector.startswith("@"):
                yield from _rules(tuple(around), selector, before)


def _rules(at: tuple[str, ...], selectors: str, body: str) -> Iterator[Rule]:
    values, important = declarations(body)
    for selector in selectors.split(","):
        if selector.strip() and values:
            yield Rule(at=at, selector=selector.strip(), values=values, important=important)


@lru_cache(maxsize=4096)
def declarations(body: str) -> tuple[Mapping[str, str], frozenset[str]]:
    """What a rule or a style attribute says, and which of it is important.

    Shorthands count as those of their parts that checks ask for.
    """
    values: dict[str, str] = {}
    important: set[str] = set()
    for one in _SPLIT.split(body):
        name, _, value = one.lower().partition(":")
        plain = _IMPORTANT.sub("", value).strip()
        is_important = plain != value.strip()
        for part, of_part in _parts(name.strip(), plain):
            if part in important and not is_important:
                continue
            values[part] = of_part
            if is_important:
                important.add(part)
    return values, frozenset(important)


def _parts(name: str, value: str) -> Iterator[tuple[str, str]]:
    """A property as the longhands that are asked for."""
    if name == "background":
        yield "background-color", value
        yield "background-image", value
    elif name in ("margin", "padding"):
        sides = value.split() or ["0"]
        yield f"{name}-top", sides[0]
        yield f"{name}-bottom", sides[2] if len(sides) > 2 else sides[0]  # noqa: PLR2004  top, sides, bottom
    elif name == "font":
        size = _FONT_SIZE.search(value)
        if size:
            yield "font-size", size[1]
            yield "line-height", size[2] or "normal"
        yield "font-weight", "bold" if "bold" in value else "normal"
    elif value:
        yield name, value


def of_document(document: HtmlElement) -> tuple[Rule, ...]:
    """The rules of all style elements, in order."""
    return tuple(rule for style in document.iter("style") for rule in read(style.text or ""))


@cache
def _selector(text: str) -> tuple[CSSSelector | None, tuple[int, int, int]]:
    """A selector and its specificity; None where it says something that no document shows."""
    try:
        (parsed,) = cssselect.parse(text)
        return CSSSelector(text, translator="html"), parsed.specificity()
    except (cssselect.SelectorError, ValueError):
        return None, (0, 0, 0)


def cascade(
    document: HtmlElement, rules: Iterable[Rule], names: frozenset[str]
) -> dict[HtmlElement, dict[str, str]]:
    """What rules say of each element that they match, where its style attribute does not win.

    Args:
        document: whose elements.
        rules: those that hold, in order.
        names: the properties that are wanted.
    """
    wanted = (rule for rule in rules if names.intersection(rule.values))
    # Of two rules with equal specificity the later one wins: sorting keeps their order.
    ranked = sorted(wanted, key=lambda rule: _selector(rule.selector)[1])
    matches = [(rule, _matching(rule.selector, document)) for rule in ranked]
    result: dict[HtmlElement, dict[str, str]] = {}
    for important in (False, True):
        for rule, elements in matches:
            said = {
                name: rule.values[name]
                for name in names.intersection(rule.values)
                if (name in rule.important) is important
            }
            for element in elements if said else ():
                told = result.setdefault(element, {})
                values, important_ones = declarations(element.get("style", ""))
                inline = important_ones if important else values
                told |= {name: said[name] for name in said if name not in inline}
    return result


def _matching(selector: str, document: HtmlElement) -> list[HtmlElement]:
    matcher = _selector(selector)[0]
    return [] if matcher is None else cast("list[HtmlElement]", matcher(document))
