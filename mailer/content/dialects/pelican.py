"""Pelican: `{static}`, `{filename}` and other places of a site, and the tags of a plugin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import braces, tags

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_PLACE: Final = re.compile(
    r"(?:\{(?P<name>static|filename|attach|index|tag|category|author|archives)\}"
    r"|\|(?P<older>static|filename|attach)\|)(?P<path>[^\s)\"'>]*)"
)
_ARTICLE: Final = re.compile(r"\.(?:md|markdown|rst)(?:#\S*)?\Z")
_LISTINGS: Final = {"tag": "/tag/", "category": "/category/", "author": "/author/"}


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    sheet.sub(_PLACE, _addressed)
    variables = dict(sheet.fields)
    tags.translate(sheet, variables)
    braces.fill(sheet, variables, as_text=False)


def _addressed(match: re.Match[str]) -> str:
    """The address of a file, or of a page that lists articles, by Pelican's defaults."""
    name, path = match["name"] or match["older"], match["path"]
    if name in _LISTINGS:
        return f"{_LISTINGS[name]}{path.strip('/').lower()}.html"
    if name in {"index", "archives"}:
        return "/" if name == "index" else "/archives.html"
    if path.startswith("/") and _ARTICLE.search(path):
        return "/" + path.rpartition("/")[2]  # it stands at the top, wherever its file is
    return path
