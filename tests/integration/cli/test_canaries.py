"""A canary: a few first, then a person or a time decides about the rest (interface §2.2)."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.samples.newsletter import ended
from tests.samples.reports import entry, postfix
from tests.wire.fault_server import FaultServer, say
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import News


@pytest.fixture
def many(news: News) -> News:
    """Forty people: thirty at one domain, six, three and one at others."""
    sizes = {"large.test": 30, "middle.test": 6, "small.test": 3, "tiny.test": 1}
    news.people(
        *(f"p{number}@{domain}" for domain, size in sizes.items() for number in range(size))
    )
    return news


@pytest.fixture
def sink(many: News) -> Iterator[Sink]:
    """A relay that takes everything."""
    with Sink() as opened:
        many.relay(opened.port)
        yield opened


SEND = ("send", "winter", "--yes")


def test_a_canary_goes_to_all_domains_and_then_waits_for_a_person(many: News, sink: Sink) -> None:
    """Six of forty: one of each domain first, then further ones, the largest domains first."""
    done = many.run(*SEND, "--canary", "6")
    assert (6, True) == (done.code, " Canary    6 first" in done.err), done
    assert "; then it waits until a person decides\n" in done.err
    domains = Counter(address.partition("@")[2] for address in sink.taken)
    assert {"large.test": 2, "middle.test": 2, "small.test": 1, "tiny.test": 1} == domains
    (one,) = many.mailings()
    assert ("paused", "canary: 6 sent, 6 accepted", 34) == (
        one.state,
        one.reason,
        one.counts["queued"],
    )
    assert "mailer resume m1" in many.run("status").out
    assert 0 == many.run("send", "--due").code
    assert 6 == sink.total
    assert 0 == many.run("resume", "m1").code
    assert 0 == many.run(*SEND).code
    assert 40 == sink.total == len(sink.taken)
    assert "sent" == many.mailings()[0].state


def test_what_is_deferred_does_not_keep_a_canary_from_ending(many: News) -> None:
    with FaultServer({"RCPT": [say(b"451 4.2.1 later"), say(b"550 5.1.1 nobody")]}) as server:
        many.relay(server.port, connections="1")
        assert 6 == many.run(*SEND, "--canary", "4").code
        (one,) = many.mailings()
        assert ("paused", "canary: 4 sent, 2 accepted, 1 rejected, 1 deferred") == (
            one.state,
            one.reason,
        )
        many.run("resume", "m1")
        many.come_due()
        assert 0 == many.run(*SEND).code
    assert 39 == many.mailings()[0].counts["accepted"]


def test_with_a_wait_the_command_goes_on_by_itself(many: News, sink: Sink) -> None:
    """It says so, waits, and sends the rest."""
    done = many.run(*SEND, "--canary", "4", "--canary-wait", "1s")
    assert 0 == done.code, done
    assert "paused: canary: 4 sent, 4 accepted: goes on " in done.err
    assert 40 == sink.total == len(sink.taken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_late", [False, True])
def test_a_signal_at_the_end_of_delivering_is_not_taken_for_none(
    many: News, sink: Sink, monkeypatch: pytest.MonkeyPatch, number: int, *, is_late: bool
) -> None:
    """S-44: it comes when the loop looks no more, or is over; nobody waits for the rest then."""
    close = asyncio.Runner.close

    def close_and_hear(runner: asyncio.Runner) -> None:
        if is_late:
            close(runner)
        if signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler):
            signal.raise_signal(number)
        close(runner)

    monkeypatch.setattr(asyncio.Runner, "close", close_and_hear)
    done = many.run(*SEND, "--canary", "4", "--canary-wait", "1s")
    assert (6, 4) == (done.code, sink.total), done


def test_whoever_looks_lets_a_mailing_go_on_whose_wait_is_over(many: News, sink: Sink) -> None:
    """Also when the command that began it is gone: cron or the daemon."""
    process = many.start(*SEND, "--canary", "4", "--canary-wait", "1h")
    while not many.mailings() or many.mailings()[0].state != "paused":
        assert process.poll() is None, ended(process)
    process.terminate()
    ended(process, timeout=20)
    assert 0 == many.run("send", "--due").code
    assert 4 == sink.total
    many.end_wait()
    assert 0 == many.run("send", "--due").code
    assert 40 == sink.total == len(sink.taken)


def test_pause_ends_the_wait(many: News, sink: Sink) -> None:
    """What spoke against going on is not overruled by the clock."""
    assert 0 == many.run(*SEND, "--canary", "4", "--canary-wait", "1h", "--at", "in 1h").code
    many.start_now()
    many.run("send", "--due")
    assert many.mailings()[0].resume_at is not None
    many.run("pause", "m1")
    (one,) = many.mailings()
    assert ("paused", None, 4) == (one.state, one.resume_at, sink.total)


def test_a_canary_that_failed_does_not_let_the_rest_follow_by_itself(many: News) -> None:
    """However few it was: too large a share does not exist, so a person decides; once."""
    nobody = [say(b"550 5.1.1 nobody")] * 2
    with FaultServer({"RCPT": nobody}) as server:
        many.relay(server.port, connections="1")
        assert 6 == many.run(*SEND, "--canary", "4", "--canary-wait", "1s").code
        (one,) = many.mailings()
        said = "canary: 4 sent, 2 accepted, 2 rejected: 2 of the first 4 (50 %) do not exist"
        assert ("paused", f"{said} (limit 5 %)", None) == (one.state, one.reason, one.resume_at)
        assert f"paused: {said}" in many.run("status").out
        assert 0 == many.run("send", "--due").code
        assert 2 == len(server.messages)
        assert 0 == many.run("resume", "m1").code
        assert 0 == many.run("send", "--due").code
        assert 38 == len(server.messages)


def test_a_report_that_comes_in_the_wait_leaves_the_rest_to_a_person(many: News) -> None:
    many.run(*SEND, "--canary", "4", "--canary-wait", "1h", "--at", "in 1h")
    many.start_now()
    with FaultServer() as server:
        many.relay(server.port)
        many.run("send", "--due")
        sender = re.search(rb"<([^>]+)>", server.messages[0].mail)
    assert sender is not None
    assert many.mailings()[0].resume_at is not None
    about = entry(final_recipient="rfc822; x@y.org", action="failed", status="5.1.1")
    raw = postfix(about, to="someone@else.org", envelope_id="", returned="").encode()
    done = many.run("bounces", "ingest", sender[1].decode(), stdin=raw)
    assert "1 of the first 4 (25 %) do not exist" in done.err, done
    (one,) = many.mailings()
    said = "canary: 4 sent, 4 accepted: 1 of the first 4 (25 %) do not exist (limit 5 %)"
    assert ("paused", said, None) == (one.state, one.reason, one.resume_at)


def test_a_canary_that_was_interrupted_is_finished_first(many: News) -> None:
    """A pause while it runs, then resume: the rest still waits for the canary's end."""
    script = {"MAIL": [None, None, say(b"550 5.1.8 no")]}
    with FaultServer(script) as server:
        many.relay(server.port, connections="1")
        many.run(*SEND, "--canary", "6")
        assert 2 == len(server.messages)
        assert "E311" in many.mailings()[0].reason
        many.run("resume", "m1")
        many.run("send", "--due")
        assert (6, "canary: 6 sent, 6 accepted") == (
            len(server.messages),
            many.mailings()[0].reason,
        )


def test_a_canary_of_everybody_is_none(many: News, sink: Sink) -> None:
    assert 0 == many.run(*SEND, "--canary", "40").code
    assert 40 == sink.total


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--canary-wait", "15m"), "E005"),
        (("--canary", "3", "--canary-wait", "soon"), "E001"),
        (("--canary", "0"), "E001"),
        (("--canary", "3", "--to", "me@example.org"), "E005"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    many: News, flags: tuple[str, ...], code: str
) -> None:
    done = many.run("send", "winter", *flags)
    assert (2, True) == (done.code, f"✖ {code} " in done.err)


def test_a_mailing_that_began_without_a_canary_gets_none(many: News, sink: Sink) -> None:
    """E713."""
    many.run(*SEND, "--at", "in 2h")
    done = many.run(*SEND, "--canary", "3")
    assert (7, True, 0) == (done.code, "✖ E713 " in done.err, sink.total)
