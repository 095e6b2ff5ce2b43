"""Locks that the operating system or the database server frees when their holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import DBAPIError

from mailer.errors import LockedError
from mailer.ledger.engines import KEYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from mailer.model import HolderId


class Locks(Protocol):
    """A lock for each holder, and perhaps one for the service that they belong to."""

    def service(self) -> AbstractContextManager[None]:
        """Be a delivering service.

        Raises:
            LockedError: E605, there may be one only, and it is another process.
        """

    def take(self, number: HolderId) -> None:
        """Lock what nobody else has locked yet."""

    def affirm(self, number: HolderId) -> None:
        """Take a lock again that was lost with its session."""

    def free(self, number: HolderId) -> None:
        """Unlock; nothing if it is not locked."""

    def held(self, connection: Connection, numbers: Collection[int]) -> set[int]:
        """Of some holders those whose locks are held, by whatever process."""

    def forget(self, number: HolderId) -> None:
        """Nobody will ask after this one again."""


# --- SQLite --------------------------------------------------------------------------------------


class FileLocks:
    """Locks on files beside an embedded database; what is in the file is for people only.

    Args:
        path: the database.
    """

    def __init__(self, path: Path) -> None:
        path = path.resolve()  # one lock, by whatever links the database is reached
        self._path = path.with_name(path.name + ".lock")
        self._open: dict[int, int] = {}

    @contextmanager
    def service(self) -> Iterator[None]:
        """Be the one delivering service: freed at exit, crash and `kill -9` alike."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise _locked(self._path) from error
            me = {"pid": os.getpid(), "host": socket.gethostname()}
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(me).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def take(self, number: HolderId) -> None:
        """Lock a file of its own."""
        descriptor = os.open(self._path_of(number), os.O_RDWR | os.O_CREAT, 0o600)
        self._open[number] = descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def affirm(self, number: HolderId) -> None:
        """Nothing: the lock lives as long as the process."""

    def free(self, number: HolderId) -> None:
        """Close the file."""
        if number in self._open:
            os.close(self._open.pop(number))

    def held(self, connection: Connection, numbers: Collection[int]) -> set[int]:  # noqa: ARG002  a server is asked by it
        """Try each lock."""
        return {number for number in numbers if self._is_held(number)}

    def forget(self, number: HolderId) -> None:
        """Take the file away."""
        self._path_of(number).unlink(missing_ok=True)

    def _path_of(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _is_held(self, number: int) -> bool:
        try:
            descriptor = os.open(self._path_of(number), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)


def _locked(path: Path) -> LockedError:
    try:
        found = json.loads(path.read_text())
        who = f"pid {found['pid']} on {found['host']}"
    except (OSError, ValueError, KeyError):
        who = "its holder has not said who it is"
    return LockedError(
        "E605",
        "Another process is delivering from this ledger",
        where=str(path),
        detail=who,
        next_step="mailer status shows what it does",
    )


# --- PostgreSQL ----------------------------------------------------------------------------------

_HOLDERS = KEYS + 1
_TAKE = f"SELECT pg_try_advisory_lock({_HOLDERS}, {{number}})"
_HELD = f"""
SELECT objid FROM pg_locks
WHERE locktype = 'advisory' AND classid = {_HOLDERS} AND objsubid = 2 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608  our own number


class SessionLocks:
    """Advisory locks of a PostgreSQL server, each in a session that does nothing else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[int, Connection] = {}

    @contextmanager
    def service(self) -> Iterator[None]:
        """Nothing: several may deliver at once."""
        yield

    def take(self, number: HolderId) -> None:
        """Open a session and lock the number in it."""
        self._sessions[number] = self._engine.connect()
        self._lock(number)

    def affirm(self, number: HolderId) -> None:
        """Ask the session for its lock again, a new one if it is gone.

        That of a lost session stays until the server notices; until then nobody takes us for dead.
        """
        if number not in self._sessions:
            return
        try:
            self._lock(number)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._lock(number)

    def _lock(self, number: HolderId) -> None:
        session = self._sessions[number]
        with session.begin():
            session.exec_driver_sql(_TAKE.format(number=number))

    def free(self, number: HolderId) -> None:
        """End the session, and its lock with it."""
        session = self._sessions.pop(number, None)
        if session is not None:
            with suppress(DBAPIError):
                session.invalidate()  # back in the pool it would keep the lock
            session.close()

    def held(self, connection: Connection, numbers: Collection[int]) -> set[int]:  # noqa: ARG002  it knows them all
        """Ask the server which locks there are."""
        return set(connection.exec_driver_sql(_HELD).scalars())

    def forget(self, number: HolderId) -> None:
        """Nothing is left of it."""


def locks_of(path: Path | None, engine: Engine) -> Locks:
    """The locks of an embedded database, or of a server."""
    return SessionLocks(engine) if path is None else FileLocks(path)
