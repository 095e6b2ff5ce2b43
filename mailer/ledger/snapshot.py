"""What the database knows, as lines of its journal: for one that is new or ended too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.ledger import lines, noting
from mailer.ledger.lines import Kind
from mailer.ledger.schema import (
    delivery,
    issue,
    list_,
    mailing,
    subscriber,
    subscription,
    suppression,
)
from mailer.model import DeliveryState, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mailer.ledger.database import Ledger

AT_ONCE = 1000
"""Rows that are read, and lines that are written, at a time."""

_KINDS = {DeliveryState.ACCEPTED: Kind.ACCEPTED, DeliveryState.IN_DOUBT: Kind.IN_DOUBT}


def append(ledger: Ledger) -> int:
    """Add everything that the journal must know, all under the database's present number.

    Returns:
        How many lines that were.

    Raises:
        JournalError: E621, it cannot be written; the same call again does no harm.
    """
    count, kept = 0, []
    with ledger.read() as connection:
        known = noting.counter(connection)
        for kind, key, fields, at in _everything(connection.execution_options(yield_per=AT_ONCE)):
            kept.append(lines.write(known, kind, key, fields, at))
            count += 1
            if len(kept) == AT_ONCE:
                ledger.journal.append("".join(kept))
                kept = []
    # The last line says how far this goes, also where there was nothing to say.
    ledger.journal.append("".join([*kept, lines.write(known, Kind.MARK, b"", "", 0)]))
    return count


def _everything(connection: Connection) -> Iterator[tuple[Kind, bytes, str, int]]:
    yield from _deliveries(connection)
    left = (
        select(subscriber.c.address_key, list_.c.slug, subscription.c.left_at)
        .select_from(subscription.join(subscriber).join(list_))
        .where(subscription.c.state == SubscriptionState.UNSUBSCRIBED)
    )
    for key, slug, at in connection.execute(left):
        yield Kind.UNSUBSCRIBED, key, lines.about(list_=slug), at or 0
    erased = select(subscriber.c.address_key).where(subscriber.c.address.is_(None))
    for (key,) in connection.execute(erased):
        yield Kind.FORGOTTEN, key, "", 0
    for row in connection.execute(select(suppression)):
        fields = lines.about(bounce_class=row.bounce_class)
        yield Kind.SUPPRESSED, row.address_key, fields, row.created_at


def _deliveries(connection: Connection) -> Iterator[tuple[Kind, bytes, str, int]]:
    mailings = select(mailing.c.id, issue.c.slug.label("issue"), list_.c.slug.label("list"))
    mailings = mailings.select_from(mailing.join(issue, issue.c.id == mailing.c.issue).join(list_))
    for one in connection.execute(mailings).all():
        fields = lines.about(mailing=one.id, issue=one.issue, list_=one.list)
        rows = select(delivery.c.state, delivery.c.address_key, delivery.c.changed_at).where(
            delivery.c.mailing == one.id, delivery.c.state.in_(list(_KINDS))
        )
        for state, key, at in connection.execute(rows):
            yield _KINDS[DeliveryState(state)], key, fields, at or 0
