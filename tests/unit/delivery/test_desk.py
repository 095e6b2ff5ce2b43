"""What a relay that is down is said to suffer from (§3.3, case 40)."""

from __future__ import annotations

from mailer.config import RelayConfig
from mailer.delivery.desk import Desk
from mailer.delivery.fleet import Fleet
from mailer.delivery.verdicts import Judge
from mailer.model import Instant, Lost, Phase
from mailer.smtp.connection import HandshakeError

RELAY = RelayConfig(host="smtp.example.org", port=587, security="starttls")


def no_failure(error: BaseException) -> None:
    raise error


def test_the_newest_words_of_a_relay_that_is_down_count() -> None:
    """It says something else as it goes down than when it is gone; equal words are no news."""
    fleet = Fleet([RELAY], slug_of=str, clock=lambda: Instant(0), time=lambda: 0.0)
    desk = Desk(
        fleet,
        Judge(max_age=1.0),
        clock=lambda: Instant(0),
        time=lambda: 0.0,
        jitter=lambda: 0.0,
        stopping=lambda: False,
        fail=no_failure,
    )
    said = [*["421 closing"] * 8, *["connection refused"] * 3]
    for words in said:
        lost = Lost(reason=words)
        desk.on_failed(fleet.outlets[0], HandshakeError(Phase.CONNECT, lost, configuration=False))
    news = desk.take_news()
    assert ["connect: 421 closing", "connect: connection refused"] == [
        one.why for one in news.troubles
    ]
    assert "connect: connection refused" == news.stops[-1].error.detail
