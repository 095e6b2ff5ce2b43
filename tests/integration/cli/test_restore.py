"""`mailer restore reconcile`: a backup was put back, or a newsletter copied (case 47)."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailer.ledger import liveness
from mailer.ledger.schema import meta
from mailer.model import MailingState
from tests.samples.mailings import addresses
from tests.samples.newsletter import ended
from tests.wire.fault_server import FaultServer
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.samples.newsletter import News

MANY = 40


@pytest.fixture
def relay(peopled: News) -> Iterator[FaultServer]:
    """A relay that takes everything."""
    with FaultServer() as server:
        peopled.relay(server.port)
        yield server


def put_back(news: News, copy: Path) -> None:
    """As an operator restores: the database alone, its journal stays."""
    folder = news.folder / "subscribers"
    for path in folder.glob("mailer.db*"):
        path.unlink()
    shutil.copy(copy, folder / "mailer.db")


def backup(news: News) -> Path:
    """A copy by `mailer db backup`, which may be taken while mail is being sent."""
    copy = news.folder / "monday.db"
    done = news.run("db", "backup", str(copy))
    assert 0 == done.code, done
    return copy


def test_a_backup_from_the_middle_of_a_mailing_is_put_back_and_nobody_gets_two(
    news: News,
) -> None:
    """Interface §1.6 D: E602 with its figures, replayed, then finished."""
    news.people(*addresses(MANY))
    with Sink(pause=0.05) as sink:
        news.relay(sink.port)
        process = news.start("send", "winter", "--yes", "--expect", str(MANY))
        while sink.total < MANY // 4:
            time.sleep(0.01)
        copy = backup(news)
        while sink.total < MANY // 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert 6 == ended(process).code
        before = sink.total
        put_back(news, copy)

        refused = news.run("send", "winter", "--yes")
        assert 7 == refused.code
        assert refused.err.startswith("✖ E602 This database is older than its journal (")
        assert " deliveries, 0 unsubscribes and 0 suppressions that this data" in refused.err
        assert "  → mailer restore reconcile                  replays them, then con" in refused.err
        for arguments in (("send", "--due"), ("run",)):
            assert 7 == news.run(*arguments).code
        assert before == sink.total

        done = news.run("restore", "reconcile")
        assert 0 == done.code, done
        assert " marked as accepted" in done.out
        finished = news.run("send", "winter", "--yes")
        assert 0 == finished.code, finished
        assert Counter(addresses(MANY)) == sink.taken
    (one,) = news.mailings()
    assert (MailingState.SENT, MANY) == (one.state, one.counts["accepted"])


def test_a_mailing_that_the_backup_does_not_know_is_not_sent_again(
    peopled: News, relay: FaultServer
) -> None:
    copy = backup(peopled)
    assert 0 == peopled.run("send", "winter", "--yes").code
    put_back(peopled, copy)
    assert 7 == peopled.run("send", "winter", "--yes").code
    done = peopled.run("restore", "reconcile", "--json")
    assert {"remembered": 8} == done.data["replayed"]
    shown = peopled.run("status").out
    assert " m1    2026-11-20-winter → weekly   known from the journal only\n" in shown
    assert "0/0" not in shown
    again = peopled.run("send", "winter", "--yes")
    assert "E704" in again.err, again
    assert 8 == len(relay.messages)


def test_test_copies_and_reading_go_on(peopled: News, relay: FaultServer) -> None:
    copy = backup(peopled)
    peopled.run("send", "winter", "--yes")
    put_back(peopled, copy)
    assert 0 == peopled.run("send", "winter", "--to", "me@example.org").code
    assert 0 == peopled.run("send", "winter", "--dry-run").code
    assert 0 == peopled.run("status").code
    assert 9 == len(relay.messages)


def test_without_what_was_lost_only_if_somebody_says_so(peopled: News, relay: FaultServer) -> None:
    """`--accept-loss` needs a person who types the number, or `--yes` (exit 7)."""
    copy = backup(peopled)
    peopled.run("send", "winter", "--yes")
    put_back(peopled, copy)
    asked = peopled.run("restore", "reconcile", "--accept-loss")
    assert 7 == asked.code
    assert "E701 8 deliveries would be forgotten" in asked.err
    done = peopled.run("restore", "reconcile", "--accept-loss", "--yes")
    assert (0, "8 deliveries forgotten") == (done.code, done.out[:22])
    assert 0 == peopled.run("send", "winter", "--yes").code
    assert 16 == len(relay.messages)


def test_a_ledger_in_order_has_nothing_to_reconcile(peopled: News, relay: FaultServer) -> None:
    peopled.run("send", "winter", "--yes")
    for _ in range(2):
        done = peopled.run("restore", "reconcile")
        assert (0, "Nothing to reconcile.\n") == (done.code, done.out)
    assert 8 == len(relay.messages)


def test_it_waits_for_nobody_who_is_delivering(peopled: News) -> None:
    with peopled.ledger() as ledger, liveness.hold(ledger):
        assert 8 == peopled.run("restore", "reconcile").code


def test_two_decisions_are_not_made_at_once(peopled: News) -> None:
    assert 2 == peopled.run("restore", "reconcile", "--adopt", "--accept-loss").code


@pytest.mark.usefixtures("relay")
def test_a_journal_that_is_lost_for_good_is_begun_anew(peopled: News) -> None:
    """With what the database knows: an older backup is still found out."""
    copy = backup(peopled)
    peopled.run("send", "winter", "--yes")
    journal = peopled.folder / "subscribers" / "mailer.journal"
    journal.unlink()
    missing = peopled.run("send", "winter", "--yes")
    assert (7, "✖ E618") == (missing.code, missing.err[:6])
    assert 7 == peopled.run("restore", "reconcile").code
    assert not journal.exists()
    done = peopled.run("restore", "reconcile", "--accept-loss", "--yes")
    assert (0, "A new journal was begun with 8 lines") == (done.code, done.out[:36])
    assert "nothing to do" in peopled.run("send", "winter", "--yes").out
    put_back(peopled, copy)
    assert "knows 8 deliveries" in peopled.run("send", "winter", "--yes").err


def test_a_copied_folder_sends_nothing_until_it_is_adopted(
    peopled: News, relay: FaultServer, tmp_path: Path
) -> None:
    """Interface §1.6 D: the database remembers its instance."""
    peopled.environ["MAILER_INSTANCE"] = "server"
    assert 0 == peopled.run("send", "winter", "--yes").code
    peopled.issue(name="2026-11-27-spring")
    copied = type(peopled)(tmp_path / "laptop")
    shutil.copytree(peopled.folder, copied.folder)
    copied.environ = {**peopled.environ, "MAILER_INSTANCE": "laptop"}

    for arguments in (("send", "spring", "--yes"), ("send", "--due"), ("run",)):
        refused = copied.run(*arguments)
        assert (7, "✖ E620") == (refused.code, refused.err[:6]), refused
    assert 7 == copied.run("restore", "reconcile").code
    assert 7 == copied.run("restore", "reconcile", "--adopt").code
    assert 8 == len(relay.messages)

    adopted = copied.run("restore", "reconcile", "--adopt", "--yes")
    assert (0, "This installation sends from now on.") == (adopted.code, adopted.out[:36])
    assert 0 == copied.run("send", "spring", "--yes").code
    assert 16 == len(relay.messages)


@pytest.mark.usefixtures("relay")
def test_status_says_that_nothing_will_be_sent_and_why(peopled: News) -> None:
    """What needs a human: E602 with the next step."""
    copy = backup(peopled)
    peopled.run("send", "winter", "--yes")
    put_back(peopled, copy)
    done = peopled.run("status")
    assert "needs you" in done.out
    assert "E602 This database is older than its journal" in done.out
    assert "mailer restore reconcile" in done.out
    assert "E602" == peopled.run("status", "--json").data["refused"]


def test_a_mailing_whose_time_passed_is_missed_and_mailed_anew_by_hand(
    peopled: News, relay: FaultServer
) -> None:
    """Interface §1.6 D: missed, not sent; who has it does not get it again."""
    scheduled = peopled.run("send", "winter", "--yes", "--at", "2099-01-01 09:00")
    assert 0 == scheduled.code
    copy = backup(peopled)
    peopled.start_now()
    peopled.run("send", "--due")
    peopled.people("new@example.org")
    put_back(peopled, copy)
    peopled.start_now()
    assert "1 scheduled mailing is past its time" in peopled.run("send", "--due").err
    done = peopled.run("restore", "reconcile")
    assert "missed, not sent: m1" in done.out
    assert "mailer cancel m1, then mailer send 2026-11-20-winter" in peopled.run("status").out
    peopled.people("new@example.org")
    assert 0 == peopled.run("cancel", "m1", "--yes").code
    assert 0 == peopled.run("send", "winter", "--yes").code
    assert 9 == len({message.rcpt for message in relay.messages}) == len(relay.messages)


@pytest.mark.usefixtures("relay")
def test_a_counter_that_went_back_is_recognised(peopled: News) -> None:
    """However the database came to be an old one."""
    peopled.run("send", "winter", "--yes")
    with peopled.ledger() as ledger, ledger.write() as connection:
        connection.execute(update(meta).where(meta.c.key == "journal").values(value="3"))
    assert "(3 < 8; " in peopled.run("send", "--due").err
