"""MDX as in Docusaurus, Next and Astro: scripts between the lines, components, expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import components, writing
from mailer.content.dialects.arguments import balanced, unquoted
from mailer.content.dialects.sheet import Kind
from mailer.content.dialects.values import value_of

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_IMPORT: Final = re.compile(
    r"^import\b(?:\s+(?P<name>[\w$]+)?(?:[^\"'\n;]|\{[^}]*\})*?\bfrom)?\s*"
    r"(?P<path>\"[^\"\n]+\"|'[^'\n]+')[^\n]*$",
    re.MULTILINE,
)
_EXPORT: Final = re.compile(
    r"^export\s+(?:default|const|let|var|function|class|async|\{|\*)[^\n]*(?:\n(?![ \t]*$)[^\n]*)*",
    re.MULTILINE,
)
_WHOLE: Final = re.compile(r"`([^`$\\]*)`\Z")
"""A template literal in which nothing is to be put."""
_CONSTANT: Final = re.compile(
    r"export\s+(?:const|let|var)\s+(?P<name>[\w$]+)\s*=\s*(?P<value>\"[^\"\n]*\"|'[^'\n]*'|`[^`$]*`)"
)
_PICTURE: Final = re.compile(r"\.(?:png|jpe?g|gif|webp|svg|avif|mp4)\Z", re.IGNORECASE)
_PATIENCE: Final = 200
"""Braces that nothing closes before a text counts as one without expressions."""
_FRAGMENT: Final = re.compile(r"</?>")
_SOURCE: Final = re.compile(r"/?src/|[@~#]/|~")
_SITE: Final = re.compile(r"(?<=\]\()(?:pathname://|@site/(?:static/)?)/?")
_ATTRIBUTES: Final = re.compile(r"\{[ \t]*(?:[.#:%{]|\w[\w-]*=|[\d,\s-]*\})")


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    values: dict[str, str] = {}
    sheet.drop(Kind.SHEET)
    scripted = bool(_IMPORT.search(sheet.text)) or sheet.file.lower().endswith(".mdx")
    sheet.sub(_IMPORT, lambda match: _imported(sheet, match, values))
    sheet.sub(_EXPORT, lambda match: _exported(sheet, match, values))
    sheet.sub(_FRAGMENT, lambda _: "")
    components.strings_in_braces(sheet)
    components.dedent(sheet)
    components.translate(sheet, values=values)
    sheet.sub(_SITE, lambda _: "/")
    if scripted:
        _fill(sheet, values)


def _imported(sheet: Sheet, match: re.Match[str], values: dict[str, str]) -> str:
    path = unquoted(match["path"])
    if match["name"] and _PICTURE.search(path):
        values[match["name"]] = re.sub(r"\A@site/(?:static/)?", "/", path)
        if _SOURCE.match(path):
            step = "give its address on the web, or put the file beside the issue"
            sheet.warn(match.start(), f"{path} is a file of the site's source", next_step=step)
    return ""


def _exported(sheet: Sheet, match: re.Match[str], values: dict[str, str]) -> str:
    constant = _CONSTANT.match(sheet.shown(match[0]))
    if constant:
        values[constant["name"]] = unquoted(constant["value"])
    return ""


def _fill(sheet: Sheet, values: dict[str, str]) -> None:
    """Put values in the place of expressions; one that only the site can work out is E118."""
    changes: list[tuple[int, int, str]] = []
    place = sheet.text.find("{")
    failures = 0
    while place >= 0 and failures < _PATIENCE:
        end = balanced(sheet.text, place)
        failures += end < 0
        inner = sheet.text[place + 1 : end - 1]
        if end < 0 or _ATTRIBUTES.match(sheet.text, place) or not inner.strip():
            place = sheet.text.find("{", place + 1)
            continue
        text = sheet.shown(inner).strip()
        whole = _WHOLE.match(text)
        value = whole[1] if whole else values.get(text) or value_of(text, sheet.fields)
        if value is None:
            short = " ".join(text.split())[:50]
            sheet.refuse(
                place,
                f"{{{short}}} is worked out by the site's script, and cannot be here",
                next_step="write what it shows; \\{ shows a brace",
            )
        changes.append((place, end, sheet.keep(writing.escaped(value)) if value else ""))
        place = sheet.text.find("{", end)
    sheet.splice(changes)
