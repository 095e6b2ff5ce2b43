"""What is left of template languages when a dialect is done: nothing of it may be mailed (E118)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_WITHIN: Final = r"(?:(?!\n[ \t]*\n|\}\}|\{\{).){0,2000}"
_TEMPLATE: Final = re.compile(
    rf"(?P<braces>\{{\{{(?![<%])(?=[^}}]{{0,2000}}\w){_WITHIN}\}}\}}\}}?)"
    r"|(?P<tag>\{%[-+]?[ \t\n]{0,9}\w(?:(?!\n[ \t]*\n|%\}|\{%).){0,500}%\}"
    r"|^[ \t>]*\{%[-+]?[ \t]{0,9}\w+)"
    rf"|(?P<shortcode>\{{\{{[<%]{_WITHIN}(?:\}}\}})?)"
    r"|(?P<merge>\*\|[A-Z][A-Z0-9_:]*\|\*|<%[=-]?[ \t\n](?:(?!%>|<%).){0,500}%>)",
    re.DOTALL | re.MULTILINE,
)
_REFERENCE: Final = re.compile(
    r"\[(?P<text>[^\[\]\n]*(?:\n(?![ \t>]*\n)[^\[\]\n]*)?)\]\[(?P<label>[^\[\]]*)\](?![(\[:])"
)
_DEFINITION: Final = re.compile(r"^[ \t>]*\[([^\]]+)\]:", re.MULTILINE)
_NAME: Final = re.compile(r"[^\W\d_]")
_COMMENT: Final = re.compile(r"^[ \t>]*<!--", re.MULTILINE)
_LONGEST: Final = 60


def check(sheet: Sheet, *, templated: bool) -> None:
    """Refuse each thing once, where it first stands.

    Args:
        sheet: the text.
        templated: whether the dialect evaluates braces; elsewhere `{{ 7*7 }}` is text.
    """
    seen: set[str] = set()
    for match in _TEMPLATE.finditer(sheet.text):
        if match["braces"] and not templated and not _NAME.search(match["braces"]):
            continue
        shown = " ".join(sheet.shown(match[0]).split())
        shown = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
        if shown in seen:
            continue
        seen.add(shown)
        sheet.refuse(match.start(), f"{shown} would be shown as it stands", next_step=_step(match))
    if sheet.includes:
        _check_references(sheet)
    comment = _COMMENT.search(sheet.text)
    if comment:
        message = "a comment <!-- is never closed: all that follows would be lost"
        sheet.refuse(comment.start(), message, next_step="close it with -->")


def _check_references(sheet: Sheet) -> None:
    """W112 for links whose addresses stand in a file that the site includes."""
    found = list(_REFERENCE.finditer(sheet.text))
    if not found:
        return
    known = {_label(sheet.shown(each[1])) for each in _DEFINITION.finditer(sheet.text)}
    for each in found:
        if _label(sheet.shown(each["label"] or each["text"])) not in known:
            shown = " ".join(sheet.shown(each[0]).split())[:_LONGEST]
            message = f"{shown} has no address in this file"
            sheet.warn(each.start(), message, next_step="add a line [label]: https://…")


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()


def _step(match: re.Match[str]) -> str:
    if match["braces"] and re.fullmatch(r"\{\{\s*[\w.]+\s*\}\}", match[0]):
        name = match[0].strip("{} \n\t").rpartition(".")[2]
        return f"{{{{ subscriber.{name} }}}} if it is personal; `code` or \\{{\\{{ shows braces"
    return "write what it shows, or put it into `code`"
