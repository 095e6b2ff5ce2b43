"""What relays say while a server writes a commit that forbids what they speak of (S-45, L-9)."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from mailer.ledger import open_ledger
from mailer.ledger.audience import suppress
from mailer.ledger.mailings import set_state
from mailer.model import MailingState
from mailer.when import now
from tests.samples.mailings import dispatcher, enlist, frozen, look
from tests.wire.fault_server import FaultServer, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from mailer.ledger import Ledger
    from tests.wire.fault_server import Act
    from tests.wire.postgres import Postgres

WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def ledger(postgres: Postgres) -> Iterator[Ledger]:
    """On a server, which writes in a thread."""
    url = postgres.lend()
    opened = open_ledger(url)
    yield opened
    opened.close()
    postgres.take_back(url)


class Gate:
    """A stage of the relay that is held up until it is opened."""

    def __init__(self, act: Act | None) -> None:
        self._act = act
        self.line = b""
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, line: bytes) -> Act | None:
        """The relay has got there."""
        self.line = line
        self.reached.set()
        assert self.open.wait(20)
        return self._act


@contextmanager
def transaction(ledger: Ledger, write: Callable[[Connection], object]) -> Iterator[threading.Event]:
    """One of an operator's that ends when it is told to, or at the end of the block."""
    end = threading.Event()

    def run() -> None:
        with ledger.write() as connection:
            write(connection)
            assert end.wait(20)

    thread = threading.Thread(target=run)
    thread.start()
    yield end
    end.set()
    thread.join()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110  threads and a server are waited for
            await asyncio.sleep(0.005)


def waiting(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.scalar(WAITING) or 0


async def scene(
    ledger: Ledger,
    server: FaultServer,
    gate: Gate,
    write: Callable[[Connection], object],
    *,
    cut: bool = False,
) -> None:
    """The relay speaks while the commit is written that looks again after an operator's word."""
    working = dispatcher(ledger, server.port, connections=1)
    running = asyncio.create_task(working.run())
    await until(gate.reached.is_set)
    (lane,) = working._desk.lanes.values()
    with transaction(ledger, write) as first:
        await until(lambda: waiting(ledger) == 1)  # a commit, which will find it stale
        if cut:
            gate.open.set()
            await until(lambda: lane.wanted)
        with transaction(ledger, lambda _: None) as second:
            await until(lambda: waiting(ledger) == 2)
            first.set()
            await until(lambda: working._look_again and waiting(ledger) == 1)
            if cut:
                lane.connection.abort()
            gate.open.set()
            await until(lambda: lane.offered is None)
            second.set()
    async with asyncio.timeout(20):
        await running


def test_an_offer_that_is_cut_off_while_its_mailing_is_paused_is_not_made_again(
    ledger: Ledger,
) -> None:
    enlist(ledger, "a@one.test")
    mailing = frozen(ledger)
    gate = Gate(None)

    def pause(connection: Connection) -> None:
        set_state(connection, mailing, MailingState.PAUSED, actor="anna", now=now())

    with FaultServer({"DATA": gate}) as server:
        asyncio.run(scene(ledger, server, gate, pause, cut=True))
        assert [] == server.messages
    assert {"queued": 1} == {name: n for name, n in look(ledger, mailing).counts.items() if n}


def test_who_is_suppressed_while_the_relay_refuses_them_stays_cancelled(ledger: Ledger) -> None:
    """The refusal comes too late to say what became of them, and stops nothing."""
    enlist(ledger, "a@one.test", "b@one.test")
    mailing = frozen(ledger)
    gate = Gate(say(b"550 5.1.1 nobody"))

    def complain(connection: Connection) -> None:
        address = gate.line.partition(b"<")[2].partition(b">")[0].decode()
        suppress(
            connection,
            address_key=ledger.address_key(address),
            address=address,
            bounce_class="complaint",
            evidence="a report",
            source="pipe",
            now=now(),
        )

    with FaultServer({"RCPT": gate}) as server:
        asyncio.run(scene(ledger, server, gate, complain))
    assert 1 == look(ledger, mailing).counts["cancelled"]
