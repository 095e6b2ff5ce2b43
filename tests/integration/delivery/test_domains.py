"""Recipient domains that are slow or ask for less: nobody else waits for them (S-32, case 39)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from mailer.ledger import Ledger, pacing
from mailer.ledger.metering import SLOWEST
from mailer.ledger.schema import delivery, throttle
from mailer.model import MailingState
from mailer.when import now
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger, rows
from tests.wire.fault_server import Act, FaultServer, Then, say


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot go within a second waits in the ledger."""
    monkeypatch.setattr("mailer.delivery.waiting.SHORT", 1_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def run(ledger: Ledger, server: FaultServer, **how: Any) -> None:
    asyncio.run(dispatcher(ledger, server.port, **how).run())


def at_domain(domain: str, *acts: Act) -> Callable[[bytes], Act | None]:
    """Answer RCPT for one domain; the last act repeats."""
    following = itertools.chain(acts, itertools.repeat(acts[-1]))
    return lambda line: next(following) if f"@{domain}>".encode() in line else None


def throttles(ledger: Ledger) -> dict[str, Any]:
    with ledger.read() as connection:
        return {one.domain: one for one in pacing.throttles(connection)}


def test_one_domain_that_always_says_421_among_fifty(ledger: Ledger) -> None:
    """Case 39: the others finish; the domain is met a few times, not once per address."""
    people = addresses(500, domains=50)
    others = [address for address in people if "@d7." not in address]
    enlist(ledger, *people, *[f"more{number}@d7.test" for number in range(100)])
    mailing = frozen(ledger)
    refuse = at_domain("d7.test", say(b"421 4.7.0 try again later", then=Then.DROP))
    with FaultServer({"RCPT": refuse}) as server:
        run(ledger, server)
        assert len(others) == len(server.messages)
        met = sum(
            b"@d7.test>" in line
            for one in server.connections
            for line in one.commands
            if line.startswith(b"RCPT")
        )
    seen = look(ledger, mailing)
    assert (len(others), 0) == (seen.counts["accepted"], seen.counts["rejected"])
    assert 110 == seen.counts["queued"]
    assert met < 60
    assert {"d7.test"} == set(throttles(ledger))
    waiting = [row for row in rows(ledger, mailing) if row.state == "queued"]
    assert {0} == {row.attempts for row in waiting}
    assert all(row.due_at is not None for row in waiting)


def test_a_domain_that_asks_to_be_left_alone_is_left_alone(ledger: Ledger) -> None:
    """§2.2: 90 minutes; what was not tried yet waits in the ledger and no attempt is counted."""
    enlist(ledger, *[f"g{number}@gmail.test" for number in range(300)], *addresses(60))
    mailing = frozen(ledger)
    asked = at_domain("gmail.test", say(b"421-4.7.28 rate\r\n421 4.7.28 limited"))
    with FaultServer({"RCPT": asked}) as server:
        run(ledger, server)
        assert 60 == len(server.messages)
    (known,) = throttles(ledger).values()
    assert ("gmail.test", SLOWEST) == (known.domain, known.gap)
    assert known.free_at - now() > 60 * 60 * 1_000_000
    waiting = [row for row in rows(ledger, mailing) if row.state == "queued"]
    assert 300 == len(waiting)
    assert all(row.due_at - now() > 60 * 60 * 1_000_000 for row in waiting)
    assert MailingState.SENDING is look(ledger, mailing).state


def test_a_throttled_domain_is_sent_less_by_every_run_and_recovers(ledger: Ledger) -> None:
    """The state is the ledger's; a clean minute later there is a step more, then no limit."""
    enlist(ledger, "a@slow.test", "b@slow.test")
    mailing = frozen(ledger)
    with ledger.write() as connection:
        pacing.slow_down(connection, "slow.test", 0.0, "450 slower", now())
    with FaultServer() as server:
        run(ledger, server)
        assert 2 == len(server.messages)
    assert {"slow.test"} == set(throttles(ledger))
    assert MailingState.SENT is look(ledger, mailing).state
    with ledger.write() as connection:
        connection.execute(update(throttle).values(changed_at=now() - 3600 * 1_000_000))
    enlist(ledger, "c@slow.test", list_slug="other")
    frozen(ledger, issue="other", list_slug="other")
    with FaultServer() as server:
        run(ledger, server)
    assert {} == throttles(ledger)


def test_a_limited_domain_waits_alone_and_the_run_waits_for_it(ledger: Ledger) -> None:
    """`[delivery.domains]`: its rate holds, the others go at full speed."""
    people = addresses(200, domains=4)
    enlist(ledger, *[f"l{number}@limited.test" for number in range(12)], *people)
    mailing = frozen(ledger)
    order: list[str] = []
    arrived: list[float] = []

    def note(line: bytes) -> None:
        order.append("limited" if b"@limited.test" in line else "other")
        if order[-1] == "limited":
            arrived.append(time.monotonic())

    with FaultServer({"RCPT": note}) as server:
        run(ledger, server, domains={"limited.test": 20.0})
    assert MailingState.SENT is look(ledger, mailing).state
    assert {"limited": 12, "other": 200} == Counter(order)
    assert 12 <= 20 * (arrived[-1] - arrived[0] + 0.1) + 1


def test_a_large_domain_with_a_low_limit_does_not_fill_the_memory(ledger: Ledger) -> None:
    """What cannot go within a short while waits in the ledger with a time."""
    people = addresses(300)
    enlist(ledger, *[f"l{number}@limited.test" for number in range(900)], *people)
    mailing = frozen(ledger)
    with FaultServer() as server:
        working = dispatcher(ledger, server.port, domains={"limited.test": 4.0})
        sizes: list[int] = []

        async def until_the_others_have_it() -> None:
            running = asyncio.create_task(working.run())
            while not running.done() and (len(server.messages) < 300 or not parked()):
                sizes.append(len(working._feed))
                await asyncio.sleep(0.01)
            working.drain()
            await running

        def parked() -> bool:
            with ledger.read() as connection:
                query = select(delivery.c.seq).where(delivery.c.due_at.is_not(None))
                return len(connection.scalars(query).all()) > 800

        asyncio.run(until_the_others_have_it())
    assert max(sizes) < 600
    put_off = [row for row in rows(ledger, mailing) if row.due_at is not None]
    assert {("queued", 0, None)} == {(row.state, row.attempts, row.batch) for row in put_off}
    assert len({row.due_at for row in put_off}) > 100
