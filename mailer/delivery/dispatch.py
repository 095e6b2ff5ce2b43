"""The loop that moves deliveries forward: claim → compose → hand over → settle.

Once per tick it gathers the outcomes that have arrived and the intents of the messages that go
next, commits both in one transaction, and only then lets the next contents leave (architecture §5).
It works until nothing is due and returns; who calls it again decides when to look::

    Desk ──news──▶ plan ──▶ Ticks: Commits.write ──▶ apply ──▶ contents leave, envelopes are offered
      ▲                                                            │
      └──────────── events of the connections of every Outlet ◀────┘
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mailer.delivery import reconciling, verdicts
from mailer.delivery.breaker import Breaker
from mailer.delivery.commits import Commits
from mailer.delivery.desk import Desk
from mailer.delivery.feed import leaving
from mailer.delivery.fleet import Fleet
from mailer.delivery.offering import Offering
from mailer.delivery.parcels import Packer
from mailer.delivery.ticks import Ticks
from mailer.delivery.verdicts import Judge
from mailer.delivery.waiting import Waiting
from mailer.errors import LedgerError
from mailer.ledger.schema import list_
from mailer.model import MICROSECONDS, MailingState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Connection as Database

    from mailer.compose.dkim import Signer
    from mailer.compose.links import Keyring
    from mailer.config import DeliveryConfig, GuardConfig, RelayConfig
    from mailer.delivery.commits import Committed, Plan
    from mailer.delivery.outlets import Outlet
    from mailer.delivery.pace import Patience
    from mailer.ledger import Ledger
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, Instant, MailingId
    from mailer.smtp.connection import Connection
    from mailer.smtp.events import Event

log = logging.getLogger("mailer")

LOOK = 0.25  # seconds between two looks at what no event announces
SET = 5 * MICROSECONDS  # a clock that moves so far between two looks was set (case 45)
START = 5.0  # seconds between two looks for scheduled mailings that are due


class Dispatcher:
    """Delivers what is due through the relays, then returns.

    Args:
        guard: when a mailing or a domain is stopped for its own good (S-33).
        signer: signs what is sent; None: the relay does.
        holder: this process's number from `ledger.liveness.hold`, which the caller holds.
        helo: how we introduce ourselves (S-1).
        clock: instants; asyncio's own clock serves for delays.
        jitter: numbers in [-1, 1] for retry times and back-off.
        patience: for how long it waits for what is in its way.

    Attributes:
        finished: the mailings that are sent.
        started: the scheduled ones whose time came meanwhile.
        quota_until: it ended because the quota of every relay that could carry what is left is used
            up until then; None: it did not.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        relays: Sequence[RelayConfig],
        delivery: DeliveryConfig,
        guard: GuardConfig,
        keyring: Keyring,
        signer: Signer | None = None,
        holder: HolderId,
        helo: str,
        clock: Callable[[], Instant],
        jitter: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._ledger = ledger
        self._relays = relays
        self._delivery = delivery
        self._guard = guard
        self._holder = holder
        self._helo = helo
        self._clock = clock
        self._jitter = jitter
        self._patience = patience
        self._slugs: dict[int, str] = {}
        self._fleet = Fleet(relays, slug_of=self._slug_of, clock=clock, time=self._time)
        self._feed = self._fleet.feed
        self._waiting = Waiting(self._fleet, delivery.domains)
        self._desk = Desk(
            self._fleet,
            Judge(max_age=delivery.max_age),
            clock=clock,
            time=self._time,
            jitter=jitter,
            stopping=lambda: self._stopping,
            fail=self._fail,
        )
        packer = Packer(ledger, keyring, signer)
        self._offering = Offering(self._fleet, self._desk, packer, clock=clock)
        self._draining = False
        self._closing = False
        self._broken = False  # the ledger is of no more use: nothing can be settled
        self._exhausted = False  # the last claim found nothing
        self._look_again = True  # at all that is claimed
        self._error: BaseException | None = None
        self._wake = asyncio.Event()
        self.finished: list[MailingId] = []
        self.started: list[Started] = []
        self.quota_until: Instant | None = None

    # --- the run ---------------------------------------------------------------------------------

    async def run(self) -> bool:
        """Deliver until nothing is due or can go, or `drain` is called; returns whether it was.

        Raises:
            ConfigError: every relay refuses us; mailings are paused, nobody is marked.
            StoppedError: no relay worked for as long as patience has it, or a mailing was paused.
            LedgerError: the ledger cannot be written, or another process took our rows.
        """
        self._loop = asyncio.get_running_loop()
        self._started_at = self._loop.time()
        self._offset = self._clock_offset()
        with self._ledger.engine.connect().execution_options(writes=True) as database:
            self._begin(database)
            try:
                woken = False
                while not self._done():
                    # Whoever only waits for replies does not commit after each commit.
                    if self._ticks.is_idle and not (woken and self._begins_nothing):
                        self._ticks.tick()
                    self._lose_patience()
                    self._leave_to_next_run()
                    self._follow_clock()
                    self._start_due()
                    woken = await self._woken()
            finally:
                await self._close()
        if self._error is not None:
            raise self._error
        return self._draining

    async def _woken(self) -> bool:
        """Wait for a sign that the run may be over, or until it is time to look; which it was."""
        try:
            await asyncio.wait_for(self._wake.wait(), LOOK)
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    def _clock_offset(self) -> int:
        return self._clock() - round(self._loop.time() * MICROSECONDS)

    def _follow_clock(self) -> None:
        """If the clock was set, what was to be asked for at a time of the old one is asked now."""
        offset = self._clock_offset()
        if abs(offset - self._offset) > SET:
            self._fleet.forget_times()
        self._offset = offset

    def _begin(self, database: Database) -> None:
        self._commits = Commits(
            self._ledger,
            database,
            holder=self._holder,
            on_doubt=self._delivery.on_doubt,
            doubt_wait=reconciling.doubt_wait(self._relays),
            domains=self._delivery.domains,
            breaker=Breaker(self._guard),
            clock=self._clock,
        )
        self._ticks = Ticks(
            enough=self._enough,
            plan=self._plan,
            commits=self._commits,
            apply=self._apply,
            fail=self._break,
            in_thread=self._ledger.path is None,
            patience=self._patience.trouble,
            where=self._ledger.where,
        )
        self._fleet.start(
            helo=self._helo,
            on_event=self._on_event,
            on_opened=self._on_opened,
            on_failed=self._on_failed,
        )

    def drain(self) -> None:
        """Begin nothing new, finish what is out (S-44)."""
        self._draining = True
        self._give_back()

    def abort(self) -> None:
        """Stop now: what is out without a reply is in doubt."""
        self.drain()
        for connection in list(self._desk.lanes):
            connection.abort()

    @property
    def _stopping(self) -> bool:
        ends = self._error is not None or self.quota_until is not None
        return ends or self._draining or self._closing

    @property
    def _begins_nothing(self) -> bool:
        return self._stopping or self._exhausted

    def _time(self) -> float:
        return self._loop.time()

    def _slug_of(self, number: int) -> str:
        """The name of a list; a list keeps it."""
        if number not in self._slugs:
            with self._ledger.read() as connection:
                rows = connection.execute(select(list_.c.id, list_.c.slug))
                self._slugs = {row.id: row.slug for row in rows}
        return self._slugs[number]

    # --- the end of it ---------------------------------------------------------------------------

    def _done(self) -> bool:
        if self._broken:
            return True
        lanes = self._desk.lanes.values()
        if self._ticks.plan is not None or self._desk.news.has_news:
            return False
        if any(not lane.idle for lane in lanes):
            return False
        if self._stopping:
            return True
        return self._exhausted and not self._feed and not self._waiting.awaits(self._clock())

    def _lose_patience(self) -> None:
        lanes = self._desk.lanes.values()
        if not self._feed or any(lane.served or lane.current for lane in lanes):
            return
        outlets = self._fleet.could_carry_something()
        now = self._loop.time()
        if outlets and all(one.health.unwell(now) > self._patience.trouble for one in outlets):
            self._fail(verdicts.relay_down(outlets[0].name, outlets[0].health.trouble))

    def _leave_to_next_run(self) -> None:
        """End if the quotas of the relays that could carry what is left stand in the way."""
        if (
            self._stopping
            or not self._feed
            or any(not one.idle for one in self._desk.lanes.values())
        ):
            return
        more = self._fleet.is_hungry and not self._exhausted
        if more or self._waiting.awaits(self._clock()):
            return
        self.quota_until = self._fleet.quota_until(self._clock(), self._patience)
        if self.quota_until is not None:
            self._give_back()

    def _start_due(self) -> None:
        now = self._loop.time()
        if now - self._started_at > START and not self._stopping and self._ticks.plan is None:
            self._started_at = now
            with contextlib.suppress(OperationalError):  # the next tick meets it, too
                self.started += self._commits.start_due()

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self._give_back()

    def _break(self, error: BaseException) -> None:
        """Nothing more can be written: what is out stays as the ledger has it, in doubt."""
        self._broken = True
        self._fail(error)

    def _give_back(self) -> None:
        """Hold nothing that did not begin; its lease is released at the end."""
        self._feed.clear()
        self._abort_offers()
        self._wake.set()

    def _abort_offers(self) -> None:
        # After 354 only content or the end of the connection can follow.
        for lane in list(self._desk.lanes.values()):
            if lane.offered is not None and lane.current is None and not lane.offered.committing:
                lane.connection.abort()

    async def _close(self) -> None:
        self._closing = True  # a tick that was asked for claims and offers nothing any more
        await asyncio.gather(*(outlet.pool.close() for outlet in self._fleet.outlets))
        quitting = [connection.quit() for connection in list(self._desk.lanes)]
        await asyncio.gather(*quitting, return_exceptions=True)
        unwritten = await self._ticks.stop()
        try:
            if not self._broken:
                self._write_last(unwritten)
            self.finished += self._commits.close()
        except (OperationalError, LedgerError) as error:
            # The next turn recovers what this one could not write.
            self._error = self._error or error

    def _write_last(self, unwritten: Plan | None) -> None:
        if unwritten is not None:
            unwritten.begins, unwritten.hungry = [], False
            self._commits.write(unwritten)
            self._desk.hear_late()
        news = self._desk.take_news()
        news.unused = self._fleet.unused()
        self._commits.write(news)

    # --- what relays say -------------------------------------------------------------------------

    def _on_opened(self, outlet: Outlet, connection: Connection) -> None:
        self._desk.on_opened(outlet, connection)
        self._ticks.ask()

    def _on_failed(self, outlet: Outlet, error: BaseException) -> None:
        self._desk.on_failed(outlet, error)
        self._ticks.ask()

    def _on_event(self, connection: Connection, event: Event) -> None:
        lane = self._desk.lanes.get(connection)
        if lane is None:
            return
        try:
            self._desk.on_event(lane, event)
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._break(error)
        else:
            self._ticks.ask(another=lane.wanted or lane.offered is None)

    # --- the tick --------------------------------------------------------------------------------

    def _enough(self) -> bool:
        lanes = self._desk.lanes.values()
        return 2 * sum([lane.wanted or lane.idle for lane in lanes]) >= len(lanes)

    def _plan(self) -> Plan:
        """What the next transaction writes."""
        if self._stopping:
            self._abort_offers()
            plan = self._desk.take_news()
        else:
            plan = self._desk.take_news()
            self._plan_more(plan, self._clock())
        left = [*plan.settled, *(claimed for claimed, _ in plan.put_off)]
        if left:
            plan.over += self._feed.leave(leaving(left))
        if self._look_again:
            offered = [lane.offered for lane in self._desk.lanes.values()]
            plan.held = [*(one.claimed for one in offered if one is not None), *self._feed]
        return plan

    def _plan_more(self, plan: Plan, now: Instant) -> None:
        for lane in self._desk.lanes.values():
            if lane.wanted and lane.current is None:
                plan.begins.append(lane.starting())
        plan.put_off = self._waiting.surplus(now)
        plan.hungry = self._fleet.is_hungry
        plan.wanted = [*self._fleet.wanted(now), *self._waiting.wanted(now)]
        plan.stops += self._fleet.stranded()

    def _apply(self, committed: Committed) -> None:
        """What the transaction allows happens."""
        self._look_again = committed.stale
        unfit = {claimed.key for claimed in committed.unfit}
        self._obey(committed, unfit)
        self._take_in(committed)
        for starting in committed.begun:
            starting.begin()
        self._desk.hear_late(unfit)
        now = self._loop.time()
        for lane in list(self._desk.lanes.values()):
            if lane.offered is None:
                self._offering.offer(lane, now, stopping=self._stopping)
                lane.connection.flush()
        if not self._stopping:
            self._fleet.open_lanes(self._clock())
            self._wake_in_time()
        if self._desk.news.has_news:
            self._ticks.ask()
        if not self._feed:
            self._wake.set()

    def _obey(self, committed: Committed, unfit: Collection[tuple[MailingId, int]]) -> None:
        for stop in committed.stops:
            if stop.domain:
                log.warning("%s → %s", stop.error, stop.error.next)
            elif stop.state is MailingState.PAUSED:
                self._error = self._error or stop.error
        assert self._ticks.plan is not None
        for starting in self._ticks.plan.begins:
            starting.parcel.committing = False
        if not unfit:
            return
        for lane in list(self._desk.lanes.values()):
            if lane.offer_key in unfit:
                lane.offered, lane.wanted, lane.retiring = None, False, True
                if lane.current is None:
                    lane.connection.abort()
        self._feed.drop(unfit)
        self._feed.forget(committed.halted)
        self._desk.news.released += committed.halted
        self._desk.news.over += self._feed.leave(leaving(committed.unfit))

    def _take_in(self, committed: Committed) -> None:
        if committed.fresh is not None:
            self._feed.add(committed.fresh)
        if committed.exhausted is not None:
            self._exhausted = committed.exhausted
        self.finished += committed.finished
        if committed.limits is not None:
            self._fleet.limit(committed.limits.relays)
            self._waiting.limit(committed.limits.domains)
        for one, granted in committed.grants:
            if isinstance(one, str):
                self._waiting.fill(one, granted)
            else:
                self._fleet.fill(one, granted)

    def _wake_in_time(self) -> None:
        """Tick when the pace of a relay or of a domain lets the next message go."""
        times = [*self._fleet.next_times(), *self._waiting.next_times()]
        if times:
            self._ticks.wake_in(max(0.0, (min(times) - self._clock()) / MICROSECONDS))
