"""Several processes deliver one mailing: nobody twice, whoever of them dies (S-41, case 43)."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.delivery import crew, hand
from mailer.delivery.crew import Crew
from mailer.delivery.pace import Patience
from mailer.delivery.shift import Report, Shift
from mailer.errors import LedgerError
from mailer.ledger import claims, liveness, starting
from mailer.ledger.mailings import BATCH as SIZES
from mailer.ledger.schema import batch, holder
from mailer.model import MICROSECONDS, HolderId, Instant, MailingState
from mailer.when import now
from tests.samples.newsletter import News, ended
from tests.wire.fault_server import FaultServer
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.postgres import Postgres

BATCH = SIZES["postgresql"]
MANY = 1100  # enough for a second process
MORE = 2000  # enough for one in the place of who died
CONNECTIONS = 6


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A relay that is slow enough for others to join while a mailing is sent."""
    with Sink(pause=0.003) as relay:
        yield relay


@pytest.fixture
def crowd(news: News, sink: Sink) -> News:
    """m1, for many people, due now, to be sent by two processes."""
    return crowded(news, sink)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, news: News, sink: Sink) -> Iterator[News]:
    """The same in both databases."""
    if request.param == "sqlite":
        yield crowded(news, sink)
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = news.environ["MAILER_DATABASE_URL"] = server.lend()
    yield crowded(news, sink)
    news.stop()
    server.take_back(url)


def crowded(news: News, sink: Sink, *, many: int = MANY) -> News:
    news.people(*(f"person{n}@d{n % 7}.test" for n in range(many)))
    news.relay(
        sink.port, connections=str(CONNECTIONS), delivery_processes="2", delivery_on_doubt="resend"
    )
    news.run("send", "winter", "--yes", "--expect", str(many), "--at", "in 2h")
    news.start_now()
    return news


def turn(news: News) -> Report:
    """Deliver everything that is due."""
    with news.ledger() as ledger, liveness.hold(ledger) as me:
        shift = Shift(news.config, ledger, Keyring(require_secret(news.config)), holder=me)
        return asyncio.run(shift.run())


def holders(news: News) -> list[tuple[int, int, int | None]]:
    """Number, pid and end of every process that delivered."""
    with news.ledger() as ledger, ledger.read() as connection:
        query = select(holder.c.id, holder.c.pid, holder.c.ended_at).order_by(holder.c.id)
        return [(number, pid, end) for number, pid, end in connection.execute(query)]


def leases(news: News) -> int:
    """How many batches somebody holds."""
    with news.ledger() as ledger, ledger.read() as connection:
        held = select(func.count()).where(batch.c.done == 0, batch.c.holder.is_not(None))
        return connection.scalar(held) or 0


def wait_for(what: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def both_at_work(news: News, sink: Sink) -> bool:
    return len(holders(news)) > 1 and sink.total > MANY // 10


def test_two_processes_mail_everybody_once(either: News, sink: Sink) -> None:
    report = turn(either)
    (seen,) = either.mailings()
    assert (MailingState.SENT, MANY, 0) == (seen.state, seen.counts["accepted"], seen.ever_in_doubt)
    assert (MANY, {1}) == (len(sink.taken), set(sink.taken.values()))
    assert ((seen.id,), ()) == (report.finished, report.recovered)
    first, second = holders(either)
    assert os.getpid() == first[1] != second[1]
    assert first[2] is not None
    assert second[2] is not None


def test_a_small_mailing_is_not_worth_a_second_process(news: News, sink: Sink) -> None:
    news.people("ann@example.org", "ben@example.org")
    news.relay(sink.port, delivery_processes="2")
    news.run("send", "winter", "--yes", "--at", "in 2h")
    news.start_now()
    turn(news)
    assert (2, 1) == (sink.total, len(holders(news)))


def test_each_process_gets_its_part_of_every_relays_connections(crowd: News) -> None:
    parts = [crew.part(crowd.config, number, of=4).relay.connections for number in range(4)]
    assert [2, 2, 1, 1] == parts
    with crowd.ledger() as ledger:
        narrow = dataclasses.replace(crowd.config.relay, connections=1)
        config = dataclasses.replace(crowd.config, relays=(crowd.config.relay, narrow))
        assert 1 == crew.size(config, ledger)


def test_who_dies_is_recovered_at_once_and_replaced(news: News, sink: Sink) -> None:
    """Case 41: newly in doubt at most its own connections; duplicates at most those."""
    crowd = crowded(news, sink, many=MORE)

    def kill() -> None:
        wait_for(lambda: both_at_work(crowd, sink))
        os.kill(holders(crowd)[1][1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    report = turn(crowd)
    killer.join()
    (seen,) = crowd.mailings()
    assert MailingState.SENT is seen.state
    assert MORE == len(sink.taken)
    assert sink.total - MORE <= seen.ever_in_doubt <= CONNECTIONS // 2
    assert seen.ever_in_doubt == sum(one.in_doubt for one in report.recovered)
    assert 3 == len(holders(crowd))
    assert None not in [end for _, _, end in holders(crowd)]


def test_when_the_first_is_killed_the_others_finish_what_is_out(crowd: News, sink: Sink) -> None:
    sending = crowd.start("send", "winter")
    wait_for(lambda: both_at_work(crowd, sink))
    sending.kill()
    sending.communicate()
    wait_for(lambda: holders(crowd)[1][2] is not None)
    left = crowd.mailings()[0]
    assert left.counts["sending"] <= CONNECTIONS // 2
    assert 0 == ended(crowd.start("send", "winter")).code
    (seen,) = crowd.mailings()
    assert MailingState.SENT is seen.state
    assert MANY == len(sink.taken)
    assert sink.total - MANY <= seen.ever_in_doubt <= CONNECTIONS // 2


def test_sigterm_drains_all_of_them(either: News, sink: Sink) -> None:
    """Case 42, S-44: what is out is finished, nothing is in doubt, the same command goes on."""
    sending = either.start("send", "winter")
    wait_for(lambda: both_at_work(either, sink))
    sending.send_signal(signal.SIGTERM)
    assert 6 == ended(sending).code
    assert None not in [end for _, _, end in holders(either)]
    (seen,) = either.mailings()
    assert (0, 0, 0) == (seen.ever_in_doubt, seen.counts["sending"], seen.counts["claimed"])
    assert sink.total == seen.counts["accepted"] < MANY
    assert 0 == leases(either)
    assert 0 == ended(either.start("send", "winter")).code
    (seen,) = either.mailings()
    assert (MailingState.SENT, MANY, 0) == (seen.state, seen.counts["accepted"], seen.ever_in_doubt)
    assert (MANY, {1}) == (len(sink.taken), set(sink.taken.values()))


def test_what_another_service_left_is_taken_over_within_a_turn(
    news: News, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 43: a turn may take hours, and nobody else may be left to take over."""
    monkeypatch.setattr(crew, "LOOK", 0.1)
    monkeypatch.setattr(crew, "SERVICES", 0.0)
    url = news.environ["MAILER_DATABASE_URL"] = postgres.lend()
    many = BATCH + 20
    news.people(*(f"person{n}@d{n % 7}.test" for n in range(many)))
    news.run("send", "winter", "--yes", "--at", "in 2h")
    with news.ledger() as other:
        life = liveness.join(other)
        number = life.__enter__()
        with other.write() as connection:
            starting.start_due(connection, now=Instant(now() + 3 * 3600 * MICROSECONDS), actor="t")
            assert claims.claim(connection, holder=number, now=now()) is not None

        buried: list[bool] = []

        def is_buried() -> bool:
            with other.read() as connection:
                ended_at = select(holder.c.ended_at).where(holder.c.id == number)
                return connection.scalar(ended_at) is not None

        def dies(_: bytes) -> None:
            if not buried:
                other.locks.free(number)
                wait_for(is_buried)
                buried.append(True)

        with FaultServer({"dot": dies}) as server:
            news.relay(server.port)
            report = turn(news)
            assert many == len({one.rcpt for one in server.messages}) == len(server.messages)
    assert [BATCH] == [one.returned for one in report.recovered]
    assert MailingState.SENT is news.mailings()[0].state
    postgres.take_back(url)


def test_a_quota_that_is_used_up_ends_all_of_them(crowd: News, sink: Sink) -> None:
    """Nobody is started in the place of those who ended for it."""
    crowd.relay(sink.port, connections=str(CONNECTIONS), relay_quota="300/day")
    report = turn(crowd)
    assert report.quota_until is not None
    assert (300, 2) == (sink.total, len(holders(crowd)))
    assert 0 == leases(crowd)


def test_what_stops_another_process_is_raised_by_the_first(crowd: News) -> None:
    """With code, place and next step; the first one drains."""
    nowhere = crowd.folder / "no-database"
    nowhere.write_text("This is no database, and never was one.")
    config = dataclasses.replace(crowd.config, database_url=f"sqlite:{nowhere}")
    keyring = Keyring(require_secret(config))

    async def deliver(me: HolderId) -> None:
        with crowd.ledger() as ledger:
            patience = Patience(trouble=60)
            mine = hand.dispatcher(config, ledger, keyring, holder=me, patience=patience)
            await Crew(config, ledger, size=2, patience=patience).run(mine)

    with crowd.ledger() as ledger, liveness.hold(ledger) as me:
        with ledger.write() as connection:
            starting.start_due(connection, now=now(), actor="test")
        with pytest.raises(LedgerError) as caught:
            asyncio.run(deliver(me))
    assert ("E600", str(nowhere)) == (caught.value.code, caught.value.where)
    assert "mailer db check" == caught.value.next
    assert crowd.mailings()[0].counts["sending"] == 0
