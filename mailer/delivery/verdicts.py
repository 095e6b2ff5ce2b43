"""What a relay's refusal means for a delivery, its mailing and the relay; pure, like `policy`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.bounces.classify import suppresses
from mailer.delivery import policy
from mailer.delivery.policy import Effect
from mailer.errors import MailerError, StoppedError
from mailer.ledger.settling import Outcome
from mailer.model import (
    BounceClass,
    DeliveryState,
    Instant,
    Lost,
    MailingId,
    MailingState,
    Phase,
    Reply,
)

if TYPE_CHECKING:
    from mailer.delivery.parcels import Parcel
    from mailer.ledger.claims import Claimed

EQUAL_REPLIES = 10
"""So many equal sender faults pause the mailing (decisions 16)."""

MAIL_DEFERRALS = 3
"""So many temporary refusals of MAIL FROM in a row, and the relay is left alone (§3.3)."""

NEEDS_SMTPUTF8 = "553 5.6.7 the address needs SMTPUTF8"
"""What we say of an address that the relay would have to carry in UTF-8 (M-13)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why mailings stop: the state that they take and the error that the caller hears of.

    Attributes:
        mailing: the one that stops; None for all that are being sent.
        domain: not empty: the mailing goes on and leaves this recipient domain alone.
    """

    mailing: MailingId | None
    state: MailingState
    error: MailerError
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What follows from one refusal.

    Attributes:
        outcome: what to settle; None: the delivery goes back to the feed as if untouched.
        suppress: the address does not exist; never mail it again.
        reconnect: this connection is of no more use.
        back_off: leave the relay alone for a while.
        throttle: the recipient's domain asks for less: seconds to leave it alone, 0 to go slower
            at once; None if it does not (S-32).
    """

    outcome: Outcome | None
    stop: Stop | None = None
    suppress: bool = False
    reconnect: bool = False
    back_off: bool = False
    throttle: float | None = None


class Judge:
    """Rules on refusals, and remembers how often the same was said."""

    def __init__(self, *, max_age: float) -> None:
        self._max_age = max_age
        self._equal: Counter[tuple[MailingId, str]] = Counter()
        self._mail_deferrals = 0

    def envelope_taken(self) -> None:
        """The relay took an envelope: it does not refuse us."""
        self._mail_deferrals = 0

    def refused(
        self, parcel: Parcel, phase: Phase, reply: Reply, *, now: Instant, jitter: float
    ) -> Ruling:
        """Rule on a 4yz or 5yz reply."""
        claimed = parcel.claimed
        decision = policy.decide(
            phase=phase,
            said=reply,
            attempts=claimed.attempts + 1,
            age=_age(claimed, now),
            max_age=self._max_age,
            jitter=jitter,
        )
        return Ruling(
            outcome=_outcome(parcel, decision, reply, now=now),
            stop=self._stop(claimed.recipient.mailing, phase, reply, decision),
            suppress=decision.state is DeliveryState.REJECTED
            and decision.bounce_class is not None
            and suppresses(decision.bounce_class, reply.enhanced, code=reply.code),
            reconnect=decision.effect is Effect.RECONNECT,
            back_off=decision.effect is Effect.BACK_OFF or self._deferred_mail(phase, reply),
        )

    def _deferred_mail(self, phase: Phase, reply: Reply) -> bool:
        if phase is not Phase.MAIL or reply.kind != 4:  # noqa: PLR2004  4yz
            return False
        self._mail_deferrals += 1
        return self._mail_deferrals >= MAIL_DEFERRALS

    def _stop(
        self, mailing: MailingId, phase: Phase, reply: Reply, decision: policy.Decision
    ) -> Stop | None:
        if decision.effect is Effect.PAUSE:
            return Stop(
                mailing=mailing, state=MailingState.PAUSED, error=sender_refused(mailing, reply)
            )
        if decision.sender_fault:
            self._equal[mailing, decision.sender_fault] += 1
            if self._equal[mailing, decision.sender_fault] >= EQUAL_REPLIES:
                del self._equal[mailing, decision.sender_fault]
                return Stop(
                    mailing=mailing,
                    state=MailingState.PAUSED,
                    error=equal_replies(mailing, phase, reply),
                )
        return None


def _age(claimed: Claimed, now: Instant) -> float:
    """Seconds since the first attempt, or since an operator queued it again (S-31)."""
    since = claimed.date if claimed.aged_from is None else claimed.aged_from
    return 0.0 if since is None or claimed.attempts == 0 else (now - since) / 1_000_000


def _outcome(
    parcel: Parcel, decision: policy.Decision, reply: Reply, *, now: Instant
) -> Outcome | None:
    if decision.state is DeliveryState.QUEUED and decision.retry_in is None:
        # Nothing was said about this person.
        return untouched(parcel, str(reply), now=now)
    due_at = None if decision.retry_in is None else Instant(now + round(decision.retry_in * 1e6))
    return settled(
        parcel,
        decision.state or DeliveryState.QUEUED,
        str(reply),
        due_at=due_at,
        bounce_class=decision.bounce_class,
        counted=decision.counts,
    )


def untouched(parcel: Parcel, why: str, *, now: Instant) -> Outcome | None:
    """What to settle of a parcel that was certainly not sent: nothing, unless it had begun.

    Connection faults use up nobody's attempts.
    """
    if not parcel.begun:
        return None
    return settled(parcel, DeliveryState.QUEUED, why, due_at=now, counted=False)


def settled(
    parcel: Parcel,
    state: DeliveryState,
    reply: str,
    *,
    due_at: Instant | None = None,
    bounce_class: BounceClass | None = None,
    counted: bool = True,
) -> Outcome:
    """The outcome of a parcel."""
    claimed = parcel.claimed
    return Outcome(
        mailing=claimed.recipient.mailing,
        seq=claimed.recipient.seq,
        subscriber=claimed.recipient.subscriber,
        address_key=claimed.address_key,
        resends=claimed.resends,
        state=state,
        was=DeliveryState.SENDING if parcel.begun else DeliveryState.QUEUED,
        reply=reply,
        date=parcel.date,
        due_at=due_at,
        bounce_class=bounce_class,
        counted=counted,
    )


# --- the errors that stop a run ------------------------------------------------------------------


def relay_down(relay: str, trouble: str) -> StoppedError:
    """The relay cannot be reached or defers everything."""
    return StoppedError(
        "E310",
        "The relay cannot be used at the moment; everything stays queued",
        where=relay,
        detail=trouble,
        next_step="mailer send --due when it is back, or let mailer run wait for it",
    )


def sender_refused(mailing: MailingId, reply: Reply) -> StoppedError:
    """MAIL FROM or DATA was refused for good: that is about us."""
    return StoppedError(
        "E311",
        "The relay refused the sender",
        detail=f"{reply}\nNobody was marked as failed; m{mailing} is paused.",
        next_step=f"check [newsletter] from and [bounces] address, then mailer resume m{mailing}",
    )


def equal_replies(mailing: MailingId, phase: Phase, reply: Reply) -> StoppedError:
    """Ten times the same refusal is about us, not about ten people."""
    return StoppedError(
        "E312",
        f"{EQUAL_REPLIES} equal replies are about us, not about the addresses",
        detail=f"{phase}: {reply}\nNobody was suppressed; m{mailing} is paused.",
        next_step=f"mend what the reply says, then mailer resume m{mailing}",
    )


def too_large(size: int, limit: int) -> StoppedError:
    """The relay takes no message of this size (M-30)."""
    return StoppedError(
        "E313",
        f"The relay takes messages of at most {limit:,} bytes; this one has {size:,}",
        detail="The mailing is paused; nobody was marked as failed.",
        next_step="shorten the issue and mail it anew: mailer cancel, mailer send",
    )


def words(said: Reply | Lost) -> str:
    """What was said, or why nothing was."""
    return str(said) if isinstance(said, Reply) else said.reason
