"""One turn at delivering: what is started, taken over, and tidied up around the dispatching."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.delivery.hand import greeting
from mailer.delivery.shift import Report, Shift
from mailer.ledger import Ledger, liveness, mailings
from mailer.model import DeliveryState, MailingId, MailingState
from mailer.when import now
from tests.samples.mailings import look, rows
from tests.wire.fault_server import Act, FaultServer, say

if TYPE_CHECKING:
    from tests.samples.newsletter import News


def turn(news: News, ledger: Ledger) -> Report:
    """Deliver everything that is due."""
    config = news.config
    with liveness.hold(ledger) as holder:
        shift = Shift(config, ledger, Keyring(require_secret(config)), holder=holder)
        return asyncio.run(shift.run())


@pytest.fixture
def scheduled(peopled: News) -> News:
    """m1, for eight people, due now."""
    peopled.run("send", "winter", "--yes", "--at", "in 2h")
    peopled.start_now()
    return peopled


def test_what_is_due_is_started_and_said(scheduled: News) -> None:
    with FaultServer() as server, scheduled.ledger() as ledger:
        scheduled.relay(server.port)
        report = turn(scheduled, ledger)
    (started,) = report.started
    assert (MailingId(1), 8) == (started.mailing, started.confirmed)
    assert ((MailingId(1),), (), False, None) == (
        report.finished,
        report.recovered,
        report.drained,
        report.signal,
    )


def test_nothing_due_is_no_turn_at_all(peopled: News) -> None:
    with FaultServer() as server, peopled.ledger() as ledger:
        peopled.relay(server.port)
        report = turn(peopled, ledger)
    assert ((), (), ()) == (report.started, report.finished, report.recovered)
    assert [] == server.connections


def test_what_is_deferred_after_the_mailing_was_cancelled_is_cancelled_too(
    scheduled: News,
) -> None:
    """Decisions 6: nothing stays queued, and those people can be mailed anew."""
    late = Act(octets=say(b"451 4.3.0 later").octets, after=0.5)
    with (
        FaultServer({"dot": [None] * 3 + [late] * 3}) as server,
        scheduled.ledger() as ledger,
        scheduled.ledger() as operator,
    ):
        scheduled.relay(server.port)

        def cancel() -> None:
            while len(server.messages) < 3:
                time.sleep(0.005)
            time.sleep(0.2)
            with operator.write() as connection:
                mailings.cancel(connection, MailingId(1), actor="ann", now=now())

        thread = threading.Thread(target=cancel)
        thread.start()
        turn(scheduled, ledger)
        thread.join()
        seen = look(ledger, MailingId(1))
        assert (3, 5, 0) == (
            seen.counts["accepted"],
            seen.counts["cancelled"],
            seen.counts["queued"],
        )
        assert MailingState.CANCELLED is seen.state
        gone = [row for row in rows(ledger, MailingId(1)) if row.state == DeliveryState.CANCELLED]
        assert {(None, None)} == {(row.issue, row.due_at) for row in gone}
    with FaultServer() as server:
        scheduled.relay(server.port)
        assert 0 == scheduled.run("send", "winter", "--yes").code
        assert 5 == len(server.messages)


def test_we_introduce_ourselves_by_a_name_with_a_dot_or_by_an_address() -> None:
    """S-1."""
    name = greeting()
    assert name == "[127.0.0.1]" or ("." in name and name.isascii() and " " not in name)
