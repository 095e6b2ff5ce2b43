"""A mailing after its freeze: its states, its queue, and what a second look asks of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, exists, func, select, update

from mailer.ledger import events
from mailer.ledger.database import bump_changes
from mailer.ledger.schema import (
    delivery,
    event,
    issue,
    list_,
    mailing,
    subscription,
    suppression,
)
from mailer.model import (
    DeliveryState,
    Instant,
    MailingId,
    MailingState,
    SubscriptionState,
)

BATCH = 256
"""Deliveries per lease: large enough that claiming costs nothing per row, small enough to lose."""

LIVE = (MailingState.SENDING, MailingState.WAITING)
OPEN = (*LIVE, MailingState.SCHEDULED, MailingState.PAUSED)


def was_frozen(connection: Connection, slug: str, *, list_slug: str | None = None) -> bool:
    """Whether an issue was mailed, or is being mailed, to a list or to any."""
    query = (
        select(mailing.c.id)
        .join(issue, issue.c.id == mailing.c.live_issue)
        .join(list_, list_.c.id == mailing.c.list)
        .where(issue.c.slug == slug)
    )
    if list_slug is not None:
        query = query.where(list_.c.slug == list_slug)
    return connection.scalar(query.limit(1)) is not None


def last_size(connection: Connection, list_slug: str) -> int | None:
    """How many the last mailing to a list was for; None if there was none."""
    size: int | None = connection.scalar(
        select(mailing.c.recipients)
        .join(list_, list_.c.id == mailing.c.list)
        .where(list_.c.slug == list_slug, mailing.c.live_issue.is_not(None))
        .order_by(mailing.c.id.desc())
        .limit(1)
    )
    return size


def in_batch(lease: Row[Any]) -> list[ColumnElement[bool]]:
    """The queued rows of a batch: a first batch is a range, a retry batch is named by its rows."""
    queued = [delivery.c.mailing == lease.mailing, delivery.c.state == DeliveryState.QUEUED]
    if lease.first is None:
        return [*queued, delivery.c.batch == lease.id]
    return [
        *queued,
        delivery.c.seq.between(lease.first, lease.last),
        delivery.c.batch.is_(None),
        delivery.c.due_at.is_(None),
    ]


# --- states --------------------------------------------------------------------------------------


def set_state(
    connection: Connection,
    mailing_id: MailingId,
    state: MailingState,
    *,
    actor: str,
    now: Instant,
    reason: str = "",
) -> None:
    """Move a mailing to a state, write it down, and let dispatchers look again."""
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state in (MailingState.SENT, MailingState.CANCELLED, MailingState.MISSED):
        values["finished_at"] = now
    if state is MailingState.SENDING:
        values["finished_at"] = None
        values["started_at"] = func.coalesce(mailing.c.started_at, now)
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(values))
    events.record(
        connection, kind=state, actor=actor, at=now, mailing=mailing_id, detail={"reason": reason}
    )
    bump_changes(connection)


def live(connection: Connection, *, only: MailingId | None = None) -> list[MailingId]:
    """The mailings that are being sent."""
    query = select(mailing.c.id).where(mailing.c.state.in_(LIVE))
    if only is not None:
        query = query.where(mailing.c.id == only)
    return [MailingId(number) for number in connection.scalars(query)]


def relay_is_back(connection: Connection, *, now: Instant) -> None:
    """Mailings that waited for the relay are being sent again."""
    for mailing_id in waiting(connection):
        set_state(connection, mailing_id, MailingState.SENDING, actor="mailer", now=now)


def waiting(connection: Connection) -> list[MailingId]:
    """The mailings that wait for the relay."""
    query = select(mailing.c.id).where(mailing.c.state == MailingState.WAITING)
    return [MailingId(number) for number in connection.scalars(query)]


def cancel(connection: Connection, mailing_id: MailingId, *, actor: str, now: Instant) -> int:
    """End a mailing: what is queued will not be sent; returns how many that were.

    The promise "once per issue" is lifted from what was not sent, so that it can be mailed anew.
    """
    stopped = _cancel_queued(connection, mailing_id, now)
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(live_issue=None))
    set_state(connection, mailing_id, MailingState.CANCELLED, actor=actor, now=now)
    return stopped


def cancel_late(connection: Connection, *, now: Instant) -> None:
    """Cancel what came back to the queue of a cancelled mailing.

    It was on its way when the operator spoke, and the relay deferred it afterwards.
    """
    settled = mailing.c.accepted + mailing.c.rejected + mailing.c.in_doubt + mailing.c.cancelled
    late = select(mailing.c.id).where(
        mailing.c.state == MailingState.CANCELLED,
        settled + mailing.c.sending < mailing.c.recipients,
    )
    for number in connection.scalars(late).all():
        _cancel_queued(connection, MailingId(number), now)


def _cancel_queued(connection: Connection, mailing_id: MailingId, now: Instant) -> int:
    queued = update(delivery).where(
        delivery.c.mailing == mailing_id, delivery.c.state == DeliveryState.QUEUED
    )
    over = {"due_at": None, "batch": None, "changed_at": now}
    # What waits to be sent again out of doubt may have arrived: the promise stands for it.
    doubtful = connection.execute(
        queued.where(delivery.c.resends > 0).values(state=DeliveryState.IN_DOUBT, **over)
    ).rowcount
    stopped = connection.execute(
        queued.values(state=DeliveryState.CANCELLED, issue=None, **over)
    ).rowcount
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id)
        .values(cancelled=mailing.c.cancelled + stopped, in_doubt=mailing.c.in_doubt + doubtful)
    )
    return stopped


def retry(
    connection: Connection,
    mailing_id: MailingId,
    state: DeliveryState,
    *,
    actor: str,
    now: Instant,
) -> int:
    """Queue doubtful or rejected deliveries again; never those suppressed or gone.

    With the rejected go those that were accepted and have bounced since. Claiming asks again who
    may receive, so that nothing here can overrule a departure. A mailing that was sent is being
    sent again; one that is paused stays so.
    """
    again = {state: _queue_again(connection, mailing_id, delivery.c.state == state, now)}
    if state is DeliveryState.REJECTED:
        returned = (delivery.c.state == DeliveryState.ACCEPTED) & _bounced_since(mailing_id)
        again[DeliveryState.ACCEPTED] = _queue_again(connection, mailing_id, returned, now)
    total = sum(again.values())
    if not total:
        return 0
    counters = {mailing.c[one]: mailing.c[one] - number for one, number in again.items()}
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(counters))
    events.record(
        connection,
        kind="retried",
        actor=actor,
        at=now,
        mailing=mailing_id,
        detail={"state": state, "deliveries": total},
    )
    was = connection.scalar(select(mailing.c.state).where(mailing.c.id == mailing_id))
    if was == MailingState.SENT:
        set_state(connection, mailing_id, MailingState.SENDING, actor=actor, now=now)
    return total


def _queue_again(
    connection: Connection, mailing_id: MailingId, wanted: ColumnElement[bool], now: Instant
) -> int:
    suppressed = exists().where(suppression.c.address_key == delivery.c.address_key)
    left = exists().where(
        subscription.c.subscriber == delivery.c.subscriber,
        subscription.c.list == mailing.c.list,
        subscription.c.state != SubscriptionState.CONFIRMED,
        mailing.c.id == mailing_id,
    )
    here = (delivery.c.mailing == mailing_id, delivery.c.email.is_not(None))
    return connection.execute(
        update(delivery)
        .where(*here, wanted, ~suppressed, ~left)
        .values(
            state=DeliveryState.QUEUED,
            due_at=now,
            batch=None,
            attempts=0,
            # Sent again out of doubt: not by itself a second time (decisions 7).
            resends=case((delivery.c.state == DeliveryState.IN_DOUBT, 1), else_=delivery.c.resends),
            changed_at=now,
        )
    ).rowcount


def _bounced_since(mailing_id: MailingId) -> ColumnElement[bool]:
    """Whether a delivery came back after it was accepted, the last time that it was."""
    sent = delivery.alias()
    returns = (
        select(event.c.seq)
        .join(sent, (sent.c.mailing == event.c.mailing) & (sent.c.seq == event.c.seq))
        .where(
            event.c.mailing == mailing_id,
            event.c.kind == events.Kind.BOUNCED,
            event.c.at >= sent.c.changed_at,
        )
    )
    return delivery.c.seq.in_(returns)
