"""A mailing after its freeze: its states, its queue, and what a second look asks of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from mailer.ledger import events
from mailer.ledger.database import bump_changes
from mailer.ledger.schema import delivery, issue, list_, mailing
from mailer.model import DeliveryState, Instant, MailingId, MailingState

BATCH = {"sqlite": 128, "postgresql": 512}
"""Deliveries per lease: large enough that claiming costs nothing per row, small enough to lose.

SQLite writes whole pages with each commit, and those of a small batch are few; a server is asked
several times for each claim, and each time takes a round trip.
"""

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
    """How many the last mailing to a whole list was for; None if there was none."""
    size: int | None = connection.scalar(
        select(mailing.c.recipients)
        .join(list_, list_.c.id == mailing.c.list)
        .where(
            list_.c.slug == list_slug,
            mailing.c.live_issue.is_not(None),
            mailing.c.corrects.is_(None),
        )
        .order_by(mailing.c.id.desc())
        .limit(1)
    )
    return size


def in_batch(lease: Row[Any] | SimpleNamespace) -> list[ColumnElement[bool]]:
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
    """Move a mailing to a state, write it down, and let dispatchers look again.

    Whatever would have let it go on by itself is over.
    """
    values: dict[str, Any] = {"state": state, "reason": reason, "resume_at": None}
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
