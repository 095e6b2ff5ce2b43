"""The development SMTP server: takes every message on loopback, keeps it as a file, shows it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import uvicorn

from mailer.catch.inbox import inbox
from mailer.catch.receive import receiver

if TYPE_CHECKING:
    import socket

    from mailer.catch.store import Store


def catch(store: Store, *, smtp: socket.socket, web: socket.socket) -> None:
    """Take mail on one listening socket and show it on another, until SIGINT or SIGTERM."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's; it quotes whole lines
    asyncio.run(_catch(store, smtp, web))


async def _catch(store: Store, smtp: socket.socket, web: socket.socket) -> None:
    pages = uvicorn.Server(
        uvicorn.Config(
            inbox(store),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    async with await asyncio.get_running_loop().create_server(lambda: receiver(store), sock=smtp):
        await pages.serve(sockets=[web])  # returns at the signal
