"""A delivering process without sockets: real commits, feed and rulings; a test plays the relay.

It does what `Dispatcher` does in a tick, so that a test can stop, kill and mislead it between any
two steps.
"""

from __future__ import annotations

from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from mailer.delivery import verdicts
from mailer.delivery.breaker import Breaker
from mailer.delivery.commits import Commits, Plan, Slower
from mailer.delivery.feed import ONLY, Feed, leaving
from mailer.delivery.lanes import Lane
from mailer.delivery.parcels import Packer
from mailer.delivery.verdicts import Judge, Stop, settled, untouched
from mailer.errors import LedgerError
from mailer.ledger import liveness
from mailer.model import DeliveryState, MailingState, Phase, Reply
from tests.samples.mailings import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.config import GuardConfig
    from mailer.delivery.commits import Committed
    from mailer.delivery.parcels import Parcel
    from mailer.ledger import Ledger
    from mailer.ledger.claims import Claimed
    from mailer.model import HolderId, Instant, MailingId, OnDoubt
    from tests.samples.truth import Truth

LANES = 2
STALE = ("E606", "E651")
"""What a process hears whose rows another one has."""

MAX_AGE = 48 * 3600.0


class Word(Enum):
    """What a relay says of a message: after its content, and before it.

    A reply of None says nothing; the connection ends. Whether the relay has taken the message is
    the third.
    """

    TAKEN = (Reply(code=250, text="2.0.0 Ok", enhanced="2.0.0"), Phase.DOT, True)
    LATER = (Reply(code=451, text="4.3.0 Later", enhanced="4.3.0"), Phase.DOT, False)
    SLOWER = (Reply(code=421, text="4.7.28 Too many", enhanced="4.7.28"), Phase.DOT, False)
    NOBODY = (Reply(code=550, text="5.1.1 No such user", enhanced="5.1.1"), Phase.DOT, False)
    FULL = (Reply(code=552, text="5.2.2 Full", enhanced="5.2.2"), Phase.DOT, False)
    POLICY = (Reply(code=550, text="5.7.1 No", enhanced="5.7.1"), Phase.DOT, False)
    OURS = (Reply(code=550, text="5.7.26 Sign it", enhanced="5.7.26"), Phase.DOT, False)
    AT_RCPT = (Reply(code=450, text="4.2.0 Greylisted", enhanced="4.2.0"), Phase.RCPT, False)
    NOT_AT_RCPT = (Reply(code=550, text="5.1.1 Unknown", enhanced="5.1.1"), Phase.RCPT, False)
    DROPPED = (None, Phase.DATA, False)
    SILENT = (None, Phase.DOT, False)
    SWALLOWED = (None, Phase.DOT, True)
    NOTHING = (None, None, False)


class Moment(Enum):
    """When a process dies in a tick."""

    BEFORE = "before its transaction"
    UNPAID = "after it, before the journal is written"
    COMMITTED = "after both, before a content leaves"
    AFTER = "with contents under way"


class Hand:
    """One delivering process.

    Args:
        ledger: its own; a process shares none.
        limits: when the guard speaks.
    """

    def __init__(
        self,
        ledger: Ledger,
        truth: Truth,
        *,
        clock: Callable[[], Instant],
        on_doubt: OnDoubt,
        doubt_wait: int,
        limits: GuardConfig,
    ) -> None:
        self.ledger = ledger
        self.truth = truth
        self.clock = clock
        self.on_doubt = on_doubt
        self._doubt_wait = doubt_wait
        self._life = liveness.join(ledger)
        self.holder: HolderId = self._life.__enter__()
        self._database = ledger.engine.connect().execution_options(writes=True)
        self._packer = Packer(ledger, KEYS)
        self._judge = Judge(max_age=MAX_AGE)
        self._limits = limits
        self.out: dict[tuple[MailingId, int], Parcel] = {}
        self.taken_for_dead = False
        self.is_over = False  # by what another process has recovered
        self.is_buried = False
        self.arrives = True  # what is out when it dies
        self.refused: set[tuple[str, bytes]] = set()
        self._begin_turn()

    def _begin_turn(self) -> None:
        self.commits = Commits(
            self.ledger,
            self._database,
            holder=self.holder,
            on_doubt=self.on_doubt,
            doubt_wait=self._doubt_wait,
            domains={},
            breaker=Breaker(self._limits),
            clock=self.clock,
        )
        self.feed = Feed()
        self.lanes = [self._lane() for _ in range(LANES)]
        self.news = Plan()
        self.parking: list[tuple[Any, Instant]] = []
        self.look_again = True
        self.exhausted = False
        self.stopping = False
        self._was_down = True

    @staticmethod
    def _lane() -> Lane:
        wire = SimpleNamespace(content=lambda: None)
        return Lane(cast("Any", wire), cast("Any", SimpleNamespace(name="relay")), 0.0)

    @property
    def is_done(self) -> bool:
        """Whether a turn of it would end here."""
        nothing = not self.news.has_news and all(lane.idle for lane in self.lanes)
        return nothing and (self.stopping or (self.exhausted and not self.feed))

    @property
    def claimed(self) -> list[Claimed]:
        """What it holds and has not begun."""
        return [*self.feed, *(one.offered.claimed for one in self.lanes if one.offered)]

    @property
    def is_fresh(self) -> bool:
        """Whether its turn has not begun: the one before found nothing more."""
        return not (self.exhausted or self.feed or any(not lane.idle for lane in self.lanes))

    # --- what the relay says ---------------------------------------------------------------------

    def hear(self, words: Iterator[Word]) -> None:
        """Each connection that waits for a word gets one."""
        for lane in self.lanes:
            if lane.current is not None:
                self._content_was(lane, next(words, Word.TAKEN))
            if lane.offered is not None and not lane.wanted:
                self._envelope_was(lane, next(words, Word.TAKEN))

    def _content_was(self, lane: Lane, word: Word) -> None:
        reply, phase, taken = word.value
        if phase is None:
            return
        assert lane.current is not None
        parcel, lane.current = lane.current, None
        if taken:
            self.truth.receive(parcel)
        if word is Word.TAKEN:
            self._served()
            self.news.settle(parcel, settled(parcel, DeliveryState.ACCEPTED, str(reply)))
        elif word is Word.DROPPED:
            self._put_back(parcel)
        elif reply is None:
            self.truth.doubt(parcel)
            self.news.settle(parcel, settled(parcel, DeliveryState.IN_DOUBT, "lost"))
        else:
            self._refused(parcel, Phase.DOT, reply)

    def _envelope_was(self, lane: Lane, word: Word) -> None:
        assert lane.offered is not None
        reply, phase, _ = word.value
        if reply is None and phase is not None:
            parcel, lane.offered = lane.offered, None
            self._put_back(parcel)
        elif reply is not None and phase is Phase.RCPT:
            parcel, lane.offered = lane.offered, None
            self._refused(parcel, phase, reply)
        elif phase is not None:
            lane.wanted = True

    def _put_back(self, parcel: Parcel) -> None:
        outcome = untouched(parcel, "dropped", now=self.clock())
        if outcome is not None:
            self.news.settle(parcel, outcome)
        elif not self.stopping:
            self.feed.put_back(parcel.claimed)

    def _refused(self, parcel: Parcel, phase: Phase, reply: Reply) -> None:
        self._served()
        ruling = self._judge.refused(parcel, phase, reply, now=self.clock(), jitter=0.0)
        if ruling.outcome is None:
            self._put_back(parcel)
        else:
            self.news.settle(parcel, ruling.outcome)
            if ruling.suppress:
                self.news.suppress.append(ruling.outcome)
        if ruling.stop is not None:
            self.news.stops.append(ruling.stop)
        if ruling.throttle is not None:
            word = Slower(parcel.claimed.domain, ruling.throttle, str(reply))
            self.news.slower.append(word)

    def _served(self) -> None:
        if self._was_down:
            self._was_down, self.news.is_back = False, True

    def lose_relay(self) -> None:
        """Every mailing waits."""
        self._was_down = True
        error = verdicts.relay_down("relay", "connection refused")
        self.news.stops.append(Stop(mailing=None, state=MailingState.WAITING, error=error))

    def park(self, until: Instant) -> None:
        """The last that is claimed waits in the ledger, for the sake of its domain's pace."""
        ring = self.feed.rings.get(ONLY)
        if ring is not None and self.feed:
            domain = next(domain for domain, queue in ring.queues.items() if queue)
            for claimed in self.feed.take_last(ring, domain, 1):
                self.parking.append((claimed, until))

    # --- a tick ----------------------------------------------------------------------------------

    def tick(self, *, dies: Moment | None = None) -> None:
        """One transaction and what follows from it; the process may die in it.

        It also ends, as a process does, if the ledger says that its rows are another's.
        """
        if dies is Moment.BEFORE:
            self.crash()
            return
        plan = self._plan()
        with self.ledger.read() as connection:
            fit = self._fit_before(connection, plan)
        try:
            self.commits.transact(plan)
        except LedgerError as error:
            if error.code not in STALE:
                raise
            self.crash()
            return
        committed = self.commits._unpaid
        assert committed is not None
        self._know(plan, committed, fit)
        if dies is Moment.UNPAID:
            self.crash()
            return
        assert committed is self.commits.finish()
        if dies is Moment.COMMITTED:
            self.crash()
            return
        self._apply(plan, committed)
        if dies is Moment.AFTER:
            self.crash()

    def _fit_before(self, connection: Any, plan: Plan) -> list[Parcel]:
        """Those about to begin that may, as the ledger stands now."""
        parcels = [one.parcel for one in plan.begins]
        return [one for one in parcels if self.truth.may_begin(connection, one)]

    def _know(self, plan: Plan, committed: Committed, fit: list[Parcel]) -> None:
        for outcome in plan.outcomes:
            if outcome.was is DeliveryState.SENDING:
                self.out.pop((outcome.mailing, outcome.seq), None)
        for outcome in plan.suppress:
            self.truth.leave("", outcome.address_key)
        assert not (self.is_over and committed.begun), "it was recovered (decisions 4)"
        for one in committed.begun:
            assert one.parcel in fit, "it must not begin (L-9, decisions 8 and 16)"

    def _plan(self) -> Plan:
        plan, self.news = self.news, Plan()
        if not self.stopping:
            plan.begins = [
                lane.starting() for lane in self.lanes if lane.wanted and not lane.current
            ]
            plan.put_off, self.parking = self.parking, []
            plan.hungry = len(self.feed) < LANES
        left = [*plan.settled, *(claimed for claimed, _ in plan.put_off)]
        if left:
            plan.over += self.feed.leave(leaving(left))
        if self.look_again:
            offered = [lane.offered.claimed for lane in self.lanes if lane.offered is not None]
            plan.held = [*offered, *self.feed]
        return plan

    def _apply(self, plan: Plan, committed: Committed) -> None:
        self.look_again = committed.stale
        self._obey(plan, committed)
        if committed.fresh is not None:
            self.feed.add(committed.fresh)
        if committed.exhausted is not None:
            self.exhausted = committed.exhausted
        for starting in committed.begun:
            starting.begin()
            self.out[starting.parcel.claimed.key] = starting.parcel
            self.truth.leaves(starting.parcel)
        if any(stop.state is MailingState.PAUSED and not stop.domain for stop in committed.stops):
            self.drain()
        for lane in self.lanes:
            if lane.offered is None and not self.stopping:
                self._offer(lane)

    def _obey(self, plan: Plan, committed: Committed) -> None:
        for starting in plan.begins:
            starting.parcel.committing = False
        unfit = {claimed.key for claimed in committed.unfit}
        for lane in self.lanes:
            if lane.offer_key in unfit:
                lane.offered, lane.wanted = None, False
        self.feed.drop(unfit)
        self.feed.forget(committed.halted)
        self.news.released += committed.halted
        self.news.over += self.feed.leave(leaving(committed.unfit))

    def _offer(self, lane: Lane) -> None:
        ring = self.feed.rings.get(ONLY)
        if ring is None or not self.feed:
            return
        lane.offered = self._packer.pack(self.feed.next(ring), now=self.clock())

    # --- the end of it ---------------------------------------------------------------------------

    def drain(self) -> None:
        """Begin nothing new (S-44)."""
        self.stopping = True
        self.feed.clear()
        self.parking = []
        for lane in self.lanes:
            lane.offered, lane.wanted = None, False

    def end_turn(self) -> bool:
        """What is out is finished, the leases are given back; False if that could not be."""
        self.drain()
        while not self.is_buried and (
            self.news.has_news or any(lane.current for lane in self.lanes)
        ):
            self.hear(iter(()))
            self.tick()
        if self.is_buried:
            return False
        try:
            self.commits.close()
        except LedgerError:
            self.crash()
            return False
        self._begin_turn()
        return True

    def leave(self) -> None:
        """Stop as a process does that was asked to."""
        if self.end_turn():
            self._life.__exit__(None, None, None)
            self.shut()

    def crash(self, *, arrived: bool | None = None) -> None:
        """Die now; what is out may have arrived."""
        taken = self.arrives if arrived is None else arrived
        for lane in self.lanes:
            if lane.current is not None and taken:
                self.truth.receive(lane.current)
        self.doubt()
        self.ledger.locks.free(self.holder)
        self.shut()

    def doubt(self) -> None:
        """Nobody knows any more what became of what is out."""
        for parcel in self.out.values():
            self.truth.doubt(parcel)
        self.out = {}

    def shut(self) -> None:
        """Its connection to the ledger ends."""
        self.is_buried = True
        self._database.close()
        self.ledger.close()
