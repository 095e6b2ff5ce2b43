"""When the group commit is made: once for several lanes, one at a time, again if it failed (S-46).

SQLite and the journal behind it are written in the loop: both take well under a millisecond, and to
hand that to a thread costs more than it saves, because all lanes wait for it anyway. A server is
written in a thread; the loop goes on reading, and what arrives goes with the next commit
(architecture §5).
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from mailer.errors import LedgerError
from mailer.ledger.journal import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.delivery.commits import Commits, Committed, Plan

log = logging.getLogger("mailer")

GATHER = 0.001  # seconds that a tick waits for more lanes while fewer than half of them are ready
RETRY_WRITE = 0.5  # seconds until a commit that failed is tried again (S-46)


class Ticks:
    """Makes commits.

    Args:
        enough: whether so many lanes are ready that a tick is not to wait for more.
        plan: what the next one writes.
        commits: write it; in a thread if `in_thread`.
        apply: hears what came of it.
        fail: hears what ends the run: nothing can be written any more.
        patience: seconds for which a commit that fails is tried again.
        where: the database, for messages.
    """

    def __init__(
        self,
        *,
        enough: Callable[[], bool],
        plan: Callable[[], Plan],
        commits: Commits,
        apply: Callable[[Committed], None],
        fail: Callable[[BaseException], None],
        in_thread: bool,
        patience: float,
        where: str,
    ) -> None:
        self._enough = enough
        self._make_plan = plan
        self._commits = commits
        self._apply = apply
        self._fail = fail
        self._in_thread = in_thread
        self._patience = patience
        self._where = where
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._waits = False  # for more lanes
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._again = False
        self._written_at = self._loop.time()
        self._writing: asyncio.Future[Committed] | None = None
        # Its own: in asyncio's, commits would wait behind names that do not resolve.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self.plan: Plan | None = None  # being written, or to be written again

    @property
    def is_idle(self) -> bool:
        """Whether no tick is under way or waits to be made."""
        return self._timer is None and self.plan is None

    def ask(self, *, another: bool = True) -> None:
        """Tick soon: at once if half of the lanes are ready, else when `GATHER` has passed.

        `another` says that one more lane may be ready now: only then is it worth to count them.

        A commit costs as much for one message as for ten, and while it is written the relay works
        on the other lanes: waiting for half of them made sending a fifth faster.
        """
        if self.plan is not None:
            self._again = True
        elif self._timer is None or self._waits:
            if another and self._enough():
                self.ask_now()
            elif self._timer is None:
                self._waits = True
                self._timer = self._loop.call_later(GATHER, self.tick)

    def ask_now(self) -> None:
        """Tick as soon as may be."""
        if self.plan is not None:
            self._again = True
            return
        if self._timer is not None:
            self._timer.cancel()
        self._waits = False
        self._timer = self._loop.call_soon(self.tick)

    def wake_in(self, seconds: float) -> None:
        """Tick in so many seconds at the latest: then more may be sent."""
        at = self._loop.time() + seconds
        if self._wake is None or at < self._wake_at:
            if self._wake is not None:
                self._wake.cancel()
            self._wake_at = at
            self._wake = self._loop.call_at(at, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self.ask_now()

    def tick(self) -> None:
        """One group commit, and what follows from it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.plan is not None:
            self._again = True
            return
        try:
            self.plan = self._make_plan()
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._fail(error)
            return
        self._try()

    def _try(self) -> None:
        self._timer = None
        assert self.plan is not None
        if self._in_thread:
            self._writing = self._loop.run_in_executor(self._writer, self._commits.write, self.plan)
            self._writing.add_done_callback(self._written)
            return
        try:
            committed = self._commits.write(self.plan)
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._failed(error)
        else:
            self._done(committed)

    def _written(self, writing: asyncio.Future[Committed]) -> None:
        self._writing = None
        if writing.cancelled():
            return
        error = writing.exception()
        if error is None:
            self._done(writing.result())
        else:
            self._failed(error)

    def _done(self, committed: Committed) -> None:
        self._written_at = self._loop.time()
        try:
            self._apply(committed)
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._fail(error)
            return
        self.plan = None
        again, self._again = self._again, False
        if committed.stale:
            self.ask_now()
        elif again:
            self.ask()

    def _failed(self, error: BaseException) -> None:
        """Nothing leaves unrecorded: hold everything and write the same again (S-46)."""
        if not isinstance(error, OperationalError | JournalError):
            self._fail(error)
            return
        said = str(error.orig) if isinstance(error, OperationalError) else error.detail
        waited = self._loop.time() - self._written_at
        if waited > self._patience:
            self._fail(error if isinstance(error, JournalError) else self._cannot_write(said))
            return
        if waited < RETRY_WRITE:
            log.warning("the ledger cannot be written: %s", said)
        self._timer = self._loop.call_later(RETRY_WRITE, self._try)

    def _cannot_write(self, said: str) -> LedgerError:
        return LedgerError(
            "E608",
            "The ledger cannot be written; nothing more is sent",
            where=self._where,
            detail=said,
            next_step="make room or end what locks it, then mailer send --due",
        )

    async def stop(self) -> Plan | None:
        """Make no further tick; gives what could not be written yet."""
        self._ask_no_more()
        while self._writing is not None:
            await asyncio.wait([self._writing])
            await asyncio.sleep(0)  # what came of it is heard, which may have asked for the next
            self._ask_no_more()
        self._writer.shutdown(wait=False)
        return self.plan

    def _ask_no_more(self) -> None:
        for timer in (self._timer, self._wake):
            if timer is not None:
                timer.cancel()
        self._timer = self._wake = None
