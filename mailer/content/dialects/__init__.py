"""An issue of any site generator in, plain Markdown out, with the same number of lines.

=============  =============================================================================
dialect        has of its own
=============  =============================================================================
plain          containers and admonitions, which all others have, too
vuepress       Vue components, `{{ $frontmatter.x }}`, links to `.md`, `public/`
docusaurus     imports, JSX, expressions in braces
jekyll         Liquid, kramdown's attributes
hugo           shortcodes of Hugo and Zola, `@/x.md`
pelican        `{static}x`, `{filename}x.md`
eleventy       Nunjucks, Liquid; Handlebars is refused
=============  =============================================================================

What can be translated is. What cannot and carries no words of the author is removed (W112). What
would lose words or show markup is E118, and the issue is not mailed. Code is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.content.dialects import (
    components,
    docusaurus,
    eleventy,
    hugo,
    jekyll,
    pelican,
    plain,
    vuepress,
)
from mailer.content.dialects.recognise import recognise
from mailer.content.dialects.sheet import Sheet

if TYPE_CHECKING:
    from mailer.model import Finding

__all__ = ["Translation", "recognise", "translate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A body in plain Markdown, and what was found on the way."""

    body: str
    dialect: str
    findings: tuple[Finding, ...]


_DIALECTS: Final[Mapping[str, Callable[[Sheet], None]]] = {
    "plain": plain.translate,
    "vuepress": vuepress.translate,
    "docusaurus": docusaurus.translate,
    "jekyll": jekyll.translate,
    "hugo": hugo.translate,
    "pelican": pelican.translate,
    "eleventy": eleventy.translate,
}


def translate(
    body: str,
    *,
    dialect: str = "auto",
    file: str = "",
    body_line: int = 1,
    form: str = "",
    fields: Mapping[str, object] | None = None,
) -> Translation:
    """Make a body plain Markdown.

    Args:
        body: as it is written, with LF line ends.
        dialect: a name of `model.DIALECTS`, or "auto".
        file: path, which also tells something about the dialect.
        body_line: line in the file of the first line of the body.
        form: format of the front matter.
        fields: the front matter.
    """
    known = fields or {}
    sheet = Sheet(body, file=file, body_line=body_line, fields=known)
    if dialect == "auto":
        dialect = recognise(file, form=form, keys=known, text=f"{sheet.text}\n{_comments(body)}")
    loose = components.lines_inside(body) if dialect == "docusaurus" else set()
    if loose:
        sheet = Sheet(body, file=file, body_line=body_line, fields=known, loose=loose)
    _DIALECTS[dialect](sheet)
    plain.finish(sheet, templated=dialect in _TEMPLATED)
    findings = tuple(sorted(sheet.findings, key=lambda finding: finding.line))
    return Translation(body=sheet.restored(), dialect=dialect, findings=findings)


_TEMPLATED: Final = frozenset({"vuepress", "jekyll", "hugo", "eleventy"})
_MARKS: Final = (
    "<!-- truncate -->",
    "<!--truncate-->",
    "<!-- more -->",
    "<!--more-->",
    "<script setup",
)


def _comments(body: str) -> str:
    """The marks at which a page is cut, which are comments."""
    return "\n".join(mark for mark in _MARKS if mark in body)
