"""A mailing whose processes are killed at random moments; what must hold all the same (S-41).

::

    so many were taken ──▶ kill -9 ──▶ the same command again ──▶ recovered ──▶ who is in doubt?
            ▲                                                                       │
            └───────────────────────────────────────────────────────────────────────┘

The services are processes of their own, as an operator starts them, in folders of their own. One of
them may have children (`[delivery] processes`), or several may deliver from one PostgreSQL.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Self

from sqlalchemy import ColumnElement, exists, select

from mailer.delivery import crew
from mailer.ledger.schema import delivery, holder
from tests.samples.account import MAILING, Account
from tests.samples.newsletter import MAILER, News

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from mailer.ledger import Ledger
    from tests.samples.account import Figures
    from tests.wire.sink import Sink

DUE = ("send", "--due", "-q")
IMPATIENT = 0.1  # of the services that are started again are killed while they start
STARTING = 1.0  # seconds at most, after which they are
MUSTER = 5.0  # seconds for all to be at work: one that has nothing to begin never is
PATIENCE = 300.0  # seconds until something that does not come about has failed


def scheduled(news: News, sink: Sink, *, recipients: int, connections: int, processes: int) -> None:
    """m1 goes to so many, and is due."""
    news.people(*(f"person{number}@d{number % 50}.test" for number in range(recipients)))
    news.relay(sink.port, connections=str(connections), delivery_processes=str(processes))
    expected = ("--yes", "--expect", str(recipients))
    done = news.run("send", "winter", *expected, "--at", "in 2h")
    assert done.code == 0, done
    news.start_now()


def twins(news: News, count: int) -> list[News]:
    """The same newsletter on so many machines, each with its own journal.

    With an embedded database it is one folder: what is beside a copy of it is another ledger.
    """
    if "MAILER_DATABASE_URL" not in news.environ:
        return [news] * count
    found = [news]
    for number in range(1, count):
        other = News(news.folder.with_name(f"{news.folder.name}{number}"))
        shutil.copytree(news.folder, other.folder)
        (other.folder / "subscribers" / "mailer.journal").unlink(missing_ok=True)
        other.environ = news.environ
        found.append(other)
    return found


@cache
def _compiled() -> tempfile.TemporaryDirectory[str]:
    """Where processes find what others compiled, as long as this one lives."""
    return tempfile.TemporaryDirectory()


class Ordeal:
    """Kills, and keeps account; to be left when it is over: that ends what is left running.

    Args:
        services: where each service is started; all have one ledger.
        sink: where m1 of that ledger goes.
        command: what is started, and again after each kill.
        connections: of each service, its children included.
        chosen: what is left to chance.
    """

    def __init__(
        self,
        services: Sequence[News],
        sink: Sink,
        *,
        command: Sequence[str] = DUE,
        connections: int,
        chosen: random.Random,
    ) -> None:
        self._services = services
        self._sink = sink
        self._command = command
        self._connections = connections
        self._chosen = chosen
        self._running: list[subprocess.Popen[bytes]] = []
        self._orphans: set[int] = set()

    def __enter__(self) -> Self:
        self._log: Path = self._services[0].folder / "ordeal.log"
        self._opened = self._services[0].ledger()
        self._ledger: Ledger = self._opened.__enter__()
        self._config = self._services[0].config
        self._account = Account(
            self._services, self._ledger, self._sink, connections=self._connections
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running:
            process.kill()
            process.wait()
        self._opened.__exit__(kind, error, trace)

    def run(self, moments: Collection[int]) -> Figures:
        """Deliver m1, with a kill each time the relay has taken so many messages.

        Raises:
            AssertionError: one of them failed, or the account says that something is wrong.
        """
        self._running = [self._start(news) for news in self._services]
        for moment in sorted(moments):
            # Else the others would be done before one that was killed is at work again.
            self._sink.allow(moment + self._chosen.randrange(self._connections))
            self._wait(lambda moment=moment: self._sink.total >= moment)  # type: ignore[misc]
            self._wait(self._all_at_work, seconds=MUSTER)
            self._strike()
        self._sink.allow(math.inf)
        self._finish()
        return self._account.figures()

    # --- processes -------------------------------------------------------------------------------

    def _start(self, news: News) -> subprocess.Popen[bytes]:
        # Where nothing compiled is kept beside the code, half of each start is compiling.
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _compiled().name}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*MAILER, "-C", str(news.folder), *self._command],
                env={**os.environ, **news.environ, **kept},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def _wait(self, what: Callable[[], bool], *, seconds: float = math.inf) -> None:
        """Until it is so, or nobody is left who could make it so, or so long."""
        begun = time.monotonic()
        while not what() and any(process.poll() is None for process in self._running):
            waited = time.monotonic() - begun
            if waited > seconds:
                return
            assert waited < PATIENCE, f"it did not come about: {self._log.read_text()}"
            time.sleep(self._chosen.uniform(0, 0.004))
        codes = {process.poll() for process in self._running}
        assert codes <= {None, 0}, f"{codes}: {self._log.read_text()}"

    def _all_at_work(self) -> bool:
        services = {process.pid for process in self._running if process.poll() is None}
        at_work = self._at_work()
        return services <= at_work and len(at_work) >= crew.size(self._config, self._ledger)

    def _at_work(self) -> set[int]:
        """Who has handed something over; those without a parent are left to end in peace."""
        begun = exists().where(delivery.c.mailing == MAILING, delivery.c.holder == holder.c.id)
        return self._holders(begun) - self._orphans

    def _holders(self, *those: ColumnElement[bool]) -> set[int]:
        """The processes that have not taken leave, and were not buried."""
        query = select(holder.c.pid).where(holder.c.ended_at.is_(None), *those)
        with self._ledger.read() as connection:
            return set(connection.scalars(query))

    # --- kills -----------------------------------------------------------------------------------

    def _strike(self) -> None:
        """Kill one of them, and see what that left when it is recovered."""
        victims = self._at_work()
        if not victims:
            return
        killed = [self._chosen.choice(sorted(victims))]
        successor = self._kill(killed[0])
        if successor is not None and self._chosen.random() < IMPATIENT:
            time.sleep(self._chosen.uniform(0, STARTING))
            killed.append(successor)
            self._kill(successor)
        self._wait(lambda: not self._holders() & set(killed))
        self._account.killed(len(killed))

    def _kill(self, pid: int) -> int | None:
        """Kill a process; a service is started again at once, under the pid that is returned."""
        for number, process in enumerate(self._running):
            if process.pid == pid:
                process.kill()
                process.wait()
                if len(self._services) == 1:
                    self._orphans.update(self._holders())
                self._running[number] = self._start(self._services[number])
                return self._running[number].pid
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)
        return None

    def _finish(self) -> None:
        """Everybody comes to an end; the command once more finishes what one of them left."""
        self._wait(lambda: False)
        self._running.append(self._start(self._services[0]))
        self._wait(lambda: False)
        if self._account.ended():  # a person decides about them (decisions 7)
            done = self._services[0].run("retry", "m1", "--in-doubt")
            assert 0 == done.code, done
            self._running.append(self._start(self._services[0]))
            self._wait(lambda: False)
