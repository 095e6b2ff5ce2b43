"""The daemon from look to look: times, retries, a relay that is down, a ledger that is locked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import signal
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.ledger import claims, liveness, starting
from mailer.model import HolderId, MailingState
from mailer.schedule import daemon
from mailer.schedule.daemon import Daemon
from mailer.when import now
from tests.samples.newsletter import ISSUE, News
from tests.wire.fault_server import FaultServer, say, wait

if TYPE_CHECKING:
    from collections.abc import Callable

READY = ISSUE.replace("date:", "status: ready\nsend_at: 2020-01-01 09:00\ndate:")
EIGHT = 8


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Ten looks a second."""
    monkeypatch.setattr(daemon, "EVERY", 0.1)
    caplog.set_level(logging.INFO, logger="mailer")


def run_until(
    news: News,
    done: Callable[[], bool],
    *,
    seconds: float = 90,
    first: Callable[[], object] = lambda: None,
) -> int | None:
    """Run a daemon until something has come about, then send it SIGTERM.

    `first` is called when it holds the ledger and has not begun.
    """

    async def watch(it: Daemon) -> int | None:
        running = asyncio.ensure_future(it.run())
        end = time.monotonic() + seconds
        while not await asyncio.to_thread(done):
            assert time.monotonic() < end, "it did not come about"
            assert not running.done(), "the daemon ended by itself"
            await asyncio.sleep(0.05)
        it._on_signal(signal.SIGTERM)
        return await running

    config = news.config
    with news.ledger() as ledger, liveness.hold(ledger) as holder:
        keyring = Keyring(require_secret(config))
        first()
        return asyncio.run(watch(Daemon(config, ledger, keyring, holder=holder)))


def state(news: News) -> MailingState | None:
    mailings = news.mailings()
    return mailings[0].state if mailings else None


def is_in(news: News, wanted: MailingState) -> Callable[[], bool]:
    return lambda: state(news) is wanted


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "mailer"]


def test_what_becomes_due_while_it_runs_is_sent(peopled: News) -> None:
    with FaultServer() as server:
        peopled.relay(server.port)

        def appears() -> bool:
            if not server.messages:
                peopled.issue(READY)
            return state(peopled) is MailingState.SENT

        assert run_until(peopled, appears) is None
    assert EIGHT == len(server.messages)


def test_a_mailing_with_a_time_starts_then(peopled: News) -> None:
    with FaultServer() as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes", "--at", "in 2h")
        looked = time.monotonic() + 0.5
        run_until(peopled, lambda: time.monotonic() > looked)
        assert [] == server.messages
        peopled.start_now()
        run_until(peopled, is_in(peopled, MailingState.SENT))
    assert EIGHT == len(server.messages)


def test_what_becomes_due_does_not_wait_for_the_end_of_another_mailing(
    peopled: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.delivery.dispatch.START", 0.1)
    # The first mailing takes 8 seconds; the second one is released after its first message.
    with FaultServer({"dot": itertools.repeat(wait(1.0))}) as server:
        peopled.relay(server.port, connections="1")
        peopled.issue(READY)

        def both_are_sending() -> bool:
            if server.messages and not (peopled.folder / "issues" / "spring.md").exists():
                peopled.issue(READY, name="spring")
            states = [one.state for one in peopled.mailings()]
            return states == [MailingState.SENDING, MailingState.SENDING]

        run_until(peopled, both_are_sending)
    assert len(server.messages) < EIGHT


def test_a_retry_that_comes_due_is_made(peopled: News) -> None:
    with FaultServer({"RCPT": [say(b"451 4.7.1 greylisted")]}) as server:
        peopled.relay(server.port)
        assert 6 == peopled.run("send", "winter", "--yes").code
        peopled.come_due()
        run_until(peopled, is_in(peopled, MailingState.SENT))
    assert EIGHT == len(server.messages)


def test_a_relay_that_stays_down_pauses_what_waits_for_it(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    """Interface §1.6 A: after `relay.max_wait` the mailing is paused."""
    with FaultServer() as server:
        peopled.relay(server.port, relay_max_wait="0.5s")
    peopled.issue(READY)
    run_until(peopled, is_in(peopled, MailingState.PAUSED))
    (seen,) = peopled.mailings()
    assert (EIGHT, 0) == (seen.counts["queued"], seen.ever_in_doubt)
    assert seen.reason.startswith("E310 ")
    assert any(message.startswith("E310 ") for message in messages(caplog))


def test_a_relay_that_comes_back_is_used_again(peopled: News) -> None:
    """Case 40: continues alone."""
    with FaultServer({"banner": itertools.repeat(say(b"421 4.3.2 not now"), 1)}) as server:
        peopled.relay(server.port)
        peopled.issue(READY)
        run_until(peopled, is_in(peopled, MailingState.SENT), seconds=90)
    assert EIGHT == len(server.messages)


def test_a_refused_sender_pauses_its_mailing_and_the_daemon_goes_on(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    with FaultServer({"MAIL": itertools.repeat(say(b"550 5.1.8 sender unknown"), 3)}) as server:
        peopled.relay(server.port)
        peopled.issue(READY)
        run_until(peopled, is_in(peopled, MailingState.PAUSED))
        assert any("E311" in message and "550 5.1.8" in message for message in messages(caplog))
        peopled.issue(READY, name="2026-11-21-spring")
        server._script["MAIL"] = iter(())
        run_until(peopled, is_in(peopled, MailingState.SENT))
    assert EIGHT == len(server.messages)


def test_a_locked_ledger_is_said_once_in_words_and_waited_for(
    peopled: News, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 44: no traceback, and it goes on by itself."""
    monkeypatch.setattr("mailer.ledger.engines.BUSY_SECONDS", 0.05)
    peopled.issue(READY)
    with FaultServer() as server:
        peopled.relay(server.port)
        path = peopled.folder / "subscribers" / "mailer.db"
        with contextlib.closing(
            sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        ) as other:

            def lock() -> None:
                other.execute("BEGIN IMMEDIATE")
                threading.Timer(1.0, other.rollback).start()

            run_until(peopled, is_in(peopled, MailingState.SENT), first=lock)
    assert EIGHT == len(server.messages)
    said = [message for message in messages(caplog) if "cannot be used now" in message]
    assert said
    assert all("database is locked" in message and "\n" not in message for message in said)
    assert all(record.exc_info is None for record in caplog.records)


def test_who_comes_after_a_crash_recovers_first(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    """Interface §1.6 A: `recovered m1: … returned to the queue, … in doubt`."""
    with FaultServer() as server:
        peopled.relay(server.port)
        peopled.run("send", "winter", "--yes", "--at", "in 2h")
        peopled.start_now()
        with peopled.ledger() as ledger, ledger.write() as connection:
            starting.start_due(connection, now=now(), actor="test")
            claims.claim(connection, holder=HolderId(99), now=now())
        run_until(peopled, is_in(peopled, MailingState.SENT))
    assert "recovered m1: 8 returned to the queue, 0 in doubt" in messages(caplog)
    assert EIGHT == len(server.messages)


def test_a_daemon_that_was_taken_for_dead_sends_nothing_and_leaves_its_number(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    """Decisions 4, E651: what it held is another's; `mailer run` goes on under a new number."""
    peopled.issue(READY)
    with FaultServer() as server, peopled.ledger() as ledger, liveness.hold(ledger) as holder:
        peopled.relay(server.port)
        with ledger.write() as connection:
            liveness.bury(ledger, connection, holder)
        keyring = Keyring(require_secret(peopled.config))
        ended = Daemon(peopled.config, ledger, keyring, holder=holder)
        assert asyncio.run(ended.run()) is None
        assert ended.taken_for_dead
        assert [] == server.messages
    assert any("E651" in said for said in messages(caplog))
