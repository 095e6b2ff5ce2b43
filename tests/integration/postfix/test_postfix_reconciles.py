"""A real Postfix's own log decides what became of what was in doubt (S-42)."""

from __future__ import annotations

import re
import secrets
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mailer.delivery import reconciling, relaylog
from mailer.model import MailingState
from mailer.when import now
from tests.wire.cutter import Cutter
from tests.wire.postfix import queue_id, until

if TYPE_CHECKING:
    from tests.samples.newsletter import News
    from tests.wire.fault_server import Received
    from tests.wire.postfix import Postfix


@pytest.fixture
def impatient(postfix: Postfix, news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    """This Postfix writes at once; its log goes back some seconds."""
    # It is the relay of other tests, too, whose first mailings would have the same senders.
    monkeypatch.setenv("MAILER_SECRET_KEY", secrets.token_hex(32))
    assert len(news.config.secret_keys) == 1, "the key of the environment alone"
    first = relaylog.stamp(postfix.log.encode(), now=now()) or now()
    until(lambda: now() > first + 4_000_000, "a log of four seconds")
    monkeypatch.setattr(reconciling, "GRACE", 1.0)
    monkeypatch.setattr(reconciling, "LOOK", 0.3)


def got(arrived: list[Received]) -> Counter[str]:
    """How often each person's mail was taken by Postfix."""
    pairs = {(re.findall("<(.*?)>", one.rcpt.decode())[0], queue_id(one)) for one in arrived}
    return Counter(person for person, _ in pairs)


@pytest.mark.usefixtures("impatient")
def test_a_wire_that_breaks_at_the_dot_makes_no_twin(postfix: Postfix, news: News) -> None:
    """Case 31: one was taken and its answer lost, of one nothing came: each arrives once."""
    people = [f"person{number}@d{number % 3}.test" for number in range(12)]
    news.people(*people)
    with Cutter(postfix.port, taken={3}, lost={7}) as wire:
        news.relay(wire.port, connections="1", relay_log=str(postfix.folder / "mail.log"))
        done = news.run("send", "winter", "--yes")
    assert 0 == done.code, done
    (sent,) = news.mailings()
    assert (MailingState.SENT, 12, 2, 2, 0) == (
        sent.state,
        sent.counts["accepted"],
        sent.ever_in_doubt,
        sent.reconciled,
        sent.resent,
    )
    assert dict.fromkeys(people, 1) == got(postfix.settled())


@pytest.mark.usefixtures("impatient")
def test_kill_9_makes_no_twin_where_the_log_tells(postfix: Postfix, news: News) -> None:
    """Case 41: what is left in doubt is looked up before anything is sent again."""
    people = [f"person{number}@d{number % 3}.test" for number in range(200)]
    news.people(*people)
    news.relay(
        postfix.port,
        connections="4",
        relay_rate="100/s",
        relay_log=str(postfix.folder / "mail.log"),
    )
    with news.start("send", "winter", "--yes") as sending:
        until(
            lambda: len(postfix.arrived()) > 50 or sending.poll() is not None,
            "a quarter of the mailing",
        )
        sending.send_signal(signal.SIGKILL)
        sending.wait()
    done = news.run("send", "winter", "--yes")
    assert 0 == done.code, done
    (sent,) = news.mailings()
    assert (MailingState.SENT, 200) == (sent.state, sent.counts["accepted"])
    assert sent.ever_in_doubt == sent.reconciled + sent.resent
    twins = got(postfix.settled())
    assert set(people) == set(twins)
    assert sum(twins.values()) - 200 <= sent.resent
