"""After a crash and at the end: what a dead process left, and which mailings are sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from mailer.ledger import canary, liveness
from mailer.ledger.claims import release_batch
from mailer.ledger.mailings import LIVE, in_batch, set_state
from mailer.ledger.schema import batch, delivery, mailing
from mailer.ledger.settling import Outcome, record
from mailer.model import (
    DeliveryState,
    HolderId,
    Instant,
    MailingId,
    MailingState,
    OnDoubt,
    SubscriberId,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.ledger.database import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a dead process left in one mailing."""

    mailing: MailingId
    returned: int
    in_doubt: int


def recover(
    ledger: Ledger,
    *,
    on_doubt: OnDoubt,
    now: Instant,
    mine: HolderId | None = None,
    doubt_wait: int = 0,
) -> list[Recovered]:
    """Take over from the dead: `claimed` goes back to the queue, `sending` is in doubt.

    `mine` is the caller's own number: an earlier turn of the same process is over, too. For
    `doubt_wait` see `settling.record`.
    """
    found: dict[MailingId, list[int]] = defaultdict(lambda: [0, 0])
    with ledger.write() as connection:
        living, dead = liveness.sort_out(ledger, connection)
        others = [number for number in living if number != mine]
        left_sending = select(mailing.c.id).where(mailing.c.sending > 0)
        for number in connection.scalars(left_sending).all():
            doubtful = _doubtful(connection, MailingId(number), others)
            record(connection, doubtful, (), on_doubt=on_doubt, now=now, doubt_wait=doubt_wait)
            found[MailingId(number)][1] += len(doubtful)
        leased = (batch.c.holder.is_not(None), batch.c.holder.not_in(others))
        held = select(batch).where(batch.c.done == 0, *leased)
        for lease in connection.execute(held).all():
            queued = select(func.count()).select_from(delivery).where(*in_batch(lease))
            found[MailingId(lease.mailing)][0] += connection.scalar(queued) or 0
            release_batch(connection, lease.id)
        for number in dead:
            liveness.bury(ledger, connection, number)
    return [
        Recovered(mailing=mailing_id, returned=returned, in_doubt=in_doubt)
        for mailing_id, (returned, in_doubt) in found.items()
        if returned or in_doubt
    ]


def _doubtful(
    connection: Connection, mailing_id: MailingId, others: Sequence[HolderId]
) -> list[Outcome]:
    """What is in `sending` and none of the others that live is sending."""
    orphan = delivery.c.holder.is_(None) | delivery.c.holder.not_in(others)
    sending = (delivery.c.mailing == mailing_id, delivery.c.state == DeliveryState.SENDING, orphan)
    return [
        Outcome(
            mailing=mailing_id,
            seq=row.seq,
            subscriber=SubscriberId(row.subscriber),
            address_key=row.address_key,
            resends=row.resends,
            state=DeliveryState.IN_DOUBT,
            was=DeliveryState.SENDING,
            reply="the process died before the relay answered",
        )
        for row in connection.execute(select(delivery).where(*sending)).all()
    ]


# --- finishing -----------------------------------------------------------------------------------


def finish(connection: Connection, *, on_doubt: OnDoubt, now: Instant) -> list[MailingId]:
    """Declare mailings `sent` of which nothing is queued, sending, or in doubt under `hold`.

    Those of which a canary has been sent are paused.
    """
    canary.end(connection, now=now)
    settled = mailing.c.accepted + mailing.c.rejected + mailing.c.in_doubt + mailing.c.cancelled
    done = [mailing.c.state.in_(LIVE), settled == mailing.c.recipients]
    if on_doubt is OnDoubt.HOLD:
        done.append(mailing.c.in_doubt == 0)
    # Another process may be about to say the same.
    query = select(mailing.c.id).where(*done).with_for_update(skip_locked=True)
    ready = [MailingId(number) for number in connection.scalars(query)]
    for mailing_id in ready:
        set_state(connection, mailing_id, MailingState.SENT, actor="mailer", now=now)
    return ready
