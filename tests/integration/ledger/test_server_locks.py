"""Several processes on one PostgreSQL: what each may do beside the others, and who is dead."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from mailer.errors import LedgerError
from mailer.ledger import audience, claims, freezing, liveness, open_ledger, recovery, settling
from mailer.ledger.claims import LEASE
from mailer.ledger.engines import Lock
from mailer.ledger.entries import Verdict
from mailer.ledger.locks import SessionLocks
from mailer.ledger.mailings import BATCH as SIZES
from mailer.ledger.schema import delivery, holder
from mailer.model import DeliveryState, HolderId, Instant, ListId, OnDoubt, SubscriberId
from mailer.when import now
from tests.samples.mailings import addresses, enlist, frozen, look, plan, rows
from tests.samples.people import bring, define

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from mailer.ledger import Ledger
    from tests.wire.postgres import Postgres

BATCH = SIZES["postgresql"]
ONE, TWO = HolderId(1), HolderId(2)


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    lent = postgres.lend()
    yield lent
    postgres.take_back(lent)


@pytest.fixture
def first(url: str) -> Iterator[Ledger]:
    opened = open_ledger(url)
    yield opened
    opened.close()


@pytest.fixture
def second(url: str) -> Iterator[Ledger]:
    """The same ledger, as another process has it."""
    opened = open_ledger(url)
    yield opened
    opened.close()


@contextmanager
def dispatching(ledger: Ledger) -> Iterator[Connection]:
    """A transaction of a dispatcher."""
    with (
        ledger.engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        yield connection


def hang_up(url: str) -> None:
    """End the sessions of a database as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
            " current_database() AND pid <> pg_backend_pid()"
        )


def beside(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


# --- claims --------------------------------------------------------------------------------------


def test_s43_two_claimers_at_once_get_two_batches(first: Ledger, second: Ledger) -> None:
    enlist(first, *addresses(2 * BATCH))
    frozen(first)
    with dispatching(first) as one, dispatching(second) as two:
        here = claims.claim(one, holder=ONE, now=now())
        there = claims.claim(two, holder=TWO, now=now())
        assert here is not None
        assert there is not None
        keys = {claimed.key for claimed in here.deliveries + there.deliveries}
    assert 2 * BATCH == len(keys)


def test_s43_what_has_come_due_is_cut_once(first: Ledger, second: Ledger) -> None:
    """Decisions 5: rows that one cuts into a batch are passed over by the other."""
    enlist(first, *addresses(10))
    mailing = frozen(first)
    with first.write() as connection:
        claimed = claims.claim(connection, holder=ONE, now=now())
        assert claimed is not None
        claims.close_batch(connection, claimed.id)
        connection.execute(update(delivery).values(due_at=1))
    with dispatching(first) as one, dispatching(second) as two:
        here = claims.claim(one, holder=ONE, now=now())
        assert here is not None
        assert claims.claim(two, holder=TWO, now=now()) is None
    assert 10 == len(here.deliveries)
    assert {here.id} == {row.batch for row in rows(first, mailing)}


def test_an_operator_waits_for_commits_and_commits_wait_for_an_operator(
    first: Ledger, second: Ledger
) -> None:
    """Several dispatchers commit side by side; pause, cancel and recovery have it to themselves."""
    done: list[str] = []

    def operate() -> None:
        with second.write():
            done.append("operator")

    with dispatching(first), dispatching(first):
        operator = beside(operate)
        operator.join(0.2)
        assert [] == done
        with second.write(Lock.PEOPLE), second.write(None):
            done.append("people")
    operator.join()
    assert ["people", "operator"] == done


# --- people --------------------------------------------------------------------------------------


def test_two_imports_at_once_add_everybody_once(
    first: Ledger, second: Ledger, tmp_path: Path
) -> None:
    define(first)
    people = "\n".join(addresses(6000))
    reports = []

    def work(ledger: Ledger, name: str) -> None:
        reports.append(bring(ledger, tmp_path / name, f"email\n{people}\n# {name}@example.org\n"))

    threads = [beside(lambda: work(first, "a.csv")), beside(lambda: work(second, "b.csv"))]
    for thread in threads:
        thread.join()
    assert 6000 == sum(report.counts[Verdict.ADDED] for report in reports)
    assert 6000 == sum(report.counts[Verdict.UNCHANGED] for report in reports)


def test_of_two_freezes_at_once_one_is_refused(first: Ledger, second: Ledger) -> None:
    """Decisions 6, E710."""
    enlist(first, *addresses(20))
    outcomes: list[str] = []

    def freeze(ledger: Ledger) -> None:
        try:
            freezing.freeze(ledger, plan(), now=now())
            outcomes.append("frozen")
        except Exception as error:  # noqa: BLE001  whatever it is, it is compared below
            outcomes.append(getattr(error, "code", repr(error)))

    threads = [beside(lambda: freeze(first)), beside(lambda: freeze(second))]
    for thread in threads:
        thread.join()
    assert ["E710", "frozen"] == sorted(outcomes)


def test_l6_a_click_to_leave_waits_for_nobody(first: Ledger, second: Ledger) -> None:
    person, *_ = enlist(first, *addresses(2))
    with first.write(), first.write(Lock.PEOPLE):
        assert audience.unsubscribe(
            second, SubscriberId(person), ListId(1), via="one-click", now=now()
        )


# --- who is alive --------------------------------------------------------------------------------


def test_decisions_4_several_services_deliver_at_once_and_know_each_other(
    first: Ledger, second: Ledger
) -> None:
    with liveness.hold(first) as one, liveness.hold(second) as two, first.read() as connection:
        assert ([one, two], []) == liveness.sort_out(first, connection)
    with first.read() as connection:
        assert ([], []) == liveness.sort_out(first, connection)


def test_recovery_takes_over_from_the_dead_and_from_nobody_else(
    first: Ledger, second: Ledger, url: str
) -> None:
    """S-43: a lease and a row in `sending` are touched when the lock of their holder is free."""
    enlist(first, *addresses(2 * BATCH))
    mailing = frozen(first)
    gone = open_ledger(url)
    with liveness.hold(second) as alive:
        dead = liveness.hold(gone)
        number = dead.__enter__()
        for ledger, name in ((gone, number), (second, alive)):
            with dispatching(ledger) as connection:
                batch = claims.claim(connection, holder=name, now=now())
                assert batch is not None
                begin = settling.Begin(batch.deliveries[0], now(), None)
                settling.record(
                    connection, (), [begin], on_doubt=OnDoubt.HOLD, now=now(), holder=name
                )
        assert isinstance(gone.locks, SessionLocks)
        gone.locks.free(number)  # as kill -9 does
        gone.close()
        (found,) = recovery.recover(first, on_doubt=OnDoubt.HOLD, now=now())
        assert (mailing, 1, BATCH - 1) == (found.mailing, found.in_doubt, found.returned)
        assert 1 == look(first, mailing).counts["sending"]
        assert [] == recovery.recover(first, on_doubt=OnDoubt.HOLD, now=now())
    del dead


def test_a_lock_that_was_lost_is_taken_again(first: Ledger, second: Ledger, url: str) -> None:
    with liveness.hold(first) as number:
        hang_up(url)
        with second.read() as connection:
            assert ([], [number]) == liveness.sort_out(second, connection)
        liveness.affirm(first, number)
        with second.read() as connection:
            assert ([number], []) == liveness.sort_out(second, connection)


def test_who_was_taken_for_dead_learns_it_and_sends_nothing_more(
    first: Ledger, second: Ledger, url: str
) -> None:
    """E651: what it held was recovered; the change counter has it look again."""
    with liveness.hold(first) as number:
        with first.read() as connection:
            before = claims.changes(connection)
        hang_up(url)
        recovery.recover(second, on_doubt=OnDoubt.RESEND, now=now())
        with first.read() as connection:
            assert before != claims.changes(connection)
            with pytest.raises(LedgerError, match="E651"):
                liveness.require(connection, number)
        with pytest.raises(LedgerError, match="E651"):
            liveness.affirm(first, number)


def test_a_connection_that_was_lost_is_made_anew_by_the_next_transaction(
    first: Ledger, url: str
) -> None:
    """S-46: a server that restarts stops sending until it is back, and no longer."""
    with first.engine.connect().execution_options(writes=True) as connection:
        with connection.begin():
            before = claims.changes(connection)
        hang_up(url)
        with pytest.raises(OperationalError), connection.begin():
            claims.changes(connection)
        with connection.begin():
            assert before == claims.changes(connection)


def test_a_lease_that_lapsed_is_claimed_although_its_holder_lives(first: Ledger) -> None:
    """S-43: fifteen minutes without a renewal; what is `sending` stays its holder's."""
    enlist(first, *addresses(3))
    mailing = frozen(first)
    with liveness.hold(first) as number, dispatching(first) as connection:
        assert claims.claim(connection, holder=number, now=now()) is not None
        assert claims.claim(connection, holder=TWO, now=now()) is None
        later = Instant(now() + LEASE + 1)
        taken = claims.claim(connection, holder=TWO, now=later)
    assert taken is not None
    assert 3 == len(taken.deliveries)
    assert {DeliveryState.QUEUED} == {row.state for row in rows(first, mailing)}
    with first.read() as connection:
        assert connection.scalar(select(holder.c.ended_at).where(holder.c.id == number)) is not None
