"""Who is delivering: locks that die with their holders, so that recovery knows at once."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from mailer.errors import LockedError
from mailer.ledger.schema import holder
from mailer.model import HolderId
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from mailer.ledger.database import Ledger


@contextmanager
def hold(ledger: Ledger) -> Iterator[HolderId]:
    """Be the one delivering service of an embedded ledger, and a holder of leases.

    The operating system frees the lock at exit, crash and `kill -9` alike.

    Raises:
        LockedError: another process is delivering; the message names its pid and host.
    """
    path = lock_path(ledger)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _locked(path) from error
        me = {"pid": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(me).encode(), 0)
        with join(ledger) as name:
            yield name
    finally:
        os.close(descriptor)


@contextmanager
def join(ledger: Ledger) -> Iterator[HolderId]:
    """Hold leases beside others of the same service (`delivery.processes`)."""
    descriptor = -1
    try:
        with ledger.write() as connection:
            me = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now()}
            number = HolderId(
                connection.scalars(insert(holder).values(me).returning(holder.c.id)).one()
            )
            # Locked before the row can be seen: whoever sees it without a lock sees a dead one.
            path = _path_of(ledger, number)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield number
        # If that cannot be written now, the lock is free all the same: recovery buries us.
        with suppress(OperationalError), ledger.write() as connection:
            bury(ledger, connection, number)
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def sort_out(ledger: Ledger, connection: Connection) -> tuple[list[HolderId], list[HolderId]]:
    """The holders that live, and those that died without taking leave: their locks are free."""
    known = connection.scalars(select(holder.c.id).where(holder.c.ended_at.is_(None)))
    living: list[HolderId] = []
    dead: list[HolderId] = []
    for number in map(HolderId, known):
        (living if _is_alive(ledger, number) else dead).append(number)
    return living, dead


def bury(ledger: Ledger, connection: Connection, number: HolderId) -> None:
    """A holder is over: it left nothing behind, or that was recovered in this transaction."""
    connection.execute(update(holder).where(holder.c.id == number).values(ended_at=now()))
    _path_of(ledger, number).unlink(missing_ok=True)


def lock_path(ledger: Ledger) -> Path:
    """The lock file beside the embedded database; its content is for people only."""
    assert ledger.path is not None
    path = ledger.path.resolve()  # one lock, by whatever links the database is reached
    return path.with_name(path.name + ".lock")


def _path_of(ledger: Ledger, number: HolderId) -> Path:
    path = lock_path(ledger)
    return path.with_name(f"{path.name}.{number}")


def _is_alive(ledger: Ledger, number: HolderId) -> bool:
    try:
        descriptor = os.open(_path_of(ledger, number), os.O_RDWR)
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
