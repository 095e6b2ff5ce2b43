"""Departures and suppressions that the journal of a restored ledger tells of, and their undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, insert, select, update

from mailer.ledger import audience, events, forgetting
from mailer.ledger.dialect import insert_new
from mailer.ledger.events import Kind as EventKind
from mailer.ledger.lines import Kind, Line
from mailer.ledger.schema import list_, subscriber, subscription
from mailer.model import SubscriberId, SubscriptionState

if TYPE_CHECKING:
    from collections import Counter

    from mailer.ledger.database import Ledger

ACTOR = "journal"
KNOWN = "known from the journal only"

TAKEN_BACK = {Kind.RESUBSCRIBED: Kind.UNSUBSCRIBED, Kind.UNSUPPRESSED: Kind.SUPPRESSED}


def about(line: Line) -> tuple[Kind, bytes, str]:
    """What two lines have in common of which one takes the other back."""
    return TAKEN_BACK.get(line.kind, line.kind), line.key, line.list


def taken_back(ledger: Ledger, *, after: int) -> dict[tuple[Kind, bytes, str], Line]:
    """The last line of each that takes something back: few, people do that one at a time."""
    found: dict[tuple[Kind, bytes, str], Line] = {}
    for line in ledger.journal.lines(after=after):
        if line.kind in TAKEN_BACK:
            key = about(line)
            if key not in found or found[key].n < line.n:
                found[key] = line
    return found


def take_back(connection: Connection, line: Line, done: Counter[str]) -> None:
    """Undo a departure or a suppression that the database knows."""
    if line.kind is Kind.UNSUPPRESSED:
        done["unsuppressed"] += audience.unsuppress(
            connection, line.key, operator=ACTOR, reason=KNOWN, now=line.at
        )
        return
    back = connection.execute(
        update(subscription)
        .where(
            subscription.c.list.in_(_list(line)),
            subscription.c.subscriber.in_(_person(line).where(subscriber.c.address.is_not(None))),
            subscription.c.state == SubscriptionState.UNSUBSCRIBED,
        )
        .values(state=SubscriptionState.CONFIRMED, source=ACTOR, confirmed_at=line.at, left_at=None)
    ).rowcount
    if back:
        done["resubscribed"] += back
        _write_down(connection, line, EventKind.RESUBSCRIBED)


def _unsubscribed(connection: Connection, line: Line, done: Counter[str]) -> None:
    person = connection.scalar(_person(line))
    if person is None:
        # Who is not known must not come back by an import either.
        values = {"address_key": line.key, "created_at": line.at}
        person = connection.scalars(
            insert(subscriber).values(values).returning(subscriber.c.id)
        ).one()
    left = {"state": SubscriptionState.UNSUBSCRIBED, "left_at": line.at}
    for number in connection.scalars(_list(line)).all():
        this = {"list": number, "subscriber": person}
        new = {**this, **left, "source": ACTOR, "created_at": line.at}
        changed = connection.execute(insert_new(connection, subscription).values(new)).rowcount
        if not changed:
            member = update(subscription).where(
                subscription.c.list == number,
                subscription.c.subscriber == person,
                subscription.c.state != SubscriptionState.UNSUBSCRIBED,
            )
            changed = connection.execute(member.values(left)).rowcount
        if changed:
            done["unsubscribed"] += 1
            _write_down(connection, line, EventKind.UNSUBSCRIBED)


def _suppressed(connection: Connection, line: Line, done: Counter[str]) -> None:
    address = connection.scalar(
        select(subscriber.c.address).where(subscriber.c.address_key == line.key)
    )
    done["suppressed"] += audience.suppress(
        connection,
        line.key,
        address=address,
        bounce_class=line.bounce_class,
        evidence=KNOWN,
        source=ACTOR,
        now=line.at,
    )


def _forgotten(connection: Connection, line: Line, done: Counter[str]) -> None:
    done["forgotten"] += forgetting.erase(connection, line.key, operator=ACTOR, now=line.at)


_WRITE = {
    Kind.UNSUBSCRIBED: _unsubscribed,
    Kind.SUPPRESSED: _suppressed,
    Kind.FORGOTTEN: _forgotten,
}


def depart(connection: Connection, line: Line, done: Counter[str]) -> None:
    """Write down that somebody left, was suppressed or forgotten; of other lines nothing."""
    if line.kind in _WRITE:
        _WRITE[line.kind](connection, line, done)


def _person(line: Line) -> Select[Any]:
    return select(subscriber.c.id).where(subscriber.c.address_key == line.key)


def _list(line: Line) -> Select[Any]:
    return select(list_.c.id).where(list_.c.slug == line.list)


def _write_down(connection: Connection, line: Line, kind: EventKind) -> None:
    events.record(
        connection,
        kind=kind,
        actor=ACTOR,
        at=line.at,
        subscriber=SubscriberId(connection.scalars(_person(line)).one()),
        address_key=line.key,
        detail={"via": ACTOR},
    )
