"""Disks that are full and a journal that cannot be written while mail is sent (S-46, case 44)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mailer.delivery.ticks import Ticks
from mailer.errors import LedgerError
from mailer.ledger import linefile, overview, recovery, standing
from mailer.ledger.lines import Kind
from mailer.model import MailingState, OnDoubt
from mailer.when import now
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger
from tests.samples.restored import lines_of
from tests.wire.sink import Sink
from tests.wire.small_disk import fill, grow, small_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mailer.ledger import Ledger

MANY = 150
CONNECTIONS = 3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try to write again soon."""
    monkeypatch.setattr("mailer.delivery.ticks.RETRY_WRITE", 0.02)


class Failures:
    """Counts the commits that fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._enough = threading.Semaphore(0)
        original = Ticks._failed

        def noticed(ticks: Ticks, error: BaseException) -> None:
            self._enough.release()
            original(ticks, error)

        monkeypatch.setattr(Ticks, "_failed", noticed)

    def wait(self, count: int) -> None:
        """Until so many more have failed."""
        for _ in range(count):
            assert self._enough.acquire(timeout=60)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> Failures:
    return Failures(monkeypatch)


class Trouble:
    """Begins in the middle of a mailing and ends after some commits have failed.

    Attributes:
        taken: how many messages the relay had before it ended.
        known: how many of them the ledger knew of: accepted, or begun.
    """

    def __init__(
        self,
        ledger: Ledger,
        sink: Sink,
        failures: Failures,
        begin: Callable[[], object],
        end: Callable[[], object],
    ) -> None:
        self._ledger, self._sink, self._failures = ledger, sink, failures
        self._begin, self._end = begin, end
        self.taken = self.known = self.sending = -1
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._sink.total < MANY // 5:
            time.sleep(0.002)
        self._begin()
        try:
            self._failures.wait(4)
            self.taken = self._sink.total
            with self._ledger.read() as connection:
                (one,) = overview.overviews(connection)
            self.sending = one.counts["sending"]
            self.known = one.counts["accepted"] + self.sending
        finally:
            self._end()

    def over(self) -> None:
        """Nothing that left was unknown to the ledger, and no more was on its way than may be."""
        self._thread.join(60)
        assert 0 <= self.taken <= self.known < MANY
        assert self.sending <= CONNECTIONS


def mailed(ledger: Ledger, sink: Sink, trouble: Trouble) -> None:
    """Deliver everything; then nobody has two, and the journal says so of everybody."""
    mailing = frozen(ledger)
    run = dispatcher(ledger, sink.port, connections=CONNECTIONS, patience=30.0)
    asyncio.run(run.run())
    trouble.over()
    assert Counter(addresses(MANY)) == sink.taken
    seen = look(ledger, mailing)
    assert (MailingState.SENT, MANY, 0) == (seen.state, seen.counts["accepted"], seen.ever_in_doubt)
    standing.admit(ledger, instance="", now=now())
    told = {line.key for line in lines_of(ledger) if line.kind is Kind.ACCEPTED}
    assert {ledger.address_key(one) for one in addresses(MANY)} == told


def test_a_full_disk_stops_sending_until_there_is_room(tmp_path: Path, failures: Failures) -> None:
    """Nothing unrecorded leaves; it goes on by itself."""
    with small_disk(tmp_path / "disk", size="4m") as disk:
        ledger = new_ledger(disk)
        enlist(ledger, *addresses(MANY))
        with Sink(pause=0.01) as sink:
            trouble = Trouble(ledger, sink, failures, lambda: fill(disk), (disk / "filler").unlink)
            mailed(ledger, sink, trouble)
        ledger.close()


def test_a_journal_on_a_full_disk_stops_sending_until_there_is_room(
    tmp_path: Path, failures: Failures
) -> None:
    """The lines of the commit that could not be appended come before anything else leaves."""
    with small_disk(tmp_path / "disk", size="8k") as disk:
        ledger = new_ledger(tmp_path)
        enlist(ledger, *addresses(MANY))
        assert ledger.journal.path is not None
        ledger.journal.begin()
        ledger.journal.path.rename(tmp_path / "begun")
        (disk / "journal").write_bytes((tmp_path / "begun").read_bytes())
        ledger.journal.path.symlink_to(disk / "journal")
        with Sink(pause=0.01) as sink:
            trouble = Trouble(ledger, sink, failures, lambda: None, lambda: grow(disk, size="1m"))
            mailed(ledger, sink, trouble)
        ledger.close()


def test_a_disk_that_fails_to_sync_stops_sending_until_it_works(
    tmp_path: Path, failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EIO: what may be on the disk is written again, which does no harm."""
    works = threading.Event()
    works.set()
    sync = linefile._sync

    def fragile(descriptor: int) -> None:
        if not works.is_set():
            raise OSError(5, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(linefile, "_sync", fragile)
    ledger = new_ledger(tmp_path)
    enlist(ledger, *addresses(MANY))
    with Sink(pause=0.01) as sink:
        mailed(ledger, sink, Trouble(ledger, sink, failures, works.clear, works.set))
    ledger.close()


def test_a_journal_that_stays_unwritable_ends_the_run_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its patience it says what is wrong; the next run begins with what is owed."""

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    ledger = new_ledger(tmp_path)
    enlist(ledger, *addresses(MANY))
    mailing = frozen(ledger)
    with Sink() as sink:
        with monkeypatch.context() as disk:
            disk.setattr(linefile, "_sync", broken)
            with pytest.raises(LedgerError) as caught:
                asyncio.run(
                    dispatcher(ledger, sink.port, connections=CONNECTIONS, patience=0.3).run()
                )
        assert "Input/output error" in caught.value.detail
        assert sink.total <= CONNECTIONS
        ledger.close()

        again = new_ledger(tmp_path)
        standing.admit(again, instance="", now=now())
        recovery.recover(again, on_doubt=OnDoubt.RESEND, now=now())
        asyncio.run(dispatcher(again, sink.port, connections=CONNECTIONS).run())
        seen = look(again, mailing)
        assert MANY == seen.counts["accepted"]
        assert sum(sink.taken.values()) - MANY <= seen.ever_in_doubt
        again.close()
