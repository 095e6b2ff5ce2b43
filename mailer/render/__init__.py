"""An issue in, a rendering out: once per issue and variant, never per recipient.

The order (architecture §6): the recipient's places become tokens; Markdown becomes HTML and text;
the theme makes an MJML shell with an empty place for them; MJML becomes HTML; the content is put
in; the style sheet is inlined; what is too large gives up finish; the tokens become slots. Equal
inputs give equal bytes, and no clock is read: the digest of a dry run is the frozen one's
(decisions 12).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailer.compose.sizes import GROWTH, html_octets
from mailer.config import CheckConfig, ThemeConfig
from mailer.content.markdown import convert
from mailer.content.shape import Cut
from mailer.content.web import Web
from mailer.model import Finding, Rendering
from mailer.render.blocks import Block, where_to_cut
from mailer.render.context import language_of, names
from mailer.render.ladder import fit
from mailer.render.page import Page
from mailer.render.slots import SlotTable, protect

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from mailer.config import ListConfig, Newsletter
    from mailer.model import Issue, Template

_THEME: Final = ThemeConfig()
_LIMITS: Final = CheckConfig()

__all__ = ["Block", "RenderResult", "render_issue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderResult:
    """A rendering and what was found on the way; findings name the issue's lines.

    Attributes:
        content: the issue's own HTML, without the theme around it, for checks.
        blocks: its parts and their sizes, if the HTML part is larger than `[check] size_warn`.
        cut: the heading after which a cut makes it fit; empty if none does or needs to, if it is
            cut already, or if it has no page to go on at.
    """

    rendering: Rendering
    content: Template
    findings: tuple[Finding, ...]
    blocks: tuple[Block, ...] = ()
    cut: str = ""


def render_issue(
    issue: Issue,
    *,
    newsletter: Newsletter,
    list_: ListConfig,
    root: Path,
    planned: datetime,
    theme: ThemeConfig = _THEME,
    limits: CheckConfig = _LIMITS,
) -> RenderResult:
    """Render an issue for a list.

    Args:
        issue: what `content` understood of a file.
        newsletter: who sends.
        list_: whose readers get it.
        root: the newsletter's folder; files in its `templates/` win over the built-in theme.
        planned: when the mailing starts, aware; shown where the issue has no date (decisions 12).
        theme: what mails look like.
        limits: how large the HTML part may be (M-28).

    Raises:
        CheckError: E201 to E206, a template or an expression that cannot be used, with file and
            line; nothing is rendered.
    """
    language = language_of(issue, newsletter=newsletter, list_=list_)
    web = Web.of(issue, newsletter, root=root)
    protected, slots = _protect(issue)
    document = convert(
        protected.body,
        title=protected.subject,
        file=issue.file,
        body_line=issue.body_line,
        web=web,
        language=language,
        column=theme.column,
        cut=Cut.of(issue),
    )
    known = names(
        protected,
        newsletter=newsletter,
        list_=list_,
        planned=planned,
        look=theme,
        page=web.page,
    )
    page = Page(issue, known, root=root, template=issue.template or theme.template)

    def rendering(html: str, text: str = "") -> Rendering:
        places = slots | page.slots
        return Rendering(
            language=language,
            subject=places.split(protected.subject, html=False),
            html=places.split(html, html=True),
            text=places.split(text, html=False),
            images=document.images,
        )

    def octets(html: str) -> int:
        most = int(len(html.encode()) * GROWTH)
        if most <= limits.size_warn:
            return most
        fields = {"title": list_.title, "name": list_.slug}
        return html_octets(rendering(html), url=newsletter.url, fields=fields)

    fitted = fit(
        document.html,
        issue=issue,
        make=lambda draft: page.html(draft.content, lean=draft.lean),
        octets=octets,
        limits=limits,
    )
    cut = where_to_cut(fitted.blocks, octets=fitted.octets, limit=limits.size_max)
    if not web.page or issue.cut_after:  # nowhere to go on at, or cut already
        cut = ""
    return RenderResult(
        rendering=rendering(fitted.html, page.text(document.text)),
        content=slots.split(document.html, html=True),
        findings=(*issue.findings, *document.findings, *fitted.findings),
        blocks=fitted.blocks,
        cut=cut,
    )


def _protect(issue: Issue) -> tuple[Issue, SlotTable]:
    """The issue with tokens in place of what is about the recipient, and what they stand for."""
    slots = SlotTable(entries={})
    changed = dict[str, str]()
    # The body first: subject and preheader may be made of it, and have no line of their own.
    for name, line in (
        ("body", issue.body_line),
        ("subject", issue.line_of("subject", "title")),
        ("preheader", issue.line_of("preheader", "description", "summary", "excerpt")),
    ):
        changed[name], more = protect(
            getattr(issue, name), seed=f"{name} {issue.digest}", line=line, file=issue.file
        )
        slots |= more
    return replace(issue, **changed), slots  # type: ignore[arg-type]  # three texts by name
