"""An operator's verbs: pause, resume, cancel, retry, status, trace, bounces, db (interface §2)."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.ledger import returns
from mailer.ledger.database import downgrade, open_unchecked
from mailer.ledger.schema import delivery, mailing, suppression
from mailer.model import MailingId, MailingState
from tests.samples.newsletter import ISSUE, ended
from tests.samples.reports import entry, postfix
from tests.wire.fault_server import FaultServer, drop, say
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import Done, News


@pytest.fixture
def sent(peopled: News) -> Iterator[News]:
    """m1, accepted by eight people."""
    with FaultServer() as server:
        peopled.relay(server.port)
        assert 0 == peopled.run("send", "winter", "--yes").code
        yield peopled


@pytest.fixture
def scheduled(peopled: News) -> News:
    """m1, for eight people, in two hours."""
    assert 0 == peopled.run("send", "winter", "--yes", "--at", "in 2h").code
    return peopled


def state(news: News) -> str:
    return news.mailings()[0].state


# --- pause, resume, cancel -----------------------------------------------------------------------


def test_pause_twice_is_as_once_and_names_the_next_step(scheduled: News) -> None:
    for _ in range(2):
        done = scheduled.run("pause", "m1")
        assert (0, "") == (done.code, done.err)
        assert "m1 paused: 0 accepted · 8 queued · 0 on the way · 0 in doubt\n" in done.out
        assert "mailer resume m1" in done.out
    assert "paused" == state(scheduled)


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry"])
def test_what_does_not_apply_is_exit_7_and_says_what_would(sent: News, verb: str) -> None:
    """E711; `resume` of something not paused."""
    flags = ("--failed",) if verb == "retry" else ()
    if verb == "retry":
        with sent.ledger() as ledger, ledger.write() as connection:
            connection.execute(update(mailing).values(state=MailingState.CANCELLED))
    done = sent.run(verb, "m1", *flags)
    assert (7, "") == (done.code, done.out)
    assert done.err.startswith("✖ E711 m1 is ")
    assert re.search(r"Only a mailing that is .* can be (paused|resumed|cancelled|tried)", done.err)
    assert "→ mailer status m1\n" in done.err


def test_resuming_twice_says_that_it_is_not_paused(scheduled: News) -> None:
    scheduled.run("pause", "m1")
    assert 0 == scheduled.run("resume", "m1").code
    assert 7 == scheduled.run("resume", "m1").code


def test_what_has_not_begun_is_cancelled_without_a_question(scheduled: News) -> None:
    for _ in range(2):
        done = scheduled.run("cancel", "m1")
        assert (0, True) == (done.code, "m1 cancelled" in done.out)


def test_what_has_begun_asks_before_it_is_cancelled(peopled: News) -> None:
    """Interface §2.3: `cancel` of a started mailing asks."""
    with FaultServer({"MAIL": itertools.repeat(say(b"550 5.1.8 no"))}) as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes")
    done = peopled.run("cancel", "m1")
    assert (7, True) == (done.code, "Cancel m1? 8 will not get it." in done.err)
    assert "paused" == state(peopled)
    assert 0 == peopled.run("cancel", "m1", "--yes").code
    assert "cancelled" == state(peopled)


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "status", "trace"])
@pytest.mark.parametrize("fixture", ["news", "sent"])
def test_what_is_not_there_is_exit_9_and_nothing_is_made(
    request: pytest.FixtureRequest, verb: str, fixture: str
) -> None:
    """No database comes into being for the sake of a name that nobody knows."""
    folder: News = request.getfixturevalue(fixture)
    existed = (folder.folder / "subscribers" / "mailer.db").exists()
    name = "nobody@example.org" if verb == "trace" else "m99"
    flags = ("--failed",) if verb == "retry" else ()
    done = folder.run(verb, name, *flags, "--json")
    assert (9, 9) == (done.code, done.data["exit"])
    assert done.data["next"]
    assert existed == (folder.folder / "subscribers" / "mailer.db").exists()


# --- retry ---------------------------------------------------------------------------------------


def test_retry_says_which_or_it_is_a_usage_error(sent: News) -> None:
    for flags in ((), ("--failed", "--in-doubt")):
        done = sent.run("retry", "m1", *flags)
        assert (2, True) == (done.code, "✖ E006 Say which: --failed or --in-doubt" in done.err)


def test_rejected_ones_are_tried_again_and_suppressed_ones_are_not(peopled: News) -> None:
    refusals = [say(b"550 5.1.1 no such user"), say(b"552 5.2.2 mailbox full")]
    with FaultServer({"RCPT": refusals}) as server:
        peopled.relay(server.port)
        done = peopled.run("send", "winter", "--yes")
        assert (5, True) == (done.code, "2 rejected" in done.out)
        again = peopled.run("retry", "m1", "--failed")
        assert (0, "m1: 1 queued again\n") == (again.code, again.err)
        assert "m1 sending" in again.out
        due = peopled.run("send", "--due")
        assert (0, True) == (due.code, "m1 sent: 7 accepted · 1 rejected" in due.err)
        assert 7 == len(server.messages)


def test_retry_can_be_restricted_to_a_class_or_a_domain(peopled: News) -> None:
    refusals = [say(b"550 5.4.4 no route"), say(b"552 5.2.2 mailbox full")]
    with FaultServer({"RCPT": refusals}) as server:
        peopled.relay(server.port, connections="1")
        peopled.run("send", "winter", "--yes")
        for flags, again in (
            ("--class=inactive", 0),
            ("--domain=nowhere.example", 0),
            ("--class=full", 1),
            ("--class=mailbox full", 0),
        ):
            done = peopled.run("retry", "m1", "--failed", flags)
            assert (0, f"m1: {again} queued again\n") == (done.code, done.err)
    for other in (("--class", "full", "--in-doubt"), ("--class", "typo", "--failed")):
        assert 2 == peopled.run("retry", "m1", *other).code


def test_pause_waits_for_what_is_on_its_way(peopled: News) -> None:
    """Interface §1.6 B: exact counts; nothing of it is on the way any more."""
    with Sink(pause=0.5) as sink:
        peopled.relay(sink.port, connections="1")
        process = peopled.start("send", "winter", "--yes")
        while not peopled.mailings() or not peopled.mailings()[0].counts["accepted"]:
            assert process.poll() is None, ended(process)
        done = peopled.run("pause", "m1", "--json")
        assert 6 == ended(process).code
        counts = done.data["mailings"][0]["counts"]
        assert (0, sink.total) == (counts["sending"], counts["accepted"])


def test_held_doubt_is_shown_and_decided_by_the_operator(peopled: News) -> None:
    """S-42 hold: `status` shows it, `retry --in-doubt` sends it again."""
    with FaultServer({"dot": [drop(store=True)]}) as server:
        peopled.relay(server.port, delivery_on_doubt="hold")
        done = peopled.run("send", "winter", "--yes")
        assert 6 == done.code
        assert "→ 1 in doubt: mailer retry m1 --in-doubt, or leave them" in done.out
        assert "needs you   m1: 1 in doubt" in peopled.run("status").out
        assert "1 queued again" in peopled.run("retry", "m1", "--in-doubt").err
        assert 0 == peopled.run("send", "winter").code
    (seen,) = peopled.mailings()
    assert ("sent", 8, 1) == (seen.state, seen.counts["accepted"], seen.ever_in_doubt)
    assert 9 == len(server.messages)


# --- status and trace ----------------------------------------------------------------------------


def test_status_of_nothing_is_no_error(news: News) -> None:
    done = news.run("status")
    assert (0, " Nothing was mailed yet.\n needs you   nothing\n") == (done.code, done.out)
    assert {
        "schema": "mailer.status/1",
        "mailings": [],
        "upcoming": [],
        "refused": None,
    } == news.run("status", "--json").data


def test_status_shows_mailings_what_comes_next_and_what_needs_somebody(sent: News) -> None:
    """Interface §2.5."""
    sent.issue(ISSUE.replace("date:", "status: ready\nsend_at: 2099-12-03 09:00\ndate:"), name="x")
    sent.issue(name="2026-11-22-spring")
    sent.run("send", "spring", "--yes", "--at", "2099-01-01 09:00")
    sent.run("pause", "spring")
    lines = sent.run("status").out.splitlines()
    assert " m2    2026-11-22-spring → weekly   paused   0/8" == lines[0]
    assert " m1    2026-11-20-winter → weekly   sent   8/8" == lines[2]
    assert "       accepted 8 · rejected 0 · in doubt 0" == lines[3]
    assert lines[4].startswith(" next  x → weekly   ready   Thu 03 Dec 2099 09:00 UTC (in ")
    assert lines[5].startswith(" needs you   m2: paused: paused by ")
    data = sent.run("status", "--json").data
    assert [("x", "weekly", "2099-12-03T09:00:00Z")] == [
        (one["issue"], one["list"], one["at"]) for one in data["upcoming"]
    ]


def test_status_of_one_names_it_by_number_or_issue(sent: News) -> None:
    for name in ("m1", "winter", "issues/2026-11-20-winter.md"):
        data = sent.run("status", name, "--json").data
        assert ["m1"] == [one["id"] for one in data["mailings"]]
        assert "upcoming" not in data


def test_status_works_where_an_issue_cannot_be_read(sent: News) -> None:
    sent.issue("---\nsubject: [\n---\n", name="broken")
    assert 0 == sent.run("status").code


def test_trace_tells_one_persons_story(sent: News) -> None:
    done = sent.run("trace", "Ann@Mail.Example.org")
    assert 0 == done.code
    assert "weekly       confirmed " in done.out
    assert re.search(
        r'm1 2026-11-20-winter  \S+Z accepted "250 2.0.0 .*" · attempt 1 · r1', done.out
    )
    data = sent.run("trace", "ann@mail.example.org", "--json").data
    assert ("mailer.trace/1", "accepted") == (data["schema"], data["deliveries"][0]["state"])
    assert 2 == sent.run("trace", "nobody").code


# --- bounces -------------------------------------------------------------------------------------


def verp(news: News, seq: int = 1) -> str:
    """The envelope sender that delivery went out with."""
    keyring = Keyring(require_secret(news.config))
    token, _, _ = keyring.delivery_tokens(mailing=MailingId(1), seq=seq, key_id=keyring.newest_id)
    return f"b-{token}@example.org"


def report(news: News, status: str, *, seq: int = 1, text: str = "no such user") -> bytes:
    """What a mail server would send back to the envelope sender of a mail that really went out."""
    about = entry(
        final_recipient="rfc822; ann@mail.example.org",
        action="failed",
        status=status,
        diagnostic_code=f"smtp; 550 {status} {text}",
    )
    return postfix(about, to=verp(news, seq), envelope_id="", returned="").encode()


def ingest(news: News, raw: bytes, *arguments: str) -> Done:
    return news.run("bounces", "ingest", *arguments, stdin=raw)


def test_the_envelope_sender_of_a_mail_that_was_sent_identifies_its_bounce(
    peopled: News,
) -> None:
    """V-1, B-2: from the octets on the wire to the delivery, upper-cased on the way."""
    with FaultServer() as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes")
        (message,) = [one for one in server.messages if b"ben@post" in one.rcpt]
    sender = re.search(rb"<([^>]+)>", message.mail)
    assert sender is not None
    about = entry(final_recipient="rfc822; x@y.org", action="failed", status="5.1.1")
    raw = postfix(about, to="someone@else.org", envelope_id="", returned="").encode()
    done = ingest(peopled, raw, sender[1].decode().upper())
    assert (0, "m1 failed 5.1.1 hard:address\n") == (done.code, done.out)
    with peopled.ledger() as ledger, ledger.read() as connection:
        assert ["ben@post.example.com"] == list(connection.scalars(select(suppression.c.address)))


def test_a_bounce_is_recorded_once_and_suppresses_an_address_that_does_not_exist(
    sent: News,
) -> None:
    done = ingest(sent, report(sent, "5.1.1"))
    assert (0, "m1 failed 5.1.1 hard:address\n", "") == (done.code, done.out, done.err)
    again = ingest(sent, report(sent, "5.1.1"))
    assert (0, "m1 failed 5.1.1 hard:address (known already)\n") == (again.code, again.out)
    with sent.ledger() as ledger, ledger.read() as connection:
        assert 1 == len(returns.returned(connection))
        email = connection.scalar(select(delivery.c.email).where(delivery.c.seq == 1))
        (kept,) = connection.execute(select(suppression))
    assert (email, "hard:address", "m1") == (kept.address, kept.bounce_class, kept.source)
    assert "Diagnostic-Code: smtp; 550 5.1.1 no such user" in kept.evidence  # B-23
    assert "bounced 1" in sent.run("status").out
    sent.issue(name="2026-11-22-spring")
    dry = sent.run("send", "spring", "--dry-run", "--json").data
    assert (1, 7) == (dry["audience"]["excluded"]["suppressed"], dry["audience"]["recipients"])


@pytest.mark.parametrize(("status", "kind"), [("5.7.1", "sender fault"), ("5.2.2", "mailbox full")])
def test_a_bounce_that_is_not_about_the_address_is_only_logged(
    sent: News, status: str, kind: str
) -> None:
    done = ingest(sent, report(sent, status, text="blocked"))
    assert (0, f"m1 failed {status} {kind}\n") == (done.code, done.out)
    with sent.ledger() as ledger, ledger.read() as connection:
        assert [] == list(connection.scalars(select(suppression.c.address)))
    listed = sent.run("bounces", "list", "--mailing", "m1", "--json").data["bounces"]
    assert [(status, kind, "m1")] == [
        (one["status"], one["class"], one["mailing"]) for one in listed
    ]


def test_what_bounced_since_can_be_tried_again(sent: News) -> None:
    """Interface §2.2: failed includes accepted and since bounced."""
    ingest(sent, report(sent, "5.7.1", text="blocked"))
    assert "1 queued again" in sent.run("retry", "m1", "--failed").err
    assert 0 == sent.run("send", "--due").code
    (seen,) = sent.mailings()
    assert (8, 1, "sent") == (seen.counts["accepted"], seen.bounced, seen.state)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"From: a@b.org\nSubject: I am on holiday\n\nBack soon.\n", "not identified unrecognised"),
        (b"", "not identified unrecognised"),
        (b"\x00\xff" * 5000, "not identified unrecognised"),
        (
            postfix(to="b-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org", envelope_id="").encode(),
            "not identified failed 5.1.1 hard:address",
        ),
    ],
)
def test_what_names_no_delivery_of_ours_is_kept_and_marks_nobody(
    sent: News, raw: bytes, said: str
) -> None:
    """B-2, cases 56 to 58: exit 0 for anything stored, recognised or not."""
    assert (0, f"{said}\n") == (ingest(sent, raw).code, ingest(sent, raw + b" ").out)
    with sent.ledger() as ledger, ledger.read() as connection:
        assert [] == list(connection.scalars(select(suppression.c.address)))
    assert 2 == len(sent.run("bounces", "list", "--json").data["bounces"])


def test_a_report_is_handed_over_again_while_the_database_is_locked(
    sent: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interface §2.6: 75, so that Postfix keeps it."""
    monkeypatch.setattr("mailer.ledger.engines.BUSY_SECONDS", 0.1)
    path = sent.folder / "subscribers" / "mailer.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = ingest(sent, report(sent, "5.1.1"))
        assert (75, "") == (done.code, done.out)
        assert "✖ E810 The report could not be stored\n  database is locked" in done.err
        other.rollback()
    assert 0 == ingest(sent, report(sent, "5.1.1")).code


def test_a_report_is_not_stored_in_a_database_that_it_would_make(
    sent: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is none, the configuration looks in the wrong place: 75, nothing is made."""
    elsewhere = sent.folder / "elsewhere"
    monkeypatch.setenv("MAILER_DATABASE_URL", f"sqlite:{elsewhere / 'x.db'}")
    done = ingest(sent, report(sent, "5.1.1"))
    assert (75, "") == (done.code, done.out)
    assert "E603 There is no database yet" in done.err
    assert not elsewhere.exists()


@pytest.mark.parametrize("breakage", ["mailer.toml", ".env", "database"])
def test_a_report_is_handed_over_again_until_what_is_broken_is_mended(
    sent: News, breakage: str
) -> None:
    """A bounce that came while the configuration was wrong must not be lost."""
    path = sent.folder / breakage
    if breakage == "database":
        path = sent.folder / "subscribers" / "mailer.db"
        for more in ("-wal", "-shm"):
            path.with_name(path.name + more).unlink(missing_ok=True)
    path.write_text("[nonsense\n" * 50 if breakage != ".env" else "")
    done = ended(sent.start("bounces", "ingest", "--json"))
    assert (75, "E810", 75) == (done.code, done.data["code"], done.data["exit"]), done


def test_list_and_show_give_the_evidence(sent: News) -> None:
    ingest(sent, report(sent, "5.1.1"))
    listed = sent.run("bounces", "list")
    line = re.fullmatch(
        r" b(\d+) +\S+Z  m1   (\S+)  hard:address: 550 5\.1\.1 no such user\n", listed.out
    )
    assert line is not None, listed.out
    shown = sent.run("bounces", "show", f"b{line[1]}")
    assert 0 == shown.code
    assert f" email    {line[2]}\n" in shown.out
    assert "Reporting-MTA: dns; relay.example.org" in shown.out
    assert 0 == sent.run("bounces", "show", line[1]).code


def test_a_refusal_at_smtp_time_is_among_the_returns(peopled: News) -> None:
    with FaultServer({"RCPT": [say(b"550 5.1.1 no such user")]}) as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes")
    (one,) = peopled.run("bounces", "list", "--json").data["bounces"]
    assert ("rejected", "hard:address", "550 5.1.1 no such user") == (
        one["kind"],
        one["class"],
        one["words"],
    )


@pytest.mark.parametrize("number", ["b99", "x", "", "-1", "9" * 40, "b٣"])
def test_a_return_that_is_not_there_is_exit_9(sent: News, number: str) -> None:
    done = sent.run("bounces", "show", "--", number)
    assert (9, True) == (done.code, "✖ E913" in done.err), done


def test_without_a_database_nothing_came_back_and_none_is_made(news: News) -> None:
    assert (0, "Nothing came back.\n") == (
        news.run("bounces", "list").code,
        news.run("bounces", "list").out,
    )
    assert 9 == news.run("bounces", "list", "--mailing", "m1").code
    assert not (news.folder / "subscribers" / "mailer.db").exists()


# --- db ------------------------------------------------------------------------------------------


def test_an_intact_database_is_said_to_be(sent: News) -> None:
    done = sent.run("db", "check")
    assert (0, True) == (done.code, done.out.endswith("mailer.db: schema 0003, intact\n"))


def database(news: News) -> str:
    path = news.folder / "subscribers" / "mailer.db"
    news.run("status")
    with contextlib.closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        opened.execute("PRAGMA journal_mode=DELETE")
    return str(path)


@pytest.mark.parametrize(
    ("damage", "code"),
    [("newer", "E604"), ("older", "E601"), ("torn", "E607"), ("text", "E600"), ("other", "E601")],
)
def test_a_database_that_cannot_be_used_is_exit_3_and_nothing_is_sent(
    peopled: News, damage: str, code: str
) -> None:
    """Interface §2.6: `ExecStartPre=mailer db check` refuses a wrong schema."""
    path = peopled.folder / "subscribers" / "mailer.db"
    database(peopled)
    statements = {
        "newer": "UPDATE alembic_version SET version_num = '9999'",
        "older": "UPDATE alembic_version SET version_num = '0000'",
        # An index whose entries are not those of its table.
        "torn": "UPDATE sqlite_master SET sql = replace(sql, '(subscriber)', '(source)')"
        " WHERE name = 'subscription_subscriber'",
    }
    if damage in statements:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as opened:
            opened.execute("PRAGMA writable_schema = ON")
            assert 1 == opened.execute(statements[damage]).rowcount
    else:
        path.unlink()
        if damage == "text":
            path.write_text("this is not a database, but it is long enough\n" * 9)
        else:
            with contextlib.closing(sqlite3.connect(path)) as opened:
                opened.execute("CREATE TABLE recipes (name)")
    done = peopled.run("db", "check", "--json")
    assert (3, code) == (done.code, done.data["code"]), done
    if damage != "torn":
        sending = peopled.run("send", "winter", "--yes", "--json")
        assert (1, code) == (sending.code, sending.data["code"]), sending


def test_without_a_database_there_is_none_to_check_upgrade_or_back_up(news: News) -> None:
    for verb in ("check", "upgrade", "backup"):
        done = news.run("db", verb)
        assert (9, True) == (done.code, "✖ E603 There is no database yet" in done.err), done
    assert not (news.folder / "subscribers" / "mailer.db").exists()


def test_upgrade_says_from_which_to_which_and_takes_only_what_is_ours(sent: News) -> None:
    done = sent.run("db", "upgrade")
    assert (0, True) == (done.code, done.out.endswith("schema 0003 → 0003\n"))
    path = sent.folder / "subscribers" / "mailer.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = sent.run("db", "upgrade")
    assert (1, True) == (newer.code, "✖ E604" in newer.err), newer
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("DROP TABLE alembic_version")
    foreign = sent.run("db", "upgrade")
    assert (1, True) == (foreign.code, "✖ E610" in foreign.err), foreign


def test_a_ledger_of_an_older_program_goes_on_after_an_upgrade(sent: News) -> None:
    """Nothing migrates silently; then everything that was there still is."""
    before = sent.run("status", "--json").data
    engine = open_unchecked(f"sqlite:{sent.folder / 'subscribers' / 'mailer.db'}")
    downgrade(engine, to="0001")
    engine.dispose()
    refused = sent.run("send", "winter")
    assert (1, True) == (refused.code, "✖ E601" in refused.err), refused
    done = sent.run("db", "upgrade")
    assert (0, True) == (done.code, done.out.endswith("schema 0001 → 0003\n")), done
    assert before == sent.run("status", "--json").data
    assert "nothing to do" in sent.run("send", "winter").out


def test_a_backup_is_whole_private_and_never_overwrites(sent: News) -> None:
    target = sent.folder / "copy.db"
    done = sent.run("db", "backup", str(target))
    assert (0, f"{target}\n") == (done.code, done.out)
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)
    again = sent.run("db", "backup", str(target))
    assert (2, True) == (again.code, "✖ E007" in again.err)
    other = sent.folder.parent / "restored"
    shutil.copytree(sent.folder, other)
    for path in (other / "subscribers").glob("mailer.db*"):
        path.unlink()
    target.rename(other / "subscribers" / "mailer.db")
    sent.folder = other
    assert "accepted 8" in sent.run("status").out
    named = sent.run("db", "backup")
    assert re.search(r"subscribers/mailer-\d{8}T\d{6}Z\.db\n$", named.out), named


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(sent: News) -> None:
    done = sent.run("db", "backup", str(sent.folder / "nowhere" / "copy.db"))
    assert (1, True) == (done.code, "✖ E611 The backup could not be written" in done.err), done
    assert not (sent.folder / "nowhere").exists()


@pytest.mark.parametrize("verb", ["pause", "cancel", "retry"])
def test_a_database_that_is_locked_is_a_clear_error(
    scheduled: News, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Case 44: what a person is told whose command could not be written."""
    monkeypatch.setattr("mailer.ledger.engines.BUSY_SECONDS", 0.1)
    path = scheduled.folder / "subscribers" / "mailer.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = scheduled.run(verb, "m1", *(("--failed",) if verb == "retry" else ()))
        other.rollback()
    assert (1, True) == (done.code, done.err.startswith("✖ E612 The database cannot be used"))
    assert "\n  database is locked\n" in done.err
    assert "SQL" not in done.err
    assert "scheduled" == state(scheduled)
