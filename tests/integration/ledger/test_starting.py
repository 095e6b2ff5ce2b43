"""A mailing starts: who joined and who left since it was confirmed (interface §1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailer.ledger import Ledger, freezing, mailings, starting
from mailer.ledger.schema import delivery, event, mailing, subscription
from mailer.ledger.starting import Started, Verdict
from mailer.model import Instant, MailingId, MailingState, SubscriptionState, instant
from tests.samples.mailings import EARLY, addresses, enlist, look, new_ledger, plan, rows

DUE = Instant(2_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("confirmed", "joined", "left", "verdict"),
    [
        (1000, 0, 0, Verdict.START),
        (1000, 10, 0, Verdict.START),  # exactly 1 %
        (1000, 6, 5, Verdict.NOTE),
        (1000, 100, 0, Verdict.NOTE),  # exactly 10 %
        (1000, 60, 41, Verdict.ASK),
        (1000, 0, 101, Verdict.ASK),
        (100, 50, 0, Verdict.NOTE),  # over 10 %, but only 50 people
        (100, 51, 0, Verdict.ASK),
        (0, 51, 0, Verdict.ASK),
    ],
)
def test_a_drift_is_passed_over_noted_or_asked_about(
    confirmed: int, joined: int, left: int, verdict: Verdict
) -> None:
    started = Started(mailing=MailingId(1), confirmed=confirmed, joined=joined, left=left)
    assert verdict is started.verdict


def leave(ledger: Ledger, *numbers: int) -> None:
    with ledger.write() as connection:
        connection.execute(
            update(subscription)
            .where(subscription.c.subscriber.in_(numbers))
            .values(state=SubscriptionState.UNSUBSCRIBED)
        )


def start(ledger: Ledger, now: Instant = DUE) -> list[Started]:
    with ledger.write() as connection:
        return starting.start_due(connection, now=now, actor="test")


def test_who_left_since_the_freeze_is_cancelled_and_who_joined_is_added(ledger: Ledger) -> None:
    people = enlist(ledger, *addresses(20))
    number = freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    leave(ledger, people[0])
    enlist(ledger, "late@a.test")
    (started,) = start(ledger)
    assert (20, 1, 1) == (started.confirmed, started.joined, started.left)
    seen = look(ledger, number)
    assert (MailingState.SENDING, 21) == (seen.state, seen.recipients)
    assert (20, 1) == (seen.counts["queued"], seen.counts["cancelled"])
    (gone,) = [row for row in rows(ledger, number) if row.state == "cancelled"]
    assert (people[0], "unsubscribed", None) == (gone.subscriber, gone.reply, gone.issue)


def test_a_small_drift_is_written_down(ledger: Ledger) -> None:
    people = enlist(ledger, *addresses(20))
    number = freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    leave(ledger, people[0])
    start(ledger)
    with ledger.read() as connection:
        kinds = connection.scalars(select(event.c.kind).where(event.c.mailing == number)).all()
    assert ["drifted", "frozen", "sending"] == sorted(kinds)


def test_a_large_drift_pauses_the_mailing_and_asks(ledger: Ledger) -> None:
    enlist(ledger, *addresses(60))
    number = freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    enlist(ledger, *(f"late{each}@a.test" for each in range(60)))
    (started,) = start(ledger)
    seen = look(ledger, number)
    assert (Verdict.ASK, MailingState.PAUSED) == (started.verdict, seen.state)
    assert "120 would get it and 60 were confirmed: 60 joined and 0 left since" in seen.reason
    assert seen.started_at is None
    with ledger.write() as connection:  # what `mailer resume` does to one that had not begun
        mailings.set_state(connection, number, MailingState.SCHEDULED, actor="ann", now=DUE)
    (again,) = start(ledger)
    assert (Verdict.START, 120) == (again.verdict, again.confirmed)
    assert MailingState.SENDING is look(ledger, number).state


def test_nothing_starts_before_its_time(ledger: Ledger) -> None:
    enlist(ledger, *addresses(2))
    freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    assert [] == start(ledger, now=Instant(DUE - 1))


def test_a_wall_time_is_reckoned_anew_at_each_look(ledger: Ledger) -> None:
    """Decisions 18: the rules of a zone may change between the confirmation and the start."""
    enlist(ledger, *addresses(2))
    nine = instant(datetime(2026, 11, 26, 8, 0, tzinfo=UTC))  # 09:00 in Berlin
    number = freezing.freeze(ledger, plan(due_at=nine), now=EARLY)
    with ledger.write() as connection:
        stale = {"wall": "2026-11-26 09:00:00", "zone": "Europe/Berlin", "due_at": nine - 10**10}
        connection.execute(update(mailing).values(stale))
        assert set() == starting.startable(connection, now=Instant(nine - 1))
        assert {number} == starting.startable(connection, now=nine)


def test_a_wall_time_that_new_rules_skip_starts_when_it_was_to(ledger: Ledger) -> None:
    enlist(ledger, *addresses(2))
    number = freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    with ledger.write() as connection:
        skipped = {"wall": "2027-03-28 02:30:00", "zone": "Europe/Berlin"}
        connection.execute(update(mailing).values(skipped))
        assert {number} == starting.startable(connection, now=DUE)


def test_who_rejoined_after_the_start_was_cancelled_is_not_there_twice(ledger: Ledger) -> None:
    people = enlist(ledger, *addresses(60))
    number = freezing.freeze(ledger, plan(due_at=DUE), now=EARLY)
    leave(ledger, *people[:55])
    start(ledger)
    with ledger.write() as connection:
        connection.execute(update(subscription).values(state=SubscriptionState.CONFIRMED))
        mailings.set_state(connection, number, MailingState.SCHEDULED, actor="ann", now=DUE)
    start(ledger)
    seen = look(ledger, number)
    assert (60, 5, 55) == (seen.recipients, seen.counts["queued"], seen.counts["cancelled"])
    with ledger.read() as connection:
        query = select(delivery.c.subscriber).where(delivery.c.mailing == number)
        assert len(people) == len(set(connection.scalars(query)))
