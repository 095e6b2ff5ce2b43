"""Opening the ledger to look: no byte of it changes, whoever else has it open (interface §2.4)."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from mailer.errors import LedgerError
from mailer.ledger import overview
from mailer.ledger.looking import looking
from mailer.ledger.schema import meta
from tests.samples.mailings import addresses, enlist, frozen, new_ledger


def digests(folder: Path) -> dict[str, str]:
    """Every file beside the database, and the database."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def url(folder: Path) -> str:
    return f"sqlite:{folder / 'mailer.db'}"


def fill(folder: Path) -> None:
    ledger = new_ledger(folder)
    enlist(ledger, *addresses(5))
    frozen(ledger)
    ledger.close()


def recipients(folder: Path) -> int:
    with looking(url(folder)) as ledger:
        assert ledger is not None
        with ledger.read() as connection:
            return overview.overviews(connection)[0].recipients


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    with looking(url(tmp_path)) as ledger:
        assert ledger is None
    assert {} == digests(tmp_path)


def test_a_closed_database_stays_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path)
    before = digests(tmp_path)
    assert ["mailer.db"] == list(before)
    assert 5 == recipients(tmp_path)
    assert before == digests(tmp_path)


WRITER = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("INSERT INTO meta VALUES ('mark', '1')")
database.commit()
print("written", flush=True)
sys.stdin.read()
"""


@contextmanager
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has written into the log and keeps the database open."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder / "mailer.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "written\n" == process.stdout.readline()
    try:
        yield process
    finally:
        process.communicate()


def mark(folder: Path) -> str | None:
    """What the writer wrote."""
    with looking(url(folder)) as ledger:
        assert ledger is not None
        with ledger.read() as connection:
            found: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == "mark"))
            return found


def test_a_database_that_somebody_has_open_stays_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path)
    with writer(tmp_path):
        before = digests(tmp_path)
        assert {"mailer.db", "mailer.db-shm", "mailer.db-wal"} == set(before)
        assert "1" == mark(tmp_path)  # which only the log holds
        assert before == digests(tmp_path)


def test_a_database_whose_writer_was_killed_stays_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path)
    with writer(tmp_path) as process:
        process.kill()
    before = digests(tmp_path)
    assert "mailer.db-wal" in before
    assert "1" == mark(tmp_path)
    assert before == digests(tmp_path)


def test_a_log_without_its_index_is_read_all_the_same(tmp_path: Path) -> None:
    fill(tmp_path)
    source = new_ledger(tmp_path)
    enlist(source, "late@a.test")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("mailer.db", "mailer.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    source.close()
    with looking(url(copy)) as ledger:
        assert ledger is not None
        with ledger.read() as connection:
            assert 6 == connection.exec_driver_sql("SELECT count(*) FROM subscriber").scalar()


def test_one_read_sees_one_state(tmp_path: Path) -> None:
    fill(tmp_path)
    writer = new_ledger(tmp_path)
    enlist(writer, "one@a.test")
    with looking(url(tmp_path)) as ledger:
        assert ledger is not None
        with ledger.read() as connection:
            count = "SELECT count(*) FROM subscriber"
            assert 6 == connection.exec_driver_sql(count).scalar()
            enlist(writer, "two@a.test")
            assert 6 == connection.exec_driver_sql(count).scalar()
    writer.close()


def test_who_closes_it_at_this_moment_is_waited_for(tmp_path: Path) -> None:
    """The `-shm` that was there when we looked is gone when we open it, or cannot be opened yet."""
    fill(tmp_path)
    index = tmp_path / "mailer.db-shm"
    index.mkdir()
    gone = threading.Timer(0.02, index.rmdir)
    gone.start()
    assert 5 == recipients(tmp_path)
    gone.join()


def test_it_cannot_write(tmp_path: Path) -> None:
    fill(tmp_path)
    with looking(url(tmp_path)) as ledger:
        assert ledger is not None
        with ledger.read() as connection, pytest.raises(OperationalError, match="readonly"):
            connection.execute(delete(meta))


def test_somebody_who_begins_to_write_meanwhile_is_noticed(tmp_path: Path) -> None:
    """What was read may then be half of each; better to say so than to show it."""
    fill(tmp_path)
    look = looking(url(tmp_path))
    look.__enter__()
    with writer(tmp_path):
        pass
    with pytest.raises(LedgerError, match="E609") as noticed:
        look.__exit__(None, None, None)
    assert "again" in noticed.value.next


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "50% off? #1 ümlaut"
    folder.mkdir()
    fill(tmp_path)
    (tmp_path / "mailer.db").rename(folder / "mailer.db")
    assert 5 == recipients(folder)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "mailer.db").write_text("not a database, but long enough to be taken for one\n" * 9)
    with pytest.raises(LedgerError, match="E600") as refused, looking(url(tmp_path)):
        pass
    assert str(tmp_path / "mailer.db") == refused.value.where


def test_a_database_of_something_else_is_a_clear_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mailer.db")) as other:
        other.execute("CREATE TABLE recipes (name)")
    with pytest.raises(LedgerError, match="E601"), looking(url(tmp_path)):
        pass
