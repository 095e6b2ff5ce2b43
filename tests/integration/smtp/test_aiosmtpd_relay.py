"""Against aiosmtpd, a server that is not ours and does not offer PIPELINING (S-23)."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from mailer.smtp.events import InDoubt
from tests.wire.courier import carry, message, relay_at
from tests.wire.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FIVE = [
    message(number, content=b"Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n") for number in range(5)
]


class Keeper:
    """Keeps what arrives; the second message is kept and then the connection is aborted, once."""

    def __init__(self, *, abort_second: bool) -> None:
        self.kept: list[tuple[str, list[str], bytes]] = []
        self.abort_second = abort_second

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Keep it."""
        self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        if self.abort_second and len(self.kept) == 2:
            server.transport.abort()
        return "250 2.0.0 kept"


@contextmanager
def serve(keeper: Keeper) -> Iterator[int]:
    port = free_port()
    controller = Controller(keeper, hostname="127.0.0.1", port=port, server_hostname="kept.test")
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.mark.parametrize("times", [1, 2])
def test_messages_arrive_unchanged(times: int) -> None:
    """S-23, S-13: without PIPELINING, and the dots come back as they went."""
    keeper = Keeper(abort_second=False)
    with serve(keeper) as port:
        for _ in range(times):
            assert asyncio.run(carry(relay_at(port), FIVE)).kinds == ["Accepted"] * 5
    expected = [(one.mail_from, [one.rcpt_to], one.content) for one in FIVE] * times
    assert expected == keeper.kept


def test_a_message_that_was_stored_before_the_connection_broke_is_in_doubt() -> None:
    """Case 31: aiosmtpd `transport.abort()`; the same bytes go again on resend."""
    keeper = Keeper(abort_second=True)
    with serve(keeper) as port:
        carried = asyncio.run(carry(relay_at(port), FIVE))
        assert carried.kinds[:2] == ["Accepted", "InDoubt"]
        assert isinstance(carried.verdicts[1], InDoubt)
        again = carried.verdicts[1].message
        assert asyncio.run(carry(relay_at(port), [again])).kinds == ["Accepted"]
    assert keeper.kept[1] == keeper.kept[2]
