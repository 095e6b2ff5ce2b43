"""Ledgers that have lists, and what tests ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mailer.ledger import audience, events, open_ledger, roster
from mailer.ledger.importing import import_csv
from mailer.ledger.schema import meta, subscriber
from mailer.model import Instant

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.ledger import Ledger
    from mailer.ledger.importing import ImportReport
    from mailer.model import ListId

NOW = Instant(1_800_000_000_000_000)


def ledger_with(folder: Path, *slugs: str) -> Ledger:
    """A fresh ledger that knows some lists."""
    ledger = open_ledger(f"sqlite:{folder / 'mailer.db'}")
    for slug in slugs:
        define(ledger, slug)
    return ledger


def define(ledger: Ledger, slug: str = "weekly") -> ListId:
    """A list's number; it is made if need be."""
    with ledger.write() as connection:
        return audience.ensure_list(
            connection,
            slug=slug,
            title=slug.title(),
            list_id=f"{slug}.example.org",
            feedback_sender="theweekly",
            now=NOW,
        )


def bring(ledger: Ledger, path: Path, text: str | bytes, **options: Any) -> ImportReport:
    """Write a file and import it into the list weekly."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    known = {"list_slug": "weekly", "operator": "olga", "now": NOW, "name": path.name}
    return import_csv(ledger, path, **{**known, **options})


def states(ledger: Ledger, address: str) -> dict[str, str]:
    """List -> state of one person."""
    story = roster.show(ledger, address)
    return {} if story is None else {one.list: str(one.state) for one in story.subscriptions}


def happened(ledger: Ledger, address: str) -> list[str]:
    """The kinds of one person's events, oldest first."""
    with ledger.read() as connection:
        history = events.history(connection, address_key=ledger.address_key(address))
    return [one.kind for one in reversed(history)]


def people(ledger: Ledger) -> int:
    """How many people the ledger knows, whatever they are on."""
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(subscriber)) or 0


def changes(ledger: Ledger) -> int:
    """The counter by which dispatchers see that they must look again."""
    with ledger.read() as connection:
        return int(connection.scalar(select(meta.c.value).where(meta.c.key == "changes")) or 0)
