"""Opening the ledger to look only: no byte changes, neither of the database nor of its -wal, -shm.

Reading a database in WAL mode usually leaves marks in its `-shm` file, and makes that file and an
empty `-wal` if they are not there. So the way in depends on what stands beside the database:

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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event, select
from sqlalchemy.exc import DatabaseError

from mailer.errors import LedgerError
from mailer.ledger.database import BUSY_SECONDS, Ledger, check_schema, exists
from mailer.ledger.schema import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

IMMUTABLE = "immutable=1"


@contextmanager
def looking(url: str) -> Iterator[Ledger | None]:
    """The ledger at `url` for reading only; None if there is none: nothing is created.

    Raises:
        LedgerError: E600 the file is no database, E601 or E604 its schema is not this program's,
            E609 somebody wrote to it while it was read.
    """
    if not exists(url):
        yield None
        return
    path = Path(url.partition(":")[2])
    mode = _mode(path)
    before = _stamp(path)
    engine = _engine(path, mode)
    try:
        yield _ledger(engine, path)
    except DatabaseError as error:
        raise LedgerError(
            "E600", "The database cannot be used", where=str(path), detail=str(error.orig)
        ) from error
    finally:
        engine.dispose()
    if mode == IMMUTABLE and _stamp(path) != before:
        raise LedgerError(
            "E609",
            "The database was written to while it was read",
            where=str(path),
            next_step="the same command again",
        )


def _ledger(engine: Engine, path: Path) -> Ledger:
    check_schema(engine, where=str(path))
    with engine.connect() as connection:
        salt = connection.scalar(select(meta.c.value).where(meta.c.key == "salt"))
    return Ledger(engine, bytes.fromhex(salt or ""), path)


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

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
