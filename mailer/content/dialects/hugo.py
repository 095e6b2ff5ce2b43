"""Hugo and Zola: shortcodes alone and in pairs, links to files, attributes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import braces, calls, tags
from mailer.content.dialects.arguments import read_arguments
from mailer.content.dialects.calls import Call, Change, Pair
from mailer.content.dialects.places import page_of_section
from mailer.content.dialects.values import value_of

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_SHORTCODE: Final = re.compile(
    r"\{\{(?P<mark>[<%])[ \t\n]*(?P<end>/[ \t]*)?(?P<name>[A-Za-z][\w./-]*)"
    r"(?P<more>(?:[^\"'`{}]|\"(?:\\.|[^\"\\])*\"|'[^']*'|`[^`]*`|[{}](?![{}]))*?)"
    r"(?P<alone>/)?[ \t\n]*[>%]\}\}",
    re.DOTALL,
)
_FILE_LINK: Final = re.compile(
    r"(?<=\]\()@/(?P<path>[^)\s]+)|(?<=\]:)(?P<space>[ \t]*)@/(?P<other>\S+)"
)
_ATTRIBUTES: Final = re.compile(
    r"^[ \t]*\{[ \t]*(?:[.#][\w-]+|[\w-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s}]+))"
    r"(?:[ \t,]+(?:[.#][\w-]+|[\w-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s}]+)))*[ \t]*\}[ \t]*$",
    re.MULTILINE,
)
_LONGEST: Final = 60


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    variables = dict(sheet.fields)
    if "{{<" in sheet.text or "{{%" in sheet.text:
        found = [_call(sheet, match) for match in _SHORTCODE.finditer(sheet.text)]
        calls.translate(sheet, found, known=_known)
    tags.translate(sheet, variables)
    braces.fill(sheet, variables, as_text=False)
    sheet.sub(_FILE_LINK, _linked)
    sheet.sub(_ATTRIBUTES, lambda _: "")


def _call(sheet: Sheet, match: re.Match[str]) -> Call:
    written = " ".join(sheet.shown(match[0]).split())
    return Call(
        name=match["name"],
        start=match.start(),
        end=match.end(),
        arguments=read_arguments(sheet.shown(match["more"])),
        shown=written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…",
        closing=bool(match["end"]),
        alone=bool(match["alone"]),
    )


def _known(sheet: Sheet, pair: Pair) -> list[Change] | None:
    call = pair.opening
    if call.name in {"ref", "relref"} and pair.closing is None:
        path = call.arguments.first("path") or call.arguments.at(0)
        return calls.removed(pair, instead=page_of_section(path.removeprefix("@/")))
    if call.name == "param":
        value = value_of(f"page.params.{call.arguments.at(0)}", sheet.fields)
        return None if value is None else calls.removed(pair, instead=value)
    return None


def _linked(match: re.Match[str]) -> str:
    if match["path"]:
        return page_of_section(match["path"])
    return f"{match['space']}{page_of_section(match['other'])}"
