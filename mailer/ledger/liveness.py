"""Who is delivering: locks that die with their holders, so that recovery knows at once.

==================  ============================  =================================================
                    SQLite                        PostgreSQL
==================  ============================  =================================================
a holder's lock     on a file beside the          an advisory lock of a session of its own
                    database
delivering          one service at a time         several, on several machines
a lock can be lost  no                            with its session, when the server or the network
                                                  fails: `affirm` takes it again, or says that
                                                  somebody recovered what was ours
==================  ============================  =================================================
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from mailer.errors import LedgerError
from mailer.ledger.database import bump_changes
from mailer.ledger.schema import holder
from mailer.model import HolderId
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mailer.ledger.database import Ledger


@contextmanager
def hold(ledger: Ledger) -> Iterator[HolderId]:
    """Be a delivering service, on SQLite the only one, and a holder of leases.

    Raises:
        LockedError: E605, another process is delivering; the message names its pid and host.
    """
    with ledger.locks.service(), join(ledger) as name:
        yield name


@contextmanager
def join(ledger: Ledger) -> Iterator[HolderId]:
    """Hold leases beside others of the same service (`delivery.processes`)."""
    number = HolderId(0)
    try:
        with ledger.write() as connection:
            me = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": now()}
            number = HolderId(
                connection.scalars(insert(holder).values(me).returning(holder.c.id)).one()
            )
            # Locked before the row can be seen: whoever sees it without a lock sees a dead one.
            ledger.locks.take(number)
        yield number
        # If that cannot be written now, the lock is free all the same: recovery buries us.
        with suppress(OperationalError), ledger.write() as connection:
            bury(ledger, connection, number)
    finally:
        ledger.locks.free(number)


def affirm(ledger: Ledger, number: HolderId) -> None:
    """Make sure that our lock is held, at least once a minute and after each fault of the ledger.

    Raises:
        OperationalError: the server does not answer: nothing may be sent until it does.
        LedgerError: E651, somebody took us for dead: what we held is theirs, and nothing more may
            be sent under this number.
    """
    ledger.locks.affirm(number)
    with ledger.read() as connection:
        require(connection, number)


def require(connection: Connection, number: HolderId) -> None:
    """Ask within a transaction whether we are still a holder; to be asked when `changes` differ.

    Raises:
        LedgerError: E651, somebody took us for dead.
    """
    ended = connection.scalar(select(holder.c.ended_at).where(holder.c.id == number))
    if ended is not None:
        raise LedgerError(
            "E651",
            "This process was taken for dead, and what it had begun was recovered",
            detail="Its connection to the database was lost. It sends nothing more.",
            next_step="the same command again",
        )


def sort_out(ledger: Ledger, connection: Connection) -> tuple[list[HolderId], list[HolderId]]:
    """The holders that live, and those that died without taking leave: their locks are free."""
    known = connection.scalars(select(holder.c.id).where(holder.c.ended_at.is_(None))).all()
    held = ledger.locks.held(connection, known)
    living = [HolderId(number) for number in known if number in held]
    dead = [HolderId(number) for number in known if number not in held]
    return living, dead


def bury(ledger: Ledger, connection: Connection, number: HolderId) -> None:
    """A holder is over: it left nothing behind, or that was recovered in this transaction."""
    connection.execute(update(holder).where(holder.c.id == number).values(ended_at=now()))
    # Should it live after all, it looks again before anything leaves, and finds out.
    bump_changes(connection)
    ledger.locks.forget(number)
