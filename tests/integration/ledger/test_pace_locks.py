"""Commits of several processes that tell and ask of the pace crosswise (S-32)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mailer.config import GuardConfig
from mailer.delivery.breaker import Breaker
from mailer.delivery.commits import Commits, Plan, Slower
from mailer.ledger import liveness, open_ledger
from mailer.model import OnDoubt
from mailer.when import now

if TYPE_CHECKING:
    from tests.wire.postgres import Postgres

ROUNDS = 40


def commit(url: str, slower: str, wanted: str) -> None:
    """A process that is told of one domain and asks for another, again and again."""
    ledger = open_ledger(url)
    with liveness.hold(ledger) as holder:
        writing = ledger.engine.connect().execution_options(writes=True)
        with writing as database:
            commits = Commits(
                ledger,
                database,
                holder=holder,
                on_doubt=OnDoubt.HOLD,
                doubt_wait=0,
                domains={},
                breaker=Breaker(GuardConfig()),
                clock=now,
            )
            for number in range(ROUNDS):
                word = Slower(slower, 60.0 + number, "421 4.7.0 later")
                commits.write(Plan(slower=[word], wanted=[(wanted, 1)], held=[]))
    ledger.close()


def test_no_two_commits_wait_for_each_other(postgres: Postgres) -> None:
    """The server would end one of them, a second later."""
    url = postgres.lend()
    open_ledger(url).close()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(commit, url, "a.test", "b.test")
        two = threads.submit(commit, url, "b.test", "a.test")
        assert [None, None] == [one.result(), two.result()]
    postgres.take_back(url)
