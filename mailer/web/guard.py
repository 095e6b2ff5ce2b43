"""What strangers may cost us: foreign Host headers, endless bodies, headers that never end."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailer.config.urls import is_loopback

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp, Receive, Scope, Send

    from mailer.web.pages import Pages

BODY_OCTETS = 64 * 1024
BODY_SECONDS = 10
HEADER_SECONDS = 10
HEADER_OCTETS = 16 * 1024


class KnownHosts:
    """Answers 400 to requests for a host that is not ours (case 51, X-16)."""

    def __init__(self, app: ASGIApp, *, pages: Pages, url: str) -> None:
        self._app = app
        self._pages = pages
        self._host = urlsplit(url).hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is for us."""
        if scope["type"] == "http" and not self._is_ours(scope):
            answer = self._pages.trouble(
                400, "Wrong address", "This server does not know the host that was asked for."
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if not hosts:
            return bool(scope["http_version"] == "1.0")  # RFC 9112 §3.2: 1.1 must name one
        try:
            host = urlsplit(f"//{hosts[0].decode('ascii')}").hostname or ""
        except ValueError:
            return False
        known = host.removesuffix(".") == self._host or is_loopback(host)
        return known and len(hosts) == 1


async def read_body(request: Request) -> bytes:
    """The request's body, all of it and soon (case 53).

    Raises:
        HTTPException: 413 if it is longer than 64 KB, 408 if it takes longer than 10 s, 400 if the
            client left.
    """
    body = bytearray()
    close = {"Connection": "close"}  # What is still to come is not read.
    try:
        if int(request.headers.get("content-length", "0")) > BODY_OCTETS:
            raise HTTPException(413, headers=close)
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_OCTETS:
                    raise HTTPException(413, headers=close)
    except TimeoutError as error:
        raise HTTPException(408, headers=close) from error
    except (ClientDisconnect, ValueError) as error:
        raise HTTPException(400, headers=close) from error
    return bytes(body)


class PromptProtocol(H11Protocol):
    """HTTP/1 that closes a connection whose request headers do not arrive in time.

    uvicorn waits for them without end: a few hundred connections that send one octet a minute
    would shut everybody else out (case 53).
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts with the connection."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """The clock runs while no request is being answered; more octets do not wind it back."""
        super().data_received(data)
        self._watch()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who has said everything still gets the answer (RFC 9112 §9.6), then the connection ends.

        asyncio would close at once; `printf … | nc` and other half-closers would hear nothing.
        """
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def on_response_complete(self) -> None:
        """The next request has as long as the first."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock outlives its connection."""
        super().connection_lost(exc)
        self._stop()

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
