"""Domains that a mailing leaves alone until a person lets it go on there (decisions 16).

A hold is one row (mailing, domain). Its deliveries stay queued; each is put aside as it is met: at
the claim of its batch, or when a dispatcher looks again at what it has claimed. So to hold a domain
costs the same whether ten or a million wait for it, and no process touches another's rows::

    queued ──claimed, or looked at again──▶ queued, due_at = HELD, in no batch ──release──▶ due now
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from mailer.ledger import events
from mailer.ledger.database import bump_changes
from mailer.ledger.dialect import insert_new
from mailer.ledger.schema import delivery, subscriber
from mailer.ledger.schema import hold as held_domain
from mailer.model import DeliveryState, Instant, MailingId

if TYPE_CHECKING:
    from collections.abc import Iterable

HELD: Final = Instant(2**62)
"""The `due_at` of a queued delivery that waits for `release`; no clock gets there."""


def hold(
    connection: Connection, mailing_id: MailingId, domain: str, reason: str, now: Instant
) -> bool:
    """Leave a recipient domain alone from the next message on; False if it was held already.

    Args:
        connection: a transaction that writes.
        mailing_id: only this mailing leaves it alone.
        domain: as `Claimed.domain` gives it: lower case, an A-label.
        reason: why, in the words of an error: its code and message, and what was said.
        now: when.
    """
    row = {"mailing": mailing_id, "domain": domain, "reason": reason, "created_at": now}
    if not connection.execute(insert_new(connection, held_domain).values(row)).rowcount:
        return False
    events.record(
        connection,
        kind=events.Kind.HELD,
        actor="mailer",
        at=now,
        mailing=mailing_id,
        detail={"domain": domain, "reason": reason},
    )
    bump_changes(connection)
    return True


def of(connection: Connection, mailing_id: MailingId) -> dict[str, str]:
    """The domains that a mailing leaves alone, and why."""
    query = (
        select(held_domain.c.domain, held_domain.c.reason)
        .where(held_domain.c.mailing == mailing_id)
        .order_by(held_domain.c.created_at, held_domain.c.domain)
    )
    return {row.domain: row.reason for row in connection.execute(query)}


def put_aside(connection: Connection, mailing_id: MailingId, seqs: Iterable[int]) -> None:
    """Take queued deliveries out of their batches until their domain is released."""
    rows = [{"b_seq": seq} for seq in seqs]
    if rows:
        this = (delivery.c.mailing == mailing_id, delivery.c.seq == bindparam("b_seq"))
        connection.execute(
            update(delivery)
            .where(*this, delivery.c.state == DeliveryState.QUEUED)
            .values(due_at=HELD, batch=None),
            rows,
        )


def release(
    connection: Connection, mailing_id: MailingId, domain: str, actor: str, now: Instant
) -> bool:
    """Go on with a domain: what waited for it is due now, and begins anew (S-31).

    Returns:
        False if the domain was not held.
    """
    this = (held_domain.c.mailing == mailing_id, held_domain.c.domain == domain)
    if not connection.execute(delete(held_domain).where(*this)).rowcount:
        return False
    # Who was forgotten has no domain any more; the claim cancels them.
    theirs = select(subscriber.c.id).where(
        or_(
            subscriber.c.address.is_(None),
            subscriber.c.address.endswith(f"@{domain}", autoescape=True),
        )
    )
    connection.execute(
        update(delivery)
        .where(
            delivery.c.mailing == mailing_id,
            delivery.c.due_at == HELD,
            delivery.c.subscriber.in_(theirs),
        )
        .values(due_at=now, attempts=0, aged_from=now)
    )
    events.record(
        connection,
        kind=events.Kind.RELEASED,
        actor=actor,
        at=now,
        mailing=mailing_id,
        detail={"domain": domain},
    )
    bump_changes(connection)
    return True
