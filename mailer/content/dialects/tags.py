"""`{% … %}` of Liquid, Nunjucks and Tera: tags, includes, variables, and logic that is not run."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import calls, embeds, writing
from mailer.content.dialects.arguments import read_arguments
from mailer.content.dialects.calls import Call, Change, Pair, left_of
from mailer.content.dialects.places import page_of_path, page_of_post
from mailer.content.dialects.values import value_of

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_TAG: Final = re.compile(
    r"\{%[-+]?[ \t\n]*(?P<end>end[ \t_]?)?(?P<name>[A-Za-z_][\w.-]*)?(?P<more>"
    r"(?:[^\"'%{]|\{(?!%)|(?<=\w)'|\"[^\"]*\"|(?<!\w)'[^']*'|%(?!\}))*?)[-+]?%\}"
)
_ASSIGNED: Final = re.compile(r"\s*(?P<name>\w+)\s*=\s*(?P<value>.+?)\s*\Z", re.DOTALL)
_LOGIC_NAMES = (
    "if unless for case tablerow capture macro call filter block each switch when elsif elif else "
    "paginate cycle increment decrement continue break asyncEach asyncAll ifAsync elseif"
)
_LOGIC: Final = frozenset(_LOGIC_NAMES.lower().split())
_SILENT_NAMES = (
    "seo feed_meta csrf toc endraw raw more excerpt import from extends layout render_toc "
    "assets css js script liquid"
)
_SILENT: Final = frozenset(_SILENT_NAMES.split())
_INCLUDES_NAMES = (
    "include include_relative include_cached includes render partial renderfile remote_include"
)
_INCLUDES: Final = frozenset(_INCLUDES_NAMES.split())
_LONGEST: Final = 60


def translate(sheet: Sheet, variables: dict[str, object]) -> None:
    """Replace every tag; what it assigns is added to the variables."""
    if "{%" not in sheet.text:
        return
    found: list[Call] = []
    for match in _TAG.finditer(sheet.text):
        name = (match["name"] or "").lower()
        more = sheet.shown(match["more"])
        if name in {"assign", "set"} and (assigned := _ASSIGNED.match(more)):
            variables[assigned["name"].lower()] = value_of(assigned["value"], variables)
        if not name and not match["end"]:
            continue
        written = " ".join(sheet.shown(match[0]).split())
        found.append(
            Call(
                name=name,
                start=match.start(),
                end=match.end(),
                arguments=read_arguments(more),
                shown=written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…",
                closing=bool(match["end"]),
                alone=name in _INCLUDES
                or name in {"assign", "set", "link", "post_url", "post_link"},
            )
        )
    calls.translate(sheet, found, known=_known)


def _known(sheet: Sheet, pair: Pair) -> list[Change] | None:
    call = pair.opening
    if call.name in _LOGIC:
        sheet.refuse(
            call.start,
            f"{call.shown} is worked out when the site is built, and cannot be here",
            next_step="write what it shows, or `code` to show the tag itself",
        )
        return calls.removed(pair)
    if call.name in _SILENT or call.name in {"assign", "set"}:
        return calls.removed(pair)
    if call.name in _INCLUDES:
        return _included(sheet, pair)
    if call.name == "img" and pair.closing is None:
        return _octopress_image(pair)
    return _linked(pair)


def _linked(pair: Pair) -> list[Change] | None:
    """`{% post_url %}` and `{% link %}`: the address of a page of the site."""
    call, target = pair.opening, pair.opening.arguments.at(0)
    if call.name == "post_url" and target:
        return calls.removed(pair, instead=page_of_post(target))
    words, place = call.arguments.positional[1:], call.arguments.at(1)
    if call.name == "post_link" and target:  # Hexo: where the post stands is not known here
        return calls.removed(pair, instead=" ".join(words) or target)
    if call.name == "link" and writing.is_address(place):  # Hexo
        return calls.removed(pair, instead=writing.link(target, place))
    if call.name == "link" and target.startswith("http"):  # dev.to shows a card
        return calls.removed(pair, instead=f"<{writing.address(target)}>")
    if call.name == "link" and target:
        return calls.removed(pair, instead=page_of_path(target))
    return None


def _included(sheet: Sheet, pair: Pair) -> list[Change] | None:
    """An included file: by its name it may be a picture or player, else its words stay."""
    call = pair.opening
    file = call.arguments.at(0) or call.arguments.first("file", "name")
    if "toc" in embeds.plain_name(file):
        return calls.removed(pair)
    given = call.arguments.without_first()
    shown = embeds.embed(file, given)
    sheet.includes = True
    if shown is None:
        shown = left_of(sheet, replace(call, name=file, arguments=given))
    return calls.removed(pair, instead=shown)


def _octopress_image(pair: Pair) -> list[Change] | None:
    """`{% img [class …] /path [width] [height] ["title" "alt"] %}`."""
    given = pair.opening.arguments
    source = next((each for each in given.positional if "/" in each or "." in each), "")
    words = [each for each in given.positional if " " in each]
    if not source:
        return None
    return calls.removed(pair, instead=writing.image(source, words[-1] if words else ""))
