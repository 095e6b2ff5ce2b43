"""After a crash and at the end: what a dead process left, and which mailings are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select, update

from mailer.ledger.mailings import LIVE, in_batch, set_state
from mailer.ledger.schema import batch, delivery, mailing
from mailer.ledger.settling import Outcome, record
from mailer.model import (
    DeliveryState,
    Instant,
    MailingId,
    MailingState,
    OnDoubt,
    SubscriberId,
)

if TYPE_CHECKING:
    from mailer.ledger.database import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a dead process left in one mailing."""

    mailing: MailingId
    returned: int
    in_doubt: int


def recover(ledger: Ledger, *, holder: str, on_doubt: OnDoubt, now: Instant) -> list[Recovered]:
    """Take over from dead holders: `claimed` goes back to the queue, `sending` is in doubt.

    The caller holds the lock, so every other holder is dead (decisions 4).
    """
    with ledger.write() as connection:
        orphaned = connection.execute(
            select(batch).where(
                batch.c.done == 0, batch.c.holder.is_not(None), batch.c.holder != holder
            )
        ).all()
        found: dict[MailingId, list[int]] = {}
        for lease in orphaned:
            counts = found.setdefault(MailingId(lease.mailing), [0, 0])
            doubtful = _doubtful(connection, lease)
            record(connection, doubtful, (), on_doubt=on_doubt, now=now)
            counts[0] += (
                connection.scalar(
                    select(func.count()).select_from(delivery).where(*in_batch(lease))
                )
                or 0
            )
            counts[1] += len(doubtful)
            connection.execute(
                update(batch).where(batch.c.id == lease.id).values(holder=None, lease_until=None)
            )
    return [
        Recovered(mailing=mailing_id, returned=returned, in_doubt=in_doubt)
        for mailing_id, (returned, in_doubt) in found.items()
    ]


def _doubtful(connection: Connection, lease: Row[Any]) -> list[Outcome]:
    of_batch = (
        delivery.c.batch == lease.id
        if lease.first is None
        else delivery.c.seq.between(lease.first, lease.last)
    )
    sending = (delivery.c.mailing == lease.mailing, delivery.c.state == DeliveryState.SENDING)
    rows = connection.execute(select(delivery).where(*sending, of_batch)).all()
    return [
        Outcome(
            mailing=MailingId(row.mailing),
            seq=row.seq,
            subscriber=SubscriberId(row.subscriber),
            address_key=row.address_key,
            resends=row.resends,
            state=DeliveryState.IN_DOUBT,
            was=DeliveryState.SENDING,
            reply="the process died before the relay answered",
        )
        for row in rows
    ]


# --- finishing -----------------------------------------------------------------------------------


def finish(connection: Connection, *, on_doubt: OnDoubt, now: Instant) -> list[MailingId]:
    """Declare mailings `sent` of which nothing is queued, sending, or in doubt under `hold`."""
    settled = mailing.c.accepted + mailing.c.rejected + mailing.c.in_doubt + mailing.c.cancelled
    done = [mailing.c.state.in_(LIVE), settled == mailing.c.recipients]
    if on_doubt is OnDoubt.HOLD:
        done.append(mailing.c.in_doubt == 0)
    ready = [MailingId(number) for number in connection.scalars(select(mailing.c.id).where(*done))]
    for mailing_id in ready:
        set_state(connection, mailing_id, MailingState.SENT, actor="mailer", now=now)
    return ready
