"""The transactions of a run: what is known and what goes next are written together (S-41)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.delivery.feed import leaving
from mailer.ledger import audience, claims, mailings, recovery, settling, starting
from mailer.model import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection as Database

    from mailer.delivery.breaker import Breaker
    from mailer.delivery.feed import Feed
    from mailer.delivery.lanes import Lane
    from mailer.delivery.parcels import Parcel
    from mailer.delivery.verdicts import Stop
    from mailer.ledger.claims import Claimed
    from mailer.ledger.settling import Outcome
    from mailer.ledger.starting import Started
    from mailer.model import HolderId, Instant, MailingId, OnDoubt

RENEW = 60 * 1_000_000
"""Microseconds between two renewals of the leases."""


@dataclass(slots=True)
class Pending:
    """What the next commit writes besides intents."""

    outcomes: list[Outcome] = field(default_factory=list)
    settled: list[Claimed] = field(default_factory=list)  # leave their batch by these outcomes
    suppress: list[Outcome] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.suppress or self.stops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit allows and forbids.

    Attributes:
        begun: the lanes whose content may leave now.
        unfit: deliveries that may not be sent any more.
        stops: the mailings that were stopped or leave a domain alone, and why.
    """

    begun: list[Lane]
    unfit: set[tuple[MailingId, int]]
    stops: list[Stop]


class Commits:
    """Writes for one run.

    Args:
        database: a connection whose transactions write; used by nothing else.
        feed: where claimed deliveries wait; this adds to it and closes its batches.
        holder: who holds the leases.
        breaker: looks at each commit's outcomes.
    """

    def __init__(
        self,
        database: Database,
        feed: Feed,
        *,
        holder: HolderId,
        on_doubt: OnDoubt,
        breaker: Breaker,
        clock: Callable[[], Instant],
    ) -> None:
        self._database = database
        self._feed = feed
        self._holder = holder
        self._on_doubt = on_doubt
        self._breaker = breaker
        self._clock = clock
        self._changes = ""  # the ledger's change counter at the last look
        self._renewed_at = clock()
        self.pending = Pending()
        self.exhausted = False  # the last claim found nothing
        self.finished: list[MailingId] = []  # mailings that were declared sent

    def settle(self, parcel: Parcel, outcome: Outcome) -> None:
        """Write an outcome with the next commit."""
        self.pending.outcomes.append(outcome)
        self.pending.settled.append(parcel.claimed)

    def commit(
        self, lanes: Iterable[Lane], wanted: list[Lane], *, hungry: bool, relay_is_back: bool
    ) -> Committed:
        """Write everything in one transaction; in memory nothing changes before it succeeded.

        Args:
            lanes: all that are open: what they are offered is looked at again.
            wanted: those that wait to send content; none of it goes if a mailing stops.
            hungry: claim more if there is more.
            relay_is_back: mailings that waited for the relay are being sent again.

        Raises:
            OperationalError: the ledger cannot be written; nothing was.
            LedgerError: E606, another process took our rows.
        """
        now, pending = self._clock(), self.pending
        with self._database.begin():
            changes = claims.changes(self._database)
            gone, released = self._look_again(changes, lanes, now)
            outcomes = self._still_ours(changes)
            unfit = {claimed.key for claimed in gone}
            begun = [lane for lane in wanted if not pending.stops and lane.offer_key not in unfit]
            settling.record(
                self._database,
                outcomes,
                [lane.intent() for lane in begun],
                on_doubt=self._on_doubt,
                now=now,
                holder=self._holder,
            )
            left = leaving((*pending.settled, *gone))
            closed = [number for number in self._feed.ended(left) if number not in released]
            self._end_leases(closed, released, now)
            self._write_suppressions(now)
            self._write_states(now, relay_is_back=relay_is_back)
            broken = self._breaker.look(self._database, outcomes, now=now)
            fresh = None
            finished: list[MailingId] = []
            if hungry:
                fresh = claims.claim(self._database, holder=self._holder, now=now)
                if fresh is None:
                    finished = recovery.finish(self._database, on_doubt=self._on_doubt, now=now)
        if hungry:
            self.exhausted = fresh is None
        self.finished += finished
        self._changes = changes
        self._feed.leave(left, over=(*closed, *released))
        self._feed.drop(unfit)
        if fresh is not None:
            self._feed.add(fresh)
        self.pending = Pending()
        return Committed(begun=begun, unfit=unfit, stops=[*pending.stops, *broken])

    def start_due(self) -> list[Started]:
        """Start scheduled mailings whose time has come while others are being sent."""
        with self._database.begin():
            return starting.start_due(self._database, now=self._clock(), actor="mailer")

    def close(self) -> None:
        """Give back the leases and declare what is sent."""
        with self._database.begin():
            claims.release(self._database, self._holder)
            self.finished += recovery.finish(
                self._database, on_doubt=self._on_doubt, now=self._clock()
            )

    def _look_again(
        self, changes: str, lanes: Iterable[Lane], now: Instant
    ) -> tuple[list[Claimed], set[int]]:
        """Of what is held: what may not be sent any more, and the batches of stopped mailings."""
        if changes == self._changes:
            return [], set()
        held = [lane.offered.claimed for lane in lanes if lane.offered]
        held.extend(self._feed)
        standing = claims.recheck(self._database, held, now=now)
        gone = [claimed for claimed in held if not standing.allows(claimed)]
        return gone, {one.batch for one in gone if one.recipient.mailing in standing.stopped}

    def _still_ours(self, changes: str) -> list[Outcome]:
        """The outcomes, without refusals of deliveries that somebody cancelled meanwhile."""
        outcomes = self.pending.outcomes
        if changes == self._changes:
            return outcomes
        early = {(one.mailing, one.seq) for one in outcomes if one.was is DeliveryState.QUEUED}
        lost = early - claims.still_queued(self._database, early)
        return [one for one in outcomes if (one.mailing, one.seq) not in lost]

    def _end_leases(self, closed: Iterable[int], released: Iterable[int], now: Instant) -> None:
        for number in closed:
            claims.close_batch(self._database, number)
        for number in released:
            claims.release_batch(self._database, number)
        if now - self._renewed_at > RENEW:
            self._renewed_at = now
            claims.renew(self._database, self._holder, now=now)

    def _write_suppressions(self, now: Instant) -> None:
        for outcome in self.pending.suppress:
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

    def _write_states(self, now: Instant, *, relay_is_back: bool) -> None:
        if relay_is_back:
            mailings.relay_is_back(self._database, now=now)
        for stop in self.pending.stops:
            reason = f"{stop.error.code} {stop.error.message}"
            for mailing_id in mailings.live(self._database, only=stop.mailing):
                mailings.set_state(
                    self._database, mailing_id, stop.state, actor="mailer", now=now, reason=reason
                )
