"""Eleventy: Nunjucks, Liquid and Handlebars; of the last only what needs no evaluation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import braces, tags

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_BLOCK: Final = re.compile(
    r"\{\{~?(?P<open>#>?|\^)[ \t]*(?P<name>[\w./-]+)[^{}]*\}\}|\{\{~?(?:/[^{}]*|else[^{}]*)\}\}"
)
_HELPER: Final = re.compile(r"\{\{\{?[ \t]*(?P<name>[A-Za-z][\w-]*)[ \t\n]+[\"'\w][^{}|]*\}\}\}?")
_PARTIAL: Final = re.compile(r"\{\{>[ \t]*(?P<name>[\w./-]+)[^{}]*\}\}")


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    variables = dict(sheet.fields)
    if "{{" in sheet.text:
        seen: set[str] = set()
        sheet.sub(_BLOCK, lambda match: _refused(sheet, match, seen))
        sheet.sub(_PARTIAL, lambda match: _left_out(sheet, match))
        sheet.sub(_HELPER, lambda match: _refused(sheet, match, seen))
    tags.translate(sheet, variables)
    braces.fill(sheet, variables, as_text=False)


def _refused(sheet: Sheet, match: re.Match[str], seen: set[str]) -> str:
    """A block or helper of Handlebars: what it prints only the site knows."""
    name = match["name"]
    if name and name not in seen:
        seen.add(name)
        count = len(re.findall(rf"\{{\{{[#^{{]*>?[ \t]*{re.escape(name)}\b", match.string))
        more = f" (and {count - 1} more)" if count > 1 else ""
        sheet.refuse(
            match.start(),
            f"{' '.join(match[0].split())[:50]}{more} is printed by the site, and cannot be here",
            next_step="write what it shows in Markdown",
        )
    return ""


def _left_out(sheet: Sheet, match: re.Match[str]) -> str:
    sheet.warn(match.start(), f"{{{{> {match['name']} }}}} removed: the partial is not here")
    return ""
