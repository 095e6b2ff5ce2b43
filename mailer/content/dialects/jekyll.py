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
_LIST: Final = r"\{:(?P<list>(?![:/])(?:[^{}\n\"']|\"[^\"\n]*\"|'[^'\n]*')*)\}"
_ATTRIBUTES: Final = re.compile(rf"(?P<space>[ \t]*){_LIST}")
_BELOW_HEADING: Final = re.compile(
    r"^(?P<head>[ ]{0,3}#{1,6}[ \t][^\n]*|[^\s>#][^\n]*(?=\n[ ]{0,3}(?:=+|--+)[ \t]*\n))"
    rf"(?P<rule>\n(?:[ ]{{0,3}}(?:=+|--+)[ \t]*\n)?)[ \t]*{_LIST}[ \t]*$",
    re.MULTILINE,
)
_ABOVE_HEADING: Final = re.compile(
    rf"(?:\A|(?<=\n\n))[ \t]*{_LIST}[ \t]*\n(?P<head>[ ]{{0,3}}#{{1,6}}[ \t][^\n]*)$", re.MULTILINE
)
_OWN_LINE: Final = re.compile(
    rf"(?P<before>^[^\n]*\n|\A)(?P<space>[ \t>]*){_LIST}[ \t]*$", re.MULTILINE
)
_PARAGRAPH: Final = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?[\w*_\[!(\"'“]")
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
        sheet.sub(_BELOW_HEADING, lambda found: f"{found['head']}{_kept(found)}{found['rule']}")
        sheet.sub(_ABOVE_HEADING, lambda found: f"\n{found['head']}{_kept(found)}")
        sheet.sub(_OWN_LINE, _on_its_line)
        sheet.sub(_ATTRIBUTES, lambda found: _kept(found, space=found["space"]))
        sheet.sub(_EXTENSION, lambda _: "")


def _on_its_line(match: re.Match[str]) -> str:
    """Attributes below a paragraph are read as its own; anywhere else they would be text."""
    if _PARAGRAPH.match(match["before"]):
        return match[0]
    return f"{match['before']}{match['space'].rstrip()}"


def _kept(match: re.Match[str], *, space: str = " ") -> str:
    """An attribute list with what a mail can use of it: targets of links, and sizes."""
    kept = _KEPT.findall(match["list"])
    return f"{space}{{: {' '.join(kept)} }}" if kept else ""
