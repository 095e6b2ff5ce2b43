"""The theme around an issue: MJML shell, content, style sheet, each in its turn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.render.inline import inline
from mailer.render.mjml import Parcels, compile_shell
from mailer.render.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mailer.model import Issue
    from mailer.render.marks import Rendered
    from mailer.render.slots import SlotTable

_FILLER: Final = "&#847;&zwnj;&nbsp;" * 60
"""After the preheader: fills an inbox list's line, so that nothing else of the mail shows there."""

_ARTICLE: Final = ' role="article"'
_MAIN: Final = ' role="main"'
"""What MJML calls the mail, and what it is: screen readers jump to it, past what a client shows
around it (WCAG 2.4.1)."""

_STYLE: Final = re.compile(r"<!--.*?-->|(<style)(?=[\s>])", re.DOTALL)
_KEPT: Final = '<style data-premailer="ignore"'


class Page:
    """The templates of one issue; what they make has the tokens of personal places in it.

    Args:
        known: the names that templates know, without `content` (`context`).
        root: the newsletter's folder; files in its `templates/` win over the built-in theme.
        template: the name of the template.
    """

    def __init__(
        self, issue: Issue, known: Mapping[str, object], *, root: Path, template: str
    ) -> None:
        self._issue = issue
        self._template = template
        self._known = known
        self._parcels = Parcels(issue.digest)
        self._theme = Theme(root, pack=self._parcels.pack)

    @property
    def slots(self) -> SlotTable:
        """The personal places of all templates used so far."""
        return self._theme.slots

    def html(self, content: str, *, lean: bool = False) -> str:
        """The HTML part.

        Args:
            content: the issue's own HTML.
            lean: without what the style sheet repeats for each element and can be missed.

        Raises:
            CheckError: E201 to E206, with the template and its line.
        """
        known = {**self._known, "lean": lean}
        head = self._render("head.css", known).text
        packed = {
            "content": self._parcels.pack_html(content),
            "filler": self._parcels.pack_html(_FILLER),
            "head_style": self._parcels.pack_html(f"{_KEPT}>{head}</style>"),
        }
        html = compile_shell(self._render("mjml", {**known, **packed}))
        # In lower case premailer drops the doctype, and a mail without it is laid out as in 1998.
        html = html.replace("<!doctype html>", "<!DOCTYPE html>", 1)
        html = html.replace(_ARTICLE, _MAIN, 1)
        html = _STYLE.sub(lambda tag: tag[0] if tag[1] is None else _KEPT, html)
        # A sheet for some media keeps the mark; as a tag it cannot stand in an issue's text.
        css = self._render("css", known).text
        return inline(self._parcels.unpack(html), css).replace(_KEPT, "<style")

    def text(self, content: str) -> str:
        """The text part, ends with one newline.

        Raises:
            CheckError: E204 or E205, with the template and its line.
        """
        known = {**self._known, "content": content.strip()}
        return self._render("txt", known).text.strip() + "\n"

    def _render(self, kind: str, known: Mapping[str, object]) -> Rendered:
        return self._theme.render(self._template, kind, known, where=self._issue.file)
