"""The delivering processes of a turn: started, heard, told to stop, replaced when they die.

The first process delivers, too; the others (`hand`) are its children. All have leases in one ledger
and a part of each relay's connections, so that nobody is mailed twice and no relay sees more of us.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import multiprocessing
import signal
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from mailer.delivery import hand
from mailer.delivery.hand import DRAIN, Ended, Ready, Said
from mailer.delivery.reconciling import doubt_wait
from mailer.errors import MailerError
from mailer.ledger import claims, liveness, recovery
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection as Pipe
    from multiprocessing.context import SpawnProcess

    from mailer.config import Config
    from mailer.delivery.dispatch import Dispatcher
    from mailer.delivery.pace import Patience
    from mailer.ledger import Ledger
    from mailer.ledger.recovery import Recovered
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, Instant, MailingId

log = logging.getLogger("mailer")

WORTH = 512
"""Deliveries that make a further process worth its start: half a second against a tenth of one."""

LOOK = 1.0  # seconds between two looks at what is left and who lives
SERVICES = 30.0  # seconds between two looks whether a process of another service died
DEATHS = 10  # of further processes in one turn: then it is no accident

TAKEN = "E651"
"""Somebody took a process for dead: it is over, and what it held was recovered."""

_spawn = multiprocessing.get_context("spawn")


def size(config: Config, ledger: Ledger) -> int:
    """How many processes are worth while for what is due now; each needs a connection."""
    most = min(config.delivery.processes, *(relay.connections for relay in config.relays))
    if most == 1:
        return 1
    with ledger.read() as connection:
        waiting = claims.size_of_queue(connection, now=now())
    return max(1, min(most, waiting // WORTH))


def part(config: Config, number: int, *, of: int) -> Config:
    """The configuration of one of several processes, from 0: its share of the connections."""
    relays = tuple(
        dataclasses.replace(relay, connections=len(range(number, relay.connections, of)))
        for relay in config.relays
    )
    return dataclasses.replace(config, relays=relays)


@dataclasses.dataclass(slots=True, eq=False)
class _Hand:
    """A further process, as the first one knows it.

    Attributes:
        number: which part is its, from 1.
        holder: its number in the ledger; None before it has one.
        over: what it said last; None while it works, and if it died.
        ending: recovers what it left; None while it works.
    """

    number: int
    process: SpawnProcess
    pipe: Pipe
    holder: HolderId | None = None
    over: Ended | None = None
    ending: asyncio.Task[None] | None = None


class Crew:
    """The processes of one turn, but for the first.

    Args:
        config: the whole configuration.
        ledger: the first one's.
        size: how many processes there are with the first.
        patience: for how long each of them waits for what is in its way.

    Attributes:
        started, finished, recovered: what the others did, and what they left.
        restless: something may be left to do that nobody of us does: somebody died, or more
            came than so many are for.
        quota_until: somebody left the rest over because of quotas that are used up until then.
    """

    def __init__(self, config: Config, ledger: Ledger, *, size: int, patience: Patience) -> None:
        self._config = config
        self._ledger = ledger
        self._size = size
        self._patience = patience
        self._hands: list[_Hand] = []
        self._gone = asyncio.Event()
        self._stopping = False
        self._deaths = 0
        self._error: Exception | None = None
        self.started: list[Started] = []
        self.finished: list[MailingId] = []
        self.recovered: list[Recovered] = []
        self.restless = False
        self.quota_until: Instant | None = None

    async def run(self, mine: Dispatcher) -> None:
        """Deliver together until nothing is due, or all were told to stop.

        Raises:
            MailerError: what stopped one of the processes; the others drained.
        """
        self._mine = mine
        for number in range(1, self._size):
            self._start(number)
        watching = asyncio.create_task(self._watch())
        try:
            await self._both(mine)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _both(self, mine: Dispatcher) -> None:
        try:
            await mine.run()
            self.quota_until = self.quota_until or mine.quota_until
        except BaseException:
            self._dismiss()
            raise
        finally:
            await self._ended()
        if self._error is not None:
            raise self._error

    def tell(self, word: str) -> None:
        """Pass on `DRAIN` or `ABORT`; nobody new is started from now on."""
        self._stopping = True
        for one in self._hands:
            with contextlib.suppress(OSError):  # it has just died
                one.pipe.send(word)

    def _dismiss(self) -> None:
        if not self._stopping:
            self.tell(DRAIN)

    async def _ended(self) -> None:
        """Wait until every other process is over and what it left is recovered."""
        while self._hands:
            self._gone.clear()
            await self._gone.wait()

    # --- starting and hearing --------------------------------------------------------------------

    def _start(self, number: int) -> None:
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(
            target=hand.work,
            args=(part(self._config, number, of=self._size), theirs),
            kwargs={"patience": self._patience, "level": log.getEffectiveLevel()},
            name=f"mailer-{number}",
        )
        with _undisturbed():
            process.start()
        theirs.close()
        one = _Hand(number=number, process=process, pipe=ours)
        self._hands.append(one)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._hear, one)

    def _hear(self, one: _Hand) -> None:
        try:
            said = one.pipe.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(one.pipe.fileno())
            one.pipe.close()
            one.ending = asyncio.create_task(self._end(one))
            return
        match said:
            case Ready(holder=holder):
                one.holder = holder
            case Said(record=record):
                logging.getLogger(record.name).handle(record)
            case Ended():
                one.over = said
                self.started += said.started
                self.finished += said.finished
                self.quota_until = self.quota_until or said.quota_until
                if getattr(said.error, "code", "") == TAKEN:
                    self.restless = True  # another one goes on under another number
                elif said.error is not None:
                    self._fail(said.error)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self._dismiss()
        self._mine.drain()

    # --- looking after them ----------------------------------------------------------------------

    async def _watch(self) -> None:
        """Replace who is gone while there is work, and see whether there is work for more.

        Where several services share a ledger, take over from those of the others who died, too.
        """
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        while True:
            await asyncio.sleep(LOOK)
            if self._config.delivery.processes > 1:
                self._fill_up()
            if self._ledger.path is None and loop.time() - looked_at >= SERVICES:
                looked_at = loop.time()
                with contextlib.suppress(OperationalError):  # the dispatchers meet it, too
                    self._take_over()

    def _take_over(self) -> None:
        with self._ledger.read() as connection:
            _, dead = liveness.sort_out(self._ledger, connection)
        if dead:
            self._recover()

    def _fill_up(self) -> None:
        """Start who is missing, or let the turn begin anew with more of us."""
        if self._stopping or self.quota_until is not None:
            return
        try:
            worth = size(self._config, self._ledger)
        except OperationalError:  # the dispatchers meet it, too, and know how long to wait
            return
        if worth > self._size:
            self.restless = True
            self._dismiss()
            self._mine.drain()
            return
        busy = {one.number for one in self._hands}
        for number in sorted(set(range(1, worth)) - busy):
            self._start(number)

    async def _end(self, one: _Hand) -> None:
        """See a process off; one that said nothing at its end died."""
        try:
            await asyncio.to_thread(one.process.join)
            if one.over is None:
                await self._bury(one)
            self._hands.remove(one)
            if one.over is None:
                self._fill_up()  # at once: whoever waits for the last one is not awake yet
        except Exception as error:  # noqa: BLE001  a task would keep it to itself
            self._fail(error)
        finally:
            self._hands = [other for other in self._hands if other is not one]
            self._gone.set()

    async def _bury(self, one: _Hand) -> None:
        code = one.process.exitcode or 0
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        log.warning("delivering process %d died %s", one.process.pid, how)
        self.restless = True
        self._deaths += 1
        while one.holder is not None:
            self._recover()
            with self._ledger.read() as connection:
                living, _ = liveness.sort_out(self._ledger, connection)
            if one.holder not in living:
                break
            await asyncio.sleep(0.1)  # a server may notice a little later that it is gone
        if self._deaths >= DEATHS:
            self._fail(
                MailerError(
                    "E316",
                    f"Delivering processes died {self._deaths} times",
                    detail=f"The last one, pid {one.process.pid}, {how}.",
                    next_step="see what ends them (memory?), or [delivery] processes = 1",
                )
            )

    def _recover(self) -> None:
        self.recovered += recovery.recover(
            self._ledger,
            on_doubt=self._config.delivery.on_doubt,
            now=now(),
            doubt_wait=doubt_wait(self._config.relays),
        )


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """What is started now hears no signal before it listens to them; ours wait so long."""
    # With the first child multiprocessing starts a helper, and then unblocks signals by itself.
    resource_tracker.ensure_running()
    both = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, both)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
