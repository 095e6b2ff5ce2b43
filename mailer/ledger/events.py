"""Append-only history: what happened to whom, when, by whom; nothing here changes or deletes.

Details are JSON objects and never hold an address: erasing a person must not need to rewrite
history. Replies and reports are the exception, and `audience.forget` blanks addresses in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select

from mailer.ledger.dialect import insert_new, insert_rows
from mailer.ledger.schema import event, subscriber
from mailer.model import Instant, MailingId, SubscriberId

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PAGE = 100


class Kind(StrEnum):
    """What may happen to a person or a mailing; states that are entered are kinds, too."""

    SIGNED_UP = "signed up"
    SUBSCRIBED = "subscribed"
    CHANGED = "changed"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    FORGOTTEN = "forgotten"
    BOUNCED = "bounced"
    REPORTED = "reported"
    REJECTED = "rejected"
    COMPLAINED = "complained"
    FAULT = "sender fault"
    OVERRULED = "overruled"
    HELD = "held"
    RELEASED = "released"
    RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    id: int
    at: Instant
    kind: str
    actor: str
    mailing: MailingId | None
    seq: int | None
    subscriber: SubscriberId | None
    address_key: bytes | None
    detail: Mapping[str, Any]


def record(
    connection: Connection,
    *,
    kind: str,
    actor: str,
    at: Instant,
    mailing: MailingId | None = None,
    seq: int | None = None,
    subscriber: SubscriberId | None = None,
    address_key: bytes | None = None,
    detail: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> bool:
    """Write down that something happened.

    Args:
        connection: the transaction that makes it happen.
        kind: what happened: a `Kind`, or the state that a mailing or delivery entered.
        actor: who did it: an operator's name, "relay", "subscriber", "mailer".
        at: when.
        mailing: the mailing that it happened in.
        seq: the delivery that it happened to.
        subscriber: the person that it happened to.
        address_key: the address that it happened to; also found once the person is forgotten.
        detail: whatever explains it, as JSON.
        once: names this happening; a second event of the same name is not stored (B-9).

    Returns:
        False if it was stored under `once` before.
    """
    values = {
        "at": at,
        "kind": str(kind),
        "actor": actor,
        "mailing": mailing,
        "seq": seq,
        "subscriber": subscriber,
        "address_key": address_key,
        "detail": json.dumps(dict(detail or {}), ensure_ascii=False),
        "once": once,
    }
    if once is None:
        connection.execute(insert(event), values)
        return True
    return connection.execute(insert_new(connection, event), values).rowcount == 1


def record_each(
    connection: Connection,
    people: Collection[tuple[SubscriberId, bytes]],
    *,
    kind: str,
    actor: str,
    at: Instant,
    detail: Mapping[str, Any],
) -> None:
    """Write down that the same happened to each of these people: number and keyed address."""
    text = json.dumps(dict(detail), ensure_ascii=False)
    insert_rows(
        connection,
        event,
        ["at", "kind", "actor", "subscriber", "address_key", "detail"],
        [(at, str(kind), actor, number, key, text) for number, key in people],
    )


def history(
    connection: Connection,
    *,
    address_key: bytes | None = None,
    mailing: MailingId | None = None,
    kinds: Collection[str] = (),
    before: int | None = None,
    limit: int = PAGE,
) -> list[Event]:
    """The newest events of an address, of a mailing or of some kinds, newest first.

    Args:
        connection: where to read.
        address_key: only what happened to this address or its subscriber.
        mailing: only what happened in this mailing.
        kinds: only these kinds.
        before: the id of the last event of the page before this one.
        limit: how many at most (X-16).
    """
    query = select(event).order_by(event.c.id.desc()).limit(limit)
    if address_key is not None:
        query = query.where(about(address_key))
    if mailing is not None:
        query = query.where(event.c.mailing == mailing)
    if kinds:
        query = query.where(event.c.kind.in_(sorted(kinds)))
    if before is not None:
        query = query.where(event.c.id < before)
    return [
        Event(
            id=row.id,
            at=Instant(row.at),
            kind=row.kind,
            actor=row.actor,
            mailing=row.mailing,
            seq=row.seq,
            subscriber=row.subscriber,
            address_key=row.address_key,
            detail=json.loads(row.detail),
        )
        for row in connection.execute(query)
    ]


def about(address_key: bytes) -> ColumnElement[bool]:
    """Which events are about an address: its subscriber's, and those from before there was one."""
    person = select(subscriber.c.id).where(subscriber.c.address_key == address_key)
    return or_(
        event.c.subscriber == person.scalar_subquery(),
        and_(event.c.subscriber.is_(None), event.c.address_key == address_key),
    )


def count_bounced(connection: Connection, mailing: MailingId) -> int:
    """How many deliveries of a mailing came back after they had been accepted."""
    query = select(func.count(event.c.seq.distinct())).where(
        event.c.mailing == mailing, event.c.kind == Kind.BOUNCED
    )
    return connection.scalar(query) or 0
