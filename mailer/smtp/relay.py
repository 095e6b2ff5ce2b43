"""A pool of connections to one relay: how many, how long each is used, when to try again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from mailer.smtp.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.config import RelayConfig
    from mailer.smtp.session import Event

CONNECTION_SECONDS = 300.0  # S-4
# S-4 allows 15. But with PIPELINING a refused RCPT and the DATA behind it are two errors to
# Postfix, which slows at 10 and hangs up at 20.
REJECTED_PER_CONNECTION = 4


class Health(Protocol):
    """Whether the relay may be tried; `delivery.pace.Health` is one."""

    def allows(self, now: float) -> bool:
        """Whether a connection may be opened at `now` (seconds, any monotonic clock)."""


class Relay:
    """Opens connections and forgets those that ended.

    Args:
        on_event: hears every event of every connection.
        on_opened: hears of each new connection.
        on_failed: hears why one could not be opened: `HandshakeError`, or what nobody foresaw.
    """

    def __init__(
        self,
        config: RelayConfig,
        *,
        helo: str,
        health: Health,
        on_event: Callable[[Connection, Event], None],
        on_opened: Callable[[Connection], None],
        on_failed: Callable[[BaseException], None],
    ) -> None:
        self._config = config
        self._helo = helo
        self._health = health
        self._on_event = on_event
        self._on_opened = on_opened
        self._on_failed = on_failed
        self._opening: set[asyncio.Task[None]] = set()
        self._quitting: set[asyncio.Task[None]] = set()

    @property
    def opening(self) -> int:
        """How many connections are being opened."""
        return len(self._opening)

    def open(self, wanted: int, now: float) -> None:
        """Begin to open up to `wanted` connections, as far as health allows."""
        loop = asyncio.get_running_loop()
        for _ in range(wanted):
            if not self._health.allows(now):
                return
            task = loop.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_failed(error)

    async def _open(self) -> None:
        connection = await Connection.open(self._config, on_event=self._on_event, helo=self._helo)
        self._on_opened(connection)

    def spent(self, connection: Connection, now: float) -> bool:
        """Whether a connection has served long enough and should make room for a fresh one."""
        return (
            connection.handed_over >= self._config.messages
            or connection.rejected_rcpts >= REJECTED_PER_CONNECTION
            or now - connection.opened_at >= CONNECTION_SECONDS
        )

    def retire(self, connection: Connection) -> None:
        """Say QUIT in the background."""
        task = asyncio.get_running_loop().create_task(connection.quit())
        self._quitting.add(task)
        task.add_done_callback(self._quitting.discard)

    async def close(self) -> None:
        """Give up what is being opened and wait for the QUITs that are under way."""
        for task in list(self._opening):
            task.cancel()
        tasks = [*self._opening, *self._quitting]
        await asyncio.gather(*tasks, return_exceptions=True)
