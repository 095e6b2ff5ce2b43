"""Opening the ledger: schema versions, migrations, and what is refused."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mailer.errors import ConfigError, LedgerError, LockedError, NotFoundError
from mailer.ledger import bump_changes, claims, database, engines, liveness, open_ledger
from mailer.ledger.engines import BUSY_SECONDS
from mailer.ledger.schema import meta, metadata, revision, subscriber
from tests.samples.mailings import addresses, enlist, frozen, new_ledger, rows


def test_the_program_reads_the_schema_that_the_migrations_make() -> None:
    config = Config()
    migrations = Path(database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(migrations))
    assert ScriptDirectory.from_config(config).get_current_head() == database.SCHEMA


def test_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    ledger.close()


def test_migrations_go_down_and_up_again(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    ledger.close()
    engine = database.open_unchecked(f"sqlite:{tmp_path / 'mailer.db'}")
    database.downgrade(engine)
    assert sorted(set(metadata.tables) & set(tables(tmp_path / "mailer.db"))) == []
    database.upgrade(engine)
    engine.dispose()
    assert set(metadata.tables) <= set(tables(tmp_path / "mailer.db"))


def test_an_upgraded_ledger_is_a_fresh_one_with_everything_in_it(tmp_path: Path) -> None:
    """A mailing of before there were variants goes on: everybody gets the base."""
    old, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
    made = new_ledger(tmp_path)
    enlist(made, *addresses(3))
    mailing = frozen(made)
    made.close()
    (tmp_path / "mailer.db").rename(old)
    engine = database.open_unchecked(f"sqlite:{old}")
    database.downgrade(engine, to="0001")
    assert "0001" == database.schema_version(engine)
    database.upgrade(engine)
    engine.dispose()
    open_ledger(f"sqlite:{fresh}").close()
    assert declarations(fresh) == declarations(old)
    again = open_ledger(f"sqlite:{old}")
    assert [""] * 3 == [row.variant for row in rows(again, mailing)]
    with again.read() as connection:
        (row,) = connection.execute(select(revision.c.variant, revision.c.recipients))
        assert ("", 3) == tuple(row)
        assert addresses(3) == list(connection.scalars(select(subscriber.c.email)))
        assert [] == connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    again.close()


def declarations(path: Path) -> list[str]:
    """How every table and index was declared."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted(row[0] for row in found)


def tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]


def test_a_fresh_ledger_has_a_salt_that_stays(tmp_path: Path) -> None:
    """Decisions 3: made with the ledger, never rotated."""
    url = f"sqlite:{tmp_path / 'sub' / 'mailer.db'}"
    first = open_ledger(url)
    key = first.address_key("Ann@Example.org")
    first.close()
    second = open_ledger(url)
    assert (32, key) == (len(second.salt), second.address_key("ann@example.org"))
    second.close()


def test_commits_are_durable_and_readers_do_not_wait(tmp_path: Path) -> None:
    """S-41 rests on synchronous=FULL; WAL lets readers read while a writer writes."""
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    with ledger.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    ledger.close()


@pytest.mark.parametrize(("version", "code"), [("0000", "E601"), ("9999", "E604")])
def test_another_schema_is_refused(tmp_path: Path, version: str, code: str) -> None:
    """Nothing migrates silently; a newer schema than the program is refused."""
    path = tmp_path / "mailer.db"
    open_ledger(f"sqlite:{path}").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    with pytest.raises(LedgerError, match=code):
        open_ledger(f"sqlite:{path}")


def test_only_its_owner_can_read_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    ledger = open_ledger(f"sqlite:{path}")
    with ledger.write() as connection:
        bump_changes(connection)
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert {"mailer.db": "0o600", "mailer.db-wal": "0o600", "mailer.db-shm": "0o600"} == modes
    ledger.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mailer.db"
    path.write_bytes(b"these are my notes, not a database\n" * 100)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="E600"):
        open_ledger(f"sqlite:{path}")
    assert before == path.read_bytes()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="E603"):
        open_ledger(f"sqlite:{tmp_path / 'mailer.db'}", create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_database_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="E410"):
        open_ledger("mysql://somewhere/mailer")


def test_changes_are_counted(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    with ledger.write() as connection:
        before = claims.changes(connection)
        bump_changes(connection)
        bump_changes(connection)
        assert int(before) + 2 == int(claims.changes(connection))
    ledger.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")

    def fail() -> None:
        with ledger.write() as connection:
            bump_changes(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with ledger.read() as connection:
        assert connection.scalar(select(meta.c.value).where(meta.c.key == "changes")) == "0"
    ledger.close()


def test_a_dispatcher_begins_when_another_has_ended_and_leaves_the_connection_as_it_was(
    tmp_path: Path,
) -> None:
    ledger = new_ledger(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mailer.db", check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = Timer(0.1, other.rollback)
        end.start()
        with ledger.engine.connect().execution_options(writes=True) as database:
            with database.begin():
                bump_changes(database)
            assert 0 == database.exec_driver_sql("PRAGMA busy_timeout").scalar()
        end.join()
    with ledger.engine.connect() as connection:
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert 1000 * BUSY_SECONDS == patience
    ledger.close()


def test_a_dispatcher_does_not_wait_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-46: it says so, and tries again."""
    ledger = new_ledger(tmp_path)
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0)
    with closing(sqlite3.connect(tmp_path / "mailer.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            ledger.engine.connect().execution_options(writes=True) as database,
            pytest.raises(OperationalError, match="locked"),
            database.begin(),
        ):
            pass
    ledger.close()


def test_one_process_holds_the_lock_and_says_who_it_is(tmp_path: Path) -> None:
    """Decisions 4: a second one is told the holder's pid and host."""
    ledger = open_ledger(f"sqlite:{tmp_path / 'mailer.db'}")
    with liveness.hold(ledger) as holder:
        with pytest.raises(LockedError, match="E605") as refused, liveness.hold(ledger):
            pass
        assert f"pid {os.getpid()} on" in refused.value.detail
    with liveness.hold(ledger) as again:
        assert holder != again
    ledger.close()


@pytest.mark.parametrize("name", ["news #1", "what?", "100%41", "two words"])
def test_a_ledger_may_be_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "mailer.db"
    open_ledger(f"sqlite:{path}").close()
    assert [path] == list(path.parent.glob("*.db"))
    assert [path.parent] == list(tmp_path.iterdir())


def test_one_lock_serves_however_the_database_is_reached(tmp_path: Path) -> None:
    path, link = tmp_path / "mailer.db", tmp_path / "link.db"
    open_ledger(f"sqlite:{path}").close()
    link.symlink_to(path)
    first, second = open_ledger(f"sqlite:{path}"), open_ledger(f"sqlite:{link}")
    with liveness.hold(first), pytest.raises(LockedError), liveness.hold(second):
        pass
    first.close()
    second.close()
