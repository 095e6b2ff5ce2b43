"""Who is delivering: a lock that dies with its holder, so that recovery knows at once."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailer.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.ledger.database import Ledger


@contextmanager
def hold(ledger: Ledger) -> Iterator[str]:
    """Be the one delivering process of an embedded ledger; yields this holder's name.

    Whoever holds the lock knows that every other holder is dead (decisions 4): the operating
    system frees it at exit, crash and `kill -9` alike.

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
        yield f"{me['host']}:{me['pid']}:{secrets.token_hex(4)}"
    finally:
        os.close(descriptor)


def lock_path(ledger: Ledger) -> Path:
    """The lock file beside the embedded database; its content is for people only."""
    assert ledger.path is not None
    path = ledger.path.resolve()  # one lock, by whatever links the database is reached
    return path.with_name(path.name + ".lock")


def _locked(path: Path) -> LockedError:
    try:
        holder = json.loads(path.read_text())
        who = f"pid {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError):
        who = "its holder has not said who it is"
    return LockedError(
        "E605",
        "Another process is delivering from this ledger",
        where=str(path),
        detail=who,
        next_step="mailer status shows what it does",
    )
