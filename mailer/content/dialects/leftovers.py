"""What is left of template languages when a dialect is done: nothing of it may be mailed (E118)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_TEMPLATE: Final = re.compile(
    r"(?P<braces>\{\{(?![<%])(?=[^}]*\w)(?:(?!\n[ \t]*\n|\}\}).)*\}\}\}?)"
    r"|(?P<tag>\{%[-+]?[ \t\n]*\w(?:(?!\n[ \t]*\n|%\}).)*(?:%\})?)"
    r"|(?P<shortcode>\{\{[<%](?:(?!\n[ \t]*\n|\}\}).)*(?:\}\})?)"
    r"|(?P<merge>\*\|[A-Z][A-Z0-9_:]*\|\*|<%[=-]?[ \t\n](?:(?!%>).)*%>)",
    re.DOTALL,
)
_NAME: Final = re.compile(r"[^\W\d_]")
_COMMENT: Final = re.compile(r"^[ \t>]*<!--(?!.*-->)", re.MULTILINE | re.DOTALL)
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
    comment = _COMMENT.search(sheet.text)
    if comment:
        message = "a comment <!-- is never closed: all that follows would be lost"
        sheet.refuse(comment.start(), message, next_step="close it with -->")


def _step(match: re.Match[str]) -> str:
    if match["braces"] and re.fullmatch(r"\{\{\s*[\w.]+\s*\}\}", match[0]):
        name = match[0].strip("{} \n\t").rpartition(".")[2]
        return f"{{{{ subscriber.{name} }}}} if it is personal; `code` or \\{{\\{{ shows braces"
    return "write what it shows, or put it into `code`"
