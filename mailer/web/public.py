"""The public application: leaving a list, by one click or by a button, and coming back.

Beside it stand the images of issues (`images`) and `/health`.

::

    GET     a page that asks; changes nothing (L-7)
    POST    List-Unsubscribe=One-Click   unsubscribes, answers one line of text (RFC 8058, L-6)
            action=unsubscribe           unsubscribes, answers a page with Undo
            action=undo                  takes that back
            anything else                400, changes nothing

A token that does not verify gets one and the same 404, whatever is wrong with it (L-5, X-12).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio.to_thread
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from mailer.errors import LedgerError
from mailer.ledger import audience
from mailer.ledger.database import check_schema
from mailer.model import Instant, ListId, SubscriberId
from mailer.web.guard import KnownHosts, read_body
from mailer.web.images import Images
from mailer.web.pages import Pages
from mailer.web.standing import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response
    from starlette.types import Message

    from mailer.compose.links import Keyring
    from mailer.config import Config
    from mailer.ledger import Ledger

# A page writes one row; more threads would only wait for each other.
_THREADS = 4
_TROUBLE = {
    400: ("That did not arrive", "Please open the link in the mail again and use its button."),
    404: ("Nothing is here", "The link is incomplete or not one of ours. Copy all of it."),
    405: ("Not possible", "This page can only be read, or used by its button."),
    408: ("That took too long", "Please try again."),
    413: ("Too much", "More was sent than this page takes."),
    500: ("Our fault", "Something went wrong here. Please try again in a few minutes."),
    503: ("Busy", "The newsletter's database is busy. Please try again in a few minutes."),
}


def application(ledger: Ledger, keyring: Keyring, config: Config) -> Starlette:
    """The ASGI application behind `mailer serve`.

    Its routes stand under the path of `newsletter.url` and at the root, for a proxy that strips it.
    """
    pages = Pages(config.newsletter)
    public = _Public(ledger, keyring, pages)
    images = Images(config.root / "issues")
    prefixes = dict.fromkeys(("", urlsplit(config.newsletter.url).path))
    app = Starlette(
        routes=[
            route
            for prefix in prefixes
            for route in (
                Route(f"{prefix}/u/{{token}}", public.ask, methods=["GET"]),
                Route(f"{prefix}/u/{{token}}", public.act, methods=["POST"]),
                Route(f"{prefix}/u/{{token}}", public.options, methods=["OPTIONS"]),
                Route(f"{prefix}/images/{{digest}}/{{path:path}}", images.show, methods=["GET"]),
                Route(f"{prefix}/health", public.health, methods=["GET"]),
            )
        ],
        middleware=[Middleware(KnownHosts, pages=pages, url=config.newsletter.url)],
        exception_handlers={
            HTTPException: public.refused,
            DBAPIError: public.busy,
            LedgerError: public.busy,
            Exception: public.failed,
        },
    )
    app.router.redirect_slashes = False
    return app


class _Public:
    """The handlers, and what they share."""

    def __init__(self, ledger: Ledger, keyring: Keyring, pages: Pages) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._pages = pages
        self._limiter = anyio.CapacityLimiter(_THREADS)

    async def ask(self, request: Request) -> Response:
        """GET: a page with one button; nothing changes (L-7)."""
        whose = self._verified(request)
        if whose is None:
            return self._pages.page("test")
        now: Standing | None = await self._in_thread(standing, *whose)
        if now and now.subscribed:
            return self._pages.page("ask", standing=now)
        return self._pages.page("left", standing=now, asked=False)

    async def act(self, request: Request) -> Response:
        """POST: does what the body says."""
        body = await read_body(request)
        whose = self._verified(request)
        meaning = meaning_of(await fields_of(request, body), body)
        if meaning is None:
            raise HTTPException(400)
        if whose is None:
            text = "A test copy: nobody was unsubscribed."
            return self._pages.text(text) if meaning == "one-click" else self._pages.page("test")
        change = audience.resubscribe if meaning == "undo" else audience.unsubscribe
        via = "one-click" if meaning == "one-click" else "page"
        now = Instant(time.time_ns() // 1000)
        await self._in_thread(lambda ledger: change(ledger, *whose, via=via, now=now))
        if meaning == "one-click":
            return self._pages.text("Unsubscribed.")
        after: Standing | None = await self._in_thread(standing, *whose)
        if meaning == "undo" and after and after.subscribed:
            return self._pages.page("back", standing=after)
        return self._pages.page("left", standing=after, asked=meaning != "undo")

    def _verified(self, request: Request) -> tuple[SubscriberId, ListId] | None:
        """Whose subscription the token may end; None for a test copy's.

        Raises:
            HTTPException: 404; both readers always run, so that every refusal costs the same.
        """
        token = request.path_params["token"]
        whose = self._keyring.read_unsubscribe_token(token)
        is_test = self._keyring.is_test_token(token)
        if whose is None and not is_test:
            raise HTTPException(404)
        return whose

    async def _in_thread(self, function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        """The ledger is synchronous."""
        return await anyio.to_thread.run_sync(
            function, self._ledger, *arguments, limiter=self._limiter
        )

    async def options(self, request: Request) -> Response:
        """OPTIONS: what may be asked (L-7)."""
        self._verified(request)
        answer = self._pages.text("", status=204)
        answer.headers["Allow"] = "GET, HEAD, POST, OPTIONS"
        return answer

    async def health(self, _: Request) -> Response:
        """GET: whether the database answers and has the right schema."""
        await self._in_thread(lambda ledger: check_schema(ledger.engine, where=""))
        return self._pages.text("ok")

    async def refused(self, _: Request, error: Exception) -> Response:
        """An answer that is no success, as a page."""
        assert isinstance(error, HTTPException)
        title, text = _TROUBLE.get(error.status_code, _TROUBLE[400])
        answer = self._pages.trouble(error.status_code, title, text)
        answer.headers.update(error.headers or {})
        return answer

    async def busy(self, _: Request, __: Exception) -> Response:
        """The database does not answer: nothing was changed, and a later try may succeed."""
        answer = self._pages.trouble(503, *_TROUBLE[503])
        answer.headers["Retry-After"] = "60"
        return answer

    async def failed(self, _: Request, __: Exception) -> Response:
        """A mistake of ours; the server logs it."""
        return self._pages.trouble(500, *_TROUBLE[500])


async def fields_of(request: Request, body: bytes) -> Mapping[str, str]:
    """The text fields of a form in either encoding; empty if it is none or is broken."""

    async def replay() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, replay)
    try:
        form = await again.form(max_files=0, max_fields=20)
    except (HTTPException, MultiPartException, ValueError):
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}


def meaning_of(fields: Mapping[str, str], body: bytes) -> str | None:
    """What a POST asks for: one-click, unsubscribe, undo, or nothing that we know."""
    lowered = {name.lower(): value for name, value in fields.items()}
    if lowered.get("list-unsubscribe", "").strip().lower() == "one-click":
        return "one-click"
    if lowered.get("action") in {"unsubscribe", "undo"}:
        return lowered["action"]
    # Some providers leave out the Content-Type or its boundary; their wish is clear all the same.
    if not fields and re.search(rb"list-unsubscribe\W{1,9}one-click", body, re.IGNORECASE):
        return "one-click"
    return None
