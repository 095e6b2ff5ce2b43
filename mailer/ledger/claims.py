"""Claim, begin, settle, recover: how deliveries move forward, and the one rule that guards them.

::

    queued ──claim (lease on a batch)──▶ claimed ──begin──▶ sending ──settle──▶ accepted | rejected
      ▲  ▲                                  │                  │  └──▶ queued again (due_at)
      │  └──── lease lapsed: not sent ──────┘                  └─────▶ in_doubt ─(resend, once)─┐
      └──────────────────────────────────────────────────────────────────────────────────────────┘

The rule (S-41): `begin` is committed before the first content byte leaves; the outcome of a message
is committed before the next final dot on its connection. So a dead process leaves at most one row
in `sending` per open connection, and those alone are in doubt.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring as _json_string
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from mailer.errors import LedgerError
from mailer.ledger import events
from mailer.ledger.dialect import RowUpdate, read_value
from mailer.ledger.mailings import BATCH, LIVE, in_batch, set_state, why_not
from mailer.ledger.schema import batch, delivery, mailing, meta, subscriber, subscription
from mailer.model import (
    BounceClass,
    DeliveryState,
    Instant,
    MailingId,
    MailingState,
    OnDoubt,
    Recipient,
    SubscriberId,
)

if TYPE_CHECKING:
    from mailer.ledger.database import Ledger

LEASE = 15 * 60 * 1_000_000
"""Microseconds that a lease lasts: longer than the longest timeout (S-43)."""


class Claimed(NamedTuple):
    """One delivery that this process may send: who it is for, and what earlier attempts fixed.

    Attributes:
        date: Date of the first attempt; None before it (M-5).
        values: slot values of the first attempt; None if there were none (decisions 2).
        revision: the revision that it goes out with.
    """

    recipient: Recipient
    address_key: bytes
    batch: int
    attempts: int
    resends: int
    revision: int
    date: Instant | None
    values: tuple[str, ...] | None

    @property
    def key(self) -> tuple[MailingId, int]:
        """What names a delivery."""
        return self.recipient.mailing, self.recipient.seq


class Begin(NamedTuple):
    """The intent to send: Date, revision and slot values are fixed from here on."""

    claimed: Claimed
    date: Instant
    values: tuple[str, ...] | None


class Outcome(NamedTuple):
    """What became of a delivery.

    Attributes:
        resends: how often it was sent again out of doubt before this attempt.
        was: the state that it leaves; `sending`, or `queued` if it ended before its content.
        date: Date of the attempt; kept from the first one on, refused before its content or not,
            because its age counts from there (M-5, S-31).
        due_at: the next try, for a deferred one.
        reply: the relay's words, or why there are none.
        counted: whether this used up an attempt of the recipient's.
    """

    mailing: MailingId
    seq: int
    subscriber: SubscriberId
    address_key: bytes
    resends: int
    state: DeliveryState
    was: DeliveryState
    reply: str
    date: Instant | None = None
    due_at: Instant | None = None
    bounce_class: BounceClass | None = None
    counted: bool = True


@dataclass(slots=True)
class Batch:
    """A leased batch and what may be sent of it."""

    id: int
    mailing: MailingId
    deliveries: list[Claimed] = field(default_factory=list)


# --- claim ---------------------------------------------------------------------------------------


def claim(connection: Connection, *, holder: str, now: Instant) -> Batch | None:
    """Lease the next batch of any mailing that is being sent; None if nothing is due.

    Who left or was suppressed since the freeze is cancelled here (L-9, B-20).
    """
    while (lease := _next_open(connection, now)) is not None:
        claimed = Batch(id=lease.id, mailing=MailingId(lease.mailing))
        gone: list[tuple[int, str]] = []
        for row in connection.execute(_rows_of(lease, now)):
            if row.why is None:
                claimed.deliveries.append(_claimed(row, lease))
            else:
                gone.append((row.seq, row.why))
        _cancel(connection, claimed.mailing, gone, now)
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
    lease = connection.execute(_open_batches(now).limit(1)).one_or_none()
    if lease is None and _cut_due(connection, now):
        lease = connection.execute(_open_batches(now).limit(1)).one()
    return lease


def _open_batches(now: int) -> Select[Any]:
    return (
        select(batch, mailing.c.list.label("list_id"), mailing.c.revision)
        .join(mailing, mailing.c.id == batch.c.mailing)
        .where(
            batch.c.done == 0,
            batch.c.due_at <= now,
            or_(batch.c.holder.is_(None), batch.c.lease_until < now),
            mailing.c.state.in_(LIVE),
        )
        .order_by(batch.c.due_at, batch.c.id)
    )


def _cut_due(connection: Connection, now: Instant) -> bool:
    """Gather deferred rows that have come due into a batch of their own (decisions 5)."""
    due = (
        select(delivery.c.mailing)
        .join(mailing, mailing.c.id == delivery.c.mailing)
        .where(delivery.c.due_at <= now, mailing.c.state.in_(LIVE))
        .order_by(delivery.c.due_at)
        .limit(1)
    )
    mailing_id = connection.scalar(due)
    if mailing_id is None:
        return False
    number = connection.scalars(
        insert(batch).values(mailing=mailing_id, due_at=now).returning(batch.c.id)
    ).one()
    first_due = (
        select(delivery.c.seq)
        .where(delivery.c.mailing == mailing_id, delivery.c.due_at <= now)
        .order_by(delivery.c.due_at)
        .limit(BATCH)
    )
    connection.execute(
        update(delivery)
        .where(delivery.c.mailing == mailing_id, delivery.c.seq.in_(first_due))
        .values(batch=number, due_at=None)
    )
    return True


def _rows_of(lease: Row[Any], now: int) -> Select[Any]:
    return (
        select(
            delivery.c.seq,
            delivery.c.subscriber,
            delivery.c.email,
            delivery.c.address_key,
            delivery.c.attempts,
            delivery.c.resends,
            delivery.c.revision,
            delivery.c.date,
            delivery.c["values"],
            subscriber.c.name,
            subscriber.c.language,
            subscriber.c.attributes,
            why_not(issue_id=None, now=now).label("why"),
        )
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .join(
            subscription,
            (subscription.c.subscriber == delivery.c.subscriber)
            & (subscription.c.list == lease.list_id),
        )
        .where(*in_batch(lease))
        .order_by(delivery.c.seq)
    )


def _claimed(row: Row[Any], lease: Row[Any]) -> Claimed:
    columns: tuple[Any, ...] = tuple(row)
    seq, person, email, key, attempts, resends, number, date, values = columns[:9]
    name, language, attributes, _ = columns[9:]
    return Claimed(
        recipient=Recipient(
            mailing=lease.mailing,
            seq=seq,
            subscriber=person,
            list_number=lease.list_id,
            email=email,
            name=name,
            language=language,
            attributes=json.loads(attributes) if attributes != "{}" else {},
        ),
        address_key=key,
        batch=lease.id,
        attempts=attempts,
        resends=resends,
        revision=number or lease.revision,
        date=date,
        values=None if values is None else tuple(json.loads(values)),
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
        sendable: those that may be sent.
        stopped: mailings that are paused or over; their rows were left as they are.
    """

    sendable: frozenset[tuple[MailingId, int]]
    stopped: frozenset[MailingId]

    def allows(self, claimed: Claimed) -> bool:
        """Whether a delivery may be sent."""
        return claimed.key in self.sendable


def recheck(connection: Connection, claimed: Iterable[Claimed], *, now: Instant) -> Standing:
    """Ask again, in the dispatcher's own transaction, who of the claimed may be mailed (L-9).

    Who left or was suppressed is cancelled here.
    """
    wanted: dict[MailingId, list[int]] = {}
    for one in claimed:
        wanted.setdefault(one.recipient.mailing, []).append(one.recipient.seq)
    sendable: set[tuple[MailingId, int]] = set()
    stopped: set[MailingId] = set()
    for mailing_id, seqs in wanted.items():
        head = connection.execute(
            select(mailing.c.state, mailing.c.list).where(mailing.c.id == mailing_id)
        ).one()
        if head.state not in LIVE:
            stopped.add(mailing_id)
            continue
        gone = []
        for row in connection.execute(_standing(mailing_id, head.list, seqs, now)):
            if row.why is None:
                sendable.add((mailing_id, row.seq))
            else:
                gone.append((row.seq, row.why))
        _cancel(connection, mailing_id, gone, now)
    return Standing(sendable=frozenset(sendable), stopped=frozenset(stopped))


def _standing(mailing_id: MailingId, list_id: int, seqs: list[int], now: int) -> Select[Any]:
    return (
        select(delivery.c.seq, why_not(issue_id=None, now=now).label("why"))
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


# --- begin and settle: the hot path --------------------------------------------------------------

_THIS = (delivery.c.mailing == bindparam("mailing_"), delivery.c.seq == bindparam("seq_"))
_QUEUED: ColumnElement[str] = literal_column(f"'{DeliveryState.QUEUED}'")
_SENDING: ColumnElement[str] = literal_column(f"'{DeliveryState.SENDING}'")

_BEGIN = RowUpdate(
    update(delivery)
    .where(*_THIS, delivery.c.state == _QUEUED)
    .values(
        state=_SENDING,
        attempts=delivery.c.attempts + literal_column("1"),
        revision=bindparam("revision_"),
        date=bindparam("date_"),
        values=bindparam("values_"),
        changed_at=bindparam("now_"),
    ),
    "mailing_ seq_ revision_ date_ values_ now_",
)

_SETTLE = RowUpdate(
    update(delivery)
    .where(*_THIS, delivery.c.state == bindparam("was_"))
    .values(
        state=bindparam("state_"),
        attempts=delivery.c.attempts + bindparam("attempts_"),
        resends=bindparam("resends_"),
        date=func.coalesce(delivery.c.date, bindparam("date_")),
        due_at=bindparam("due_"),
        batch=case((bindparam("due_").is_(None), delivery.c.batch), else_=None),
        reply=bindparam("reply_"),
        bounce_class=bindparam("class_"),
        changed_at=bindparam("now_"),
    ),
    "mailing_ seq_ was_ state_ attempts_ resends_ date_ due_ reply_ class_ now_",
)

_COUNTERS = ("sending", "accepted", "rejected", "in_doubt", "cancelled", "resent", "ever_in_doubt")

_COUNT = RowUpdate(
    update(mailing)
    .where(mailing.c.id == bindparam("mailing_"))
    .values({mailing.c[name]: mailing.c[name] + bindparam(f"{name}_") for name in _COUNTERS}),
    " ".join(f"{name}_" for name in ("mailing", *_COUNTERS)),
)


def record(
    connection: Connection,
    outcomes: Sequence[Outcome],
    begins: Sequence[Begin],
    *,
    on_doubt: OnDoubt,
    now: Instant,
) -> None:
    """Write the outcomes that arrived and the intents that go next; the caller commits once.

    Raises:
        LedgerError: E606, a row was not in the state that this process left it in.
    """
    moved: dict[MailingId, Counter[str]] = defaultdict(Counter)
    if outcomes:
        rows = [_outcome_row(one, on_doubt, now, moved[one.mailing]) for one in outcomes]
        _expect(_SETTLE.run(connection, rows), len(rows))
        for outcome in outcomes:
            if outcome.state in _WRITTEN_DOWN:
                _write_down(connection, outcome, now)
    if begins:
        rows = [_begin_row(begin, now, moved) for begin in begins]
        _expect(_BEGIN.run(connection, rows), len(rows))
    if moved:
        _COUNT.run(
            connection,
            [(number, *(change[name] for name in _COUNTERS)) for number, change in moved.items()],
        )


_WRITTEN_DOWN = (DeliveryState.REJECTED, DeliveryState.IN_DOUBT)


def _begin_row(begin: Begin, now: Instant, moved: dict[MailingId, Counter[str]]) -> tuple[Any, ...]:
    claimed, values = begin.claimed, begin.values
    recipient = claimed.recipient
    moved[recipient.mailing]["sending"] += 1
    stored = None if values is None else f"[{','.join(map(_json_string, values))}]"
    return recipient.mailing, recipient.seq, claimed.revision, begin.date, stored, now


def _outcome_row(
    outcome: Outcome, on_doubt: OnDoubt, now: Instant, moved: Counter[str]
) -> tuple[Any, ...]:
    state, due_at, resends = outcome.state, outcome.due_at, outcome.resends
    began = outcome.was is DeliveryState.SENDING
    if began:
        moved["sending"] -= 1
    if state is DeliveryState.IN_DOUBT:
        moved["ever_in_doubt"] += 1
        if on_doubt is OnDoubt.RESEND and resends == 0:
            state, due_at, resends = DeliveryState.QUEUED, now, 1
            moved["resent"] += 1
    if state is not DeliveryState.QUEUED:
        moved[state.value] += 1
    return (
        outcome.mailing,
        outcome.seq,
        outcome.was.value,
        state.value,
        # `begin` has counted already; what ended at RCPT is counted here.
        outcome.counted - began,
        resends,
        outcome.date,
        due_at,
        outcome.reply,
        outcome.bounce_class and outcome.bounce_class.value,
        now,
    )


def _write_down(connection: Connection, outcome: Outcome, now: Instant) -> None:
    events.record(
        connection,
        kind=outcome.state,
        actor="relay",
        at=now,
        mailing=outcome.mailing,
        seq=outcome.seq,
        subscriber=outcome.subscriber,
        address_key=outcome.address_key,
        detail={"reply": outcome.reply, "class": outcome.bounce_class},
    )


def _expect(changed: int, wanted: int) -> None:
    if changed != wanted:
        raise LedgerError(
            "E606",
            f"{wanted - changed} of {wanted} deliveries were not as this process left them",
            detail="Another process moved them; nothing was written and nothing more is sent.",
            next_step="mailer status, then the same command again",
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


def release(connection: Connection, holder: str) -> None:
    """Give back every lease of a holder that stops: its queued rows were certainly not sent."""
    connection.execute(
        update(batch)
        .where(batch.c.holder == holder, batch.c.done == 0)
        .values(holder=None, lease_until=None)
    )


def renew(connection: Connection, holder: str, *, now: Instant) -> None:
    """Keep the leases of a holder that is still at work."""
    connection.execute(
        update(batch)
        .where(batch.c.holder == holder, batch.c.done == 0)
        .values(lease_until=now + LEASE)
    )


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


def claimable(connection: Connection, *, now: Instant) -> set[MailingId]:
    """The mailings of which a claim would find something, or which a dead holder left behind."""
    open_batch = exists().where(
        batch.c.done == 0, batch.c.due_at <= now, batch.c.mailing == mailing.c.id
    )
    deferred = exists().where(delivery.c.mailing == mailing.c.id, delivery.c.due_at <= now)
    query = select(mailing.c.id).where(mailing.c.state.in_(LIVE), or_(open_batch, deferred))
    return {MailingId(number) for number in connection.scalars(query)}
