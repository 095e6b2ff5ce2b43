"""Claim a batch, ask again who of it may be mailed, give it back: leases on deliveries.

::

    queued ──claim (lease on a batch)──▶ claimed ──begin──▶ sending ──settle──▶ accepted | rejected
      ▲  ▲                                  │                  │  └──▶ queued again (due_at)
      │  └──── lease lapsed: not sent ──────┘                  └─────▶ in_doubt ─(resend, once)─┐
      └──────────────────────────────────────────────────────────────────────────────────────────┘

`settling` begins and settles; `recovery` takes over from the dead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from mailer.address import domain_of
from mailer.ledger import holds
from mailer.ledger.choosing import why_not
from mailer.ledger.dialect import RowQuery, read_value
from mailer.ledger.mailings import BATCH, LIVE, in_batch
from mailer.ledger.schema import batch, delivery, mailing, meta, subscriber, subscription
from mailer.model import (
    DeliveryState,
    HolderId,
    Instant,
    MailingId,
    Recipient,
)

LEASE = 15 * 60 * 1_000_000
"""Microseconds that a lease lasts: longer than the longest timeout (S-43)."""


class Claimed(NamedTuple):
    """One delivery that this process may send: who it is for, and what earlier attempts fixed.

    Attributes:
        date: Date of the first attempt; None before it (M-5).
        values: slot values of the first attempt; None if there were none (decisions 2).
        revision: the revision that it goes out with.
        aged_from: when an operator queued it again; its age counts from then (S-31).
    """

    recipient: Recipient
    address_key: bytes
    batch: int
    attempts: int
    resends: int
    revision: int
    date: Instant | None
    values: tuple[str, ...] | None
    aged_from: Instant | None = None

    @property
    def key(self) -> tuple[MailingId, int]:
        """What names a delivery."""
        return self.recipient.mailing, self.recipient.seq

    @property
    def domain(self) -> str:
        """The recipient's domain as lower A-label (decisions 16)."""
        return domain_of(self.recipient.email)


@dataclass(slots=True)
class Batch:
    """A leased batch and what may be sent of it."""

    id: int
    mailing: MailingId
    deliveries: list[Claimed] = field(default_factory=list)


# --- claim ---------------------------------------------------------------------------------------


def claim(connection: Connection, *, holder: HolderId, now: Instant) -> Batch | None:
    """Lease the next batch of any mailing that is being sent; None if nothing is due.

    Who left or was suppressed since the freeze is cancelled here (L-9, B-20); who is in a domain
    that is held is put aside (decisions 16).
    """
    while (lease := _next_open(connection, now)) is not None:
        claimed = Batch(id=lease.id, mailing=MailingId(lease.mailing))
        held = holds.of(connection, claimed.mailing)
        gone: list[tuple[int, str]] = []
        aside: list[int] = []
        span = () if lease.first is None else (lease.first, lease.last)
        which = (lease.list_id, now, lease.mailing, lease.id, *span)
        for row in _rows_of(ranged=bool(span)).run(connection, *which):
            seq, email, why = row[:3]
            if why is not None:
                gone.append((seq, why))
            elif held and domain_of(email) in held:
                aside.append(seq)
            else:
                claimed.deliveries.append(_claimed(row, lease))
        _cancel(connection, claimed.mailing, gone, now)
        holds.put_aside(connection, claimed.mailing, aside)
        if claimed.deliveries:
            connection.execute(
                update(batch)
                .where(batch.c.id == lease.id)
                .values(holder=holder, lease_until=now + LEASE)
            )
            return claimed
        close_batch(connection, lease.id)
    return None


def _next_open(connection: Connection, now: Instant) -> Row[Any] | None:
    # What is due again goes first: behind a long mailing it would wait until it expires.
    _cut_due(connection, now)
    return connection.execute(_open_batches(), {"now_": now}).one_or_none()


@cache
def _open_batches() -> Select[Any]:
    return (
        select(batch, mailing.c.list.label("list_id"), mailing.c.revision)
        .join(mailing, mailing.c.id == batch.c.mailing)
        .where(*_is_open())
        .order_by(batch.c.first.is_not(None), batch.c.due_at, batch.c.id)
        .limit(1)
        .with_for_update(of=batch, skip_locked=True)  # S-43
    )


def _is_open() -> tuple[ColumnElement[bool], ...]:
    """Whether a batch may be leased at `now_`."""
    now = bindparam("now_", type_=BigInteger)
    return (
        batch.c.done == 0,
        batch.c.due_at <= now,
        or_(batch.c.holder.is_(None), batch.c.lease_until < now),
        batch.c.mailing.in_(select(mailing.c.id).where(mailing.c.state.in_(LIVE))),
    )


def _cut_due(connection: Connection, now: Instant) -> None:
    """Gather deferred rows that have come due into a batch of their own (decisions 5)."""
    mailing_id = connection.scalar(_has_due(), {"now_": now})
    if mailing_id is None:
        return
    first_due = (
        select(delivery.c.seq)
        .where(delivery.c.mailing == mailing_id, delivery.c.due_at <= now)
        .order_by(delivery.c.due_at)
        .limit(BATCH[connection.dialect.name])
        .with_for_update(skip_locked=True)  # another process may be cutting them, too
    )
    mine = connection.scalars(first_due).all()
    if not mine:
        return
    number = connection.scalars(
        insert(batch).values(mailing=mailing_id, due_at=now).returning(batch.c.id)
    ).one()
    connection.execute(
        update(delivery)
        .where(delivery.c.mailing == mailing_id, delivery.c.seq.in_(mine))
        .values(batch=number, due_at=None)
    )


@cache
def _has_due() -> Select[Any]:
    live = select(mailing.c.id).where(mailing.c.state.in_(LIVE))
    due = delivery.c.due_at <= bindparam("now_", type_=BigInteger)
    return select(delivery.c.mailing).where(delivery.c.mailing.in_(live), due).limit(1)


@cache
def _rows_of(*, ranged: bool) -> RowQuery:
    """The rows of a batch: list, now, mailing and number, and of a range its ends."""
    names = "list_ now_ mailing_ id_" + (" first_ last_" if ranged else "")
    given: dict[str, Any] = {
        name.removesuffix("_"): bindparam(name, type_=BigInteger) for name in names.split()
    }
    lease = SimpleNamespace(**{"first": None, **given})
    statement = (
        select(
            delivery.c.seq,
            delivery.c.email,
            why_not(issue_id=None, now=given["now"]).label("why"),
            delivery.c.subscriber,
            delivery.c.address_key,
            delivery.c.attempts,
            delivery.c.resends,
            delivery.c.revision,
            delivery.c.date,
            delivery.c["values"],
            delivery.c.variant,
            delivery.c.aged_from,
            subscriber.c.name,
            subscriber.c.language,
            subscriber.c.attributes,
        )
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .join(
            subscription,
            (subscription.c.subscriber == delivery.c.subscriber)
            & (subscription.c.list == given["list"]),
        )
        .where(*in_batch(lease))
        .order_by(delivery.c.seq)
    )
    return RowQuery(statement, names)


def _claimed(row: tuple[Any, ...], lease: Row[Any]) -> Claimed:
    seq, email, _, person, key, attempts, resends, number, date, values, variant, aged = row[:12]
    name, language, attributes = row[12:]
    return Claimed(
        recipient=Recipient(
            lease.mailing,
            seq,
            person,
            lease.list_id,
            email,
            name,
            language,
            json.loads(attributes) if attributes != "{}" else {},
            variant,
        ),
        address_key=key,
        batch=lease.id,
        attempts=attempts,
        resends=resends,
        revision=number or lease.revision,
        date=date,
        values=None if values is None else tuple(json.loads(values)),
        aged_from=aged,
    )


def _cancel(
    connection: Connection, mailing_id: MailingId, gone: Sequence[tuple[int, str]], now: Instant
) -> None:
    if not gone:
        return
    connection.execute(
        update(delivery)
        .where(delivery.c.mailing == mailing_id, delivery.c.seq == bindparam("b_seq"))
        .values(
            state=DeliveryState.CANCELLED,
            issue=None,
            due_at=None,
            batch=None,
            changed_at=now,
            reply=bindparam("b_reason"),
        ),
        [{"b_seq": seq, "b_reason": reason} for seq, reason in gone],
    )
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id)
        .values(cancelled=mailing.c.cancelled + len(gone))
    )


# --- what changed meanwhile ----------------------------------------------------------------------

_CHANGES = select(meta.c.value).where(meta.c.key == literal_column("'changes'"))


def changes(connection: Connection) -> str:
    """The change counter: equal means that nobody left and no operator spoke since."""
    return read_value(connection, _CHANGES) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What still holds of some claimed deliveries.

    Attributes:
        sendable: those that may be sent; others were cancelled or put aside.
        stopped: mailings that are paused or over, or have a revision since that some of the claimed
            must get; their rows were left as they are.
    """

    sendable: frozenset[tuple[MailingId, int]]
    stopped: frozenset[MailingId]

    def allows(self, claimed: Claimed) -> bool:
        """Whether a delivery may be sent."""
        return claimed.key in self.sendable


def recheck(connection: Connection, claimed: Iterable[Claimed], *, now: Instant) -> Standing:
    """Ask again, in the dispatcher's own transaction, who of the claimed may be mailed (L-9).

    Who left or was suppressed is cancelled here, who is in a domain that is held is put aside.
    """
    wanted: dict[MailingId, dict[int, int]] = {}
    for one in claimed:
        wanted.setdefault(one.recipient.mailing, {})[one.recipient.seq] = one.revision
    sendable: set[tuple[MailingId, int]] = set()
    stopped: set[MailingId] = set()
    for mailing_id, seqs in wanted.items():
        head = connection.execute(
            select(mailing.c.state, mailing.c.list, mailing.c.revision).where(
                mailing.c.id == mailing_id
            )
        ).one()
        standing = connection.execute(_standing(mailing_id, head.list, list(seqs), now)).all()
        if head.state not in LIVE or any(
            (row.revision or head.revision) != seqs[row.seq] for row in standing
        ):
            stopped.add(mailing_id)
            continue
        held = holds.of(connection, mailing_id)
        gone: list[tuple[int, str]] = []
        aside: list[int] = []
        for row in standing:
            if row.why is not None:
                gone.append((row.seq, row.why))
            elif held and domain_of(row.email) in held:
                aside.append(row.seq)
            else:
                sendable.add((mailing_id, row.seq))
        _cancel(connection, mailing_id, gone, now)
        holds.put_aside(connection, mailing_id, aside)
    return Standing(sendable=frozenset(sendable), stopped=frozenset(stopped))


def _standing(mailing_id: MailingId, list_id: int, seqs: list[int], now: int) -> Select[Any]:
    return (
        select(
            delivery.c.seq,
            delivery.c.email,
            delivery.c.revision,
            why_not(issue_id=None, now=now).label("why"),
        )
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .join(
            subscription,
            (subscription.c.subscriber == delivery.c.subscriber) & (subscription.c.list == list_id),
        )
        .where(
            delivery.c.mailing == mailing_id,
            delivery.c.seq.in_(seqs),
            delivery.c.state == DeliveryState.QUEUED,
        )
    )


# --- the end of a lease --------------------------------------------------------------------------


def close_batch(connection: Connection, number: int) -> None:
    """Nothing of this batch is left to send."""
    connection.execute(
        update(batch).where(batch.c.id == number).values(done=1, holder=None, lease_until=None)
    )


def release_batch(connection: Connection, number: int) -> None:
    """Give one lease back: its queued rows may be claimed again."""
    connection.execute(
        update(batch).where(batch.c.id == number).values(holder=None, lease_until=None)
    )


def release(connection: Connection, holder: HolderId) -> None:
    """Give back every lease of a holder that stops: its queued rows were certainly not sent."""
    connection.execute(
        update(batch)
        .where(batch.c.holder == holder, batch.c.done == 0)
        .values(holder=None, lease_until=None)
    )


def renew(connection: Connection, holder: HolderId, *, now: Instant) -> None:
    """Keep the leases of a holder that is still at work."""
    connection.execute(
        update(batch)
        .where(batch.c.holder == holder, batch.c.done == 0)
        .values(lease_until=now + LEASE)
    )


def claimable(connection: Connection, *, now: Instant) -> set[MailingId]:
    """The mailings that a turn would move: something is due, or somebody died while sending.

    To be asked by the holder of the lock while it sends nothing.
    """
    open_batch = exists().where(
        batch.c.done == 0, batch.c.due_at <= now, batch.c.mailing == mailing.c.id
    )
    deferred = exists().where(delivery.c.mailing == mailing.c.id, delivery.c.due_at <= now)
    due = mailing.c.state.in_(LIVE) & or_(open_batch, deferred)
    query = select(mailing.c.id).where(or_(due, mailing.c.sending > 0))
    return {MailingId(number) for number in connection.scalars(query)}


def size_of_queue(connection: Connection, *, now: Instant) -> int:
    """How many deliveries could be claimed now, each batch counted as a whole one."""
    waiting = select(func.count()).select_from(batch).where(*_is_open())
    due = select(func.count()).where(
        delivery.c.mailing.in_(select(mailing.c.id).where(mailing.c.state.in_(LIVE))),
        delivery.c.due_at <= now,
    )
    whole: int = connection.scalar(waiting, {"now_": now}) or 0
    return whole * BATCH[connection.dialect.name] + (connection.scalar(due) or 0)


def still_queued(
    connection: Connection, keys: Iterable[tuple[MailingId, int]]
) -> set[tuple[MailingId, int]]:
    """Of some deliveries those that nobody has moved out of the queue."""
    found: set[tuple[MailingId, int]] = set()
    for mailing_id, seq in keys:
        state = connection.scalar(
            select(delivery.c.state).where(delivery.c.mailing == mailing_id, delivery.c.seq == seq)
        )
        if state == DeliveryState.QUEUED:
            found.add((mailing_id, seq))
    return found


def address_of(connection: Connection, mailing_id: MailingId, seq: int) -> str | None:
    """The address of a delivery; None once its person is forgotten."""
    email: str | None = connection.scalar(
        select(delivery.c.email).where(delivery.c.mailing == mailing_id, delivery.c.seq == seq)
    )
    return email
