"""The circuit breaker: asks the guard after each commit's outcomes, and writes what it says (S-33).

The counts are the ledger's, so that they are the same for every process and over every restart:
cron that finds one equal fault a minute finds ten in ten minutes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailer.delivery import guard, verdicts
from mailer.delivery.verdicts import Stop
from mailer.ledger import canary, holds, mailings, tally
from mailer.model import HARD, MailingState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from mailer.config import GuardConfig
    from mailer.errors import MailerError
    from mailer.ledger import Ledger
    from mailer.ledger.settling import Fault, Outcome
    from mailer.model import Bounce, Instant, MailingId


class Breaker:
    """Watches the mailings of one process."""

    def __init__(self, limits: GuardConfig) -> None:
        self._limits = limits
        self._past: set[MailingId] = set()  # their first deliveries are settled: nothing to weigh
        self._spotless: set[MailingId] = set()  # when they were weighed last, nothing was bad

    def look(
        self, connection: Connection, outcomes: Iterable[Outcome], *, now: Instant
    ) -> list[Stop]:
        """What follows from outcomes that this transaction has recorded; it is written here.

        Returns:
            The mailings that were paused and the domains that are held now, each once.
        """
        stops = [self._faulted(connection, one, one.fault, now) for one in outcomes if one.fault]
        failed = {one.mailing for one in outcomes if one.bounce_class in HARD}
        watched = {one.mailing for one in outcomes} - self._past - (self._spotless - failed)
        stops.extend([self.weigh(connection, number, now=now) for number in watched])
        return [stop for stop in stops if stop is not None]

    def weigh(self, connection: Connection, mailing_id: MailingId, *, now: Instant) -> Stop | None:
        """Pause a mailing if too many of its first deliveries failed or were complained about."""
        found = tally.tally(connection, mailing_id, sample=self._limits.sample)
        if found.overruled or found.accepted + found.rejected >= self._limits.sample:
            self._past.add(mailing_id)
        if found.hard or found.complaints:
            self._spotless.discard(mailing_id)
        else:
            self._spotless.add(mailing_id)
        reason = guard.share_reason(found, self._limits)
        if reason is None:
            return None
        suppressed = tally.suppressed_by(connection, mailing_id)
        error = verdicts.guard_spoke(mailing_id, reason, suppressed=suppressed)
        return _pause(connection, mailing_id, error, now)

    def weigh_canaries(self, connection: Connection, *, now: Instant) -> list[Stop]:
        """Leave to a person what waits behind a canary of which too large a share failed.

        However few it was: nobody is there to see it. Where the guard itself would not have spoken
        yet, resuming does not overrule it.
        """
        stops = []
        for mailing_id, said in canary.waiting(connection):
            found = tally.tally(connection, mailing_id, sample=self._limits.sample)
            share = guard.share_reason(found, replace(self._limits, minimum=1))
            if share is None:
                continue
            suppressed = tally.suppressed_by(connection, mailing_id)
            error = verdicts.guard_spoke(mailing_id, share, suppressed=suppressed)
            spoke = guard.share_reason(found, self._limits) is not None
            reason = _reason(error) if spoke else f"{said}: {share}"
            stops.append(_stop(connection, mailing_id, error, reason, now))
        return stops

    def _faulted(
        self, connection: Connection, outcome: Outcome, fault: Fault, now: Instant
    ) -> Stop | None:
        mailing_id, said = outcome.mailing, verdicts.quoted(outcome.reply)
        accepted = tally.blame(connection, outcome, fault, now=now)
        blamed = tally.blamed(connection, mailing_id, fault.key)
        verdict = guard.equal_faults(
            blamed.values(), domain=fault.domain, accepted=accepted, limits=self._limits
        )
        if verdict is None:
            return None
        if not verdict.domain:
            error = verdicts.equal_replies(mailing_id, verdict.number, said)
            return _pause(connection, mailing_id, error, now)
        reason = verdicts.about_us(verdict.number, said)
        fresh = holds.hold(connection, mailing_id, verdict.domain, reason, now)
        met = [seq for seq, one in blamed.items() if one.domain == verdict.domain]
        holds.put_aside(connection, mailing_id, met if fresh else [outcome.seq])
        if not fresh:
            return None
        error = verdicts.domain_held(mailing_id, verdict.domain, verdict.number, said)
        return Stop(
            mailing=mailing_id, state=MailingState.SENDING, error=error, domain=verdict.domain
        )


def weigh_returns(
    ledger: Ledger, returned: Iterable[Bounce], limits: GuardConfig, *, now: Instant
) -> list[Stop]:
    """Pause the mailings of which these reports, now recorded, show that they must not go on."""
    mailings_of = {one.mailing for one in returned if one.bounce_class in HARD}
    breaker = Breaker(limits)
    with ledger.write() as connection:
        stops = [
            breaker.weigh(connection, number, now=now)
            for number in mailings_of
            if number is not None and mailings.live(connection, only=number)
        ]
        stops.extend(breaker.weigh_canaries(connection, now=now))
    return [stop for stop in stops if stop is not None]


def _pause(
    connection: Connection, mailing_id: MailingId, error: MailerError, now: Instant
) -> Stop | None:
    if not mailings.live(connection, only=mailing_id):
        return None
    return _stop(connection, mailing_id, error, _reason(error), now)


def _stop(
    connection: Connection, mailing_id: MailingId, error: MailerError, reason: str, now: Instant
) -> Stop:
    mailings.set_state(
        connection, mailing_id, MailingState.PAUSED, actor="mailer", now=now, reason=reason
    )
    return Stop(mailing=mailing_id, state=MailingState.PAUSED, error=error)


def _reason(error: MailerError) -> str:
    return f"{error.code} {error.message}"
