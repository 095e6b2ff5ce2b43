"""Two processes deliver from one PostgreSQL and are killed at random (S-41, S-43, decisions 4)."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

from mailer.model import MailingState
from tests.samples.newsletter import ended
from tests.wire.sink import Sink

if TYPE_CHECKING:
    import subprocess

    from tests.samples.newsletter import News
    from tests.wire.postgres import Postgres

RECIPIENTS = 1_200
KILLS = 4
CONNECTIONS = 4


def test_two_services_that_are_killed_at_random_mail_everybody_and_doubt_little(
    news: News, postgres: Postgres
) -> None:
    """Newly in doubt after a kill ≤ its connections; twins ≤ doubt; what one left the other takes.

    Each of them delivers under its own lock, so that no kill stops the other one.
    """
    news.environ["MAILER_DATABASE_URL"] = postgres.lend()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    news.people(*(f"person{number}@d{number % 50}.test" for number in range(RECIPIENTS)))
    scheduled = news.run("send", "winter", "--yes", "--expect", str(RECIPIENTS), "--at", "in 1h")
    assert 0 == scheduled.code, scheduled
    news.start_now()
    with Sink(pause=0.01) as sink:
        news.relay(sink.port, connections=str(CONNECTIONS))
        running = [news.start("send", "--due") for _ in range(2)]
        for moment in sorted(chosen.sample(range(100, RECIPIENTS - 200), KILLS)):
            await_total(sink, moment, running)
            victim = chosen.randrange(2)
            running[victim].send_signal(signal.SIGKILL)
            running[victim].communicate()
            running[victim] = news.start("send", "--due")
        for process in running:
            done = ended(process)
            assert 0 == done.code, done
        finished = ended(news.start("send", "--due"))
        assert 0 == finished.code, finished
    (mailing,) = news.mailings()
    assert MailingState.SENT is mailing.state
    assert RECIPIENTS == mailing.counts["accepted"] + mailing.counts["in_doubt"]
    doubt = mailing.ever_in_doubt
    assert doubt <= KILLS * CONNECTIONS
    assert RECIPIENTS == len(sink.taken)
    assert sink.total - RECIPIENTS <= doubt


def await_total(sink: Sink, moment: int, running: list[subprocess.Popen[str]]) -> None:
    """Wait until the relay took so many, or nobody sends any more."""
    while sink.total < moment and any(process.poll() is None for process in running):
        time.sleep(0.005)
