"""Which slot of a list was last taken, so that one slot sends one issue whoever looks."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from mailer.ledger.schema import meta
from mailer.model import Instant


def last_taken(connection: Connection, list_slug: str) -> Instant | None:
    """When a slot of this list was last taken; None if nobody looked yet."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == _key(list_slug)))
    return None if value is None else Instant(int(value))


def take(connection: Connection, list_slug: str, now: Instant) -> None:
    """Take every slot up to now."""
    connection.execute(delete(meta).where(meta.c.key == _key(list_slug)))
    connection.execute(insert(meta).values(key=_key(list_slug), value=str(int(now))))


def _key(list_slug: str) -> str:
    return f"slot:{list_slug}"
