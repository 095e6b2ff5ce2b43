"""VuePress and VitePress: Vue components and expressions, links to files, pictures of `public/`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import braces, components, embeds
from mailer.content.dialects.arguments import Arguments
from mailer.content.dialects.calls import fitting
from mailer.content.dialects.sheet import Kind

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_EMBED: Final = re.compile(r"@\[(?P<name>[\w-]+)(?P<options>[^\]\n]*)\]\((?P<target>[^)\n]*)\)")
_SNIPPET: Final = re.compile(r"^[ \t]*<<<[ \t]+(?P<file>\S.*)$", re.MULTILINE)
_PUBLIC: Final = re.compile(
    r"(?<=\]\()(?:~?@(?=\w*/)[\w-]*|(?=(?:\.{1,2}/|/)*public/))(?P<rest>[^)\s]+)"
)


def translate(sheet: Sheet) -> None:
    """Make it plain Markdown."""
    sheet.drop(Kind.SHEET)
    sheet.sub(_SNIPPET, lambda match: _included(sheet, match.start(), match["file"]))
    sheet.sub(_EMBED, lambda match: _embedded(sheet, match))
    components.translate(sheet, values={})
    braces.fill(sheet, sheet.fields, as_text=True)
    sheet.sub(_PUBLIC, lambda match: _public(match["rest"]))


def _included(sheet: Sheet, place: int, file: str) -> str:
    sheet.warn(place, f"the code of {file} removed: the file is not here")
    return ""


def _embedded(sheet: Sheet, match: re.Match[str]) -> str:
    """`@[youtube](id)` of the plugins for markdown-it."""
    arguments = Arguments(positional=(match["target"],), named={})
    shown = embeds.embed(match["name"], arguments)
    if shown is not None:
        return fitting(sheet, *match.span(), shown)
    return _included(sheet, match.start(), match["target"])


def _public(path: str) -> str:
    """Where a file of the site's source is served."""
    return re.sub(r"\A(?:\.{0,2}/)*(?:public)?/?", "/", path)
