"""Hand a few messages to the relay outside the ledger: test copies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mailer.delivery import admission, verdicts
from mailer.delivery.hand import greeting
from mailer.smtp.commands import can_carry
from mailer.smtp.connection import Connection, HandshakeError
from mailer.smtp.events import Accepted, ContentWanted, Event, InDoubt, NotSent, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.config import RelayConfig
    from mailer.model import Message

Result = tuple["Message", bool, str]


async def hand_over(relay: RelayConfig, messages: Sequence[Message]) -> list[Result]:
    """Hand messages over one after the other; each with whether it was accepted, and the reply.

    Raises:
        ConfigError: the relay refuses us.
        StoppedError: the relay cannot be reached.
    """
    events: asyncio.Queue[Event] = asyncio.Queue()
    try:
        connection = await Connection.open(
            relay, on_event=lambda _, event: events.put_nowait(event), helo=greeting()
        )
    except HandshakeError as error:
        raise admission.no_copies(relay.name, error) from error
    try:
        return [await _one(connection, events, message) for message in messages]
    finally:
        await connection.quit()


async def _one(connection: Connection, events: asyncio.Queue[Event], message: Message) -> Result:
    if connection.closed:
        return message, False, "the relay closed the connection"
    if not can_carry(message, connection.capabilities):
        return message, False, verdicts.NEEDS_SMTPUTF8  # M-13
    connection.offer(message)
    connection.flush()
    while True:
        match await events.get():
            case ContentWanted():
                connection.content()
                connection.flush()
            case Accepted(reply=reply):
                return message, True, str(reply)
            case Refused(phase=phase, reply=reply):
                return message, False, f"{phase}: {reply}"
            case NotSent(lost=lost):
                return message, False, verdicts.words(lost)
            case InDoubt(lost=lost):
                return message, False, f"no reply, it may have arrived: {verdicts.words(lost)}"
            case _:
                pass
