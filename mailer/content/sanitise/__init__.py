"""The mail-safe subset of HTML: one allow-list, and a report of what an author loses by it (M-27).

The subset is enforced by an HTML parser (nh3) and never by patterns. Patterns only read, before it
(`survey`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import nh3

from mailer.content.sanitise.survey import DROPPED, survey
from mailer.content.sanitise.tags import TAG
from mailer.content.shape.figures import SECTIONS
from mailer.content.shape.links import LINK_SCHEMES

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from mailer.content.source import Source

_KEPT_NAMES = (
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del dfn div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small "
    "span strong sub sup table tbody td tfoot th thead time tr u ul var"
)
KEPT = frozenset(_KEPT_NAMES.split())
"""Elements that a mail may hold."""

_REWRITTEN_NAMES = "center details dir input menu rp rt strike summary tt"
_SAID = KEPT | frozenset(_REWRITTEN_NAMES.split())
"""Elements that are what they seem: `shape` makes of some what mail clients know."""

_ALLOWED = _SAID | SECTIONS

_ENDED_BY_OTHERS = frozenset(["dd", "dt", "li", "p", "tbody", "td", "tfoot", "th", "thead", "tr"])
_BOTTOMLESS = 1000
_VOID_NAMES = "br col hr img input"
_VOID = frozenset(_VOID_NAMES.split())
_ALIGNED = ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr")
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"id", "lang", "dir", "style"},
    "a": {"href", "name", "title", "class"},
    "abbr": {"title"},
    "code": {"class"},
    "div": {"class"},
    "img": {"src", "srcset", "data-src", "alt", "title", "width", "height"},
    "input": {"type", "checked"},
    "li": {"value", "class"},
    "ol": {"start", "type", "reversed"},
    "p": {"class"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ul": {"class"},
}


def clean(markup: str, source: Source) -> str:
    """Well-formed HTML of the subset; what is removed is W113 (E120: a scheme that no mail has).

    Raises:
        RecursionError: it is nested so deeply that reading it would take minutes.
    """
    safe = survey(markup, source, allowed=_SAID)
    if depth(safe, without=_ENDED_BY_OTHERS) > _BOTTOMLESS:
        raise RecursionError
    return _cleaner().clean(safe)


def depth(markup: str, *, without: AbstractSet[str] = frozenset()) -> int:
    """How deeply elements are nested in HTML; elements that need no end are none, nor `without`."""
    level = deepest = 0
    for tag in TAG.finditer(markup):
        if tag["name"] and tag["name"] not in _VOID and tag["name"].lower() not in without:
            level += -1 if tag["end"] else 1
            deepest = max(deepest, level)
    return deepest


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_ALLOWED),
        clean_content_tags=set(DROPPED),
        attributes=_ATTRIBUTES,
        tag_attribute_values={tag: {"align": {"left", "center", "right"}} for tag in _ALIGNED},
        filter_style_properties={"text-align"},
        url_schemes=set(LINK_SCHEMES),
        link_rel=None,
        strip_comments=True,
    )
