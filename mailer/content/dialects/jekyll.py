"""Jekyll, Hexo and Octopress: Liquid's tags and variables, kramdown's attributes and extensions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import braces, tags

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_CONTENTS: Final = re.compile(
    r"^[ \t]*(?:[-*+]|\d+\.)[ \t]+.*\n[ \t]*\{:[^}\n]*\btoc\b[^}\n]*\}[ \t]*$"
    r"|^[ \t]*\{:[^}\n]*\btoc\b[^}\n]*\}[ \t]*$|^[ \t]*\*[ \t]+TOC[ \t]*$",
    re.MULTILINE,
)
_COMMENT: Final = re.compile(r"\{::comment\}.*?\{:/(?:comment)?\}", re.DOTALL)
_EXTENSION: Final = re.compile(r"\{:[:/][^{}\n]*\}")
_ATTRIBUTES: Final = re.compile(
    r"(?P<space>[ \t]*)\{:(?P<list>(?:[^{}\n\"']|\"[^\"\n]*\"|'[^'\n]*')*)\}"
)
_KEPT: Final = re.compile(
    r"(?<!\S)#[\w:-]+|(?<![\w-])(?:width|height)=[\"']?\d+(?:px)?[\"']?(?=\s|\Z)"
)
_DEFINED: Final = re.compile(r"^[ \t]*\{:[\w-]+:[^}\n]*\}[ \t]*$", re.MULTILINE)


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    variables = dict(sheet.fields)
    tags.translate(sheet, variables)
    braces.fill(sheet, variables, as_text=False)
    if "{:" in sheet.text:
        sheet.sub(_CONTENTS, lambda _: "")
        sheet.sub(_COMMENT, lambda _: "")
        sheet.sub(_DEFINED, lambda _: "")
        sheet.sub(_ATTRIBUTES, _reduced)
        sheet.sub(_EXTENSION, lambda _: "")


def _reduced(match: re.Match[str]) -> str:
    """An attribute list with what a mail can use of it: targets of links, and sizes."""
    if match["list"].startswith(":") or match["list"].startswith("/"):
        return match[0]
    kept = _KEPT.findall(match["list"])
    return f"{match['space']}{{: {' '.join(kept)} }}" if kept else ""
