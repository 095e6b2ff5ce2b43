"""The transactions of a run: what is known and what goes next are written together (S-41).

A `Plan` says what one transaction is to write. It is made in the loop and written, perhaps in a
thread, without a look at anything that the loop changes meanwhile; what came of it is `Committed`.
A plan that could not be written is written again, as it is, until it can.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from mailer.delivery import verdicts
from mailer.ledger import (
    audience,
    claims,
    holds,
    liveness,
    mailings,
    pacing,
    recovery,
    settling,
    starting,
)
from mailer.ledger.engines import Lock, exclude
from mailer.ledger.journal import KEPT, SYNC_SECONDS
from mailer.model import DeliveryState, Instant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Connection as Database

    from mailer.config import RelayConfig
    from mailer.delivery.breaker import Breaker
    from mailer.delivery.lanes import Starting
    from mailer.delivery.parcels import Parcel
    from mailer.delivery.verdicts import Stop
    from mailer.ledger import Ledger
    from mailer.ledger.claims import Batch, Claimed, Standing
    from mailer.ledger.metering import Grant
    from mailer.ledger.settling import Outcome
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, MailingId, OnDoubt

RENEW = 60 * 1_000_000
"""Microseconds between two renewals of the leases."""


@dataclass(frozen=True, slots=True)
class Slower:
    """A recipient domain asked for less, or to be left alone for so many seconds."""

    domain: str
    away: float
    reply: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A relay is not used any more, and why; or, without a reason, it is used again."""

    relay: str
    why: str


@dataclass(frozen=True, slots=True)
class Unused:
    """Leave to send that was granted and will not be used."""

    of: RelayConfig | str
    count: int
    gap: int = 0


@dataclass(slots=True)
class Plan:
    """What one transaction writes.

    Attributes:
        settled: leave their batches by these outcomes.
        over: batches of which nothing is left.
        released: batches to be given back.
        put_off: deliveries that wait in the ledger until a time.
        is_back: a relay works again: mailings that waited are being sent.
        begins: none of them goes if a mailing stops.
        hungry: claim more if there is more.
        held: what is claimed and not sent, to be looked at again; None: not as long as nobody left
            and no operator spoke.
        wanted: leave to send so many messages, by relay or domain.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    settled: list[Claimed] = field(default_factory=list)
    suppress: list[Outcome] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    slower: list[Slower] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    over: list[int] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    put_off: list[tuple[Claimed, Instant]] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    is_back: bool = False
    begins: list[Starting] = field(default_factory=list)
    hungry: bool = False
    held: Collection[Claimed] | None = None
    wanted: list[tuple[RelayConfig | str, int]] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        """Whether something happened that must be written before the run may end."""
        return bool(
            self.outcomes
            or self.suppress
            or self.stops
            or self.slower
            or self.troubles
            or self.over
            or self.released
            or self.put_off
        )

    @property
    def moves_pace(self) -> bool:
        """Whether it writes of relays or recipient domains."""
        return bool(self.slower or self.troubles or self.unused or self.wanted)

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """Write an outcome."""
        self.outcomes.append(outcome)
        self.settled.append(parcel.claimed)


@dataclass(slots=True)
class Committed:
    """What a transaction allows and forbids.

    Attributes:
        begun: their content may leave now.
        stale: somebody left or an operator spoke: nothing began, look again at what is claimed.
        unfit: deliveries that may not be sent any more.
        halted: batches of mailings that are not being sent any more.
        stops: the mailings that were stopped or leave a domain alone, and why.
        fresh: what was claimed.
        exhausted: there was nothing to claim; None: nobody asked.
        grants: what was granted of what was wanted.
        limits: the relays and domains whose pace is limited now; None: as before.
    """

    begun: Sequence[Starting] = ()
    stale: bool = False
    unfit: list[Claimed] = field(default_factory=list)
    halted: set[int] = field(default_factory=set)
    stops: list[Stop] = field(default_factory=list)
    fresh: Batch | None = None
    exhausted: bool | None = None
    finished: list[MailingId] = field(default_factory=list)
    grants: list[tuple[RelayConfig | str, Grant]] = field(default_factory=list)
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Whose pace is limited beside what the configuration says.

    Attributes:
        relays: the names of those whose rate an operator has set.
        domains: those that asked for less.
    """

    relays: set[str]
    domains: set[str]


class Commits:
    """Writes for one run.

    Args:
        database: a connection whose transactions write; used by nothing else.
        holder: who holds the leases.
        doubt_wait: microseconds that a resend waits, so that the relay's log can speak.
        domains: recipient domain -> the most messages per second for it.
        breaker: looks at each commit's outcomes.
    """

    def __init__(
        self,
        ledger: Ledger,
        database: Database,
        *,
        holder: HolderId,
        on_doubt: OnDoubt,
        doubt_wait: int,
        domains: Mapping[str, float],
        breaker: Breaker,
        clock: Callable[[], Instant],
    ) -> None:
        self._ledger = ledger
        self._journal = ledger.journal
        self._database = database
        self._holder = holder
        self._on_doubt = on_doubt
        self._doubt_wait = doubt_wait
        self._domains = domains
        self._breaker = breaker
        self._clock = clock
        self._changes = ""  # the ledger's change counter at the last look
        self._renewed_at = clock()
        self._sure_until = self._renewed_at + RENEW  # that nobody took us for dead
        self._unpaid: Committed | None = None  # written, but its journal is not

    def write(self, plan: Plan) -> Committed:
        """Write a plan in one transaction, and the journal behind it.

        Raises:
            OperationalError: the ledger cannot be written; nothing was.
            JournalError: the journal cannot be written; the same plan again writes only that.
            LedgerError: E606, another process took our rows; E651, it took us for dead.
        """
        self.transact(plan)
        return self.finish()

    def transact(self, plan: Plan) -> None:
        """The first half of `write`: the transaction, unless it was made before."""
        if self._unpaid is None:
            self._unpaid = self._commit(plan)

    def finish(self) -> Committed:
        """The other half of `write`: the journal."""
        self._journal.pay(within=SYNC_SECONDS)
        committed, self._unpaid = self._unpaid, None
        assert committed is not None
        return committed

    def _commit(self, plan: Plan) -> Committed:
        self._affirm()
        try:
            with self._journal.recording(self._database, keep=KEPT):
                if plan.moves_pace:  # before any row is locked
                    exclude(self._database, Lock.PACE)
                changes = claims.changes(self._database)
                committed = self._write(plan, changed=changes != self._changes)
        except OperationalError:
            self._sure_until = 0  # our lock may have gone with the server
            raise
        if not committed.stale:
            self._changes = changes
        return committed

    def _affirm(self) -> None:
        now = self._clock()
        if now >= self._sure_until:
            liveness.affirm(self._ledger, self._holder)
            self._sure_until = now + RENEW

    def _write(self, plan: Plan, *, changed: bool) -> Committed:
        now, database = self._clock(), self._database
        if changed:
            liveness.require(database, self._holder)
        done = Committed(stale=changed and plan.held is None)
        if plan.held is not None:
            self._look_again(plan.held, done, now)
        outcomes = self._still_ours(plan.outcomes)
        done.begun = self._may_begin(plan, done)
        settling.record(
            database,
            outcomes,
            [one.intent for one in done.begun],
            on_doubt=self._on_doubt,
            now=now,
            holder=self._holder,
            doubt_wait=self._doubt_wait,
        )
        if plan.has_news or plan.unused:
            self._write_news(plan, now)
        if outcomes:
            done.stops = [*plan.stops, *self._breaker.look(database, outcomes, now=now)]
        else:
            done.stops = plan.stops
        self._renew(now)
        if plan.is_back:
            mailings.relay_is_back(database, now=now)
        if plan.wanted and not done.stale:
            done.grants = [(one, self._grant(one, count, now)) for one, count in plan.wanted]
        if changed and not done.stale:
            done.limits = Limits(
                pacing.overrides(database), {one.domain for one in pacing.throttles(database)}
            )
        if plan.hungry:
            done.fresh = claims.claim(database, holder=self._holder, now=now)
            done.exhausted = done.fresh is None
            if done.exhausted:
                done.finished = self._finish_mailings(now)
        return done

    def start_due(self) -> list[Started]:
        """Start scheduled mailings whose time has come while others are being sent."""
        with self._journal.recording(self._database):
            return starting.start_due(self._database, now=self._clock(), actor="mailer")

    def close(self) -> list[MailingId]:
        """Give back the leases and declare what is sent."""
        with self._journal.recording(self._database):
            claims.release(self._database, self._holder)
            finished = self._finish_mailings(self._clock())
        self._journal.pay()
        with self._journal.recording(self._database):
            pass  # no row is kept any more
        return finished

    def _finish_mailings(self, now: Instant) -> list[MailingId]:
        finished = recovery.finish(self._database, on_doubt=self._on_doubt, now=now)
        self._breaker.weigh_canaries(self._database, now=now)
        return finished

    # --- looking again ---------------------------------------------------------------------------

    def _look_again(self, held: Collection[Claimed], done: Committed, now: Instant) -> None:
        """Of what is held: what may not be sent any more, and the batches of stopped mailings."""
        standing: Standing = claims.recheck(self._database, held, now=now)
        done.unfit = [one for one in held if not standing.allows(one)]
        done.halted = {one.batch for one in done.unfit if one.recipient.mailing in standing.stopped}

    def _still_ours(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes, without refusals of deliveries that were cancelled meanwhile.

        Also without a change of the ledger's: the last commit may have cancelled one, when it
        looked again, while its envelope was being refused.
        """
        early = {(one.mailing, one.seq) for one in outcomes if one.was is DeliveryState.QUEUED}
        if not early:
            return outcomes
        lost = early - claims.still_queued(self._database, early)
        return [one for one in outcomes if (one.mailing, one.seq) not in lost]

    @staticmethod
    def _may_begin(plan: Plan, done: Committed) -> Sequence[Starting]:
        if done.stale or plan.stops:
            return ()
        if not done.unfit:
            return plan.begins
        unfit = {one.key for one in done.unfit}
        return [one for one in plan.begins if one.parcel.claimed.key not in unfit]

    # --- what happened ---------------------------------------------------------------------------

    def _write_news(self, plan: Plan, now: Instant) -> None:
        database = self._database
        for number in plan.over:
            claims.close_batch(database, number)
        for number in plan.released:
            claims.release_batch(database, number)
        pacing.put_off(database, [(*one.key, due_at) for one, due_at in plan.put_off])
        for word in plan.slower:
            pacing.slow_down(database, word.domain, word.away, word.reply, now)
        for trouble in plan.troubles:
            since = now if trouble.why else None
            pacing.set_trouble(database, trouble.relay, trouble.why, since=since, now=now)
        for outcome in plan.suppress:
            self._suppress(outcome, now)
        for stop in plan.stops:
            self._stop(stop, now)
        for unused in plan.unused:
            self._return(unused, now)

    def _stop(self, stop: Stop, now: Instant) -> None:
        reason = verdicts.reason(stop.error)
        for mailing_id in mailings.live(self._database, only=stop.mailing):
            if stop.domain:
                holds.hold(self._database, mailing_id, stop.domain, reason, now)
            else:
                mailings.set_state(
                    self._database, mailing_id, stop.state, actor="mailer", now=now, reason=reason
                )

    def _suppress(self, outcome: Outcome, now: Instant) -> None:
        address = claims.address_of(self._database, outcome.mailing, outcome.seq)
        audience.suppress(
            self._database,
            address_key=outcome.address_key,
            address=address,
            bounce_class=str(outcome.bounce_class),
            # Who was forgotten meanwhile is not named again by a reply.
            evidence=outcome.reply if address else outcome.reply[: settling.CODE],
            source=f"m{outcome.mailing}",
            now=now,
        )

    def _renew(self, now: Instant) -> None:
        if now - self._renewed_at > RENEW:
            self._renewed_at = now
            claims.renew(self._database, self._holder, now=now)

    # --- the pace --------------------------------------------------------------------------------

    def _grant(self, one: RelayConfig | str, wanted: int, now: Instant) -> Grant:
        if isinstance(one, str):
            return pacing.grant_domain(self._database, one, self._domains.get(one), wanted, now)
        return pacing.grant(self._database, one, wanted, now)

    def _return(self, unused: Unused, now: Instant) -> None:
        if isinstance(unused.of, str):
            pacing.return_domain(self._database, unused.of, unused.count, unused.gap)
        else:
            pacing.return_unused(self._database, unused.of, unused.count, now)
