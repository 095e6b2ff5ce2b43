"""`mailer correct`: a correction goes to those who got a revision, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.ledger import events
from mailer.ledger.schema import delivery, subscription
from mailer.model import MailingId
from mailer.when import now
from tests.samples.newsletter import ISSUE
from tests.wire.fault_server import Act, FaultServer, drop, say
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.newsletter import News

CORRECTION = ISSUE.replace("Winter opening hours", "The right link").replace("/winter", "/right")


@pytest.fixture
def corrected(peopled: News) -> Iterator[News]:
    """m1: one rejected, one in doubt, three accepted with r1, three with r2."""
    script: dict[str, list[Act | None]] = {
        "RCPT": [say(b"550 5.2.1 gone")],
        "dot": [drop(store=True)],
        "MAIL": [*[None] * 5, say(b"550 5.1.8 no")],
    }
    with FaultServer(script) as server:
        peopled.relay(server.port, connections="1", delivery_on_doubt="skip")
        peopled.run("send", "winter", "--yes")
        peopled.issue(ISSUE.replace("ten.", "eleven."))
        done = peopled.run("resume", "m1", "--revision", ".", "--yes")
        assert 0 == done.code, done
        assert 0 == peopled.run("send", "--due").code
        yield peopled


def add_correction(news: News) -> None:
    """Beside the issue that it corrects."""
    (news.folder / "issues" / "2026-11-21-link.md").write_text(CORRECTION)


def test_who_got_the_revision_gets_the_correction_and_who_is_in_doubt(corrected: News) -> None:
    """Three accepted and one in doubt of eight; nobody with r2, nobody who was refused."""
    add_correction(corrected)
    with Sink() as sink:
        corrected.relay(sink.port)
        done = corrected.run("correct", "m1", "link", "--revision", "r1", "--yes")
        assert 0 == done.code, done
        assert " Corrects  m1 r1" in done.err
        assert "on the list                  4" in done.err
        first = set(sink.taken)
        assert 4 == len(first) == sink.total
        again = corrected.run("correct", "m1", "link", "--revision", "1", "--yes")
        assert (0, True) == (again.code, "nothing to do" in again.out)
        assert 4 == sink.total
    two, one = corrected.mailings()
    assert ("m1 r1", "") == (two.corrects, one.corrects)
    assert {1: 4, 2: 4} == one.revisions
    assert "corrects m1 r1" in corrected.run("status").out


def test_who_left_since_or_whose_mail_came_back_gets_no_correction(corrected: News) -> None:
    add_correction(corrected)
    with corrected.ledger() as ledger, ledger.write() as connection:
        who = (delivery.c.state == "accepted", delivery.c.revision == 1)
        left, returned, _ = connection.execute(select(delivery).where(*who)).all()
        connection.execute(
            update(subscription)
            .where(subscription.c.subscriber == left.subscriber)
            .values(state="unsubscribed")
        )
        events.record(
            connection,
            kind=events.Kind.BOUNCED,
            actor="report",
            at=now(),
            mailing=MailingId(1),
            seq=returned.seq,
        )
    with Sink() as sink:
        corrected.relay(sink.port)
        done = corrected.run("correct", "m1", "link", "--revision", "r1", "--yes")
        assert (0, 2) == (done.code, sink.total)
    assert "− unsubscribed               1" in done.err


def test_a_correction_asks_and_shows_whom_it_goes_to(corrected: News) -> None:
    add_correction(corrected)
    done = corrected.run("correct", "m1", "link", "--revision", "r2")
    assert (7, True) == (done.code, "= will receive               3" in done.err)
    assert 1 == len(corrected.mailings())


def test_what_cannot_be_corrected_is_refused(corrected: News) -> None:
    for arguments, code, words in (
        (("m1", "winter", "--revision", "r1"), 7, "✖ E720 "),
        (("m1", "winter", "--revision", "r3"), 9, "✖ E721 m1 has no r3"),
        (("m1", "winter", "--revision", "first"), 2, "✖ E001 "),
        (("m9", "winter", "--revision", "r1"), 9, "✖ E910 "),
    ):
        done = corrected.run("correct", *arguments, "--yes")
        assert (code, True) == (done.code, words in done.err), done
