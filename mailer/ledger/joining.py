"""People come onto a list: what `deciding` says of them is written, in one transaction.

What arrives lies in a temporary table, so that thousands cost a few statements. Most of them are
new as a rule: they are written before anybody asks who is known, in the order of their keys, which
are random, so that each page of their index is touched once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Table,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from mailer.ledger import events, lines, noting
from mailer.ledger.database import bump_changes
from mailer.ledger.deciding import arrive, decided
from mailer.ledger.dialect import RowUpdate, insert_new
from mailer.ledger.entries import Consent, Entry, Move, Packed, Verdict, arriving, dump, pack
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
    others = join_all(connection, list_id, [pack(entries)], consent)
    return [others.get(n, Verdict.ADDED) for n in range(len(entries))]


def join_all(
    connection: Connection, list_id: ListId, entries: Iterable[Packed], consent: Consent
) -> dict[int, Verdict]:
    """As `join`; the verdicts of those who are not added, by their place among the entries."""
    count = arrive(connection, entries)
    # Most are new as a rule: who is known is asked only if somebody was passed over.
    passed_over = _add_people(connection, consent) < count
    others, moves = decided(connection, list_id) if passed_over else ({}, [])
    leaving = [(move.n, move.key) for move in moves if move.to == SubscriptionState.UNSUBSCRIBED]
    if len(others) < count:
        _keep(connection, others, moves)
        leaving += _arrive_to_leave(connection)
        _subscribe(connection, list_id, consent)
    keys = [key for _, key in sorted(leaving)]
    noting.note(connection, lines.Kind.UNSUBSCRIBED, *keys, at=consent.at, list_id=list_id)
    _change(connection, [move for move in moves if move.details is not None], consent)
    for state in (SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED):
        _move(connection, list_id, [move for move in moves if move.to == state], state, consent)
    return others


def _add_people(connection: Connection, consent: Consent) -> int:
    """Write down everybody who is not known and may come; returns how many."""
    values = {
        "id": arriving.c.person,
        "email": arriving.c.email,
        "address": func.coalesce(arriving.c.address, arriving.c.email),
        "address_key": arriving.c.address_key,
        "name": arriving.c.name,
        "language": arriving.c.language,
        "attributes": arriving.c.attributes,
        "created_at": _typed(subscriber, "created_at", consent.at),
    }
    suppressed = exists().where(suppression.c.address_key == arriving.c.address_key)
    people = select(*values.values()).where(~suppressed).order_by(arriving.c.address_key)
    return connection.execute(
        insert_new(connection, subscriber).from_select(list(values), people)
    ).rowcount


_PERSON = RowUpdate(
    update(arriving).where(arriving.c.n == bindparam("n_")).values(person=bindparam("person_")),
    "n_ person_",
)


def _keep(connection: Connection, others: Iterable[int], moves: Sequence[Move]) -> None:
    """Leave in the temporary table who is added to the list, and under which number."""
    gone = [{"b_n": n} for n in others]
    if gone:
        connection.execute(delete(arriving).where(arriving.c.n == bindparam("b_n")), gone)
    known = [(move.n, move.id) for move in moves if move.verdict is Verdict.ADDED]
    if known:
        _PERSON.run(connection, known)


def _arrive_to_leave(connection: Connection) -> list[tuple[int, bytes]]:
    """Who is added as somebody who left: the journal hears of that."""
    left = arriving.c.state == SubscriptionState.UNSUBSCRIBED
    query = select(arriving.c.n, arriving.c.address_key).where(left)
    return [(row.n, row.address_key) for row in connection.execute(query)]


def _subscribe(connection: Connection, list_id: ListId, consent: Consent) -> None:
    """Everybody in the temporary table is on the list, and an event says so (decisions 11)."""
    subscribed = {
        "list": _typed(subscription, "list", list_id),
        "subscriber": arriving.c.person,
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
        "subscriber": arriving.c.person,
        "address_key": arriving.c.address_key,
        "detail": _typed(event, "detail", dump(_detail(list_id, consent))),
    }
    for table, values in ((subscription, subscribed), (event, written)):
        rows = select(*values.values()).order_by(arriving.c.n)
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
            "b_id": move.id,
            "b_name": move.details[0],
            "b_language": move.details[1],
            "b_attributes": move.details[2],
        }
        for move in moves
        if move.details is not None
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
            # Who left since `decided`, by a click that waits for nobody, stays away.
            subscription.c.state != SubscriptionState.UNSUBSCRIBED,
        )
        .values(values),
        [{"b_id": move.id} for move in moves],
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
        [(SubscriberId(move.id), move.key) for move in moves if move.id is not None],
        kind=kind,
        actor=consent.actor,
        at=consent.at,
        detail=detail,
    )
