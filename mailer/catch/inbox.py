"""The inbox page: a list, one message as HTML, text or source, and the file itself; read only."""

from __future__ import annotations

import base64
import email
import email.errors
import email.header
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from mailer.config.urls import is_loopback

if TYPE_CHECKING:
    from email.message import Message

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from mailer.catch.store import Store

PAGE = 100
VIEWS = ("html", "text", "source")
_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A caught message runs no script, sends no form, and loads nothing unless images were asked for.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'; img-src data:"
)


def inbox(store: Store) -> Starlette:
    """The application that shows a store, to this machine only."""
    pages = _Inbox(store)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/m/{name}.eml", pages.file),
            Route("/m/{name}", pages.message),
            Route("/m/{name}/{view}", pages.view),
        ],
        middleware=[Middleware(_LoopbackOnly)],
    )


class _LoopbackOnly:
    """Answers only to names of this machine: a web page elsewhere must not read mail (X-16).

    Its own host name could be made to point here (DNS rebinding); the Host header tells.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value for name, value in scope.get("headers", ()) if name == b"host"]
        try:
            ours = is_loopback(urlsplit(f"//{b''.join(hosts).decode('ascii')}").hostname or "")
        except ValueError:
            ours = False
        app = self._app if ours else PlainTextResponse("Wrong host\n", 400)
        await app(scope, receive, send)


class _Inbox:
    """The handlers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined
        )
        self._environment.globals["style"] = Markup(_STYLE)  # noqa: S704  our own file

    def _page(self, template: str, **values: object) -> Response:
        body = self._environment.get_template(f"{template}.html").render(values)
        return HTMLResponse(body, headers=_headers(_POLICY))

    async def index(self, request: Request) -> Response:
        """The newest messages, a hundred at a time."""
        asked = request.query_params.get("page", "1")
        number = int(asked) if re.fullmatch(r"[1-9][0-9]{0,8}", asked) else 1
        names = self._store.newest((number - 1) * PAGE, PAGE)
        rows = [row for name in names if (row := self._row(name))]
        last = max(1, -(-len(self._store) // PAGE))
        return self._page(
            "index",
            rows=rows,
            total=len(self._store),
            page=number,
            last=last,
            folder=self._store.folder,
        )

    def _row(self, name: str) -> dict[str, object] | None:
        content = self._store.content(name)
        if content is None:
            return None
        head = email.message_from_bytes(content.partition(b"\r\n\r\n")[0])
        return {
            "name": name,
            "to": ", ".join(self._store.envelope(name).rcpt_to),
            "subject": readable(head, "Subject") or "(no subject)",
            "size": len(content),
        }

    async def message(self, request: Request) -> Response:
        """One message: its headers, and a frame with its content."""
        name, content = self._named(request)
        parsed = email.message_from_bytes(content)
        offered = [view for view in VIEWS if view == "source" or _part(parsed, view) is not None]
        asked = request.query_params.get("view", "")
        return self._page(
            "message",
            name=name,
            envelope=self._store.envelope(name),
            subject=readable(parsed, "Subject") or "(no subject)",
            headers=[(key, readable_value(value)) for key, value in parsed.items()],
            views=offered,
            view=asked if asked in offered else offered[0],
            images="images" in request.query_params,
            size=len(content),
        )

    async def view(self, request: Request) -> Response:
        """What stands in the frame."""
        _, content = self._named(request)
        view = request.path_params["view"]
        if view == "source":
            return Response(content, media_type="text/plain", headers=_headers(_MAIL_POLICY))
        text = _part(email.message_from_bytes(content), view) if view in VIEWS else None
        if text is None:
            raise HTTPException(404)
        if view == "text":
            return PlainTextResponse(text, headers=_headers(_MAIL_POLICY))
        policy = _MAIL_POLICY + (" https: http:" if "images" in request.query_params else "")
        # Links open beside the frame: inside it, most sites refuse to be shown.
        shown = re.sub(r"(?i)<head[^>]*>", r'\g<0><base target="_blank">', text, count=1)
        return HTMLResponse(shown, headers=_headers(policy))

    async def file(self, request: Request) -> Response:
        """The message as it was received."""
        name, content = self._named(request)
        disposition = {"Content-Disposition": f'attachment; filename="{name}.eml"'}
        headers = _headers(_POLICY) | disposition
        return Response(content, media_type="message/rfc822", headers=headers)

    def _named(self, request: Request) -> tuple[str, bytes]:
        name = request.path_params["name"]
        content = self._store.content(name)
        if content is None:
            raise HTTPException(404)
        return name, content


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def readable(message: Message, name: str) -> str:
    """A header's text with its encoded-words decoded (RFC 2047); empty if absent."""
    return readable_value(message.get(name, ""))


def readable_value(value: object) -> str:
    """As `readable`, for one value; what cannot be decoded is shown as it came."""
    text = str(value)
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except (email.errors.HeaderParseError, ValueError, LookupError):
        return text


def _part(message: Message, view: str) -> str | None:
    """The first part of the kind, decoded; None if there is none."""
    wanted = {"html": "text/html", "text": "text/plain"}[view]
    for part in message.walk():
        if part.get_content_type() == wanted and not part.is_multipart():
            payload = part.get_payload(decode=True)
            raw = payload if isinstance(payload, bytes) else b""
            try:
                return raw.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:
                return raw.decode("utf-8", "replace")
    return None
