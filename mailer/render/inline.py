"""Style sheets into style attributes: premailer behind one function, without network.

Rules that must stay rules, such as those of dark mode, stand in a `<style>` that is marked
`data-premailer="ignore"` and keep their `!important`.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from functools import lru_cache
from typing import Any, Final

# Its own knob, read when it is imported: the theme has more rules than its cache of 128 holds, and
# each that was dropped costs 1.5 ms.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "2000")

from premailer import Premailer

_OPTIONS: Final[dict[str, Any]] = {
    "strip_important": False,
    "keep_style_tags": True,
    "disable_leftover_css": True,
    "allow_network": False,
    "disable_validation": True,
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
    "align_floating_images": False,
    "cssutils_logging_level": logging.CRITICAL,
}
_ELEMENT: Final = re.compile(r"<([A-Za-z][\w-]*)")
_CLASS: Final = re.compile(r"\bclass\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)", re.IGNORECASE)
_ALWAYS: Final = ("html", "head", "body")
_COMPOUND: Final = r"(?:[a-z]\w*(?:\.[A-Za-z][\w-]*)*|(?:\.[A-Za-z][\w-]*)+)"
_SIMPLE: Final = re.compile(rf"{_COMPOUND}(?: *[ >+~] *{_COMPOUND})*")
_NAME: Final = re.compile(r"\.?[A-Za-z][\w-]*")
_LOCK: Final = threading.Lock()  # cssutils does not promise to be safe for threads


def inline(html: str, css: str) -> str:
    """The document with the rules of `css` as style attributes.

    Args:
        html: a whole document with `<!DOCTYPE html>`; in lower case the doctype would be dropped.
        css: element, class and descendant selectors only; no longhand that changes a part of a
            shorthand. Within these premailer decides as a browser does; outside it is wrong.
    """
    with _LOCK:
        result: str = _Inliner(html, css_text=[css], **_OPTIONS).transform(pretty_print=False)
    return result


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no types
    """premailer with two short cuts that change nothing of what it makes.

    It would parse the same sheet anew for each issue, and look through the whole document for each
    rule (0.4 ms), also for those about elements and classes that do not occur in it.
    """

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, leftover = _parsed(css_body, ruleset_index)
        names = _names(self.html)
        return [rule for rule in rules if _may_match(rule[1], names)], list(leftover)


@lru_cache(maxsize=8)  # the theme's sheet in two directions, for a few templates
def _parsed(css: str, number: int) -> tuple[list[Any], list[Any]]:
    premailer = Premailer("", **_OPTIONS)
    parsed: tuple[list[Any], list[Any]] = premailer._parse_style_rules(css, number)  # noqa: SLF001  what is remembered
    return parsed


def _names(html: str) -> frozenset[str]:
    """What elements and classes a document has, classes with a dot; perhaps some more."""
    elements = {name.lower() for name in _ELEMENT.findall(html)}
    classes = {name for names in set(_CLASS.findall(html)) for name in names.strip("\"'").split()}
    return frozenset({*_ALWAYS, *elements, *(f".{name}" for name in classes)})


def _may_match(selector: str, names: frozenset[str]) -> bool:
    """Whether every element and class of a selector occurs; more than these is not understood."""
    return not _SIMPLE.fullmatch(selector) or names.issuperset(_NAME.findall(selector))
