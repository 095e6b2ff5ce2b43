"""What is in doubt and may still be decided by the relay's log (S-42).

A row is written when a delivery becomes doubtful, whatever the policy then does with it, and counts
as long as the delivery is as it was then; `reconciling` writes what the log says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, delete, func, literal, or_, select, tuple_

from mailer.ledger.schema import delivery, doubt, mailing, revision
from mailer.model import DeliveryState, Instant, MailingId, MailingState, SubscriberId

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mailer.ledger.settling import Outcome

_OVER = (MailingState.CANCELLED, MailingState.MISSED)
# Who may bear witness: so many seqs and microseconds around a doubtful one, the nearest so many of
# them, for so many of the doubtful ones: those of one crash lie beside each other.
_NEAR = 200
_AROUND = 600 * 1_000_000
_MOST = 50
_ASKED = 20


class Doubt(NamedTuple):
    """One delivery whose fate is unknown.

    Attributes:
        key_id: which key signed its tokens.
        relay: whose log may know it.
        began_at, at: between these two its content went out.
        state: in doubt, or queued to be sent again.
    """

    mailing: MailingId
    seq: int
    subscriber: SubscriberId
    address_key: bytes
    key_id: int
    relay: str
    state: DeliveryState
    resends: int
    began_at: Instant
    at: Instant

    @property
    def key(self) -> tuple[MailingId, int]:
        """What names a delivery."""
        return self.mailing, self.seq


class Witness(NamedTuple):
    """A delivery that the same relay accepted at about that time: its log must have it."""

    mailing: MailingId
    seq: int
    key_id: int
    at: Instant


def note(connection: Connection, outcomes: Sequence[Outcome], now: Instant) -> None:
    """Before they are settled: remember those that are in doubt, and since when they may be out."""
    keys = [(one.mailing, one.seq) for one in outcomes if one.state is DeliveryState.IN_DOUBT]
    if not keys:
        return
    forget(connection, keys)
    began = select(delivery.c.mailing, delivery.c.seq, delivery.c.changed_at, literal(now))
    these = began.where(tuple_(delivery.c.mailing, delivery.c.seq).in_(keys))
    columns = (doubt.c.mailing, doubt.c.seq, doubt.c.began_at, doubt.c.at)
    connection.execute(doubt.insert().from_select(columns, these))


def pending(connection: Connection) -> list[Doubt]:
    """The doubtful deliveries, the oldest first.

    What is queued to be sent again counts until it is cut into a batch.
    """
    if connection.scalar(select(doubt.c.seq).limit(1)) is None:
        return []
    query = (
        select(delivery, doubt.c.began_at, doubt.c.at, revision.c.key_id)
        .join(delivery, (delivery.c.mailing == doubt.c.mailing) & (delivery.c.seq == doubt.c.seq))
        .join(mailing, mailing.c.id == doubt.c.mailing)
        .join(
            revision,
            (revision.c.mailing == delivery.c.mailing)
            & (revision.c.number == delivery.c.revision)
            & (revision.c.variant == delivery.c.variant),
        )
        .where(
            delivery.c.changed_at == doubt.c.at,
            mailing.c.state.not_in(_OVER),
            or_(
                delivery.c.state == DeliveryState.IN_DOUBT,
                (delivery.c.state == DeliveryState.QUEUED)
                & delivery.c.batch.is_(None)
                & delivery.c.due_at.is_not(None),
            ),
        )
        .order_by(doubt.c.at, doubt.c.mailing, doubt.c.seq)
    )
    return [
        Doubt(
            mailing=MailingId(row.mailing),
            seq=row.seq,
            subscriber=SubscriberId(row.subscriber),
            address_key=row.address_key,
            key_id=row.key_id,
            relay=row.relay or "",
            state=DeliveryState(row.state),
            resends=row.resends,
            began_at=Instant(row.began_at),
            at=Instant(row.at),
        )
        for row in connection.execute(query)
    ]


def witnesses(connection: Connection, doubts: Sequence[Doubt]) -> set[Witness]:
    """Deliveries beside these ones that the same relay has certainly accepted."""
    found: set[Witness] = set()
    for one in doubts[:: max(1, len(doubts) // _ASKED)]:
        query = (
            select(delivery.c.seq, delivery.c.changed_at, revision.c.key_id)
            .join(
                revision,
                (revision.c.mailing == delivery.c.mailing)
                & (revision.c.number == delivery.c.revision)
                & (revision.c.variant == delivery.c.variant),
            )
            .where(
                delivery.c.mailing == one.mailing,
                delivery.c.seq.between(one.seq - _NEAR, one.seq + _NEAR),
                delivery.c.state == DeliveryState.ACCEPTED,
                delivery.c.relay == one.relay,
                delivery.c.changed_at.between(one.began_at - _AROUND, one.at + _AROUND),
            )
            .order_by(func.abs(delivery.c.changed_at - one.at))
            .limit(_MOST)
        )
        found |= {
            Witness(one.mailing, row.seq, row.key_id, Instant(row.changed_at))
            for row in connection.execute(query)
        }
    return found


def forget(connection: Connection, keys: Collection[tuple[MailingId, int]]) -> None:
    """The log has spoken of these, or never will."""
    connection.execute(delete(doubt).where(tuple_(doubt.c.mailing, doubt.c.seq).in_(keys)))
