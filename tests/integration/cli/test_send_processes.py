"""Several processes and signals: nobody twice, nothing in doubt without need (cases 42, 43)."""

from __future__ import annotations

import itertools
import json
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from mailer.model import MailingState
from tests.samples.newsletter import ISSUE, Done, News, ended
from tests.wire.fault_server import Act, FaultServer, hang

MANY = 90


@pytest.fixture
def crowd(news: News) -> News:
    """A newsletter with many subscribers."""
    news.people(*(f"person{n}@d{n % 7}.test" for n in range(MANY)))
    return news


def slow(seconds: float = 0.15) -> dict[str, Iterator[Act]]:
    """A relay that takes its time at each final dot: long enough for others to start meanwhile."""
    return {"dot": itertools.repeat(Act(after=seconds))}


def received(server: FaultServer) -> Counter[bytes]:
    return Counter(message.rcpt for message in server.messages)


def wait_for(what: Callable[[], bool], *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def send(news: News, *arguments: str) -> subprocess.Popen[str]:
    return news.start("send", "winter", "--yes", *arguments)


def holds_lock(news: News, process: subprocess.Popen[str]) -> bool:
    lock = news.folder / "subscribers" / "mailer.db.lock"
    return lock.exists() and f'"pid": {process.pid},' in lock.read_text()


# --- two at once ---------------------------------------------------------------------------------


def test_two_sends_of_one_issue_mail_nobody_twice(crowd: News) -> None:
    """Case 43, S-47: one delivers, the other watches; both say how it ended."""
    with FaultServer(slow(0.01)) as server:
        crowd.relay(server.port)
        both = [ended(one) for one in [send(crowd), send(crowd)]]
    assert [0, 0] == [one.code for one in both], both
    assert {1} == set(received(server).values())
    assert MANY == len(server.messages)
    assert 1 == len(crowd.mailings())
    assert MailingState.SENT is crowd.mailings()[0].state


def test_who_comes_while_another_delivers_watches_it(crowd: News) -> None:
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        first = send(crowd)
        wait_for(lambda: len(server.messages) > 10)
        second = ended(send(crowd))
        assert 0 == second.code, second
        assert f"pid {first.pid} on {socket.gethostname()} is delivering" in second.err
        assert f"m1 sent: {MANY} accepted" in second.out
        assert 0 == ended(first).code
    assert {1} == set(received(server).values())


def test_ctrl_c_only_stops_watching(crowd: News) -> None:
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        first = send(crowd)
        wait_for(lambda: len(server.messages) > 5)
        second = send(crowd)
        assert second.stderr is not None
        said = second.stderr.readline()
        assert "is delivering; watching it." in said
        second.send_signal(signal.SIGINT)
        done = ended(second)
        assert 130 == done.code
        assert "the other process goes on" in done.err
        assert 0 == ended(first).code
    assert MANY == len(server.messages)


def test_who_waits_takes_over_when_the_other_is_killed(crowd: News) -> None:
    """A dead holder is noticed at once (decisions 4)."""
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        first = send(crowd)
        wait_for(lambda: len(server.messages) > 5)
        second = send(crowd)
        assert second.stderr is not None
        assert "watching it" in second.stderr.readline()
        first.kill()
        first.communicate()
        done = ended(second)
        assert 0 == done.code, done
        assert "recovered m1:" in done.err
    (seen,) = crowd.mailings()
    assert MailingState.SENT is seen.state
    assert MANY == len(received(server))
    assert len(server.messages) - MANY <= seen.ever_in_doubt <= 3


def test_a_second_issue_waits_for_the_first_and_is_sent(crowd: News) -> None:
    crowd.issue(ISSUE.replace("Winter", "Spring"), name="2026-11-21-spring")
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        first = send(crowd)
        wait_for(lambda: len(server.messages) > 5)
        second = ended(crowd.start("send", "spring", "--yes"))
        assert (0, 0) == (ended(first).code, second.code), second
    assert {2} == set(received(server).values())
    assert {"m1", "m2"} == {one.name for one in crowd.mailings()}


def test_due_leaves_quietly_while_another_delivers(crowd: News) -> None:
    """Interface §2.6: safe to run every minute and to overlap; exits 0, silently."""
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        first = send(crowd)
        wait_for(lambda: len(server.messages) > 5)
        due = [ended(one) for one in [crowd.start("send", "--due") for _ in range(2)]]
        assert [(0, "", "")] * 2 == [(one.code, one.out, one.err) for one in due]
        assert 0 == ended(first).code
    assert {1} == set(received(server).values())


def test_many_due_at_once_mail_nobody_twice(crowd: News) -> None:
    with FaultServer() as server:
        crowd.relay(server.port)
        assert 0 == crowd.run("send", "winter", "--yes", "--at", "in 1 min").code
        crowd.start_now()
        done = [ended(one) for one in [crowd.start("send", "--due", "-q") for _ in range(4)]]
    assert [(0, "", "")] * 4 == [(one.code, one.out, one.err) for one in done]
    assert {1} == set(received(server).values())
    assert MANY == len(server.messages)


# --- signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_a_send_and_the_same_command_goes_on(crowd: News, number: int) -> None:
    """Case 42, S-44: no doubt, exit 6, and what is left is said."""
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        process = send(crowd)
        wait_for(lambda: len(server.messages) > 10)
        process.send_signal(number)
        done = ended(process)
        assert 6 == done.code, done
        assert "m1 sending: " in done.out
        assert " left: mailer run or mailer send --due" in done.out
        (seen,) = crowd.mailings()
        assert (0, 0, 0) == (seen.counts["sending"], seen.counts["claimed"], seen.ever_in_doubt)
        assert len(server.messages) == seen.counts["accepted"] < MANY
        assert 0 == ended(send(crowd)).code
    assert {1} == set(received(server).values())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_stops_at_once_and_says_what_is_in_doubt(
    crowd: News, number: int, code: int
) -> None:
    """Interface §2.1, §2.6."""
    with FaultServer({"dot": [None] * 9 + [hang()] * 9}) as server:
        crowd.relay(server.port)
        process = send(crowd)
        wait_for(lambda: len(server.messages) > 8)
        time.sleep(0.3)
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None, "it waits for the replies that are due"
        process.send_signal(number)
        done = ended(process)
        assert code == done.code, done
        assert "stopped at once: m1 sending: " in done.err
        assert re.search(r" [123] were in doubt and go again", done.err)
    (seen,) = crowd.mailings()
    assert 1 <= seen.ever_in_doubt <= 3


def test_due_that_is_drained_is_exit_6(crowd: News) -> None:
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        process = send(crowd)
        wait_for(lambda: len(server.messages) > 5)
        process.send_signal(signal.SIGTERM)
        ended(process)
        due = crowd.start("send", "--due")
        before = len(server.messages)
        wait_for(lambda: len(server.messages) > before + 5)
        due.send_signal(signal.SIGTERM)
        done = ended(due)
        assert (6, "") == (done.code, done.out)
        assert " left: mailer run" in done.err


# --- the daemon ----------------------------------------------------------------------------------


def log_of(done: Done) -> list[str]:
    """What the daemon logged; every line after the first is a JSON object."""
    return [json.loads(line)["message"] for line in done.err.splitlines()[1:]]


def test_a_second_run_is_exit_8_and_names_who_has_the_lock(crowd: News) -> None:
    """Interface §1.3."""
    crowd.relay(1)
    first = crowd.start("run")
    try:
        wait_for(lambda: holds_lock(crowd, first))
        second = ended(crowd.start("run"))
        assert 8 == second.code
        assert "✖ E605 Another process is delivering from this ledger" in second.err
        assert f"pid {first.pid} on {socket.gethostname()}" in second.err
    finally:
        first.terminate()
        assert 0 == ended(first).code


def test_run_and_due_together_mail_nothing_twice(crowd: News) -> None:
    """The schedule is a column in the ledger; daemon and cron only say when to look."""
    soon = "2020-01-01 09:00"
    crowd.issue(ISSUE.replace("date:", f"status: ready\nsend_at: {soon}\ndate:"))
    with FaultServer(slow(0.01)) as server:
        crowd.relay(server.port)
        daemon = crowd.start("run")
        wait_for(lambda: holds_lock(crowd, daemon))
        cron = [ended(crowd.start("send", "--due")) for _ in range(4)]
        wait_for(lambda: len(server.messages) == MANY)
        wait_for(lambda: crowd.mailings()[0].state is MailingState.SENT)
        daemon.terminate()
        done = ended(daemon)
    assert {0} == {one.code for one in (*cron, done)}
    assert {1} == set(received(server).values())
    assert 1 == len(crowd.mailings())


def test_with_a_daemon_running_send_freezes_and_watches(crowd: News) -> None:
    """Interface §2.2: the daemon delivers; the command returns when it is done."""
    with FaultServer() as server:
        crowd.relay(server.port)
        daemon = crowd.start("run")
        wait_for(lambda: holds_lock(crowd, daemon))
        done = ended(send(crowd))
        daemon.terminate()
        assert 0 == ended(daemon).code
    assert 0 == done.code, done
    assert f"pid {daemon.pid} on {socket.gethostname()} is delivering; watching it." in done.err
    assert f"m1 sent: {MANY} accepted" in done.out
    assert MANY == len(server.messages)


def test_the_daemon_sends_what_is_due_and_logs_one_event_per_decision(crowd: News) -> None:
    crowd.issue(ISSUE.replace("date:", "status: ready\nsend_at: 2020-01-01 09:00\ndate:"))
    crowd.issue("---\nsubject: [\n---\n", name="broken")
    with FaultServer() as server:
        crowd.relay(server.port)
        daemon = crowd.start("run")
        wait_for(lambda: len(server.messages) == MANY)
        wait_for(lambda: crowd.mailings()[0].state is MailingState.SENT)
        daemon.terminate()
        done = ended(daemon)
    assert 0 == done.code, done
    assert "" == done.out
    log = log_of(done)
    assert "m1: 2026-11-20-winter → weekly is due" in log
    assert "m1 is sent" in log
    assert 1 == sum("broken.md is not mailed: E101" in line for line in log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_daemon(crowd: News, number: int) -> None:
    """Case 42: exit 0; nothing is in doubt."""
    crowd.issue(ISSUE.replace("date:", "status: ready\nsend_at: 2020-01-01 09:00\ndate:"))
    with FaultServer(slow()) as server:
        crowd.relay(server.port)
        daemon = crowd.start("run")
        wait_for(lambda: len(server.messages) > 10)
        daemon.send_signal(number)
        done = ended(daemon)
        assert 0 == done.code, done
        (seen,) = crowd.mailings()
        assert (0, 0) == (seen.counts["sending"], seen.ever_in_doubt)
        assert len(server.messages) == seen.counts["accepted"] < MANY


def test_a_second_signal_stops_the_daemon_at_once(crowd: News) -> None:
    crowd.issue(ISSUE.replace("date:", "status: ready\nsend_at: 2020-01-01 09:00\ndate:"))
    with FaultServer({"dot": [None] * 9 + [hang()] * 9}) as server:
        crowd.relay(server.port)
        daemon = crowd.start("run")
        wait_for(lambda: len(server.messages) > 8)
        time.sleep(0.3)
        daemon.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert daemon.poll() is None
        daemon.send_signal(signal.SIGTERM)
        assert 143 == ended(daemon).code


def test_an_idle_daemon_ends_when_it_is_told_to(news: News) -> None:
    news.relay(1)
    daemon = news.start("run")
    wait_for(lambda: holds_lock(news, daemon))
    time.sleep(0.5)
    daemon.terminate()
    done = ended(daemon)
    assert (0, "") == (done.code, done.out), done
