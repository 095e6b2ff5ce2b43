"""Opening the ledger to look only: no byte changes, neither of the database nor of its -wal, -shm.

A server is opened as ever, but never filled. Reading a file in WAL mode usually leaves marks in its
`-shm` file, and makes that file and an empty `-wal` if they are not there. So the way in depends on
what stands beside it:

==========================  ====================================================================
beside it                   opened
==========================  ====================================================================
`-shm`: somebody has it     read-only with `readonly_shm`: their log is read, no mark is left
open, or died with it
no `-wal` with content      `immutable`: nobody writes; should somebody begin to, we notice
a `-wal` alone              read-only; SQLite must make the index of the log first
==========================  ====================================================================
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Engine, QueuePool, create_engine, event, select
from sqlalchemy.exc import DatabaseError, OperationalError

from mailer.errors import LedgerError
from mailer.ledger.database import Ledger, check_schema, exists, open_ledger, usable
from mailer.ledger.engines import BUSY_SECONDS, path_of
from mailer.ledger.schema import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

IMMUTABLE = "immutable=1"
ATTEMPTS = 3
PAUSE = 0.05


@contextmanager
def looking(url: str, *, journal: Path | None = None) -> Iterator[Ledger | None]:
    """The ledger at `url` for reading only; None if there is none: nothing is created.

    `journal` is as for `open_ledger`.

    Raises:
        LedgerError: E600 the file is no database, E601 or E604 its schema is not this program's,
            E609 somebody wrote to it while it was read.
    """
    if not exists(url):
        yield None
        return
    path = path_of(url)
    if path is None:
        ledger = open_ledger(url, create=False, journal=journal)
        try:
            with usable(ledger.where, is_server=True):
                yield ledger
        finally:
            ledger.close()
        return
    try:
        mode, before, ledger = _open(path)
        try:
            yield ledger
        finally:
            ledger.close()
    except DatabaseError as error:
        raise LedgerError(
            "E600",
            "The database cannot be used",
            where=str(path),
            detail=str(error.orig),
            next_step="if it is damaged, put the last backup in its place",
        ) from error
    if mode == IMMUTABLE and _stamp(path) != before:
        raise LedgerError(
            "E609",
            "The database was written to while it was read",
            where=str(path),
            next_step="the same command again",
        )


Opened = tuple[str, tuple[int, int], Ledger]


def _open(path: Path) -> Opened:
    """How the ledger was opened, what its file looked like before, and the ledger.

    Whoever has it open may close it at any moment and take its `-shm` away: then we look again.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(OperationalError):
            return _try(path)
        time.sleep(PAUSE)
    return _try(path)


def _try(path: Path) -> Opened:
    mode, before = _mode(path), _stamp(path)
    engine = _engine(path, mode)
    check_schema(engine, where=str(path))
    with engine.connect() as connection:
        salt = connection.scalar(select(meta.c.value).where(meta.c.key == "salt"))
    return mode, before, Ledger(engine, bytes.fromhex(salt or ""), f"sqlite:{path}")


def _mode(path: Path) -> str:
    log, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    if index.exists():
        return "readonly_shm=1"
    return "cache=private" if log.exists() and log.stat().st_size else IMMUTABLE


def _stamp(path: Path) -> tuple[int, int]:
    now = path.stat()
    return now.st_mtime_ns, now.st_size


def _engine(path: Path, mode: str) -> Engine:
    uri = f"file:{quote(str(path))}?mode=ro&{mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    # The connections of the pool stay open: as long as one is, nobody takes the `-shm` away.
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
