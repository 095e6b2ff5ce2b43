"""The journal beside the database: lines that are only ever added, written after each commit.

It tells a database that was restored from an old copy what it has forgotten: who has an issue, who
left, who must not be mailed. What belongs into it is noted in the transaction that makes it so::

    note ──▶ commit, with the lines in the table `owed` ──▶ append ──▶ sync ──▶ owed row free again
                                                              │ fails: the lines stay owed, and
                                                              ▼ nothing leaves before they are there

So whatever a crash, a full disk or `kill -9` comes between, the lines that are missing in the file
stand in the database. `standing` compares both; `replay` applies the one to the other. Who commits
hundreds of times a second syncs the file only now and then (decisions 10): until it has, the lines
are owed, and a commit of the database is on the disk when it returns.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import DBAPIError

from mailer.errors import LedgerError
from mailer.ledger import lines, noting
from mailer.ledger.linefile import LONGEST, LineFile, all_lines, last_lines
from mailer.ledger.lines import Kind
from mailer.ledger.noting import Notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from mailer.ledger.lines import Line

log = logging.getLogger("mailer")

TAIL = 262_144
"""Octets at the end that are read to see how far a journal goes: some 1,700 lines, which processes
that write side by side cannot mix up further, and more than stand in rows that are kept."""

KEPT = 16
"""Rows of `owed` that a dispatcher keeps to use again, and commits until it syncs the file."""

SYNC_SECONDS = 0.05
"""How long a dispatcher leaves what it wrote to the operating system at most."""


class JournalError(LedgerError):
    """The journal cannot be written: nothing may leave before it can."""


class _Sealed(NamedTuple):
    """What a transaction adds to the journal once it is committed, and the debts that it ends."""

    n: int
    data: bytes
    paid: tuple[int, ...]
    looked: bool = False


class Tail(NamedTuple):
    """How a journal ends.

    Attributes:
        highest: the highest number in it; 0 if it says nothing, or is none of ours.
        at: when its newest line was noted.
        numbers: all that stand near its end.
    """

    highest: int = 0
    at: int | None = None
    numbers: frozenset[int] = frozenset()


class Journal:
    """The journal of one ledger; without a path nothing is written.

    Args:
        salt: the ledger's: a journal that names another is not touched.
        alone: every line is in this file, as it is beside an embedded database; each machine of a
            server's ledger has a journal of what that machine did.
    """

    def __init__(self, path: Path | None, salt: bytes, *, alone: bool = True) -> None:
        self.path = path
        self.alone = alone
        self._salt = salt
        self._file = None if path is None else LineFile(path)
        self._opened = False  # it is there, and ours
        self._looked = False  # the file was compared with the database
        self._may_begin = not alone  # if there is no file, none is missing
        self._due: dict[int, bytes] = {}  # committed, not in the file yet
        self._written: dict[int, bytes] = {}  # in the file, which is not synced yet
        self._synced_at = 0.0
        self._paid: tuple[int, ...] = ()  # on the disk, the database does not know that yet
        self._fields: dict[int, str] = {}
        self._lock = threading.Lock()

    # --- in a transaction ------------------------------------------------------------------------

    @contextmanager
    def recording(self, connection: Connection, *, keep: int = 0) -> Iterator[None]:
        """A transaction of a connection; `pay` appends what was noted in it.

        Rows of `owed` whose lines are on the disk are deleted, but for `keep` of them: to use one
        again costs less than a new one.
        """
        if self.path is None:
            with connection.begin():
                yield
            return
        info, notes = connection.info, Notes([], self._fields)
        info[noting.NOTES] = notes
        try:
            with connection.begin():
                yield
                more = notes.taken or len(self._paid) > keep
                sealed = self._seal(connection, notes, keep) if more else None
        finally:
            info.pop(noting.NOTES, None)
        if sealed is not None:
            self._committed(sealed)

    def _seal(self, connection: Connection, notes: Notes, keep: int) -> _Sealed:
        paid, free = self._paid, max(0, len(self._paid) - keep)
        if not notes.taken:
            noting.paid(connection, paid[:free])
            return _Sealed(0, b"", paid[:free])
        looked = self._looked or self._look(connection)
        # The oldest first: what is kept stands in the journal's tail.
        used = paid[: max(free, 1)]
        last, text = noting.owe(connection, notes, used)
        return _Sealed(last, text.encode(), used, looked)

    def _look(self, connection: Connection) -> bool:
        """Before the first line of this process: is this an old database, or a new journal?"""
        try:
            tail = self.tail()  # first: the other way round somebody could write between
        except OSError:  # what is noted stands all the same; `pay` says what is wrong
            return False
        known = noting.counter(connection)
        if tail.highest > known:
            noting.fall_behind(connection, known=known, highest=tail.highest)
        self._may_begin = self._may_begin or noting.is_new(connection)
        return True

    def _committed(self, sealed: _Sealed) -> None:
        with self._lock:
            self._paid = tuple(n for n in self._paid if n not in sealed.paid)
            if sealed.data:
                self._looked = sealed.looked
                self._due[sealed.n] = sealed.data

    @property
    def owes(self) -> bool:
        """Whether something was committed that is not in the file, or not on the disk, yet."""
        return bool(self._due or self._written)

    # --- after it --------------------------------------------------------------------------------

    def pay(self, *, within: float = 0) -> None:
        """Append what is due, and sync the file if something in it has waited for it so long.

        Args:
            within: seconds; 0: everything is on the disk when this returns.

        Raises:
            JournalError: E621, it cannot be written; everything stays due.
        """
        with self._lock:
            if self._due:
                self._append(b"".join(self._due.values()))
                self._written |= self._due
                self._due = {}
            if self._written and (
                len(self._written) >= KEPT or monotonic() - self._synced_at >= within
            ):
                self._sync()

    def _sync(self) -> None:
        assert self._file is not None
        try:
            self._file.sync()
        except OSError as error:
            self._opened = False
            self._due, self._written = self._written | self._due, {}
            raise self._unwritable(error.strerror or str(error)) from error
        self._synced_at = monotonic()
        self._paid += tuple(self._written)
        self._written = {}

    def append(self, text: str) -> None:
        """Add lines that no transaction noted.

        Raises:
            JournalError: E621, it cannot be written.
        """
        with self._lock:
            self._append(text.encode())
            self._sync()

    def settle(self, connection: Connection) -> None:
        """`pay` for who cannot wait: what cannot be written stays owed, and it is said."""
        if not self.owes:
            return
        try:
            self.pay()
        except JournalError as error:
            log.warning(
                "%s: %s: %s · what happened is kept in the database",
                error,
                error.where,
                error.detail,
            )
            return
        with suppress(DBAPIError), self.recording(connection):  # or the next transaction does it
            pass

    def owe(self, rows: Iterable[tuple[int, str]], tail: Tail, *, known: int) -> None:
        """Take over what the database says is missing, left by processes that died or could not.

        The caller has made sure that there is a journal, or that there never was one.

        `known` is the database's counter; the mark behind late lines keeps it at the journal's end.
        """
        with self._lock:
            self._may_begin = True
            for n, text in rows:
                if n in self._due or n in self._written or n in self._paid:
                    continue
                if n in tail.numbers:
                    self._written[n] = text.encode()
                else:
                    mark = lines.write(known, Kind.MARK, b"", "", 0) if n < known else ""
                    self._due[n] = (text + mark).encode()

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        try:
            if not self._opened:
                self._open()
            self._file.add(data)
        except OSError as error:
            self._opened = False
            raise self._unwritable(error.strerror or str(error)) from error

    def _open(self) -> None:
        if not self.exists:
            if not self._may_begin:
                raise self._unwritable("It is missing, and the database has written one.")
            self._make()
        if self.salt() != self._salt:
            raise self._unwritable("It belongs to another ledger.")
        self._opened = True

    def begin(self) -> None:
        """Make the file, complete with its first line, unless there is one.

        Raises:
            JournalError: E621, it cannot be made.
        """
        try:
            self._make()
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _make(self) -> None:
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.path.parent, prefix=".journal-") as made:
            made.write(lines.header(self._salt).encode())
            made.flush()
            os.fsync(made.fileno())
            with suppress(FileExistsError):
                os.link(made.name, self.path)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _unwritable(self, why: str) -> JournalError:
        return JournalError(
            "E621",
            "The journal cannot be written",
            where=str(self.path),
            detail=why,
            next_step="make room or let it be written; nothing is sent before",
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    # --- reading ---------------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path is not None and self.path.exists()

    def salt(self) -> bytes | None:
        """The salt in the first line; None without a file, or if it is no journal."""
        return None if self.path is None else salt_of(self.path)

    def tail(self) -> Tail:
        """How the journal ends, read from there: however long it is, that takes a moment."""
        if self.path is None or self.salt() != self._salt:
            return Tail()
        size, reach = self.path.stat().st_size, TAIL
        found: list[Line] = []
        while not found:
            near = last_lines(self.path, octets=reach)
            found = [line for line in map(lines.read, near) if line is not None]
            if reach >= size:
                break
            reach *= 8  # nothing but garbage so far
        if not found:
            return Tail()
        newest = max(found, key=lambda line: line.n)
        times = [line.at for line in found if line.kind is not Kind.MARK]
        return Tail(newest.n, max(times, default=None), frozenset(line.n for line in found))

    def lines(self, *, after: int) -> Iterator[Line]:
        """Every line with a higher number, in the order of the file, which is nearly theirs."""
        if self.path is None or self.salt() != self._salt:
            return
        for raw in all_lines(self.path):
            if lines.number(raw) <= after:  # most of a long journal: not worth reading
                continue
            line = lines.read(raw)
            if line is not None and line.kind is not Kind.MARK:
                yield line


def salt_of(path: Path) -> bytes | None:
    """The salt in the first line of a journal; None if there is none."""
    try:
        with path.open("rb") as file:
            return lines.read_header(file.readline(LONGEST))
    except FileNotFoundError:
        return None


def beside(database: Path) -> Path:
    """The journal of an embedded database: `mailer.journal` beside `mailer.db`."""
    return database.with_suffix(".journal")
