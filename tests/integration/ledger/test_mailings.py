"""A mailing from freeze to finish, and who gets it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from mailer.errors import SafetyError
from mailer.ledger import Ledger, choosing, freezing, mailings, retrying, starting
from mailer.ledger.schema import delivery, mailing, subscriber, subscription, suppression
from mailer.model import DeliveryState, Instant, MailingState, SubscriptionState
from tests.samples.mailings import EARLY, addresses, enlist, frozen, look, new_ledger, plan, rows

LATER = Instant(2_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def test_everybody_confirmed_gets_one_delivery(ledger: Ledger) -> None:
    enlist(ledger, *addresses(7))
    seen = look(ledger, frozen(ledger))
    assert (seen.recipients, seen.counts["queued"], seen.state) == (7, 7, MailingState.SENDING)


def test_the_audience_says_why_somebody_gets_nothing(ledger: Ledger) -> None:
    """Interface §2.4: everybody on the list less each exclusion is who will receive."""
    enlist(ledger, "ann@a.test", "bob@a.test")
    enlist(ledger, "new@a.test", state=SubscriptionState.PENDING)
    enlist(ledger, "gone@a.test", state=SubscriptionState.UNSUBSCRIBED)
    enlist(ledger, "rests@a.test", paused_until=LATER)
    enlist(ledger, "dead@a.test")
    with ledger.write() as connection:
        connection.execute(
            insert(suppression).values(
                address_key=ledger.address_key("dead@a.test"),
                bounce_class="hard:address",
                evidence="550",
                source="m1",
                created_at=0,
            )
        )
    with ledger.read() as connection:
        audience = choosing.count(connection, list_slug="weekly", issue_slug="winter", now=EARLY)
        chosen = [
            row.email
            for row in choosing.chosen(
                connection, list_slug="weekly", issue_slug="winter", now=EARLY
            )
        ]
        left_out = {
            row.email: row.why
            for row in choosing.left_out(
                connection, list_slug="weekly", issue_slug="winter", now=EARLY
            )
        }
    assert (audience.on_list, audience.recipients) == (6, 2)
    assert {"ann@a.test", "bob@a.test"} == set(chosen)
    assert left_out == {
        "new@a.test": "unconfirmed",
        "gone@a.test": "unsubscribed",
        "rests@a.test": "on pause",
        "dead@a.test": "suppressed",
    }


def test_one_issue_is_mailed_once_to_one_list(ledger: Ledger) -> None:
    """Decisions 6: (list, issue id) is unique among mailings that are not cancelled."""
    enlist(ledger, *addresses(2))
    frozen(ledger)
    with pytest.raises(SafetyError, match="E710"):
        freezing.freeze(ledger, plan(), now=EARLY)


def test_somebody_on_two_lists_gets_one_issue_once(ledger: Ledger) -> None:
    """Case 24: the same address in two lists that get one issue: one mail."""
    enlist(ledger, "ann@a.test", "bob@a.test")
    enlist(ledger, "ann@a.test", "carl@a.test", list_slug="daily")
    frozen(ledger)
    second = frozen(ledger, list_slug="daily")
    assert [row.email for row in rows(ledger, second)] == ["carl@a.test"]


def test_a_cancelled_mailing_can_be_mailed_anew_to_those_who_did_not_get_it(
    ledger: Ledger,
) -> None:
    """Decisions 6: who already got the issue is left out as such."""
    enlist(ledger, "ann@a.test", "bob@a.test")
    first = frozen(ledger)
    with ledger.write() as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.mailing == first, delivery.c.email == "ann@a.test")
            .values(state=DeliveryState.ACCEPTED)
        )
        connection.execute(update(mailing).where(mailing.c.id == first).values(accepted=1))
    with ledger.write() as connection:
        assert mailings.cancel(connection, first, actor="test", now=LATER) == 1
    assert {key: number for key, number in look(ledger, first).counts.items() if number} == {
        "cancelled": 1,
        "accepted": 1,
    }
    second = frozen(ledger)
    assert [row.email for row in rows(ledger, second)] == ["bob@a.test"]


def test_who_confirmed_since_the_freeze_is_added_at_the_start(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    scheduled = freezing.freeze(ledger, plan(due_at=LATER), now=EARLY)
    enlist(ledger, "late@a.test")
    with ledger.write() as connection:
        assert starting.start_due(connection, now=EARLY, actor="test") == []
    assert look(ledger, scheduled).recipients == 1
    with ledger.write() as connection:
        (started,) = starting.start_due(connection, now=LATER, actor="test")
    assert (scheduled, 1, 1, 0) == (
        started.mailing,
        started.confirmed,
        started.joined,
        started.left,
    )
    assert look(ledger, scheduled).recipients == 2
    assert {1, 2} == {row.seq for row in rows(ledger, scheduled)}


def test_the_frozen_revision_is_read_back_as_it_was(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    wanted = plan()
    number = freezing.freeze(ledger, wanted, now=EARLY)
    with ledger.read() as connection:
        revision, content = freezing.load_revision(connection, number, 1)
    assert (wanted.revision, wanted.rendering) == (revision, content)


def test_retrying_leaves_out_who_left_or_is_suppressed(ledger: Ledger) -> None:
    people = enlist(ledger, "ann@a.test", "left@a.test", "dead@a.test")
    number = frozen(ledger)
    with ledger.write() as connection:
        connection.execute(update(delivery).values(state=DeliveryState.REJECTED))
        connection.execute(update(mailing).values(rejected=3, state=MailingState.SENT))
        connection.execute(
            update(subscription)
            .where(subscription.c.subscriber == people[1])
            .values(state=SubscriptionState.UNSUBSCRIBED)
        )
        key = connection.scalar(
            select(subscriber.c.address_key).where(subscriber.c.id == people[2])
        )
        connection.execute(
            insert(suppression).values(
                address_key=key, bounce_class="x", evidence="", source="", created_at=0
            )
        )
        assert (
            retrying.retry(connection, number, DeliveryState.REJECTED, actor="test", now=LATER) == 1
        )
    seen = look(ledger, number)
    assert (
        seen.state,
        seen.counts["queued"],
        seen.counts["rejected"],
    ) == (MailingState.SENDING, 1, 2)


def test_a_freeze_of_nobody_is_a_mailing_of_nobody(ledger: Ledger) -> None:
    enlist(ledger, "gone@a.test", state=SubscriptionState.UNSUBSCRIBED)
    assert look(ledger, frozen(ledger)).recipients == 0


def test_what_waits_to_be_sent_again_out_of_doubt_stays_in_doubt_when_cancelled(
    ledger: Ledger,
) -> None:
    """It may have arrived: the promise of one copy per issue stands for it (decisions 6)."""
    enlist(ledger, "ann@a.test", "bob@a.test")
    first = frozen(ledger)
    with ledger.write() as connection:
        connection.execute(
            update(delivery).where(delivery.c.email == "ann@a.test").values(resends=1)
        )
        assert 1 == mailings.cancel(connection, first, actor="test", now=LATER)
    counts = look(ledger, first).counts
    assert (1, 1) == (counts["in_doubt"], counts["cancelled"])
    assert ["bob@a.test"] == [row.email for row in rows(ledger, frozen(ledger))]
