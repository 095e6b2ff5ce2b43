"""The pages' look and the headers of every answer: plain HTML, one style, no script, no cookie."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from mailer.config import Newsletter

_FOLDER = Path(__file__).parent / "templates"


class Pages:
    """Makes every answer of one newsletter's public application."""

    def __init__(self, newsletter: Newsletter) -> None:
        style = (_FOLDER / "style.css").read_text(encoding="utf-8")
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
        )
        self._environment.globals |= {
            "newsletter": newsletter,
            "contact": (newsletter.reply_to or newsletter.sender).address,
            # The policy below allows exactly these bytes and no other style.
            "style": Markup(style),  # noqa: S704  our own file
        }
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",  # L-7
            "Referrer-Policy": "no-referrer",  # L-7: the address of the page is a credential
            "X-Robots-Tag": "noindex",  # L-7
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def page(self, name: str, *, status: int = 200, **values: object) -> Response:
        """The template `name`.html, filled and escaped."""
        body = self._environment.get_template(f"{name}.html").render(values)
        return HTMLResponse(body, status, headers=self._headers)

    def text(self, line: str, *, status: int = 200) -> Response:
        """One line of plain text, for programs."""
        return PlainTextResponse(f"{line}\n", status, headers=self._headers)

    def trouble(self, status: int, title: str, text: str) -> Response:
        """A page that says what went wrong and what to do."""
        return self.page("trouble", status=status, title=title, text=text)
