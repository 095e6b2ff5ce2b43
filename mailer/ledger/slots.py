"""Which slot of a list was last taken, so that one slot sends one issue whoever looks."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from mailer.ledger.dialect import insert_new
from mailer.ledger.schema import meta
from mailer.model import Instant


def last_taken(connection: Connection, list_slug: str) -> Instant | None:
    """Up to when the slots of this list are taken; None if nobody looked yet."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == _key(list_slug)))
    return None if value is None else Instant(int(value))


def take(connection: Connection, list_slug: str, now: Instant, *, since: Instant | None) -> bool:
    """Take every slot up to now; false if another looker did since `last_taken` said `since`."""
    key = _key(list_slug)
    if since is None:
        values = {"key": key, "value": str(int(now))}
        return connection.execute(insert_new(connection, meta), values).rowcount == 1
    mine = update(meta).where(meta.c.key == key, meta.c.value == str(int(since)))
    return connection.execute(mine.values(value=str(int(now)))).rowcount == 1


def _key(list_slug: str) -> str:
    return f"slot:{list_slug}"
