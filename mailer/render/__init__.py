"""An issue in, a rendering out: once per issue and variant, never per recipient.

The order (architecture §6): the recipient's places become tokens; Markdown becomes HTML and text;
the theme makes an MJML shell with an empty place for them; MJML becomes HTML; the content is put
in; the style sheet is inlined; the tokens become slots. Equal inputs give equal bytes, and no
clock is read: the digest of a dry run is the frozen one's (decisions 12).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailer.content.markdown import convert
from mailer.content.web import Web
from mailer.model import Finding, Rendering
from mailer.render.context import language_of, names
from mailer.render.inline import inline
from mailer.render.mjml import Parcels, compile_shell
from mailer.render.slots import protect
from mailer.render.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from mailer.config import ListConfig, Newsletter
    from mailer.model import Issue, Template

__all__ = ["RenderResult", "render_issue"]

_FILLER: Final = "&#847;&zwnj;&nbsp;" * 60
"""After the preheader: fills an inbox list's line, so that nothing else of the mail shows there."""

_STYLE: Final = re.compile(r"<!--.*?-->|(<style)(?=[\s>])", re.DOTALL)
_KEPT: Final = '<style data-premailer="ignore"'


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderResult:
    """A rendering and what was found on the way; findings name the issue's lines.

    Attributes:
        content: the issue's own HTML, without the theme around it, for checks.
    """

    rendering: Rendering
    content: Template
    findings: tuple[Finding, ...]


def render_issue(
    issue: Issue, *, newsletter: Newsletter, list_: ListConfig, root: Path, planned: datetime
) -> RenderResult:
    """Render an issue for a list.

    Args:
        issue: what `content` understood of a file.
        newsletter: who sends.
        list_: whose readers get it.
        root: the newsletter's folder; files in its `templates/` win over the built-in theme.
        planned: when the mailing starts, aware; shown where the issue has no date (decisions 12).

    Raises:
        CheckError: E201 to E206, a template or an expression that cannot be used, with file and
            line; nothing is rendered.
    """
    subject, slots = protect(issue.subject, seed=f"subject {issue.digest}", file=issue.file)
    preheader, more = protect(issue.preheader, seed=f"preheader {issue.digest}", file=issue.file)
    body, most = protect(
        issue.body, seed=f"body {issue.digest}", file=issue.file, line=issue.body_line
    )
    language = language_of(issue, newsletter=newsletter, list_=list_)
    document = convert(
        body,
        title=subject,
        file=issue.file,
        body_line=issue.body_line,
        web=Web.of(issue, newsletter, root=root),
        language=language,
    )
    protected = replace(issue, subject=subject, preheader=preheader)
    known = names(protected, newsletter=newsletter, list_=list_, planned=planned)
    parcels = Parcels(issue.digest)
    theme = Theme(root, pack=parcels.pack)
    html = _html(theme, parcels, issue, known, document.html)
    text = theme.render(
        issue.template, "txt", {**known, "content": document.text.strip()}, where=issue.file
    ).text
    slots |= more | most | theme.slots
    rendering = Rendering(
        language=language,
        subject=slots.split(subject, html=False),
        html=slots.split(html, html=True),
        text=slots.split(text.strip() + "\n", html=False),
        images=document.images,
    )
    return RenderResult(
        rendering=rendering,
        content=slots.split(document.html, html=True),
        findings=(*issue.findings, *document.findings),
    )


def _html(
    theme: Theme, parcels: Parcels, issue: Issue, known: Mapping[str, object], content: str
) -> str:
    """The HTML part, its tokens still in it."""
    css = theme.render(issue.template, "css", known, where=issue.file).text
    head = theme.render(issue.template, "head.css", known, where=issue.file).text
    packed = {
        "content": parcels.pack_html(content),
        "filler": parcels.pack_html(_FILLER),
        "head_style": parcels.pack_html(f'<style data-premailer="ignore">{head}</style>'),
    }
    shell = theme.render(issue.template, "mjml", {**known, **packed}, where=issue.file)
    html = compile_shell(shell)
    # In lower case premailer drops the doctype, and a mail without it is laid out as in 1998.
    html = html.replace("<!doctype html>", "<!DOCTYPE html>", 1)
    html = _STYLE.sub(lambda tag: tag[0] if tag[1] is None else _KEPT, html)
    # A sheet for some media keeps the mark; as a tag it cannot stand in an issue's text.
    return inline(parcels.unpack(html), css).replace(_KEPT, "<style")
