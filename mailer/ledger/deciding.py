"""Who is known, and what becomes of everybody who is to come onto a list.

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
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select
from sqlalchemy.schema import CreateTable

from mailer.ledger.dialect import refill
from mailer.ledger.entries import Known, Move, Packed, Verdict, arriving, dump
from mailer.ledger.schema import subscriber, subscription, suppression
from mailer.model import ListId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection


def decide(
    connection: Connection, list_id: ListId | None, entries: Iterable[Packed]
) -> dict[int, Verdict]:
    """What `join_all` would return; a list that is None has nobody yet."""
    arrive(connection, entries)
    others, _ = decided(connection, list_id)
    return others


def arrive(connection: Connection, entries: Iterable[Packed]) -> int:
    """Put entries into the temporary table; returns how many there are."""
    connection.execute(CreateTable(arriving, if_not_exists=True))
    return refill(connection, arriving, entries, numbered=subscriber)


def decided(
    connection: Connection, list_id: ListId | None
) -> tuple[dict[int, Verdict], list[Move]]:
    """What becomes of everybody who arrived and was known, or is suppressed.

    Returns:
        The verdicts of those who are not added, by the place of the entry; what is to be written.
    """
    others: dict[int, Verdict] = {}
    moves = []
    for known in _known(connection, list_id):
        move = _decide(known)
        if move.verdict is not Verdict.ADDED:
            others[move.n] = move.verdict
        if move.verdict in (Verdict.ADDED, Verdict.UPDATED):
            moves.append(move)
    return others, moves


_ASKED = ("address_key", "name", "language", "attributes", "state")


def _known(connection: Connection, list_id: ListId | None) -> Iterator[Known]:
    on_list = (subscription.c.subscriber == subscriber.c.id) & (subscription.c.list == list_id)
    same_key = arriving.c.address_key
    found = connection.execute(
        select(
            arriving.c.n,
            *(arriving.c[name] for name in _ASKED),
            suppression.c.address_key.is_not(None),
            subscriber.c.id,
            subscriber.c.address.is_(None),
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
        .where(
            or_(
                subscriber.c.id != arriving.c.person,  # not one who was just added
                suppression.c.address_key.is_not(None),
            )
        )
        .order_by(arriving.c.n)
    )
    return map(Known._make, found)


def _decide(known: Known) -> Move:
    stays = Move(known.n, known.key, known.id, Verdict.UNCHANGED)
    if known.suppressed:
        return stays._replace(verdict=Verdict.SUPPRESSED)
    if known.forgotten or known.on_list == SubscriptionState.UNSUBSCRIBED:
        return stays._replace(verdict=Verdict.UNSUBSCRIBED)
    details = _merged(known)
    if known.on_list is None:
        return stays._replace(verdict=Verdict.ADDED, details=details)
    to = known.asked_state if _state_moves(known) else None
    if details is None and to is None:
        return stays
    return stays._replace(verdict=Verdict.UPDATED, details=details, to=to)


def _state_moves(known: Known) -> bool:
    if known.asked_state == SubscriptionState.UNSUBSCRIBED:
        return True
    pending = known.on_list == SubscriptionState.PENDING
    return pending and known.asked_state == SubscriptionState.CONFIRMED


def _merged(known: Known) -> tuple[str, str, str] | None:
    """Name, language and attributes where they differ; what an entry leaves empty stays."""
    name, language = known.asked_name or known.name, known.asked_language or known.language
    attributes = known.attributes
    if known.asked_attributes not in ("{}", attributes):
        old: Mapping[str, Any] = json.loads(attributes)
        merged = {**old, **json.loads(known.asked_attributes)}
        if merged != old:
            attributes = dump(merged)
    new = (name, language, attributes)
    return None if new == (known.name, known.language, known.attributes) else new
