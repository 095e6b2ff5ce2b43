"""The relay goes away in the middle of a mailing and comes back: nobody is lost."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING

from mailer.model import MailingState
from tests.samples.newsletter import ended
from tests.wire.postfix import queue_id, until

if TYPE_CHECKING:
    from tests.samples.newsletter import News
    from tests.wire.fault_server import Received
    from tests.wire.postfix import Postfix

RECIPIENTS = 400
CONNECTIONS = 4


def _taken(one: Received) -> tuple[str, str]:
    """A relay that is stopped before it notes that a message was passed on does so again (S-41)."""
    return re.findall("<(.*?)>", one.rcpt.decode())[0], queue_id(one)


def test_a_restart_of_the_relay_loses_nobody(postfix: Postfix, news: News) -> None:
    """Cases 25, 31 and 40, S-41: in doubt ≤ connections; twins ≤ doubt; it goes on by itself."""
    people = [f"person{number}@d{number % 5}.test" for number in range(RECIPIENTS)]
    news.people(*people)
    news.relay(postfix.port, connections=str(CONNECTIONS), relay_rate="100/s")
    with news.start("send", "winter", "--yes") as sending:
        until(
            lambda: len(postfix.arrived()) > RECIPIENTS // 4 or sending.poll() is not None,
            "a quarter of the mailing",
        )
        postfix.stop()
        before = len(postfix.arrived())
        time.sleep(1)
        postfix.start()
        done = ended(sending, timeout=90)
    assert 0 == done.code, done
    assert RECIPIENTS // 4 < before < RECIPIENTS
    (sent,) = news.mailings()
    assert MailingState.SENT is sent.state
    assert RECIPIENTS == sent.counts["accepted"] + sent.counts["in_doubt"]
    assert sent.ever_in_doubt <= CONNECTIONS
    got = Counter(person for person, _ in {_taken(one) for one in postfix.settled()})
    assert set(people) == set(got)
    assert sum(got.values()) - RECIPIENTS <= sent.ever_in_doubt
    print(f"{before} before the stop, {sent.ever_in_doubt} ever in doubt")
