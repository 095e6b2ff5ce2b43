"""A ledger moves to another database: everything in it, at any moment but while somebody delivers.

All is copied in one transaction into an empty database of the same schema, counted on both sides,
and only then there to be seen. The old one stays as it was.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from mailer.errors import LedgerError, LockedError, UsageError
from mailer.ledger import liveness
from mailer.ledger.database import exists, open_ledger
from mailer.ledger.dialect import forbid_writes, insert_rows, restart_numbers
from mailer.ledger.engines import path_of, shown
from mailer.ledger.journal import beside
from mailer.ledger.schema import batch, mailing, meta, metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection, Table

    from mailer.ledger.database import Ledger

ROWS = 5000
"""How many are copied at a time: memory does not grow with the ledger."""


def move(
    source: Ledger, target: str, *, journal: Path, on_table: Callable[[str, int], None]
) -> int:
    """Copy a ledger into the database at a URL; returns how many rows it has.

    Args:
        source: where it is; nobody writes there as long as this takes.
        target: where it goes: "sqlite:PATH" or "postgresql://…".
        journal: where this machine's journal of a server's ledger lies.
        on_table: is told the name of each table and how many rows it has.

    Raises:
        UsageError: E652, there is a ledger with something in it already.
        LockedError: E652, somebody delivers, or died while delivering.
        LedgerError: E600 the target cannot be used, E653 it could not take everything; nothing is
            there then.
    """
    if exists(target) and not _is_empty(target):
        raise UsageError(
            "E652",
            "There is a ledger already",
            where=shown(target),
            next_step="name a new file, or an empty database: createdb",
        )
    with source.write() as reading:
        forbid_writes(reading, metadata.sorted_tables)
        _refuse_if_busy(source, reading)
        path = path_of(target)
        there = journal if path is None else beside(path)
        _bring_journal(source.journal.path, there)
        copy = open_ledger(target)
        try:
            with copy.engine.connect().execution_options(writes=True) as writing, writing.begin():
                return _copy_all(reading, writing, on_table, shown(target))
        finally:
            copy.close()


def _bring_journal(here: Path | None, there: Path) -> None:
    """The journal goes with the ledger; without it nothing would be sent."""
    if here is None or not here.exists() or (there.exists() and here.samefile(there)):
        return
    if there.exists() and there.stat().st_size:
        raise UsageError(
            "E652",
            "There is a journal already",
            where=str(there),
            detail="It belongs to a ledger that was there, or to an attempt that failed.",
            next_step="move it away if it is of no use",
        )
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(here, there)


def _is_empty(url: str) -> bool:
    ledger = open_ledger(url, create=False)
    try:
        with ledger.read() as connection:
            tables = (table for table in metadata.sorted_tables if table is not meta)
            return all(connection.execute(select(one).limit(1)).first() is None for one in tables)
    finally:
        ledger.close()


def _refuse_if_busy(source: Ledger, reading: Connection) -> None:
    living, dead = liveness.sort_out(source, reading)
    leased = select(batch.c.id).where(batch.c.done == 0, batch.c.holder.is_not(None)).limit(1)
    sending = select(mailing.c.id).where(mailing.c.sending > 0).limit(1)
    if living:
        raise LockedError(
            "E652",
            "Somebody is delivering from this ledger",
            where=source.where,
            next_step="stop mailer run and mailer send, then the same command again",
        )
    if dead or any(reading.scalar(query) is not None for query in (leased, sending)):
        raise LockedError(
            "E652",
            "A process died while it was delivering from this ledger",
            where=source.where,
            next_step="mailer send --due recovers what it left; then the same command again",
        )


def _copy_all(
    reading: Connection, writing: Connection, on_table: Callable[[str, int], None], where: str
) -> int:
    writing.execute(meta.delete())  # the salt goes with the people
    total = 0
    for table in metadata.sorted_tables:
        try:
            count = _copy(reading, writing, table)
        except DBAPIError as error:
            raise _not_everything(table, where, str(error.orig)) from error
        if count != _count(reading, table) or count != _count(writing, table):
            raise _not_everything(table, where, f"{count:,} rows were read.")
        on_table(table.name, count)
        total += count
    restart_numbers(writing, metadata.sorted_tables)
    return total


def _copy(reading: Connection, writing: Connection, table: Table) -> int:
    columns = [column.name for column in table.columns]
    count = 0
    rows = reading.execute(select(table), execution_options={"yield_per": ROWS})
    for some in rows.partitions(ROWS):
        insert_rows(writing, table, columns, [tuple(row) for row in some])
        count += len(some)
    return count


def _count(connection: Connection, table: Table) -> int:
    found: Any = connection.scalar(select(func.count()).select_from(table))
    return int(found)


def _not_everything(table: Table, where: str, detail: str) -> LedgerError:
    return LedgerError(
        "E653",
        f"The table {table.name} could not be copied; nothing was moved",
        where=where,
        detail=detail,
        next_step="mailer db check, then the same command again",
    )
