"""Case 45: the clock jumps by a day while mail is being sent: nobody gets anything twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mailer.errors import MailerError
from mailer.ledger import Ledger, freezing, recovery, starting, tally
from mailer.model import Instant, MailingState, OnDoubt
from mailer.when import now
from tests.samples.mailings import (
    addresses,
    dispatcher,
    enlist,
    frozen,
    look,
    new_ledger,
    plan,
    rows,
)
from tests.wire.fault_server import FaultServer, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

DAY = 24 * 3600 * 1_000_000
JUMPS = pytest.mark.parametrize("jump", [DAY, -DAY], ids=["a day on", "a day back"])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = new_ledger(tmp_path)
    yield opened
    opened.close()


def jumping(server: FaultServer, jump: int, *, after: int) -> Callable[[], Instant]:
    """The time, until `server` has taken so many messages; from then on that of another day."""
    return lambda: Instant(now() + jump * (len(server.messages) >= after))


def constant(at: Instant) -> Callable[[], Instant]:
    return lambda: at


def received(server: FaultServer) -> Counter[bytes]:
    return Counter(one.rcpt for one in server.messages)


@JUMPS
def test_a_run_goes_on_and_sends_once(ledger: Ledger, jump: int) -> None:
    """Leases that seem to have lapsed are the run's own: it renews them before it claims."""
    enlist(ledger, *addresses(280))
    mailing = frozen(ledger)
    with FaultServer() as server:
        asyncio.run(dispatcher(ledger, server.port, clock=jumping(server, jump, after=100)).run())
    assert [1] * 280 == list(received(server).values())
    assert MailingState.SENT is look(ledger, mailing).state


@JUMPS
def test_what_another_process_has_claimed_is_fenced_off(ledger: Ledger, jump: int) -> None:
    """S-47: to one of two clocks the other's lease has lapsed; twice gets only who was in doubt."""
    enlist(ledger, *addresses(520))
    mailing = frozen(ledger)

    async def both(server: FaultServer) -> Sequence[object]:
        other = dispatcher(ledger, server.port, clock=jumping(server, jump, after=100))
        steady = dispatcher(ledger, server.port)
        return await asyncio.gather(other.run(), steady.run(), return_exceptions=True)

    with FaultServer() as server:
        ends = asyncio.run(both(server))
        # One that finds its rows moved stops and sends nothing more.
        assert {"E606"} >= {one.code for one in ends if isinstance(one, MailerError)}
        later = Instant(now() + abs(jump))
        recovery.recover(ledger, on_doubt=OnDoubt.RESEND, now=later)
        asyncio.run(dispatcher(ledger, server.port, clock=lambda: later).run())
    seen, got = look(ledger, mailing), received(server)
    assert (520, MailingState.SENT) == (len(got), seen.state)
    assert sum(got.values()) - 520 <= seen.ever_in_doubt


@JUMPS
def test_a_rate_does_not_wait_for_the_day_to_pass(ledger: Ledger, jump: int) -> None:
    """The moment from which the next message may go was noted by a clock that was wrong."""
    enlist(ledger, *addresses(12))
    mailing = frozen(ledger)
    with FaultServer() as server:
        clock = jumping(server, jump, after=4)
        asyncio.run(dispatcher(ledger, server.port, rate=50.0, clock=clock).run())
    assert [1] * 12 == list(received(server).values())
    assert MailingState.SENT is look(ledger, mailing).state


def test_a_deferred_one_is_tried_when_its_time_has_come_by_the_clock_of_then(
    ledger: Ledger,
) -> None:
    """A day back it waits; a day on it is due, is not expired, and goes out once."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    with FaultServer({"RCPT": [say(b"450 4.2.0 later")]}) as server:
        asyncio.run(dispatcher(ledger, server.port).run())
        for days in (-1, 1, 0):
            at = Instant(now() + days * DAY)
            asyncio.run(dispatcher(ledger, server.port, clock=constant(at)).run())
    assert [1] == list(received(server).values())
    assert MailingState.SENT is look(ledger, mailing).state


def test_what_is_deferred_for_two_days_is_rejected_with_the_last_reply(ledger: Ledger) -> None:
    """S-31: expired; a temporary reply suppresses nobody, whatever it says of the address."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    later = [say(b"451 4.7.1 greylisted"), say(b"450 4.1.1 cannot verify the address")]
    with FaultServer({"RCPT": later}) as server:
        for hours in (0, 49):
            at = Instant(now() + hours * 3600 * 1_000_000)
            asyncio.run(dispatcher(ledger, server.port, clock=constant(at)).run())
    (row,) = rows(ledger, mailing)
    assert ("rejected", 2, "network", "450 4.1.1 cannot verify the address") == (
        row.state,
        row.attempts,
        row.bounce_class,
        row.reply,
    )
    assert MailingState.SENT is look(ledger, mailing).state
    with ledger.read() as connection:
        assert 0 == tally.suppressed_by(connection, mailing)


@JUMPS
def test_a_scheduled_mailing_starts_once(ledger: Ledger, jump: int) -> None:
    """Whatever the clock says afterwards."""
    enlist(ledger, *addresses(3))
    due = Instant(now())
    mailing = freezing.freeze(ledger, plan(due_at=due), now=due)
    started = []
    for at in (due - 1, due, due + jump, due):
        with ledger.write() as connection:
            started += starting.start_due(connection, now=Instant(at), actor="test")
    assert [mailing] == [one.mailing for one in started]
