"""The numbers by which a mailing is stopped for its own good (S-33, decisions 16)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, update

from mailer.ledger import events
from mailer.ledger.events import Kind
from mailer.ledger.schema import delivery, event, mailing, suppression
from mailer.model import HARD, DeliveryState, MailingId

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailer.ledger.settling import Fault, Outcome
    from mailer.model import Instant

FAULTS = "E312"
SHARES = "E315"
SPOKE = (FAULTS, SHARES)
"""The codes with which the guard's reasons begin."""

NEWEST = 500
"""So many faults are looked at: old ones say nothing about now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the first deliveries of a mailing.

    Attributes:
        hard: those that were refused or came back because there is nobody to mail to.
        overruled: an operator resumed it after it had been stopped.
    """

    accepted: int
    rejected: int
    hard: int
    complaints: int
    overruled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """A delivery whose last refusal was about us.

    Attributes:
        accepted: how many deliveries of the mailing had been accepted by then.
    """

    domain: str
    accepted: int


def guard_steps(mailing_id: MailingId) -> str:
    """What a person does about `SHARES`, wherever it is told."""
    return (
        f"mailer bounces list --mailing m{mailing_id}; is it right? "
        f"mailer resume m{mailing_id}, else mailer cancel m{mailing_id}"
    )


def tally(connection: Connection, mailing_id: MailingId, *, sample: int) -> Tally:
    """The counts of a mailing; once more than `sample` are settled, those of its first ones.

    Reports come back minutes later, when the sample is long past: they count where they belong.
    """
    row = connection.execute(select(mailing).where(mailing.c.id == mailing_id)).one()
    overruled = bool(row.overruled)
    if overruled or row.accepted + row.rejected <= sample:
        return Tally(
            accepted=row.accepted,
            rejected=row.rejected,
            hard=row.hard,
            complaints=len(_complaints(connection, mailing_id)),
            overruled=overruled,
        )
    return _of_the_first(connection, mailing_id, sample)


def _of_the_first(connection: Connection, mailing_id: MailingId, sample: int) -> Tally:
    first = (delivery.c.mailing == mailing_id, delivery.c.seq <= sample)
    columns = (delivery.c.seq, delivery.c.state, delivery.c.bounce_class, delivery.c.changed_at)
    query = select(*columns).where(*first)
    rows = connection.execute(query).all()
    settled = {row.seq: row for row in rows if row.state in _SETTLED}
    rejected = {seq for seq, row in settled.items() if row.state == DeliveryState.REJECTED}
    refused = {seq for seq in rejected if settled[seq].bounce_class in HARD}
    returned = {
        row.seq
        for row in _events(connection, mailing_id, Kind.BOUNCED, seqs=settled)
        # What came back before it was sent again is over, as in `retrying`.
        if row.at >= settled[row.seq].changed_at and json.loads(row.detail).get("class") in HARD
    }
    return Tally(
        accepted=len(settled) - len(rejected),
        rejected=len(rejected),
        hard=len(refused | returned),
        complaints=len(_complaints(connection, mailing_id) & settled.keys()),
        overruled=False,
    )


_SETTLED = (DeliveryState.ACCEPTED, DeliveryState.REJECTED)


def _complaints(connection: Connection, mailing_id: MailingId) -> set[int]:
    return {row.seq for row in _events(connection, mailing_id, Kind.COMPLAINED)}


def _events(
    connection: Connection,
    mailing_id: MailingId,
    *kinds: Kind,
    seqs: Collection[int] | None = None,
) -> list[Any]:
    """The newest events of a mailing of some kinds, of some deliveries or of all, oldest first."""
    query = select(event.c.at, event.c.kind, event.c.seq, event.c.detail).where(
        event.c.mailing == mailing_id, event.c.kind.in_(kinds)
    )
    if seqs is not None:
        query = query.where(event.c.seq.in_(seqs))
    newest = connection.execute(query.order_by(event.c.id.desc()).limit(NEWEST)).all()
    return list(reversed(newest))


# --- faults of ours ------------------------------------------------------------------------------


def blame(connection: Connection, outcome: Outcome, fault: Fault, *, now: Instant) -> int:
    """Write down that a refusal was about us; returns how many were accepted until then."""
    accepted: int = connection.scalars(
        select(mailing.c.accepted).where(mailing.c.id == outcome.mailing)
    ).one()
    events.record(
        connection,
        kind=Kind.FAULT,
        actor="relay",
        at=now,
        mailing=outcome.mailing,
        seq=outcome.seq,
        subscriber=outcome.subscriber,
        address_key=outcome.address_key,
        detail={"fault": fault.key, "domain": fault.domain, "accepted": accepted},
    )
    return accepted


def blamed(connection: Connection, mailing_id: MailingId, key: str) -> dict[int, Blamed]:
    """The deliveries that met a fault, by seq, since an operator last went on regardless of it.

    A delivery that meets it again at each attempt counts once: it may be about that one person.
    """
    found: dict[int, Blamed] = {}
    for row in _events(connection, mailing_id, Kind.FAULT, Kind.RELEASED, Kind.OVERRULED):
        detail = json.loads(row.detail)
        if row.kind == Kind.OVERRULED:
            found.clear()
        elif row.kind == Kind.RELEASED:
            found = {seq: one for seq, one in found.items() if one.domain != detail["domain"]}
        elif detail["fault"] == key:
            found[row.seq] = Blamed(domain=detail["domain"], accepted=detail["accepted"])
    return found


def overrule(
    connection: Connection, mailing_id: MailingId, *, shares: bool, actor: str, now: Instant
) -> None:
    """An operator goes on after the guard spoke: faults are counted anew (S-33).

    With `shares` it was a share of the mailing that spoke: none stops this mailing any more.
    """
    if shares:
        connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(overruled=1))
    events.record(connection, kind=Kind.OVERRULED, actor=actor, at=now, mailing=mailing_id)


# --- what people are told ------------------------------------------------------------------------


def suppressed_by(connection: Connection, mailing_id: MailingId) -> int:
    """How many addresses are suppressed because of a mailing."""
    query = select(func.count()).where(suppression.c.source == f"m{mailing_id}")
    return connection.scalar(query) or 0
