"""`{{ … }}` of template languages: filled from the front matter, or made of a call like Zola's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import embeds, writing
from mailer.content.dialects.arguments import read_arguments
from mailer.content.dialects.calls import Call, fitting, left_of
from mailer.content.dialects.places import page_of_section
from mailer.content.dialects.surroundings import in_address
from mailer.content.dialects.values import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.content.dialects.sheet import Sheet

_BRACES: Final = re.compile(
    r"\{\{\{?[-~]?(?P<inner>(?:[^{}\"']|\"[^\"]*\"|'[^']*'|\{(?!\{)|\}(?!\}))*?)[-~]?\}\}\}?"
)
_CALL: Final = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*\((?P<arguments>.*)\)[^()]*\Z", re.DOTALL)
_PAGES: Final = frozenset({"geturl", "ref", "relref"})


def fill(sheet: Sheet, variables: Mapping[str, object], *, as_text: bool) -> None:
    """Put values in the place of all expressions that have one; the others stay as they are.

    Args:
        sheet: the text.
        variables: what is known by name.
        as_text: whether a value is text (Vue); else it is Markdown, filled in before that is read.
    """
    if "{{" in sheet.text:
        sheet.sub(_BRACES, lambda match: _filled(sheet, match, variables, as_text=as_text))


def _filled(
    sheet: Sheet, match: re.Match[str], variables: Mapping[str, object], *, as_text: bool
) -> str:
    if "\n\n" in match[0]:
        return match[0]
    inner = sheet.shown(match["inner"])
    call = _CALL.match(inner)
    if call:
        return _called(sheet, match, call)
    value = value_of(inner, variables)
    if value is None:
        return match[0]
    if in_address(sheet.text, match.start()) or writing.is_address(value):
        return writing.address(value)
    if as_text:
        return sheet.keep(writing.escaped(value)) if value else ""
    return " ".join(value.split()).replace("{", sheet.keep("&#123;"))


def _called(sheet: Sheet, match: re.Match[str], call: re.Match[str]) -> str:
    arguments = read_arguments(call["arguments"])
    if embeds.plain_name(call["name"]) in _PAGES:
        path = arguments.first("path") or arguments.at(0)
        return page_of_section(path.removeprefix("@/"))
    tag = Call(
        name=call["name"],
        start=match.start(),
        end=match.end(),
        arguments=arguments,
        shown=f"{{{{ {call['name']}() }}}}",
    )
    if in_address(sheet.text, match.start()):
        return embeds.place_of(arguments)
    shown = embeds.embed(call["name"], arguments)
    return left_of(sheet, tag) if shown is None else fitting(sheet, *match.span(), shown)
