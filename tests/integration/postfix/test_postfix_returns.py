"""What a real Postfix refuses and returns: recorded once, by its token, with the right effect."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.samples.newsletter import ISSUE, MAILER, ended
from tests.samples.recomposed import recomposed

if TYPE_CHECKING:
    from tests.samples.newsletter import News
    from tests.wire.postfix import Postfix

GOOD, BAD = 6, 40


def mailer(news: News, *arguments: str, stdin: bytes = b"") -> dict[str, Any]:
    """What a command of its own process prints as JSON."""
    done = subprocess.run(
        [*MAILER, "-C", str(news.folder), *arguments, "--json"],
        input=stdin,
        env={**os.environ, **news.environ},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ingest(news: News, report: bytes, recipient: str = "") -> dict[str, Any]:
    """Hand a report over as Postfix's pipe(8) does; what became of its one entry."""
    (entry,) = mailer(news, "bounces", "ingest", recipient, stdin=report)["entries"]
    found: dict[str, Any] = entry
    return found


def suppressed(news: News) -> dict[str, str]:
    """Who is suppressed, and why."""
    rows = news.run("suppressions", "list", "--json").data["suppressions"]
    return {row["address"]: row["class"] for row in rows}


def without(report: bytes, *fields: str) -> bytes:
    """The report without these header fields, wherever they stand."""
    for field in fields:
        report, removed = re.subn(
            rb"(?im)^" + field.encode() + rb":.*\r\n(?:[ \t].*\r\n)*", b"", report
        )
        assert removed, field
    return report


def test_a_refusal_at_rcpt_is_recorded_and_suppresses(postfix: Postfix, news: News) -> None:
    """§3.3 RCPT/5xx, case 25: also in a run so long that Postfix hangs up for too many errors."""
    good = [f"good{number}@a.test" for number in range(GOOD)]
    bad = [f"bad{number}@bad.test" for number in range(BAD)]
    news.people(*bad, *good)
    news.relay(postfix.port, connections="1")
    done = ended(news.start("send", "winter", "--yes"))
    (sent,) = news.mailings()
    assert (5, GOOD, BAD, 0, 0) == (
        done.code,
        sent.counts["accepted"],
        sent.counts["rejected"],
        sent.deferred,
        sent.ever_in_doubt,
    )
    assert GOOD == len(postfix.settled())
    listed = mailer(news, "bounces", "list", "--mailing", sent.name)["bounces"]
    expected = {
        (
            address,
            "rejected",
            "hard:address",
            f"550 5.1.1 <{address}>: Recipient address rejected: no such user",
        )
        for address in bad
    }
    assert expected == {(one["email"], one["kind"], one["class"], one["words"]) for one in listed}
    assert BAD == len(listed)
    assert dict.fromkeys(bad, "hard:address") == suppressed(news)
    news.issue(ISSUE, name="2026-11-21-again")
    assert 0 == ended(news.start("send", "again", "--yes")).code
    assert GOOD == news.mailings()[0].recipients


@pytest.fixture
def returned(postfix: Postfix, news: News) -> tuple[bytes, str]:
    """The report that Postfix made of a delivery to hard.test, and the address that it came to."""
    news.people("ann@a.test", "gone@hard.test", "bob@a.test")
    news.relay(postfix.port)
    assert 0 == news.run("send", "winter", "--yes").code
    (report,) = postfix.delivered(1, to="<b-")
    found = re.match(rb"RCPT TO:<([^>]*)>", report.rcpt)
    assert found
    assert report.mail.startswith(b"MAIL FROM:<> ")  # B-8
    assert recomposed(news)["gone@hard.test"].mail_from == found[1].decode()
    return report.content, found[1].decode()


def test_a_report_is_recorded_once_and_suppresses_the_dead_address(
    news: News, returned: tuple[bytes, str]
) -> None:
    """V-1, B-2, B-9, B-20: the second time it is known already."""
    report, recipient = returned
    assert {} == suppressed(news)
    entry = {"mailing": "m1", "action": "failed", "status": "5.1.1", "class": "hard:address"}
    assert {**entry, "new": True} == ingest(news, report, recipient)
    assert {**entry, "new": False} == ingest(news, report, recipient)
    (listed,) = mailer(news, "bounces", "list")["bounces"]
    assert ("gone@hard.test", "bounced", "550 5.1.1 User unknown") == (
        listed["email"],
        listed["kind"],
        listed["words"],
    )
    shown = mailer(news, "bounces", "show", f"b{listed['id']}")
    assert shown["evidence"].startswith("Received: by relay.test (Postfix)")  # B-23
    assert {"gone@hard.test": "hard:address"} == suppressed(news)


@pytest.mark.parametrize(
    ("lost", "identified"),
    [
        ((), True),  # the address is in To (V-3)
        (("To", "X-Postfix-Sender", "Return-Path", "Message-Id"), True),  # by ENVID (B-1)
        (("To", "X-Postfix-Sender", "Return-Path", "Original-Envelope-Id"), True),  # by Message-ID
        (("To", "Message-Id", "Original-Envelope-Id"), False),  # what is quoted proves nothing
    ],
    ids=["To", "ENVID", "Message-ID", "none"],
)
def test_a_report_is_identified_by_whichever_token_is_left(
    news: News, returned: tuple[bytes, str], lost: tuple[str, ...], *, identified: bool
) -> None:
    """B-1, B-2: the pipe names no recipient, and header fields are missing."""
    report, _ = returned
    assert ("m1" if identified else None) == ingest(news, without(report, *lost))["mailing"]
    assert ({"gone@hard.test"} if identified else set()) == set(suppressed(news))


def test_a_report_that_names_somebody_else_suppresses_nobody_else(
    news: News, returned: tuple[bytes, str]
) -> None:
    """B-2, case 57: the token decides, not the address in the report."""
    report, recipient = returned
    forged = report.replace(b"gone@hard.test", b"ann@a.test")
    assert "m1" == ingest(news, forged, recipient)["mailing"]
    assert {"gone@hard.test"} == set(suppressed(news))
    flipped = recipient.replace("b-a", "b-b", 1)
    stranger = without(forged, "To", "Message-Id", "Original-Envelope-Id")
    assert None is ingest(news, stranger, flipped)["mailing"]
    assert {"gone@hard.test"} == set(suppressed(news))


def test_a_report_of_delay_suppresses_nobody(postfix: Postfix, news: News) -> None:
    """B-3, B-1: NOTIFY=DELAY gets "Action: delayed", Status 4.7.1, which is only a note."""
    news.people("ann@slow.test")
    news.relay(postfix.port)
    assert 0 == ended(news.start("send", "winter", "--yes")).code
    (report,) = postfix.delivered(1, to="<b-")
    verp = recomposed(news)["ann@slow.test"].mail_from
    expected = {"mailing": "m1", "action": "delayed", "status": "4.7.1", "class": None, "new": True}
    assert expected == ingest(news, report.content, verp)
    (listed,) = mailer(news, "bounces", "list")["bounces"]
    assert ("ann@slow.test", "reported") == (listed["email"], listed["kind"])
    assert {} == suppressed(news)
