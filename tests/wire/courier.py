"""The smallest owner of a connection: it carries messages and writes down what becomes of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.config import RelayConfig
from mailer.model import Message
from mailer.smtp.connection import Connection, Timeouts
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    InDoubt,
    NotSent,
    Refused,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.config.shape import OAuth

QUICK = Timeouts(connect=5, banner=5, command=5, data=5, block=5, dot=5, rset=5, quit=1)


def relay_at(
    port: int,
    *,
    host: str = "127.0.0.1",
    security: str = "none",
    user: str = "",
    password: str = "",
    oauth: OAuth | None = None,
) -> RelayConfig:
    """A relay on loopback."""
    return RelayConfig(
        host=host, port=port, security=security, user=user, password=password, oauth=oauth
    )


def message(number: int, *, content: bytes = b"Subject: hello\r\n\r\nHello\r\n") -> Message:
    """One of many messages."""
    return Message(
        mail_from=f"b-token{number}@bounce.example.org",
        rcpt_to=f"person{number}@example.net",
        envelope_id=f"token{number}",
        message_id=f"<{number}@example.org>",
        pieces=(content,),
    )


@dataclass
class Carried:
    """What became of the messages, in the order of the verdicts."""

    verdicts: list[Verdict] = field(default_factory=list)
    closing: Closing | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """The names of the verdicts."""
        return [type(verdict).__name__ for verdict in self.verdicts]


class Courier:
    """Carries messages over one connection, the next envelope behind each content (S-20)."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.waiting = list(messages)
        self.open = len(self.waiting)
        self.carried = Carried()
        self.released = asyncio.Event()
        self.done = asyncio.Event()

    def on_event(self, connection: Connection, event: Event) -> None:
        """Write down and go on."""
        self.carried.events.append(event)
        match event:
            case ContentWanted() if connection.wanted:
                connection.content()
                self.released.set()
                self.offer(connection)
            case Closing():
                self.carried.closing = event
                self.done.set()
            case Accepted() | Refused() | NotSent() | InDoubt():
                self.carried.verdicts.append(event)
                self.open -= 1
                if isinstance(event, NotSent):
                    return
                self.offer(connection)
                if not self.open:
                    self.done.set()

    def offer(self, connection: Connection) -> None:
        """Offer the next message, if there is one and the connection is free for it."""
        if self.waiting and connection.ready:
            connection.offer(self.waiting.pop(0))


async def carry(
    relay: RelayConfig, messages: Iterable[Message], *, timeouts: Timeouts = QUICK
) -> Carried:
    """Carry messages over one connection until all have a verdict or it ends."""
    courier = Courier(messages)
    connection = await Connection.open(
        relay, on_event=courier.on_event, timeouts=timeouts, helo="client.test"
    )
    courier.offer(connection)
    connection.flush()
    async with asyncio.timeout(20):
        await courier.done.wait()
    await connection.quit()
    return courier.carried
