"""Revisions of a mailing in the ledger: who keeps what, and that all counts stay right."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mailer.errors import SafetyError
from mailer.ledger import (
    Ledger,
    claims,
    freezing,
    mailings,
    recovery,
    retrying,
    revising,
    settling,
    starting,
)
from mailer.ledger.schema import delivery, revision
from mailer.model import (
    BounceClass,
    DeliveryState,
    HolderId,
    Instant,
    MailingId,
    MailingState,
    OnDoubt,
)
from tests.samples import mailings as samples

if TYPE_CHECKING:
    from mailer.ledger.claims import Claimed

NOW = Instant(10_000_000)
LATER = Instant(20_000_000)
ME = HolderId(1)


@pytest.fixture
def mailing(ledger: Ledger) -> MailingId:
    """m1 for six people, three of whom read German; there is no variant for them yet."""
    samples.enlist(ledger, *(f"a{n}@d{n % 2}.test" for n in range(3)))
    samples.enlist(ledger, *(f"g{n}@d{n % 2}.test" for n in range(3)), language="de")
    return samples.frozen(ledger)


def claim(ledger: Ledger) -> list[Claimed]:
    with ledger.write() as connection:
        batch = claims.claim(connection, holder=ME, now=NOW)
    return [] if batch is None else batch.deliveries


def begin(ledger: Ledger, *claimed: Claimed) -> None:
    with ledger.write() as connection:
        begun = [settling.Begin(one, date=NOW, values=None, relay="r") for one in claimed]
        settling.record(connection, (), begun, on_doubt=OnDoubt.HOLD, now=NOW, holder=ME)


def settle(ledger: Ledger, one: Claimed, state: DeliveryState, **how: Any) -> None:
    outcome = settling.Outcome(
        mailing=one.recipient.mailing,
        seq=one.recipient.seq,
        subscriber=one.recipient.subscriber,
        address_key=one.address_key,
        resends=0,
        state=state,
        was=DeliveryState.SENDING,
        reply="said",
    )._replace(**how)
    with ledger.write() as connection:
        settling.record(connection, [outcome], (), on_doubt=OnDoubt.HOLD, now=NOW, holder=ME)


def pause(ledger: Ledger, mailing: MailingId) -> None:
    with ledger.write() as connection:
        mailings.set_state(connection, mailing, MailingState.PAUSED, actor="ann", now=NOW)


def revise(ledger: Ledger, mailing: MailingId, *names: str, after: int = 1) -> int:
    """A revision with these variants besides the base, and resume."""
    content = samples.rendering(words=after)
    made = {name: dataclasses.replace(content, language="de") for name in names}
    plan = samples.plan(content=content, variants=made)
    with ledger.write() as connection:
        number = revising.add_revision(
            connection, mailing, (plan, *plan.variants), after=after, now=LATER, actor="ann"
        )
        starting.resume(connection, mailing, actor="ann", now=LATER)
    return number


def shares(ledger: Ledger) -> dict[tuple[int, str], int]:
    with ledger.read() as connection:
        rows = connection.execute(select(revision)).all()
    return {(row.number, row.variant): row.recipients for row in rows}


def test_who_began_keeps_the_revision_and_all_others_get_the_new_one(
    ledger: Ledger, mailing: MailingId
) -> None:
    """Decisions 8: accepted, deferred, in doubt keep r1; variants are chosen anew for the rest."""
    first, second, third, *_ = claim(ledger)
    begin(ledger, first, second, third)
    settle(ledger, first, DeliveryState.ACCEPTED)
    settle(ledger, second, DeliveryState.QUEUED, due_at=NOW)
    settle(ledger, third, DeliveryState.IN_DOUBT)
    pause(ledger, mailing)
    with ledger.write() as connection:
        claims.release(connection, ME)
    assert 2 == revise(ledger, mailing, "language=de")
    again: dict[int, tuple[int, str]] = {}
    while batch := claim(ledger):
        again |= {one.recipient.seq: (one.revision, one.recipient.variant) for one in batch}
    languages = {row.seq: row.email[0] for row in samples.rows(ledger, mailing)}
    left = {seq: (2, "language=de" if languages[seq] == "g" else "") for seq in (4, 5, 6)}
    assert left | {second.recipient.seq: (1, "")} == again
    german = sum(languages[seq] == "g" for seq in left)
    assert {(1, ""): 3, (2, ""): 3 - german, (2, "language=de"): german} == shares(ledger)
    seen = samples.look(ledger, mailing)
    assert ({1: 3, 2: 3}, 2) == (seen.revisions, seen.revision)


def test_variants_that_a_revision_gives_up_are_no_ones(ledger: Ledger, mailing: MailingId) -> None:
    pause(ledger, mailing)
    revise(ledger, mailing, "language=de")
    pause(ledger, mailing)
    assert 3 == revise(ledger, mailing, after=2)
    assert {""} == {one.recipient.variant for one in claim(ledger)}
    assert (0, 0, 6) == (
        shares(ledger)[1, ""],
        shares(ledger)[2, "language=de"],
        shares(ledger)[3, ""],
    )


def test_what_a_process_holds_of_an_older_revision_goes_back(
    ledger: Ledger, mailing: MailingId
) -> None:
    """It slept while the mailing was paused, corrected and resumed: nothing of r1 leaves."""
    held = claim(ledger)
    pause(ledger, mailing)
    revise(ledger, mailing)
    with ledger.write() as connection:
        standing = claims.recheck(connection, held, now=LATER)
    assert {mailing} == standing.stopped
    assert not any(standing.allows(one) for one in held)


def test_a_mailing_that_changed_meanwhile_gets_no_revision(
    ledger: Ledger, mailing: MailingId
) -> None:
    """E719: it goes on, or has another revision than the one that the diff was made with."""
    with pytest.raises(SafetyError, match="m1 changed"):
        revise(ledger, mailing)
    pause(ledger, mailing)
    with pytest.raises(SafetyError, match="m1 changed"):
        revise(ledger, mailing, after=2)
    assert {(1, ""): 6} == shares(ledger)


def test_what_was_refused_before_its_content_gets_the_new_revision_when_retried(
    ledger: Ledger, mailing: MailingId
) -> None:
    """No byte of r1 ever left for them."""
    first, *_ = claim(ledger)
    settle(
        ledger,
        first,
        DeliveryState.REJECTED,
        was=DeliveryState.QUEUED,
        bounce_class=BounceClass.MAILBOX_FULL,
    )
    pause(ledger, mailing)
    with ledger.write() as connection:
        claims.release(connection, ME)
    revise(ledger, mailing)
    with ledger.write() as connection:
        retrying.retry(connection, mailing, DeliveryState.REJECTED, actor="ann", now=NOW)
    (again, *_) = claim(ledger)
    assert (first.recipient.seq, 2) == (again.recipient.seq, again.revision)


# --- retry ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, {1, 2, 3, 4}),
        ({"bounce_class": BounceClass.MAILBOX_FULL}, {1, 2}),
        ({"domain": "d0.test"}, None),
        ({"domain": "elsewhere.test"}, set()),
    ],
)
def test_retry_can_be_restricted_to_a_class_or_a_domain(
    ledger: Ledger, mailing: MailingId, how: dict[str, Any], expected: set[int] | None
) -> None:
    with ledger.write() as connection:
        for seq in (1, 2, 3, 4):
            failed = BounceClass.MAILBOX_FULL if seq <= 2 else BounceClass.NETWORK
            connection.execute(
                update(delivery)
                .where(delivery.c.seq == seq)
                .values(state=DeliveryState.REJECTED, bounce_class=failed, attempts=3)
            )
        rows = {row.seq: row.email for row in connection.execute(select(delivery))}
        if expected is None:
            expected = {seq for seq in (1, 2, 3, 4) if rows[seq].endswith("@d0.test")}
        number = retrying.retry(
            connection, mailing, DeliveryState.REJECTED, actor="ann", now=NOW, **how
        )
    again = {row.seq for row in samples.rows(ledger, mailing) if row.due_at == NOW}
    assert (expected, len(expected)) == (again, number)


def test_the_age_of_what_is_queued_again_begins_anew(ledger: Ledger, mailing: MailingId) -> None:
    """S-31: what had expired gets all its attempts again, with the same Date (M-5)."""
    first, *_ = claim(ledger)
    begin(ledger, first)
    settle(ledger, first, DeliveryState.REJECTED)
    with ledger.write() as connection:
        claims.release(connection, ME)
        retrying.retry(connection, mailing, DeliveryState.REJECTED, actor="ann", now=LATER)
        batch = claims.claim(connection, holder=ME, now=LATER)
    assert batch is not None
    (again,) = batch.deliveries
    assert (NOW, LATER, 0) == (again.date, again.aged_from, again.attempts)


def test_canary_rows_are_a_batch_of_their_own(ledger: Ledger) -> None:
    """Nothing else can be claimed until the canary is over."""
    samples.enlist(ledger, *(f"x{n}@big.test" for n in range(300)), "y@small.test")
    plan = dataclasses.replace(samples.plan(), canary=2)
    number = freezing.freeze(ledger, plan, now=NOW)
    with ledger.write() as connection:
        starting.start_due(connection, now=NOW, actor="test")
    assert {"big.test", "small.test"} == {one.domain for one in claim(ledger)}
    assert [] == claim(ledger)
    assert (2, 2) == (
        samples.look(ledger, number).canary,
        samples.look(ledger, number).counts["claimed"],
    )


def test_a_canary_ends_once_every_one_of_it_has_an_answer_and_the_rest_follows(
    ledger: Ledger,
) -> None:
    """By the clock if there is a wait, and not while one of it is on its way."""
    samples.enlist(ledger, "x@big.test", "y@big.test", "z@small.test")
    plan = dataclasses.replace(samples.plan(), canary=2, canary_wait=5_000_000)
    number = freezing.freeze(ledger, plan, now=NOW)
    with ledger.write() as connection:
        starting.start_due(connection, now=NOW, actor="test")
    first, second = claim(ledger)
    begin(ledger, first, second)
    settle(ledger, first, DeliveryState.ACCEPTED)
    finish(ledger)
    assert "sending" == samples.look(ledger, number).state
    settle(ledger, second, DeliveryState.QUEUED, due_at=LATER)
    with ledger.write() as connection:
        claims.close_batch(connection, first.batch)
    finish(ledger)
    seen = samples.look(ledger, number)
    assert ("paused", "canary: 2 sent, 1 accepted, 1 deferred") == (seen.state, seen.reason)
    assert NOW + 5_000_000 == seen.resume_at
    with ledger.write() as connection:
        starting.start_due(connection, now=Instant(NOW + 4_999_999), actor="test")
        assert claims.claim(connection, holder=ME, now=NOW) is None
        assert {number} == starting.startable(connection, now=Instant(NOW + 5_000_000))
        starting.start_due(connection, now=Instant(NOW + 5_000_000), actor="test")
    assert ("sending", None) == (
        samples.look(ledger, number).state,
        samples.look(ledger, number).resume_at,
    )
    assert 1 == len(claim(ledger))


def finish(ledger: Ledger) -> None:
    with ledger.write() as connection:
        recovery.finish(connection, on_doubt=OnDoubt.RESEND, now=NOW)
