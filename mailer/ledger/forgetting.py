"""Erase a person: what names them goes, the keyed hash stays, so that they stay away (B-21)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Table, bindparam, func, select, update

from mailer import address as addresses
from mailer.ledger import events, lines, noting
from mailer.ledger.database import bump_changes
from mailer.ledger.engines import Lock, exclude
from mailer.ledger.events import Kind
from mailer.ledger.schema import delivery, event, subscriber, subscription, suppression
from mailer.model import Instant, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from sqlalchemy import ColumnElement

    from mailer.ledger.database import Ledger

ERASED = "[erased]"


def forget(ledger: Ledger, address: str, *, operator: str, now: Instant) -> bool:
    """Erase address, name and attributes everywhere, and end every subscription.

    Deliveries, suppressions and events stay under the keyed hash; the words of relays and reports
    in them lose the address. What is queued is cancelled when it is claimed.

    Returns:
        False if nothing is known under this address.

    Raises:
        AddressError: the text is not an address.
    """
    parsed = addresses.parse(address)
    key = ledger.normalised_key(parsed.normalised)
    forms = {parsed.given, parsed.normalised, parsed.wire}
    with ledger.write() as connection:
        exclude(connection, Lock.PEOPLE)  # an import under way must not bring back what goes
        return erase(connection, key, forms=forms, operator=operator, now=now)


def erase(
    connection: Connection,
    key: bytes,
    *,
    operator: str,
    now: Instant,
    forms: Collection[str] = (),
) -> bool:
    """`forget` by the keyed hash; `forms` are spellings of the address beside the stored one."""
    person = connection.execute(
        select(subscriber.c.id, subscriber.c.email, subscriber.c.address).where(
            subscriber.c.address_key == key
        )
    ).one_or_none()
    suppressed = connection.execute(
        update(suppression).where(suppression.c.address_key == key).values(address=None)
    ).rowcount
    if person is None and not suppressed:
        return False
    if person is not None:
        _erase_person(connection, person.id, now)
    stored = () if person is None else (person.email, person.address)
    _erase_words(connection, key, {form for form in (*forms, *stored) if form})
    events.record(
        connection,
        kind=Kind.FORGOTTEN,
        actor=operator,
        at=now,
        subscriber=None if person is None else person.id,
        address_key=key,
    )
    noting.note(connection, lines.Kind.FORGOTTEN, key, at=now)
    bump_changes(connection)
    return True


def _erase_person(connection: Connection, number: int, now: Instant) -> None:
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == number)
        .values(
            email=None,
            address=None,
            name="",
            attributes="{}",
            language="",
            timezone="",
            paused_until=None,
        )
    )
    connection.execute(
        update(subscription)
        .where(subscription.c.subscriber == number)
        .values(
            state=SubscriptionState.UNSUBSCRIBED,
            reason="",
            ip="",
            left_at=func.coalesce(subscription.c.left_at, now),
        )
    )
    connection.execute(
        update(delivery)
        .where(delivery.c.subscriber == number)
        .values(email=None, values=None, variant="")
    )


def _erase_words(connection: Connection, key: bytes, forms: set[str]) -> None:
    """Blank the address where a relay or a report repeated it."""
    if not forms:  # it was erased before
        return
    named = re.compile(
        "|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.IGNORECASE
    )
    for table, column, where in (
        (suppression, suppression.c.evidence, suppression.c.address_key == key),
        (delivery, delivery.c.reply, delivery.c.address_key == key),
        (event, event.c.detail, events.about(key)),
    ):
        _blank(connection, table, column, where, named)


def _blank(
    connection: Connection,
    table: Table,
    column: Column[Any],
    where: ColumnElement[bool],
    named: re.Pattern[str],
) -> None:
    keys = list(table.primary_key)
    rows = connection.execute(select(*keys, column).where(where, column.is_not(None))).all()
    changed = [
        {**{f"b_{name.name}": value for name, value in zip(keys, row, strict=False)}, "b_new": new}
        for row in rows
        if (new := named.sub(ERASED, row[-1])) != row[-1]
    ]
    if changed:
        this = [name == bindparam(f"b_{name.name}") for name in keys]
        connection.execute(update(table).where(*this).values({column: bindparam("b_new")}), changed)
