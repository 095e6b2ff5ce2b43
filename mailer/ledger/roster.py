"""Looking people up: one person's place in every list, a list's members, what may not be mailed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, exists, select

from mailer.ledger import events
from mailer.ledger.schema import list_, subscriber, subscription, suppression
from mailer.ledger.sheets import safe_cell
from mailer.model import Instant, SubscriberId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailer.ledger.database import Ledger
    from mailer.ledger.events import Event

_STREAM = 1000  # rows that the driver fetches at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person; `email` is None once forgotten."""

    id: SubscriberId
    email: str | None
    address_key: bytes
    name: str
    language: str
    attributes: Mapping[str, Any]
    created_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A person's place in a list, with the evidence of consent (decisions 11)."""

    list: str
    state: SubscriptionState
    source: str
    reason: str
    operator: str
    import_batch: int | None
    created_at: Instant
    confirmed_at: Instant | None
    left_at: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that is never mailed; `address` is None once forgotten (decisions 3)."""

    address_key: bytes
    address: str | None
    bounce_class: str
    evidence: str
    source: str
    created_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that is known under one address; the newest events come first."""

    subscriber: Subscriber | None
    subscriptions: Sequence[Subscription]
    suppression: Suppression | None
    events: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One line of `mailer subscribers list`."""

    email: str
    name: str
    language: str
    attributes: Mapping[str, Any]
    list: str
    state: SubscriptionState
    since: Instant
    suppressed: bool


def find(connection: Connection, address_key: bytes) -> Subscriber | None:
    """The person who is known under an address, forgotten ones included."""
    row = connection.execute(
        select(subscriber).where(subscriber.c.address_key == address_key)
    ).one_or_none()
    if row is None:
        return None
    return Subscriber(
        id=SubscriberId(row.id),
        email=row.email,
        address_key=row.address_key,
        name=row.name,
        language=row.language,
        attributes=json.loads(row.attributes),
        created_at=row.created_at,
    )


def show(ledger: Ledger, address: str) -> Story | None:
    """Everything about an address; None if nothing is known under it.

    Raises:
        AddressError: the text is not an address.
    """
    key = ledger.address_key(address)
    with ledger.read() as connection:
        person = find(connection, key)
        rows = connection.execute(select(suppression).where(suppression.c.address_key == key))
        suppressed = next((_suppression(row) for row in rows), None)
        if person is None and suppressed is None:
            return None
        return Story(
            subscriber=person,
            subscriptions=_subscriptions(connection, person) if person else (),
            suppression=suppressed,
            events=events.history(connection, address_key=key),
        )


def _subscriptions(connection: Connection, person: Subscriber) -> Sequence[Subscription]:
    query = (
        select(subscription, list_.c.slug)
        .join(list_, list_.c.id == subscription.c.list)
        .where(subscription.c.subscriber == person.id)
        .order_by(list_.c.slug)
    )
    return [
        Subscription(
            list=row.slug,
            state=SubscriptionState(row.state),
            source=row.source,
            reason=row.reason,
            operator=row.operator,
            import_batch=row.import_batch,
            created_at=row.created_at,
            confirmed_at=row.confirmed_at,
            left_at=row.left_at,
        )
        for row in connection.execute(query)
    ]


def members(
    connection: Connection,
    *,
    list_slug: str | None = None,
    state: SubscriptionState | None = None,
) -> Iterator[Member]:
    """The people of one list or of all, in the order in which they came, as a stream.

    Who was forgotten has no address and is not among them.
    """
    suppressed = exists().where(suppression.c.address_key == subscriber.c.address_key)
    query = (
        select(
            subscriber,
            list_.c.slug,
            subscription.c.state,
            subscription.c.created_at.label("since"),
            suppressed.label("suppressed"),
        )
        .join_from(subscription, subscriber, subscriber.c.id == subscription.c.subscriber)
        .join(list_, list_.c.id == subscription.c.list)
        .where(subscriber.c.email.is_not(None))
        .order_by(subscriber.c.id, list_.c.id)
    )
    if list_slug is not None:
        query = query.where(list_.c.slug == list_slug)
    if state is not None:
        query = query.where(subscription.c.state == state)
    for row in connection.execution_options(yield_per=_STREAM).execute(query):
        yield Member(
            email=row.email,
            name=row.name,
            language=row.language,
            attributes=json.loads(row.attributes),
            list=row.slug,
            state=SubscriptionState(row.state),
            since=row.since,
            suppressed=bool(row.suppressed),
        )


def export(connection: Connection, list_slug: str) -> Iterator[list[str]]:
    """A list as rows of a CSV file, header first; `import_csv` reads them back as they were.

    Cells that a spreadsheet would take for a formula are guarded (X-3).
    """
    names = sorted(
        {name for member in members(connection, list_slug=list_slug) for name in member.attributes}
    )
    yield ["email", "name", "language", "status", *names]
    for member in members(connection, list_slug=list_slug):
        known = (str(member.attributes.get(name, "")) for name in names)
        cells = (member.email, member.name, member.language, member.state, *known)
        yield [safe_cell(cell) for cell in cells]


def suppressions(
    connection: Connection, *, source: str = "", bounce_class: str = ""
) -> Iterator[Suppression]:
    """Everybody who is never mailed, oldest first, as a stream; or those of a source or a class."""
    query = select(suppression).order_by(suppression.c.created_at, suppression.c.address_key)
    if source:
        query = query.where(suppression.c.source == source)
    if bounce_class:
        query = query.where(suppression.c.bounce_class == bounce_class)
    for row in connection.execution_options(yield_per=_STREAM).execute(query):
        yield _suppression(row)


def _suppression(row: Any) -> Suppression:  # noqa: ANN401  a row of the table
    return Suppression(
        address_key=row.address_key,
        address=row.address,
        bounce_class=row.bounce_class,
        evidence=row.evidence,
        source=row.source,
        created_at=row.created_at,
    )
