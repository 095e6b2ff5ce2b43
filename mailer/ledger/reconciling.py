"""Out of doubt by the relay's log (S-42): the relay has a message, or certainly has it not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, tuple_, update

from mailer.ledger import doubt, events
from mailer.ledger.mailings import set_state
from mailer.ledger.schema import delivery, mailing
from mailer.ledger.settling import Outcome, record
from mailer.model import DeliveryState, Instant, MailingId, MailingState, OnDoubt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mailer.ledger.doubt import Doubt

ACTOR = "relay log"


def reconcile(
    connection: Connection,
    *,
    found: Mapping[tuple[MailingId, int], str],
    absent: Collection[tuple[MailingId, int]],
    lost: Collection[tuple[MailingId, int]] = (),
    now: Instant,
) -> list[Outcome]:
    """Settle what is still as doubtful as it was when the log was read; the caller commits.

    Args:
        connection: a transaction that writes.
        found: delivery -> the relay's number for it: it is accepted.
        absent: the relay certainly has them not: queued again, which is no resend.
        lost: no log will ever say: a resend need not wait for one any more.
        now: when.
    """
    doubtful = doubt.pending(connection)
    _let_go(connection, [one for one in doubtful if one.key in lost], now)
    still = [one for one in doubtful if one.key in found or one.key in absent]
    outcomes = [_outcome(one, found.get(one.key), now) for one in still]
    if not outcomes:
        return []
    record(connection, outcomes, (), on_doubt=OnDoubt.HOLD, now=now)
    for number in {one.mailing for one in still}:
        _count(connection, number, [one for one in still if one.mailing == number])
    for one in outcomes:
        _write_down(connection, one, now)
    doubt.forget(connection, [one.key for one in still])
    for number in {one.mailing for one in outcomes if one.state is DeliveryState.QUEUED}:
        _go_on(connection, number, now)
    return outcomes


def _let_go(connection: Connection, lost: list[Doubt], now: Instant) -> None:
    keys = [one.key for one in lost]
    if not keys:
        return
    doubt.forget(connection, keys)
    connection.execute(
        update(delivery)
        .where(
            tuple_(delivery.c.mailing, delivery.c.seq).in_(keys),
            delivery.c.state == DeliveryState.QUEUED,
            delivery.c.due_at > now,
        )
        .values(due_at=now)
    )


def _outcome(one: Doubt, queue_id: str | None, now: Instant) -> Outcome:
    here = queue_id is not None
    return Outcome(
        mailing=one.mailing,
        seq=one.seq,
        subscriber=one.subscriber,
        address_key=one.address_key,
        resends=one.resends - (one.state is DeliveryState.QUEUED),  # it was not sent again yet
        state=DeliveryState.ACCEPTED if here else DeliveryState.QUEUED,
        was=one.state,
        reply=f"found in the relay's log as {queue_id}" if here else "not in the relay's log",
        due_at=None if here else now,
        counted=False,
    )


def _count(connection: Connection, number: MailingId, still: list[Doubt]) -> None:
    """`record` has counted what is accepted; here what the doubt had counted is taken back."""
    left = Counter(one.state for one in still)
    connection.execute(
        update(mailing)
        .where(mailing.c.id == number)
        .values(
            in_doubt=mailing.c.in_doubt - left[DeliveryState.IN_DOUBT],
            resent=mailing.c.resent - left[DeliveryState.QUEUED],
            reconciled=mailing.c.reconciled + len(still),
        )
    )


def _write_down(connection: Connection, outcome: Outcome, now: Instant) -> None:
    events.record(
        connection,
        kind=events.Kind.RECONCILED,
        actor=ACTOR,
        at=now,
        mailing=outcome.mailing,
        seq=outcome.seq,
        subscriber=outcome.subscriber,
        address_key=outcome.address_key,
        detail={"state": outcome.state, "reply": outcome.reply},
    )


def _go_on(connection: Connection, number: MailingId, now: Instant) -> None:
    """Somebody of a mailing that was declared sent has not got it."""
    was = connection.scalar(select(mailing.c.state).where(mailing.c.id == number))
    if was == MailingState.SENT:
        set_state(connection, number, MailingState.SENDING, actor=ACTOR, now=now)
