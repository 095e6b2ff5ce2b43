"""The loop that moves deliveries forward: claim → compose → hand over → settle.

Once per tick it gathers the outcomes that have arrived and the intents of the messages that go
next, commits both in one transaction, and only then lets the next contents leave (architecture §5).
It works until nothing is due and returns; who calls it again decides when to look.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, assert_never

from sqlalchemy.exc import OperationalError

from mailer.delivery import admission, verdicts
from mailer.delivery.breaker import Breaker
from mailer.delivery.commits import Commits
from mailer.delivery.feed import Feed
from mailer.delivery.lanes import Lane
from mailer.delivery.pace import Bucket, Health
from mailer.delivery.parcels import Packer
from mailer.delivery.verdicts import Judge, Stop, settled, untouched
from mailer.errors import LedgerError, MailerError
from mailer.model import DeliveryState, Instant, MailingState, Phase, Reply
from mailer.smtp.connection import HandshakeError
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    InDoubt,
    NotSent,
    Refused,
    Verdict,
)
from mailer.smtp.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailer.compose.links import Keyring
    from mailer.config import DeliveryConfig, GuardConfig, RelayConfig
    from mailer.delivery.commits import Committed
    from mailer.delivery.parcels import Parcel, Signer
    from mailer.ledger import Ledger
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, MailingId
    from mailer.smtp.connection import Connection

log = logging.getLogger("mailer")

LOOK = 0.25  # seconds between two looks at what no event announces
GATHER = 0.001  # seconds that a tick waits for more lanes while fewer than half of them are ready
RETRY_WRITE = 0.5  # seconds until a commit that failed is tried again (S-46)
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
        patience: seconds without a working relay, or without a writable ledger, after which the
            run gives up.
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
        patience: float,
    ) -> None:
        self._ledger = ledger
        self._config = relay = relays[0]
        self._guard = guard
        self._on_doubt = delivery.on_doubt
        self._holder = holder
        self._clock = clock
        self._jitter = jitter
        self._patience = patience
        self._judge = Judge(max_age=delivery.max_age)
        self._bucket = Bucket(relay.rate)
        self._packer = Packer(ledger, keyring, signer)
        self._helo = helo
        self._lanes: dict[Connection, Lane] = {}
        self._feed = Feed()
        self._draining = False
        self._was_down = True  # mailings may stand in `waiting` until the relay answers
        self._is_back = False  # it has answered: write that down
        self._broken = False  # the ledger is of no more use: nothing can be settled
        self._timer: asyncio.Handle | None = None
        self._pace: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self._wake = asyncio.Event()
        self.finished: list[MailingId] = []
        self.started: list[Started] = []

    # --- the run ---------------------------------------------------------------------------------

    async def run(self) -> bool:
        """Deliver until nothing is due or `drain` is called; returns whether it was drained.

        Raises:
            ConfigError: the relay refuses us; mailings are paused, nobody is marked.
            StoppedError: the relay failed for `patience` seconds, or a mailing was paused.
            LedgerError: the ledger cannot be written, or another process took our rows.
        """
        self._loop = asyncio.get_running_loop()
        self._written_at = self._started_at = self._loop.time()
        self._health = Health(self._loop.time())
        self._relay = Relay(
            self._config,
            helo=self._helo,
            health=self._health,
            on_event=self._on_event,
            on_opened=self._on_opened,
            on_failed=self._on_failed,
        )
        with self._ledger.engine.connect().execution_options(writes=True) as database:
            self._commits = Commits(
                database,
                self._feed,
                holder=self._holder,
                on_doubt=self._on_doubt,
                breaker=Breaker(self._guard),
                clock=self._clock,
            )
            try:
                while not self._done():
                    if self._timer is None:
                        self._tick()
                    self._lose_patience()
                    self._start_due()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), LOOK)
                    self._wake.clear()
            finally:
                await self._close()
        if self._error is not None:
            raise self._error
        return self._draining

    def drain(self) -> None:
        """Begin nothing new, finish what is out (S-44)."""
        self._draining = True
        self._give_back()

    def abort(self) -> None:
        """Stop now: what is out without a reply is in doubt."""
        self.drain()
        for connection in list(self._lanes):
            connection.abort()

    @property
    def _stopping(self) -> bool:
        return self._draining or self._error is not None

    def _done(self) -> bool:
        if self._broken:
            return True
        if self._commits.pending or any(not lane.idle for lane in self._lanes.values()):
            return False
        return self._stopping or (self._commits.exhausted and not self._feed)

    def _lose_patience(self) -> None:
        now = self._loop.time()
        at_work = any(lane.served or lane.current for lane in self._lanes.values())
        if self._feed and not at_work and now - self._health.well_at > self._patience:
            self._fail(verdicts.relay_down(self._config.name, self._health.trouble))

    def _start_due(self) -> None:
        now = self._loop.time()
        if now - self._started_at > START and not self._stopping:
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
        for lane in list(self._lanes.values()):
            if lane.offered is not None and lane.current is None:
                lane.connection.abort()

    async def _close(self) -> None:
        await self._relay.close()
        quitting = [connection.quit() for connection in list(self._lanes)]
        await asyncio.gather(*quitting, return_exceptions=True)
        self._cancel_tick()
        if self._pace is not None:
            self._pace.cancel()
        try:
            if not self._broken:
                self._commits.commit((), [], hungry=False, relay_is_back=False)
            self._commits.close()
        except (OperationalError, LedgerError) as error:
            # The next turn recovers what this one could not write.
            self._error = self._error or error
        self.finished = self._commits.finished

    # --- what the relay says ---------------------------------------------------------------------

    def _on_opened(self, connection: Connection) -> None:
        self._lanes[connection] = Lane(connection)
        self._schedule()

    def _on_failed(self, error: BaseException) -> None:
        if not isinstance(error, HandshakeError):
            self._fail(error)
        elif error.configuration:
            refusal = admission.relay_refused(self._config.name, error)
            self._stop(None, MailingState.PAUSED, refusal)
        else:
            trouble = f"{error.phase}: {verdicts.words(error.reply)}"
            self._relay_failed(trouble, working=len(self._lanes))
        self._schedule()

    def _stop(self, mailing: MailingId | None, state: MailingState, error: MailerError) -> None:
        self._commits.pending.stops.append(Stop(mailing=mailing, state=state, error=error))

    def _relay_failed(self, trouble: str, *, working: int) -> None:
        newly_down = self._health.failed(
            trouble, now=self._loop.time(), jitter=self._jitter(), working=working
        )
        if newly_down:
            log.warning("relay %s is left alone for now: %s", self._config.name, trouble)
            self._was_down = True
            down = verdicts.relay_down(self._config.name, trouble)
            self._stop(None, MailingState.WAITING, down)

    @property
    def _serving(self) -> int:
        return sum(lane.served for lane in self._lanes.values())

    def _relay_serves(self, lane: Lane) -> None:
        lane.served = True
        self._health.served(self._loop.time())
        if self._was_down:
            self._was_down, self._is_back = False, True

    def _on_event(self, connection: Connection, event: Event) -> None:
        lane = self._lanes.get(connection)
        if lane is None:
            return
        try:
            self._handle(lane, event)
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._break(error)
        else:
            self._schedule()

    def _handle(self, lane: Lane, event: Event) -> None:
        match event:
            case ContentWanted():
                self._content_wanted(lane)
            case Accepted() | Refused() | NotSent() | InDoubt():
                parcel = lane.take(event.message)
                if parcel is not None:
                    self._on_verdict(lane, parcel, event)
            case Closing(reply=reply):
                del self._lanes[lane.connection]
                self._lane_ended(lane, verdicts.words(reply))
            case _:
                pass

    def _lane_ended(self, lane: Lane, why: str) -> None:
        if lane.tried and not (lane.served or lane.retiring or self._stopping):
            self._relay_failed(why, working=self._serving)
        else:
            self._health.ended()

    def _content_wanted(self, lane: Lane) -> None:
        if lane.offered is None:
            lane.connection.abort()
            return
        lane.wanted = True
        self._judge.envelope_taken()

    def _on_verdict(self, lane: Lane, parcel: Parcel, verdict: Verdict) -> None:
        match verdict:
            case Accepted(reply=reply):
                self._relay_serves(lane)
                self._commits.settle(parcel, settled(parcel, DeliveryState.ACCEPTED, str(reply)))
            case Refused(phase=phase, reply=reply) | NotSent(phase=phase, lost=Reply() as reply):
                if phase is not Phase.MAIL:  # it is about the recipient: the relay itself works
                    self._relay_serves(lane)
                self._refused(lane, parcel, phase, reply)
            case NotSent(phase=phase, lost=lost):
                self._put_back(parcel, verdicts.words(lost), last=phase is not Phase.MAIL)
            case InDoubt(lost=lost):
                outcome = settled(parcel, DeliveryState.IN_DOUBT, verdicts.words(lost))
                self._commits.settle(parcel, outcome)
            case _:
                assert_never(verdict)

    def _refused(self, lane: Lane, parcel: Parcel, phase: Phase, reply: Reply) -> None:
        ruling = self._judge.refused(parcel, phase, reply, now=self._clock(), jitter=self._jitter())
        if ruling.outcome is None:
            self._put_back(parcel, str(reply))
        else:
            self._commits.settle(parcel, ruling.outcome)
            if ruling.suppress:
                self._commits.pending.suppress.append(ruling.outcome)
        if ruling.stop is not None:
            self._commits.pending.stops.append(ruling.stop)
        lane.retiring = lane.retiring or ruling.reconnect or ruling.back_off
        if ruling.back_off:
            self._relay_failed(f"{phase}: {reply}", working=self._serving)

    def _put_back(self, parcel: Parcel, why: str, *, last: bool = False) -> None:
        """It was not sent for certain; `last` if that may be because of whom it is for."""
        outcome = untouched(parcel, why, now=self._clock())
        if outcome is not None:
            self._commits.settle(parcel, outcome)
        elif not self._stopping and last:
            self._feed.put_last(parcel.claimed)
        elif not self._stopping:
            self._feed.put_back(parcel.claimed)

    # --- the tick --------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """Tick soon: at once if half of the lanes are ready, else when `GATHER` has passed.

        A commit costs as much for one message as for ten, and while it is written the relay works
        on the other lanes: waiting for half of them made sending a fifth faster.
        """
        waiting = isinstance(self._timer, asyncio.TimerHandle)
        if self._timer is not None and not waiting:
            return
        ready = sum([lane.wanted or lane.idle for lane in self._lanes.values()])
        if 2 * ready >= len(self._lanes):
            self._cancel_tick()
            self._timer = self._loop.call_soon(self._tick)
        elif not waiting:
            self._timer = self._loop.call_later(GATHER, self._tick)

    def _cancel_tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        """One group commit, then the contents that it allows."""
        self._cancel_tick()
        try:
            self._turn()
        except OperationalError as error:
            self._hold_everything(error)
        except Exception as error:  # noqa: BLE001  asyncio would log it and go on
            self._break(error)

    def _turn(self) -> None:
        if self._stopping:
            self._abort_offers()
        committed = self._commit()
        self._written_at = self._loop.time()
        self._obey(committed)
        for lane in committed.begun:
            lane.begin()
        for lane in list(self._lanes.values()):
            if lane.offered is None:
                self._offer(lane)
                lane.connection.flush()
        self._open_lanes()
        if not self._feed and self._done():
            self._wake.set()

    def _commit(self) -> Committed:
        lanes = self._lanes.values()
        wanted = [lane for lane in lanes if lane.wanted and lane.current is None]
        committed = self._commits.commit(
            lanes,
            [] if self._stopping else wanted,
            hungry=not self._stopping and len(self._feed) < 2 * self._config.connections,
            relay_is_back=self._is_back,
        )
        self._is_back = False
        return committed

    def _obey(self, committed: Committed) -> None:
        for stop in committed.stops:
            if stop.domain:
                log.warning("%s → %s", stop.error, stop.error.next)
            elif stop.state is MailingState.PAUSED:
                self._error = self._error or stop.error
        for lane in list(self._lanes.values()):
            if lane.offer_key in committed.unfit:
                lane.offered, lane.wanted, lane.retiring = None, False, True
                if lane.current is None:
                    lane.connection.abort()

    def _hold_everything(self, error: OperationalError) -> None:
        """Nothing leaves unrecorded: hold everything and try to write again (S-46)."""
        waited = self._loop.time() - self._written_at
        if waited > self._patience:
            self._break(self._cannot_write(error))
            return
        if waited < RETRY_WRITE:
            log.warning("the ledger cannot be written: %s", error.orig)
        self._timer = self._loop.call_later(RETRY_WRITE, self._tick)

    def _cannot_write(self, error: OperationalError) -> LedgerError:
        return LedgerError(
            "E608",
            "The ledger cannot be written; nothing more is sent",
            where=str(self._ledger.path),
            detail=str(error.orig),
            next_step="make room or end what locks it, then mailer send --due",
        )

    # --- the next envelope -----------------------------------------------------------------------

    def _open_lanes(self) -> None:
        if self._stopping or any(lane.idle for lane in self._lanes.values()):
            return
        now = self._loop.time()
        wanted = min(self._health.most(self._config.connections, now), len(self._feed))
        self._relay.open(wanted - len(self._lanes) - self._relay.opening, now)

    def _offer(self, lane: Lane) -> None:
        """Offer the next envelope, behind the content if that was just released (S-20)."""
        now = self._loop.time()
        if self._relay.spent(lane.connection, now):
            lane.retiring = True
        if lane.retiring:
            if lane.current is None:
                # A farewell brings no further event.
                del self._lanes[lane.connection]
                self._relay.retire(lane.connection)
                self._health.ended()
            return
        if self._stopping or not self._feed:
            return
        delay = self._bucket.delay(now)
        if delay > 0:
            self._wait_for_pace(delay)
            return
        parcel = self._next_parcel(lane)
        if parcel is not None:
            self._bucket.take(now)
            lane.offered, lane.tried = parcel, True
            lane.connection.offer(parcel.message)

    def _wait_for_pace(self, delay: float) -> None:
        """One timer for all lanes: the next message may go when it ends."""
        if self._pace is None:

            def over() -> None:
                self._pace = None
                self._schedule()

            self._pace = self._loop.call_later(delay, over)

    def _next_parcel(self, lane: Lane) -> Parcel | None:
        while self._feed:
            claimed = self._feed.next()
            try:
                parcel = self._packer.pack(claimed, now=self._clock())
                self._check_size(lane, parcel)
            except MailerError as error:
                self._feed.put_back(claimed)
                self._stop(claimed.recipient.mailing, MailingState.PAUSED, error)
                self._schedule()
                return None
            if parcel.message.rcpt_to.isascii():
                return parcel
            # M-13: never down-converted; the domain is an A-label already.
            outcome = settled(parcel, DeliveryState.REJECTED, verdicts.NEEDS_SMTPUTF8)
            self._commits.settle(parcel, outcome)
            self._schedule()
        return None

    def _check_size(self, lane: Lane, parcel: Parcel) -> None:
        limit, size = lane.connection.capabilities.size, len(parcel.message.content)
        if limit and size > limit:
            raise verdicts.too_large(size, limit)
