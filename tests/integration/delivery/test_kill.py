"""kill -9 at random moments of a mailing, then the same command again (case 41, S-41, S-47)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.samples import ordeal
from tests.samples.ordeal import Ordeal
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.samples.account import Figures
    from tests.samples.newsletter import News
    from tests.wire.postgres import Postgres

RECIPIENTS = 10_000
CONNECTIONS = 10
PAUSE = 0.007
"""Seconds that the relay takes for a message: with its kills a mailing lasts ten (decisions 22)."""


@pytest.fixture
def server(news: News, postgres: Postgres) -> Iterator[News]:
    """A newsletter whose ledger is on a PostgreSQL."""
    url = news.environ["MAILER_DATABASE_URL"] = postgres.lend()
    yield news
    postgres.take_back(url)


def killed(
    news: News, *, kills: int, pause: float = PAUSE, processes: int = 1, services: int = 1
) -> Figures:
    """Mail everybody, with so many kills between the first and the last acceptance."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    connections = CONNECTIONS // services
    moments = chosen.sample(range(1, RECIPIENTS - 2 * CONNECTIONS), kills)
    with Sink(pause=pause) as sink:
        ordeal.scheduled(
            news, sink, recipients=RECIPIENTS, connections=connections, processes=processes
        )
        everywhere = ordeal.twins(news, services)
        with Ordeal(everywhere, sink, connections=connections, chosen=chosen) as it:
            figures = it.run(moments)
    print(figures)
    return figures


def test_kill_9_loses_nobody_and_doubts_at_most_the_open_connections(news: News) -> None:
    """Everyone gets it; what is newly in doubt after a kill ≤ connections; duplicates ≤ doubt."""
    assert killed(news, kills=20).kills >= 20


def test_a_random_one_of_parent_and_children_is_killed(news: News) -> None:
    """`[delivery] processes`: whoever dies, the others or the same command go on."""
    assert killed(news, kills=6, processes=2).kills >= 6


def test_of_two_services_on_one_postgresql_a_random_one_is_killed(server: News) -> None:
    assert killed(server, kills=6, services=2).kills >= 6


def test_s47_two_services_started_at_once_mail_nobody_twice(news: News) -> None:
    """Case 43: on SQLite one of both delivers, with its child."""
    figures = killed(news, kills=0, pause=0.0, processes=2, services=2)
    assert (0, 0) == (figures.duplicates, figures.ever_in_doubt)


def test_s47_two_services_on_one_postgresql_mail_nobody_twice(server: News) -> None:
    """Case 43: both deliver."""
    figures = killed(server, kills=0, pause=0.0, services=2)
    assert (0, 0) == (figures.duplicates, figures.ever_in_doubt)
