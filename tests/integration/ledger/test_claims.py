"""Claim, begin, settle, recover: the one rule and what it guards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, update

from mailer.errors import LedgerError
from mailer.ledger import Ledger, bump_changes, claims, mailings, recovery, settling
from mailer.ledger.mailings import BATCH
from mailer.ledger.schema import batch, subscription, suppression
from mailer.ledger.settling import Begin, Outcome
from mailer.model import DeliveryState, HolderId, Instant, MailingState, OnDoubt, SubscriptionState
from tests.samples.mailings import addresses, enlist, frozen, look, new_ledger, rows

if TYPE_CHECKING:
    from mailer.ledger.claims import Claimed

NOW = Instant(5_000_000)
MINUTE = 60_000_000


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def claim(ledger: Ledger, holder: int = 1, now: int = NOW) -> list[Claimed]:
    with ledger.write() as connection:
        found = claims.claim(connection, holder=HolderId(holder), now=Instant(now))
    return found.deliveries if found else []


def begin(ledger: Ledger, *claimed: Claimed, values: tuple[str, ...] | None = None) -> None:
    begins = [Begin(claimed=one, date=NOW, values=values) for one in claimed]
    with ledger.write() as connection:
        settling.record(connection, [], begins, on_doubt=OnDoubt.RESEND, now=NOW)


def settle(
    ledger: Ledger,
    claimed: Claimed,
    state: DeliveryState,
    *,
    was: DeliveryState = DeliveryState.SENDING,
    due_at: int | None = None,
    on_doubt: OnDoubt = OnDoubt.RESEND,
    resends: int = 0,
) -> None:
    outcome = Outcome(
        mailing=claimed.recipient.mailing,
        seq=claimed.recipient.seq,
        subscriber=claimed.recipient.subscriber,
        address_key=claimed.address_key,
        resends=resends,
        state=state,
        was=was,
        reply="250 2.0.0 Ok: queued as 4XyZ",
        due_at=None if due_at is None else Instant(due_at),
    )
    with ledger.write() as connection:
        settling.record(connection, [outcome], [], on_doubt=on_doubt, now=NOW)


def test_a_batch_is_leased_once(ledger: Ledger) -> None:
    """S-43: two claimers never hold the same delivery."""
    whole = BATCH[ledger.engine.dialect.name]
    enlist(ledger, *addresses(whole + 44))
    frozen(ledger)
    first, second, third = claim(ledger, 1), claim(ledger, 2), claim(ledger, 3)
    assert (whole, 44, 0) == (len(first), len(second), len(third))
    assert whole + 44 == len({one.key for one in (*first, *second)})


def test_a_lapsed_lease_can_be_claimed_again(ledger: Ledger) -> None:
    """S-43: leases last 15 minutes; a claimed row whose lease lapsed was certainly not sent."""
    enlist(ledger, *addresses(3))
    frozen(ledger)
    assert len(claim(ledger, 1)) == 3
    assert len(claim(ledger, 2, now=NOW + 14 * MINUTE)) == 0
    assert len(claim(ledger, 2, now=NOW + 16 * MINUTE)) == 3


def test_a_renewed_lease_does_not_lapse(ledger: Ledger) -> None:
    enlist(ledger, *addresses(3))
    frozen(ledger)
    claim(ledger, 1)
    with ledger.write() as connection:
        claims.renew(connection, HolderId(1), now=Instant(NOW + 10 * MINUTE))
    assert len(claim(ledger, 2, now=NOW + 16 * MINUTE)) == 0


def test_claimed_is_a_queued_row_whose_batch_is_leased(ledger: Ledger) -> None:
    """Decisions 5."""
    enlist(ledger, *addresses(3))
    mailing = frozen(ledger)
    one, *_ = claim(ledger)
    begin(ledger, one)
    counts = look(ledger, mailing).counts
    assert (counts["queued"], counts["claimed"], counts["sending"]) == (0, 2, 1)


def test_the_intent_fixes_date_revision_and_values(ledger: Ledger) -> None:
    """M-5, decisions 2: what the first attempt used is stored before its content leaves."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    begin(ledger, *claim(ledger), values=("Ann",))
    (row,) = rows(ledger, mailing)
    assert (
        row.state,
        row.attempts,
        row.date,
        row.revision,
        row.values,
    ) == ("sending", 1, NOW, 1, '["Ann"]')


def test_a_deferred_delivery_comes_back_with_what_its_first_attempt_used(ledger: Ledger) -> None:
    enlist(ledger, *addresses(2))
    frozen(ledger)
    one, two = claim(ledger)
    begin(ledger, one, values=("Ann",))
    settle(ledger, one, DeliveryState.QUEUED, due_at=NOW + MINUTE)
    begin(ledger, two)
    settle(ledger, two, DeliveryState.ACCEPTED)
    assert claim(ledger) == []
    (again,) = claim(ledger, now=NOW + MINUTE)
    assert (one.key, NOW, ("Ann",), 1) == (again.key, again.date, again.values, again.attempts)


def test_a_refusal_before_the_content_counts_as_one_attempt(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    (one,) = claim(ledger)
    settle(ledger, one, DeliveryState.QUEUED, was=DeliveryState.QUEUED, due_at=NOW + MINUTE)
    (row,) = rows(ledger, mailing)
    assert (row.attempts, row.date) == (1, None)


@pytest.mark.parametrize(
    ("on_doubt", "state", "resent"),
    [(OnDoubt.RESEND, "queued", 1), (OnDoubt.HOLD, "in_doubt", 0), (OnDoubt.SKIP, "in_doubt", 0)],
)
def test_doubt_follows_its_policy(
    ledger: Ledger, on_doubt: OnDoubt, state: str, resent: int
) -> None:
    """S-42, decisions 7."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    (one,) = claim(ledger)
    begin(ledger, one)
    settle(ledger, one, DeliveryState.IN_DOUBT, on_doubt=on_doubt)
    seen = look(ledger, mailing)
    assert (state, resent, 1) == (rows(ledger, mailing)[0].state, seen.resent, seen.ever_in_doubt)


def test_doubt_is_resolved_by_one_resend_at_most(ledger: Ledger) -> None:
    """Decisions 7: in doubt a second time, it stays so."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    (one,) = claim(ledger)
    begin(ledger, one)
    settle(ledger, one, DeliveryState.IN_DOUBT)
    (again,) = claim(ledger)
    assert again.resends == 1
    begin(ledger, again)
    settle(ledger, again, DeliveryState.IN_DOUBT, resends=1)
    seen = look(ledger, mailing)
    assert (seen.counts["in_doubt"], seen.resent, seen.ever_in_doubt) == (1, 1, 2)


def test_recovery_returns_what_was_claimed_and_doubts_what_was_sending(ledger: Ledger) -> None:
    """S-41: claimed without intent is certainly not sent; sending is in doubt."""
    enlist(ledger, *addresses(10))
    mailing = frozen(ledger)
    claimed = claim(ledger, 8)
    begin(ledger, *claimed[:4])
    settle(ledger, claimed[0], DeliveryState.ACCEPTED)
    (found,) = recovery.recover(ledger, on_doubt=OnDoubt.HOLD, now=NOW)
    assert (mailing, 6, 3) == (found.mailing, found.returned, found.in_doubt)
    counts = look(ledger, mailing).counts
    assert (
        counts["accepted"],
        counts["in_doubt"],
        counts["queued"],
        counts["sending"],
    ) == (1, 3, 6, 0)
    assert {one.key for one in claimed[4:]} == {one.key for one in claim(ledger, 9)}


def test_recovery_finds_what_is_sending_whoever_held_its_batch(ledger: Ledger) -> None:
    """Also where the batch was released meanwhile: paused, then killed."""
    enlist(ledger, *addresses(3))
    mailing = frozen(ledger)
    one, *_ = claim(ledger, 8)
    begin(ledger, one)
    with ledger.write() as connection:
        claims.release(connection, HolderId(8))
        mailings.set_state(connection, mailing, MailingState.PAUSED, actor="test", now=NOW)
    (found,) = recovery.recover(ledger, on_doubt=OnDoubt.HOLD, now=NOW)
    assert (0, 1) == (found.returned, found.in_doubt)
    assert (0, 1) == (
        look(ledger, mailing).counts["sending"],
        look(ledger, mailing).counts["in_doubt"],
    )


def test_recovery_of_a_resend_sends_again(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    frozen(ledger)
    (one,) = claim(ledger, 8)
    begin(ledger, one, values=("Ann",))
    recovery.recover(ledger, on_doubt=OnDoubt.RESEND, now=NOW)
    (again,) = claim(ledger, 9)
    assert (one.key, NOW, ("Ann",)) == (again.key, again.date, again.values)


def test_who_left_since_the_freeze_is_cancelled_at_the_claim(ledger: Ledger) -> None:
    """L-9, B-20."""
    people = enlist(ledger, "ann@a.test", "left@a.test", "dead@a.test")
    mailing = frozen(ledger)
    leave(ledger, people[1])
    with ledger.write() as connection:
        connection.execute(
            insert(suppression).values(
                address_key=ledger.address_key("dead@a.test"),
                bounce_class="x",
                evidence="",
                source="",
                created_at=0,
            )
        )
    assert [one.recipient.email for one in claim(ledger)] == ["ann@a.test"]
    assert look(ledger, mailing).counts["cancelled"] == 2
    assert {None, "unsubscribed", "suppressed"} == {row.reply for row in rows(ledger, mailing)}


def test_a_recheck_finds_who_left_and_what_was_paused(ledger: Ledger) -> None:
    """L-9: asked again just before MAIL FROM."""
    people = enlist(ledger, *addresses(3))
    mailing = frozen(ledger)
    claimed = claim(ledger)
    with ledger.read() as connection:
        before = claims.changes(connection)
    leave(ledger, people[0])
    with ledger.write() as connection:
        assert before != claims.changes(connection)
        standing = claims.recheck(connection, claimed, now=NOW)
    gone = [one for one in claimed if not standing.allows(one)]
    assert [people[0]] == [one.recipient.subscriber for one in gone]
    assert look(ledger, mailing).counts["cancelled"] == 1
    with ledger.write() as connection:
        mailings.set_state(connection, mailing, MailingState.PAUSED, actor="test", now=NOW)
        standing = claims.recheck(connection, claimed, now=NOW)
    assert ({mailing}, set()) == (set(standing.stopped), set(standing.sendable))
    assert look(ledger, mailing).counts["cancelled"] == 1


def leave(ledger: Ledger, person: int) -> None:
    with ledger.write() as connection:
        connection.execute(
            update(subscription)
            .where(subscription.c.subscriber == person)
            .values(state=SubscriptionState.UNSUBSCRIBED)
        )
        bump_changes(connection)


def test_a_row_that_another_process_moved_stops_this_one(ledger: Ledger) -> None:
    """S-47: fencing; nothing of the transaction is written."""
    enlist(ledger, *addresses(2))
    mailing = frozen(ledger)
    one, two = claim(ledger)
    begin(ledger, one)
    with pytest.raises(LedgerError, match="E606"):
        begin(ledger, two, one)
    counts = look(ledger, mailing).counts
    assert (counts["sending"], counts["claimed"]) == (1, 1)


def test_a_row_that_came_back_to_the_queue_meanwhile_is_not_begun_as_it_was_claimed(
    ledger: Ledger,
) -> None:
    """A clock set on by a day ends leases of the living: the first one's Date stands (M-5)."""
    enlist(ledger, "ann@example.org")
    mailing = frozen(ledger)
    (mine,) = claim(ledger, holder=1)
    (theirs,) = claim(ledger, holder=2, now=NOW + 16 * MINUTE)
    begin(ledger, theirs)
    settle(ledger, theirs, DeliveryState.QUEUED, due_at=NOW)
    for _ in range(2):  # waiting for its time, and claimed again
        with pytest.raises(LedgerError, match="E606"):
            begin(ledger, mine._replace(attempts=0), values=("another",))
        assert [None] == [row.values for row in rows(ledger, mailing)]
        claim(ledger, holder=2, now=NOW + 16 * MINUTE)


def test_a_paused_mailing_is_not_claimed(ledger: Ledger) -> None:
    enlist(ledger, *addresses(2))
    mailing = frozen(ledger)
    with ledger.write() as connection:
        mailings.set_state(connection, mailing, MailingState.PAUSED, actor="test", now=NOW)
    assert claim(ledger) == []
    with ledger.write() as connection:
        mailings.set_state(connection, mailing, MailingState.SENDING, actor="test", now=NOW)
    assert len(claim(ledger)) == 2


@pytest.mark.parametrize(
    ("state", "on_doubt", "finished"),
    [
        (DeliveryState.ACCEPTED, OnDoubt.RESEND, True),
        (DeliveryState.REJECTED, OnDoubt.RESEND, True),
        (DeliveryState.IN_DOUBT, OnDoubt.SKIP, True),
        (DeliveryState.IN_DOUBT, OnDoubt.HOLD, False),
        (DeliveryState.IN_DOUBT, OnDoubt.RESEND, False),
        (DeliveryState.QUEUED, OnDoubt.RESEND, False),
    ],
)
def test_a_mailing_is_sent_when_nothing_is_left(
    ledger: Ledger, state: DeliveryState, on_doubt: OnDoubt, *, finished: bool
) -> None:
    """Decisions 7: nothing queued, sending, or in doubt under hold."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    (one,) = claim(ledger)
    begin(ledger, one)
    settle(ledger, one, state, on_doubt=on_doubt, due_at=NOW if state == "queued" else None)
    with ledger.write() as connection:
        done = recovery.finish(connection, on_doubt=on_doubt, now=NOW)
    assert ([mailing] if finished else []) == done
    assert finished is (look(ledger, mailing).state is MailingState.SENT)


def test_released_leases_can_be_claimed_at_once(ledger: Ledger) -> None:
    enlist(ledger, *addresses(3))
    frozen(ledger)
    claim(ledger, 1)
    with ledger.write() as connection:
        claims.release(connection, HolderId(1))
    assert len(claim(ledger, 2)) == 3


def test_a_batch_of_nobody_is_closed(ledger: Ledger) -> None:
    people = enlist(ledger, "ann@a.test")
    frozen(ledger)
    leave(ledger, people[0])
    assert claim(ledger) == []
    with ledger.read() as connection:
        assert list(connection.scalars(batch.select().with_only_columns(batch.c.done))) == [1]


def test_what_is_due_again_goes_before_first_attempts(ledger: Ledger) -> None:
    """Behind a long mailing it would wait until it expires (S-31)."""
    enlist(ledger, *addresses(300))
    frozen(ledger)
    first, *_ = claim(ledger)
    settle(ledger, first, DeliveryState.QUEUED, was=DeliveryState.QUEUED, due_at=NOW)
    assert [first.key] == [one.key for one in claim(ledger)]
