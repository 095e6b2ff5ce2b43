"""A canary: so many deliveries first, then a person or a time decides about the rest.

::

    frozen ──▶ sending its canary ──every one of it has an outcome──▶ paused ──resume──▶ the rest
               all other batches are held                                └─resume_at─┘

The canary is a batch of its own, spread over the recipient domains. One that is deferred has had
its outcome and is tried again with the rest; one that its domain's pace put off for some minutes is
waited for. Whatever else pauses the mailing ends the wait: then only a person lets it go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, exists, func, insert, or_, select, update

from mailer.ledger import holds
from mailer.ledger.holds import HELD
from mailer.ledger.mailings import LIVE, set_state
from mailer.ledger.schema import batch, delivery, mailing
from mailer.model import DeliveryState, Instant, MailingId, MailingState

if TYPE_CHECKING:
    from sqlalchemy import Select

SOON: Final = 15 * 60 * 1_000_000
"""Microseconds: what was put off for longer is not waited for; its domain is to be left alone."""

_HELD_BATCH = (batch.c.done == 0, batch.c.due_at == HELD)


def choose(connection: Connection, mailing_id: MailingId, number: int) -> None:
    """Put so many deliveries of a fresh mailing into a batch of their own.

    That is one of each recipient domain, the largest first, then a second of each, and so on. Where
    it would be everybody there is no canary.
    """
    this = mailing.c.id == mailing_id
    if number >= connection.scalars(select(mailing.c.recipients).where(this)).one():
        connection.execute(update(mailing).where(this).values(canary=0))
        release(connection, mailing_id)
        return
    own = connection.scalars(
        insert(batch).values(mailing=mailing_id, due_at=0).returning(batch.c.id)
    ).one()
    connection.execute(
        update(delivery)
        .where(delivery.c.mailing == mailing_id, delivery.c.seq.in_(_spread(mailing_id, number)))
        .values(batch=own)
    )


def _spread(mailing_id: MailingId, number: int) -> Select[tuple[int]]:
    email = func.lower(delivery.c.email)
    # What is left without the local part, in words that both databases have.
    domain = func.replace(email, func.rtrim(email, func.replace(email, "@", "")), "")
    ranked = (
        select(
            delivery.c.seq,
            func.row_number().over(partition_by=domain, order_by=delivery.c.seq).label("turn"),
            func.count().over(partition_by=domain).label("size"),
        )
        .where(delivery.c.mailing == mailing_id)
        .subquery()
    )
    order = (ranked.c.turn, ranked.c.size.desc(), ranked.c.seq)
    return select(ranked.c.seq).order_by(*order).limit(number)


def end(connection: Connection, *, now: Instant) -> list[MailingId]:
    """Pause the mailings whose canary is over; one with a wait goes on by itself after it."""
    over = [row for row in connection.execute(_candidates()) if _is_over(connection, row.id, now)]
    for row in over:
        set_state(
            connection,
            MailingId(row.id),
            MailingState.PAUSED,
            actor="mailer",
            now=now,
            reason=_words(connection, row),
        )
        # A guard that spoke leaves it to a person: it may be about more than that domain.
        if row.canary_wait is not None and not holds.of(connection, row.id):
            resume_at = {"resume_at": now + row.canary_wait}
            connection.execute(update(mailing).where(mailing.c.id == row.id).values(resume_at))
    return [MailingId(row.id) for row in over]


def _candidates() -> Select[Any]:
    held = exists().where(batch.c.mailing == mailing.c.id, *_HELD_BATCH)
    return select(mailing).where(
        mailing.c.canary > 0, mailing.c.state.in_(LIVE), mailing.c.sending == 0, held
    )


def _is_over(connection: Connection, number: int, now: Instant) -> bool:
    claimable = select(batch.c.id).where(
        batch.c.mailing == number, batch.c.done == 0, batch.c.due_at <= now
    )
    # What was only put off for its domain's pace has had no outcome yet: it has no Date.
    soon = (delivery.c.due_at <= now + SOON) & delivery.c.date.is_(None)
    due = select(delivery.c.seq).where(
        delivery.c.mailing == number, or_(delivery.c.due_at <= now, soon)
    )
    return all(connection.scalar(query.limit(1)) is None for query in (claimable, due))


def _words(connection: Connection, row: Row[Any]) -> str:
    deferred = select(func.count()).where(delivery.c.mailing == row.id, delivery.c.due_at < HELD)
    counts = {
        "accepted": row.accepted,
        "rejected": row.rejected,
        "deferred": connection.scalar(deferred) or 0,
        "in doubt": row.in_doubt,
    }
    parts = [f"{number:,} {name}" for name, number in counts.items() if number]
    return ", ".join([f"canary: {sum(counts.values()):,} sent", *parts])


def waiting(connection: Connection) -> list[tuple[MailingId, str]]:
    """The mailings that go on by themselves after a wait, and what is said of their canary."""
    query = select(mailing.c.id, mailing.c.reason).where(
        mailing.c.state == MailingState.PAUSED, mailing.c.resume_at.is_not(None)
    )
    return [(MailingId(row.id), row.reason) for row in connection.execute(query)]


def waited(connection: Connection, *, now: Instant) -> list[MailingId]:
    """The mailings whose wait behind the canary is over."""
    query = select(mailing.c.id).where(
        mailing.c.state == MailingState.PAUSED, mailing.c.resume_at <= now
    )
    return [MailingId(number) for number in connection.scalars(query)]


def go_on(connection: Connection, *, now: Instant, actor: str) -> list[MailingId]:
    """Let the mailings go on whose wait is over; nobody has objected."""
    ready = waited(connection, now=now)
    for mailing_id in ready:
        release(connection, mailing_id)
        set_state(connection, mailing_id, MailingState.SENDING, actor=actor, now=now)
    return ready


def release(connection: Connection, mailing_id: MailingId) -> None:
    """Let the rest follow, unless the canary itself was interrupted: that is sent first."""
    unsent = select(delivery.c.seq).where(
        delivery.c.mailing == mailing_id,
        delivery.c.state == DeliveryState.QUEUED,
        delivery.c.batch.in_(
            select(batch.c.id).where(batch.c.mailing == mailing_id, batch.c.done == 0)
        ),
    )
    if connection.scalar(unsent.limit(1)) is None:
        connection.execute(
            update(batch).where(batch.c.mailing == mailing_id, *_HELD_BATCH).values(due_at=0)
        )
