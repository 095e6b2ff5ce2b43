"""What a template language's expression says, as far as an issue alone can tell.

====================================  ==========================================================
``page.title``, ``$frontmatter.x``    the key of the front matter
``"text"``                            itself
``site.url``, ``SITEURL``             nothing: root-relative addresses stand on the site anyway
``… | relative_url``, ``… | date``    the same, changed as the filter says
anything else                         unknown
====================================  ==========================================================
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from mailer.content.dialects.arguments import unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PATH: Final = re.compile(r"[$@]?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[[\"'][\w-]+[\"']\])*\Z")
_STRING: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"\Z|'(?:\\.|[^'\\])*'\Z", re.DOTALL)
_PIPE: Final = re.compile(r"\|(?=(?:[^\"']|\"[^\"]*\"|'[^']*')*\Z)")
_ROOTS: Final = (
    "page.frontmatter",
    "page.data",
    "page.params",
    "page.extra",
    "frontmatter",
    "page",
    "this",
)
_TABLES: Final = ("params", "extra")
_SITE: Final = frozenset(
    (
        "site.url site.baseurl site.base_url site.baseURL site.root BASE_PATH baseurl base_url "
        "SITEURL site_url siteurl config.base_url site.github.url site.production_url base"
    )
    .lower()
    .split()
)
_TIMES: Final = {"%-d": "{0.day}", "%-m": "{0.month}", "%e": "{0.day}"}


def value_of(expression: str, fields: Mapping[str, object]) -> str | None:
    """The text that an expression stands for; None if only the site's generator knows it."""
    base, *filters = _PIPE.split(expression.strip().strip("-").strip())
    known = _base(base.strip(), fields)
    for each in filters:
        name, _, argument = each.strip().partition(":")
        name, _, called = name.partition("(")
        change = _FILTERS.get(name.strip().lower().replace("_", ""))
        if known is None or change is None:
            return None
        given = (argument or called.rstrip(") ")).strip()
        known = change(known, _base(given, fields) or "")
    return None if known is None else _as_text(known)


def _base(name: str, fields: Mapping[str, object]) -> object:
    if _STRING.match(name):
        return unquoted(name)
    if not _PATH.match(name):
        return None
    path = re.sub(r"\[[\"']([\w-]+)[\"']\]", r".\1", name.lstrip("$@")).lower().replace("-", "_")
    if path in _SITE:
        return ""
    for root in _ROOTS:
        path = path.removeprefix(f"{root}.")
    for table in (fields, *(fields.get(name) for name in _TABLES)):
        value: object = table
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str | int | float | date):
            return value
    return None


def _as_text(value: object) -> str:
    if isinstance(value, datetime) and not value.time().isoformat().strip("0:."):
        value = value.date()
    return str(value)


def _date(value: object, form: str) -> object:
    if not isinstance(value, date) or not form.startswith("%"):
        return value
    for mark, written in _TIMES.items():
        form = form.replace(mark, written.format(value))
    return value.strftime(form)


def _same(value: object, _: object) -> object:
    return value


_SAME_NAMES = (
    "relativeurl absoluteurl url safe escape e markdownify strip xmlescape absurl relurl htmlsafe "
    "trim cgiescape relref permalink safehtml striphtml absolute relative localeurl"
)
_FILTERS: Final[Mapping[str, Callable[[object, object], object]]] = {
    **dict.fromkeys(_SAME_NAMES.split(), _same),
    "prepend": lambda value, given: f"{_as_text(given)}{_as_text(value)}",
    "append": lambda value, given: f"{_as_text(value)}{_as_text(given)}",
    "upcase": lambda value, _: _as_text(value).upper(),
    "upper": lambda value, _: _as_text(value).upper(),
    "downcase": lambda value, _: _as_text(value).lower(),
    "lower": lambda value, _: _as_text(value).lower(),
    "capitalize": lambda value, _: _as_text(value).capitalize(),
    "date": lambda value, given: _date(value, _as_text(given)),
    "default": lambda value, given: value or given,
}
