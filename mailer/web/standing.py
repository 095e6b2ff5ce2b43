"""What a page may show about one person's place in one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.ledger.schema import list_, subscriber, subscription
from mailer.model import ListId, SubscriberId, SubscriptionState

if TYPE_CHECKING:
    from mailer.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person and one list, as far as a page may show them.

    Attributes:
        title: the list's title.
        address: the masked address, such as "a•••@example.org"; empty once forgotten.
        subscribed: whether mail goes there.
    """

    title: str
    address: str
    subscribed: bool


def standing(ledger: Ledger, subscriber_id: SubscriberId, list_id: ListId) -> Standing | None:
    """How a person stands to a list; None if this ledger knows no such list or person."""
    statement = (
        select(list_.c.title, subscriber.c.email, subscription.c.state)
        .join_from(subscription, list_, list_.c.id == subscription.c.list)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber)
        .where(subscription.c.list == list_id, subscription.c.subscriber == subscriber_id)
    )
    with ledger.read() as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return Standing(
        title=row.title,
        address=masked(row.email or ""),
        subscribed=bool(row.email) and row.state != SubscriptionState.UNSUBSCRIBED,
    )


def masked(address: str) -> str:
    """An address that its owner recognises and nobody else can use: a•••@example.org."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}•••{at}{domain}" if at else ""
