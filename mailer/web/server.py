"""uvicorn around the public application: no access log, no proxy headers, limits that hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from mailer.web.guard import HEADER_OCTETS, PromptProtocol

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

_CONNECTIONS = 500
_GRACE_SECONDS = 10


def server(app: ASGIApp) -> uvicorn.Server:
    """A server that answers until SIGINT or SIGTERM, then finishes what it has begun."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PromptProtocol,
            ws="none",
            lifespan="off",
            access_log=False,  # The path of a token page is a credential.
            log_config=None,
            log_level="error",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            h11_max_incomplete_event_size=HEADER_OCTETS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer on a socket that listens already, until a signal ends it."""
    server(app).run(sockets=[listener])
