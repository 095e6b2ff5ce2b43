"""What an operator sees of the guard and says to it (S-33, decisions 16, interface §1.6 C)."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailer.ledger.schema import event
from tests.samples.reports import entry, postfix
from tests.wire.fault_server import FaultServer, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.samples.newsletter import News
    from tests.wire.fault_server import Act

GMAIL = [f"g{number}@gmail.test" for number in range(4)]
OTHERS = [f"o{number}@other.test" for number in range(4)]


def at_gmail(reply: bytes) -> Callable[[bytes], Act | None]:
    return lambda line: say(reply) if b"@gmail.test>" in line else None


@pytest.fixture
def news_of_two_domains(news: News) -> News:
    """Eight people at two domains; two equal replies are enough."""
    news.configure("[guard]\nequal_replies = 2")
    news.people(*GMAIL, *OTHERS)
    return news


@pytest.fixture
def holding(news_of_two_domains: News) -> News:
    """m1, which holds gmail.test."""
    news = news_of_two_domains
    with FaultServer({"RCPT": at_gmail(b"550 5.7.26 unauthenticated")}) as server:
        news.relay(server.port, connections="1")
        done = news.run("send", "winter", "--yes")
    assert 6 == done.code, done
    assert "mailer resume m1 --domain gmail.test" in done.out
    return news


def test_status_says_what_is_held_why_and_what_to_do(holding: News) -> None:
    done = holding.run("status", "m1")
    assert "4 held" in done.out or "held 4" in done.out
    assert (
        'needs you   m1: holds gmail.test: 2 equal replies "550 5.7.26 unauthenticated" are about '
        "us, not about the addresses: name the relay in SPF and let DKIM sign for the domain of "
        "From, then mailer resume m1 --domain gmail.test\n"
    ) in done.out + "\n"
    assert "left: mailer run" not in done.out
    (one,) = holding.run("--json", "status", "m1").data["mailings"]
    assert (4, ["gmail.test"], 4, 0) == (
        one["held"],
        list(one["holds"]),
        one["counts"]["queued"],
        one["deferred"],
    )


def test_trace_says_that_a_delivery_is_held(holding: News) -> None:
    told = holding.run("trace", GMAIL[0]).out
    assert "held: its domain waits for a person" in told
    (one,) = holding.run("--json", "trace", GMAIL[0]).data["deliveries"]
    assert (None, True) == (one["due_at"], one["held"])


def test_cron_has_nothing_to_do_for_what_is_held(holding: News) -> None:
    done = holding.run("send", "--due", "--quiet")
    assert (0, "", "") == (done.code, done.out, done.err)


def test_a_domain_is_released_and_gets_its_mail(holding: News) -> None:
    done = holding.run("resume", "m1", "--domain", "@GMAIL.test")
    assert (0, "", True) == (done.code, done.err, "m1 sending" in done.out)
    again = holding.run("resume", "m1", "--domain", "gmail.test")
    assert (9, True) == (again.code, "E914 m1 does not hold gmail.test" in again.err)
    with FaultServer() as server:
        holding.relay(server.port)
        assert 0 == holding.run("send", "--due").code
    (one,) = holding.mailings()
    assert ("sent", 8, 0) == (one.state, one.counts["accepted"], one.held)


def test_a_canary_that_met_a_guard_waits_for_a_person(news_of_two_domains: News) -> None:
    """Interface §2.2: it goes on by itself only if no guard spoke."""
    news = news_of_two_domains
    with FaultServer({"RCPT": at_gmail(b"550 5.7.26 unauthenticated")}) as server:
        news.relay(server.port)
        done = news.run("send", "winter", "--yes", "--canary", "4", "--canary-wait", "1h")
    (one,) = news.mailings()
    assert (6, "paused", None) == (done.code, one.state, one.resume_at)
    assert ["gmail.test"] == list(one.holds)


def test_one_domain_and_a_revision_are_two_commands(holding: News) -> None:
    done = holding.run("resume", "m1", "--domain", "gmail.test", "--revision", ".")
    assert (2, True) == (done.code, done.err.startswith("✖ E013 "))


def test_three_domains_pause_it_and_status_says_what_to_mend(news: News) -> None:
    news.configure("[guard]\nequal_replies = 3")
    news.people("a@a.test", "b@b.test", "c@c.test")
    fault = itertools.repeat(say(b"421 4.7.23 no PTR record"))
    with FaultServer({"dot": fault}) as server:
        news.relay(server.port, connections="1")
        done = news.run("send", "winter", "--yes")
    assert (6, True) == (done.code, "✖ E312 3 equal replies " in done.err)
    assert "→ set PTR and A records for the address that the relay sends from, then mailer" in (
        done.err
    )
    assert "set PTR and A records" in news.run("status").out


def test_the_guard_stops_and_the_operator_goes_on(news: News) -> None:
    """[guard] minimum and sample; the second run is not stopped again."""
    news.configure("[guard]\nminimum = 4\nsample = 8")
    news.people(*GMAIL, *OTHERS)
    with FaultServer({"RCPT": at_gmail(b"550 5.1.1 no such user")}) as server:
        news.relay(server.port, connections="1")
        done = news.run("send", "winter", "--yes")
        assert (6, True) == (done.code, "✖ E315 The guard stopped m1: " in done.err)
        assert "do not exist (limit 5 %)" in news.run("status").out
        assert "→ mailer bounces list --mailing m1" in done.err
        assert 0 == news.run("resume", "m1").code
        assert 0 == news.run("send", "--due").code
    (one,) = news.mailings()
    assert ("sent", 4, 4) == (one.state, one.counts["accepted"], one.counts["rejected"])


# --- suppressions undo ---------------------------------------------------------------------------


@pytest.fixture
def wrongly_suppressed(news: News) -> News:
    """m1 went to eight people; a server called four mailboxes unknown that exist."""
    news.people(*GMAIL, *OTHERS)
    with FaultServer({"RCPT": at_gmail(b"550 5.1.1 no such user")}) as server:
        news.relay(server.port)
        news.run("send", "winter", "--yes")
    return news


def suppressed(news: News) -> list[str]:
    found = news.run("--json", "suppressions", "list").data["suppressions"]
    return sorted(one["address"] for one in found)


def test_undo_takes_back_what_a_mailing_suppressed_and_they_can_be_mailed(
    wrongly_suppressed: News,
) -> None:
    """Interface §1.6 C: at once, with an audit entry; then `retry --failed` mails them."""
    news = wrongly_suppressed
    news.run("suppressions", "add", "x@example.org")
    undo = ("suppressions", "undo", "--mailing", "m1", "--class", "hard:address")
    asked = news.run(*undo)
    assert (7, True) == (asked.code, "Allow 4 addresses again that m1 suppressed?" in asked.err)
    assert 5 == len(suppressed(news))
    done = news.run(*undo, "--yes")
    assert (0, "✔ 4 addresses are no longer suppressed\n→ mailer retry m1 --failed\n") == (
        done.code,
        done.out,
    )
    assert ["x@example.org"] == suppressed(news)
    with news.ledger() as ledger, ledger.read() as connection:
        lifted = connection.scalars(select(event.c.detail).where(event.c.kind == "unsuppressed"))
        assert ["undone: m1 as hard:address" in one for one in lifted] == [True] * 4
    assert "4 queued again" in news.run("retry", "m1", "--failed").err
    with FaultServer() as server:
        news.relay(server.port)
        news.run("send", "--due")
        assert 4 == len(server.messages)
    assert ["x@example.org"] == suppressed(news)


@pytest.mark.parametrize("name", ["policy", "mailbox full"])
def test_undo_of_a_class_that_suppressed_nobody_says_so(
    wrongly_suppressed: News, name: str
) -> None:
    done = wrongly_suppressed.run(
        "suppressions", "undo", "--mailing", "m1", "--class", name, "--yes"
    )
    assert (9, True) == (done.code, done.err.startswith("✖ E516 m1 suppressed no address as "))
    assert 4 == len(suppressed(wrongly_suppressed))


# --- reports that come back ----------------------------------------------------------------------


def test_a_report_may_stop_a_mailing_that_is_being_sent(news: News) -> None:
    """S-33: the relay took it and the report came later."""
    news.configure("[guard]\nminimum = 4\nsample = 8")
    news.people(*GMAIL, *OTHERS)
    with FaultServer({"RCPT": at_gmail(b"451 4.3.0 later")}) as server:
        news.relay(server.port)
        assert 6 == news.run("send", "winter", "--yes").code
        sender = re.search(rb"<([^>]+)>", server.messages[0].mail)
    assert sender is not None
    about = entry(final_recipient="rfc822; x@y.org", action="failed", status="5.1.1")
    raw = postfix(about, to="someone@else.org", envelope_id="", returned="").encode()
    done = news.run("bounces", "ingest", sender[1].decode(), stdin=raw)
    assert (0, "m1 failed 5.1.1 hard:address\n") == (done.code, done.out)
    assert "E315 The guard stopped m1: 1 of the first 4 (25 %) do not exist" in done.err
    steps = "mailer bounces list --mailing m1; is it right? mailer resume m1, else mailer cancel m1"
    assert f": {steps}" in news.run("status").out
    assert "paused" == news.mailings()[0].state
