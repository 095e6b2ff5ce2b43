"""The circuit breaker counts in the ledger: over runs, processes and reports (S-33)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailer.config import GuardConfig
from mailer.delivery.breaker import Breaker, weigh_returns
from mailer.ledger import Ledger, claims, holds, retrying, returns, settling, starting, tally
from mailer.ledger.schema import delivery, event
from mailer.ledger.schema import mailing as mailing_
from mailer.ledger.settling import Fault, Outcome
from mailer.model import (
    Bounce,
    BounceClass,
    DeliveryState,
    HolderId,
    Instant,
    MailingState,
    OnDoubt,
)
from mailer.when import now
from tests.samples.mailings import addresses, enlist, frozen, look, new_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.delivery.verdicts import Stop
    from mailer.ledger.claims import Claimed
    from mailer.model import MailingId

NO_SUCH_USER = "550 5.1.1 no such user"
LIMITS = GuardConfig()


pytestmark = pytest.mark.both_databases


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def people(count: int, domain: str) -> list[str]:
    return [f"{domain[0]}{number}@{domain}" for number in range(count)]


# --- equal sender faults, over runs, processes and an operator's words ----------------------------


def claimed(ledger: Ledger) -> list[Claimed]:
    with ledger.write() as connection:
        found = claims.claim(connection, holder=HolderId(1), now=now())
    return found.deliveries if found else []


def settle(
    ledger: Ledger,
    one: Claimed,
    *,
    fault: str = "",
    reply: str = "550 5.7.26 <ann@a.test> no",
    state: DeliveryState = DeliveryState.QUEUED,
    bounce_class: BounceClass | None = None,
) -> list[Stop]:
    """One outcome by a process that has just begun."""
    at = now()
    outcome = Outcome(
        mailing=one.recipient.mailing,
        seq=one.recipient.seq,
        subscriber=one.recipient.subscriber,
        address_key=one.address_key,
        resends=0,
        state=state,
        was=DeliveryState.QUEUED,
        reply=reply,
        date=at,
        due_at=at if state is DeliveryState.QUEUED else None,
        bounce_class=bounce_class,
        fault=Fault(fault, one.domain) if fault else None,
    )
    with ledger.write() as connection:
        settling.record(connection, [outcome], [], on_doubt=OnDoubt.RESEND, now=at)
        return Breaker(LIMITS).look(connection, [outcome], now=at)


def resume(ledger: Ledger, mailing: MailingId) -> None:
    with ledger.write() as connection:
        starting.resume(connection, mailing, actor="op", now=now())


def test_faults_count_over_restarts(ledger: Ledger) -> None:
    """Cron starts a process a minute, and each meets one of the ten; the reason names nobody."""
    enlist(ledger, *people(12, "gmail.test"))
    mailing = frozen(ledger)
    stops = [settle(ledger, one, fault="RCPT: 550 5.7.26") for one in claimed(ledger)[:10]]
    assert [[]] * 9 == stops[:9]
    (stop,) = stops[9]
    assert ("gmail.test", "E314") == (stop.domain, stop.error.code)
    assert "@" not in look(ledger, mailing).holds["gmail.test"]


def test_one_delivery_counts_once_however_often_it_is_tried(ledger: Ledger) -> None:
    """A person whose own server refuses them by policy is no fault of the domain's mail."""
    enlist(ledger, *people(1, "gmail.test"))
    frozen(ledger)
    for _ in range(12):
        (one,) = claimed(ledger)
        assert settle(ledger, one, fault="RCPT: 550 5.7.1") == []


def test_what_is_equal_is_counted_for_each_reply(ledger: Ledger) -> None:
    enlist(ledger, *people(16, "gmail.test"))
    frozen(ledger)
    for number, one in enumerate(claimed(ledger)):
        assert settle(ledger, one, fault=f"RCPT: 550 5.7.{number % 2}") == []


def test_after_a_release_the_count_begins_anew(ledger: Ledger) -> None:
    """Who goes on has mended it, or will hear of it again after ten more."""
    enlist(ledger, *people(30, "gmail.test"))
    mailing = frozen(ledger)
    waiting = claimed(ledger)
    for one in waiting[:10]:
        settle(ledger, one, fault="RCPT: 550 5.7.26")
    with ledger.write() as connection:
        holds.release(connection, mailing, "gmail.test", "op", now())
    stops = [settle(ledger, one, fault="RCPT: 550 5.7.26") for one in waiting[10:20]]
    assert [[]] * 9 == stops[:9]
    assert stops[9][0].domain == "gmail.test"


def test_after_a_resume_the_count_begins_anew_and_the_shares_still_speak(ledger: Ledger) -> None:
    enlist(ledger, *addresses(30))
    mailing = frozen(ledger)
    waiting = claimed(ledger)
    for one in waiting[:10]:
        settle(ledger, one, fault="RCPT: 550 5.7.26")
    assert look(ledger, mailing).state is MailingState.PAUSED
    resume(ledger, mailing)
    with ledger.read() as connection:
        assert not tally.tally(connection, mailing, sample=500).overruled
    stops = [settle(ledger, one, fault="RCPT: 550 5.7.26") for one in waiting[10:20]]
    assert [[]] * 9 == stops[:9]
    assert stops[9][0].error.code == "E312"


# --- the shares ----------------------------------------------------------------------------------


def accept(ledger: Ledger, mailing: MailingId, number: int) -> None:
    """So many are accepted, as a run would have it."""
    with ledger.write() as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.mailing == mailing, delivery.c.seq <= number)
            .values(state=DeliveryState.ACCEPTED, changed_at=now())
        )
        connection.execute(update(mailing_).where(mailing_.c.id == mailing).values(accepted=number))


def returned(mailing: MailingId, seq: int) -> Bounce:
    return Bounce(
        action="failed",
        status="5.1.1",
        diagnostic=NO_SUCH_USER,
        recipient="",
        evidence=NO_SUCH_USER,
        bounce_class=BounceClass.HARD_ADDRESS,
        mailing=mailing,
        seq=seq,
    )


@pytest.mark.parametrize("accepted", [300, 700])
def test_bounces_that_come_back_later_count_among_the_first(ledger: Ledger, accepted: int) -> None:
    """S-33: the relay took everything, and the reports come minutes later, when more is sent."""
    enlist(ledger, *addresses(750))
    mailing = frozen(ledger)
    accept(ledger, mailing, accepted)
    limit = 5 * min(accepted, 500) // 100
    stops: list[list[Stop]] = []
    for seq in range(1, limit + 1):
        bounce = returned(mailing, seq)
        returns.record(ledger, [(bounce, True)], digest=str(seq), now=now())
        stops.append(weigh_returns(ledger, [bounce], LIMITS, now=now()))
    assert [[]] * (limit - 1) == stops[:-1]
    assert look(ledger, mailing).reason == (
        f"E315 The guard stopped m{mailing}: {limit} of the first {min(accepted, 500)} (5 %) "
        "do not exist (limit 5 %)"
    )
    assert look(ledger, mailing).state is MailingState.PAUSED


def test_the_same_report_twice_counts_once(ledger: Ledger) -> None:
    """B-9."""
    enlist(ledger, *addresses(5))
    mailing = frozen(ledger)
    accept(ledger, mailing, 5)
    for _ in range(2):
        returns.record(ledger, [(returned(mailing, 1), True)], digest="x", now=now())
    with ledger.read() as connection:
        assert tally.tally(connection, mailing, sample=500).hard == 1


@pytest.mark.parametrize("sample", [2, 500])
def test_what_came_back_and_was_sent_again_speaks_for_itself(ledger: Ledger, sample: int) -> None:
    """A return before the retry is over; one after it counts, once."""
    enlist(ledger, *addresses(4))
    mailing = frozen(ledger)
    for one in claimed(ledger):
        settle(ledger, one, state=DeliveryState.ACCEPTED, reply="250 ok")
    back = returned(mailing, 1)
    returns.record(ledger, [(back, False)], digest="x", now=now())
    hard = []
    with ledger.write() as connection:
        hard.append(tally.tally(connection, mailing, sample=sample).hard)
        rejected = DeliveryState.REJECTED
        retrying.retry(connection, mailing, rejected, actor="op", now=Instant(now() + 1))
        hard.append(tally.tally(connection, mailing, sample=sample).hard)
    (again,) = (one for one in claimed(ledger) if one.recipient.seq == 1)
    settle(ledger, again, state=DeliveryState.ACCEPTED, reply="250 ok")
    with ledger.read() as connection:
        hard.append(tally.tally(connection, mailing, sample=sample).hard)
    returns.record(ledger, [(back, False)], digest="y", now=now())
    with ledger.read() as connection:
        hard.append(tally.tally(connection, mailing, sample=sample).hard)
    assert [1, 0, 0, 1] == hard


def test_complaints_among_the_first_pause_the_mailing(ledger: Ledger) -> None:
    """S-33: 0.3 %; whoever records them, the guard counts them."""
    enlist(ledger, *addresses(300))
    mailing = frozen(ledger)
    accept(ledger, mailing, 250)
    with ledger.write() as connection:
        connection.execute(
            event.insert().values(
                at=now(), kind="complained", actor="report", mailing=mailing, seq=7
            )
        )
        stop = Breaker(LIMITS).weigh(connection, mailing, now=now())
    assert stop is not None
    assert "1 of the first 250 (0.4 %) complained (limit 0.3 %)" in stop.error.message
    resume(ledger, mailing)
    with ledger.write() as connection:
        assert Breaker(LIMITS).weigh(connection, mailing, now=now()) is None
