"""What a relay's refusal means for a delivery, its mailing and the relay; pure, like `policy`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.bounces import providers
from mailer.bounces.classify import suppresses
from mailer.delivery import policy
from mailer.delivery.policy import Effect
from mailer.errors import MailerError, StoppedError
from mailer.ledger import tally
from mailer.ledger.settling import Fault, Outcome
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
    from mailer.bounces.providers import Hint
    from mailer.delivery.parcels import Parcel
    from mailer.ledger.claims import Claimed

MAIL_DEFERRALS = 3
"""So many temporary refusals of MAIL FROM in a row, and the relay is left alone (§3.3)."""

QUOTED = 80  # characters of what was said, in a reason
_ADDRESS = re.compile(r"\S+@\S+")

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
    """Rules on refusals, and remembers how often each relay put off our MAIL FROM."""

    def __init__(self, *, max_age: float) -> None:
        self._max_age = max_age
        self._mail_deferrals: Counter[str] = Counter()  # of each relay, in a row

    def envelope_taken(self, relay: str = "") -> None:
        """The relay took an envelope: it does not refuse us."""
        if self._mail_deferrals:
            self._mail_deferrals.pop(relay, None)

    def refused(
        self,
        parcel: Parcel,
        phase: Phase,
        reply: Reply,
        *,
        now: Instant,
        jitter: float,
        relay: str = "",
    ) -> Ruling:
        """Rule on a 4yz or 5yz reply of a relay."""
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
            stop=_stop(claimed.recipient.mailing, reply, decision),
            suppress=decision.state is DeliveryState.REJECTED
            and decision.bounce_class is not None
            and suppresses(decision.bounce_class, reply.enhanced, code=reply.code),
            reconnect=decision.effect is Effect.RECONNECT,
            back_off=decision.effect is Effect.BACK_OFF or self._deferred_mail(phase, reply, relay),
            throttle=decision.throttle,
        )

    def _deferred_mail(self, phase: Phase, reply: Reply, relay: str) -> bool:
        if phase is not Phase.MAIL or reply.kind != 4:  # noqa: PLR2004  4yz
            return False
        self._mail_deferrals[relay] += 1
        return self._mail_deferrals[relay] >= MAIL_DEFERRALS


def _stop(mailing: MailingId, reply: Reply, decision: policy.Decision) -> Stop | None:
    if decision.effect is not Effect.PAUSE:
        return None
    return Stop(mailing=mailing, state=MailingState.PAUSED, error=sender_refused(mailing, reply))


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
        fault=decision.sender_fault,
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
    fault: str = "",
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
        fault=Fault(fault, claimed.domain) if fault else None,
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


def about_us(number: int, said: str) -> str:
    """What equal refusals show."""
    return f'{number:,} equal replies "{said}" are about us, not about the addresses'


def equal_replies(mailing: MailingId, number: int, said: str) -> StoppedError:
    """Ten times the same refusal, from several domains, is about us and not about ten people."""
    hint = providers.find(said)
    return StoppedError(
        tally.FAULTS,
        about_us(number, said),
        detail=f"{_means(hint)}Nobody was suppressed; m{mailing} is paused.",
        next_step=f"{_mend(hint)}, then mailer resume m{mailing}",
    )


def domain_held(mailing: MailingId, domain: str, number: int, said: str) -> StoppedError:
    """The same from one domain: the others go on."""
    hint = providers.find(said)
    return StoppedError(
        "E314",
        f"m{mailing} holds {domain}: {about_us(number, said)}",
        detail=f"{_means(hint)}Nobody was suppressed; the other domains go on.",
        next_step=f"{_mend(hint)}, then mailer resume m{mailing} --domain {domain}",
    )


def guard_spoke(mailing: MailingId, reason: str, *, suppressed: int) -> StoppedError:
    """Too many of the first deliveries failed for good, or were complained about."""
    return StoppedError(
        tally.SHARES,
        f"The guard stopped m{mailing}: {reason}",
        detail=f"{suppressed:,} addresses were suppressed because of it.",
        next_step=tally.guard_steps(mailing),
    )


def _means(hint: Hint | None) -> str:
    return "" if hint is None else f"{hint.means}\n"


def _mend(hint: Hint | None) -> str:
    return "mend what the replies say" if hint is None else hint.mend


def too_large(size: int, limit: int) -> StoppedError:
    """The relay takes no message of this size (M-30)."""
    return StoppedError(
        "E313",
        f"The relay takes messages of at most {limit:,} bytes; this one has {size:,}",
        detail="The mailing is paused; nobody was marked as failed.",
        next_step="shorten the issue and mail it anew: mailer cancel, mailer send",
    )


def reason(error: MailerError) -> str:
    """What the history and `mailer status` say of a stop: with what was said, if something was."""
    said = quoted(error.detail.partition("\n")[0])
    return f"{error.code} {error.message}{f' ({said})' if said else ''}"


def quoted(text: str) -> str:
    """Words of a relay, short and without addresses: a reason outlives the erasure of a person."""
    words = _ADDRESS.sub("…", " ".join(text.split()))
    return words if len(words) <= QUOTED else f"{words[: QUOTED - 1]}…"


def words(said: Reply | Lost) -> str:
    """What was said, or why nothing was."""
    return str(said) if isinstance(said, Reply) else said.reason
