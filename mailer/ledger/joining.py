"""People come onto a list: decided per person, written per batch in one transaction.

::

    known to the list as │ asked for as   → verdict      what is written
    ─────────────────────┼─────────────────────────────────────────────────────────────────────────
    suppressed           │ anything       suppressed     nothing                         (B-21)
    unsubscribed         │ anything       unsubscribed   nothing                         (case 23)
    forgotten            │ anything       unsubscribed   nothing
    nobody               │ any state      added          person, if new, and subscription
    pending              │ confirmed      updated        confirmed, with the new consent
    pending, confirmed   │ unsubscribed   updated        unsubscribed; dispatchers look again
    pending, confirmed   │ otherwise      updated        name, language, attributes that differ
                         │                unchanged      nothing

What arrives lies in a temporary table, so that thousands cost a few statements: 11 instead of 31 µs
per person on SQLite.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Table,
    bindparam,
    case,
    delete,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.schema import CreateTable

from mailer.ledger import events, lines, noting
from mailer.ledger.database import bump_changes
from mailer.ledger.dialect import insert_new, refill
from mailer.ledger.entries import Consent, Entry, Known, Move, Verdict, arriving, dump
from mailer.ledger.events import Kind
from mailer.ledger.schema import event, subscriber, subscription, suppression
from mailer.model import ListId, SubscriberId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection


def join(
    connection: Connection, list_id: ListId, entries: Sequence[Entry], consent: Consent
) -> list[Verdict]:
    """Put people onto a list; one verdict per entry, whose keys must all differ."""
    moves = decide(connection, list_id, entries)
    left = SubscriptionState.UNSUBSCRIBED
    leaving = [move.entry.key for move in moves if move.entry.state == left and _leaves(move)]
    noting.note(connection, lines.Kind.UNSUBSCRIBED, *leaving, at=consent.at, list_id=list_id)
    _add(connection, list_id, moves, consent)
    known = [move for move in moves if move.known is not None]  # mostly few
    _change(connection, [move for move in known if move.details is not None], consent)
    for state in (SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED):
        moving = [move for move in known if _state_moves(move) and move.entry.state == state]
        _move(connection, list_id, moving, state, consent)
    return [move.verdict for move in moves]


def decide(connection: Connection, list_id: ListId | None, entries: Sequence[Entry]) -> list[Move]:
    """The table above, without its last column; a list that is None has nobody yet."""
    connection.execute(CreateTable(arriving, if_not_exists=True))
    names = [column.name for column in arriving.columns]
    refill(connection, arriving, names, [(n, *entry) for n, entry in enumerate(entries)])
    on_list = (subscription.c.subscriber == subscriber.c.id) & (subscription.c.list == list_id)
    same_key = arriving.c.address_key
    known = {
        row.n: Known._make(row)
        for row in connection.execute(
            select(
                arriving.c.n,
                suppression.c.address_key.label("suppressed"),
                subscriber.c.id,
                subscriber.c.address,
                subscriber.c.name,
                subscriber.c.language,
                subscriber.c.attributes,
                subscription.c.state,
            )
            .select_from(
                arriving.outerjoin(suppression, suppression.c.address_key == same_key)
                .outerjoin(subscriber, subscriber.c.address_key == same_key)
                .outerjoin(subscription, on_list)
            )
            .where(or_(subscriber.c.id.is_not(None), suppression.c.address_key.is_not(None)))
        )
    }
    moves = [Move(entry, Verdict.ADDED) for entry in entries]
    for n, person in known.items():
        moves[n] = _decide(entries[n], person)
    return moves


def _decide(entry: Entry, known: Known) -> Move:
    if known.suppressed is not None:
        return Move(entry, Verdict.SUPPRESSED, known)
    if known.address is None or known.state == SubscriptionState.UNSUBSCRIBED:
        return Move(entry, Verdict.UNSUBSCRIBED, known)
    details = _merged(entry, known)
    if known.state is None:
        return Move(entry, Verdict.ADDED, known, details)
    moves = Move(entry, Verdict.UPDATED, known, details)
    if details is not None or _state_moves(moves):
        return moves
    return Move(entry, Verdict.UNCHANGED, known)


def _leaves(move: Move) -> bool:
    """Whether an entry says that somebody left who is not known to have."""
    asked = move.entry.state == SubscriptionState.UNSUBSCRIBED
    return asked and move.verdict in (Verdict.ADDED, Verdict.UPDATED)


def _state_moves(move: Move) -> bool:
    if move.verdict is not Verdict.UPDATED or move.known is None:
        return False
    if move.entry.state == SubscriptionState.UNSUBSCRIBED:
        return True
    pending = move.known.state == SubscriptionState.PENDING
    return pending and move.entry.state == SubscriptionState.CONFIRMED


def _merged(entry: Entry, known: Known) -> tuple[str, str, str] | None:
    """Name, language and attributes where they differ; what an entry leaves empty stays."""
    name, language = entry.name or known.name, entry.language or known.language
    attributes = known.attributes
    if entry.attributes not in ("{}", attributes):
        old: Mapping[str, Any] = json.loads(attributes)
        merged = {**old, **json.loads(entry.attributes)}
        if merged != old:
            attributes = dump(merged)
    new = (name, language, attributes)
    return None if new == (known.name, known.language, known.attributes) else new


# --- writing -------------------------------------------------------------------------------------


def _add(connection: Connection, list_id: ListId, moves: Sequence[Move], consent: Consent) -> None:
    others = [{"b_n": n} for n, move in enumerate(moves) if move.verdict is not Verdict.ADDED]
    if len(others) == len(moves):
        return
    if others:
        connection.execute(delete(arriving).where(arriving.c.n == bindparam("b_n")), others)
    same = ["email", "address", "address_key", "name", "language", "attributes"]
    people = select(
        *(arriving.c[name] for name in same), _typed(subscriber, "created_at", consent.at)
    )
    connection.execute(
        insert_new(connection, subscriber).from_select(
            [*same, "created_at"], people.order_by(arriving.c.n)
        )
    )
    arrived = arriving.join(subscriber, subscriber.c.address_key == arriving.c.address_key)
    subscribed = {
        "list": _typed(subscription, "list", list_id),
        "subscriber": subscriber.c.id,
        "state": arriving.c.state,
        "source": _typed(subscription, "source", consent.source),
        "reason": _typed(subscription, "reason", consent.reason),
        "operator": _typed(subscription, "operator", consent.operator),
        "import_batch": _typed(subscription, "import_batch", consent.batch),
        "created_at": _typed(subscription, "created_at", consent.at),
        "confirmed_at": _at_if(SubscriptionState.CONFIRMED, consent),
        "left_at": _at_if(SubscriptionState.UNSUBSCRIBED, consent),
    }
    written = {
        "at": _typed(event, "at", consent.at),
        "kind": case(_KINDS, value=arriving.c.state),
        "actor": _typed(event, "actor", consent.actor),
        "subscriber": subscriber.c.id,
        "address_key": subscriber.c.address_key,
        "detail": _typed(event, "detail", dump(_detail(list_id, consent))),
    }
    for table, values in ((subscription, subscribed), (event, written)):
        rows = select(*values.values()).select_from(arrived).order_by(subscriber.c.id)
        connection.execute(insert(table).from_select(list(values), rows))


_KINDS = {
    SubscriptionState.CONFIRMED: Kind.SUBSCRIBED,
    SubscriptionState.PENDING: Kind.SIGNED_UP,
    SubscriptionState.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
}


def _typed(table: Table, name: str, value: object) -> ColumnElement[Any]:
    """A constant of a column's type: PostgreSQL takes a bare number for one of 32 bits."""
    return literal(value, table.c[name].type)


def _at_if(state: SubscriptionState, consent: Consent) -> ColumnElement[Any]:
    at = _typed(subscription, "created_at", consent.at)
    return case((arriving.c.state == state, at), else_=null())


def _detail(list_id: ListId, consent: Consent) -> dict[str, Any]:
    return {
        "list": list_id,
        "source": consent.source,
        "reason": consent.reason,
        "batch": consent.batch,
    }


_DETAILS = (
    update(subscriber)
    .where(subscriber.c.id == bindparam("b_id"))
    .values(
        name=bindparam("b_name"),
        language=bindparam("b_language"),
        attributes=bindparam("b_attributes"),
    )
)


def _change(connection: Connection, moves: Sequence[Move], consent: Consent) -> None:
    rows = [
        {
            "b_id": move.known.id,
            "b_name": move.details[0],
            "b_language": move.details[1],
            "b_attributes": move.details[2],
        }
        for move in moves
        if move.known is not None and move.details is not None
    ]
    if rows:
        connection.execute(_DETAILS, rows)
        detail = {"source": consent.source, "batch": consent.batch}
        _record(connection, moves, Kind.CHANGED, detail, consent)


def _move(
    connection: Connection,
    list_id: ListId,
    moves: Sequence[Move],
    state: SubscriptionState,
    consent: Consent,
) -> None:
    if not moves:
        return
    values: dict[str, Any] = {
        "state": state,
        "source": consent.source,
        "reason": consent.reason,
        "operator": consent.operator,
        "import_batch": consent.batch,
    }
    left = state is SubscriptionState.UNSUBSCRIBED
    values["left_at" if left else "confirmed_at"] = consent.at
    connection.execute(
        update(subscription)
        .where(
            subscription.c.list == list_id,
            subscription.c.subscriber == bindparam("b_id"),
            # Who left since `decide`, by a click that waits for nobody, stays away.
            subscription.c.state != SubscriptionState.UNSUBSCRIBED,
        )
        .values(values),
        [{"b_id": move.known.id} for move in moves if move.known is not None],
    )
    _record(connection, moves, _KINDS[state], _detail(list_id, consent), consent)
    if left:
        bump_changes(connection)


def _record(
    connection: Connection,
    moves: Iterable[Move],
    kind: Kind,
    detail: Mapping[str, Any],
    consent: Consent,
) -> None:
    events.record_each(
        connection,
        [
            (SubscriberId(move.known.id), move.entry.key)
            for move in moves
            if move.known is not None and move.known.id is not None
        ],
        kind=kind,
        actor=consent.actor,
        at=consent.at,
        detail=detail,
    )
