"""What a relay's word means for a delivery and for its mailing: pure, one table (standards §3.3).

Who is spoken of decides. Up to MAIL FROM it is us or the relay, never the recipient: nobody is
marked. From RCPT TO on it may be the recipient, and a permanent refusal is classified (§4.2); what
then turns out to be about us, too, keeps the delivery queued. A loss is the recipient's affair
never: before the final dot it is as if nothing had happened, after it nobody knows (S-40).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mailer.bounces import providers
from mailer.bounces.classify import classify
from mailer.bounces.providers import Asks, Hint
from mailer.model import HARD, BounceClass, DeliveryState, Lost, Phase, Reply

MINUTE: Final = 60.0
HOUR: Final = 60 * MINUTE

# S-31; the last one repeats.
RETRIES: Final = (
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    40 * MINUTE,
    80 * MINUTE,
    160 * MINUTE,
    4 * HOUR,
)
SPREAD: Final = 0.2  # of a delay, at a jitter of 1
# A 421 at RCPT or DATA may be about this recipient. Tried again at once, one domain that is always
# answered so would cost connection after connection (case 39).
ASIDE: Final = 30.0


class Effect(StrEnum):
    """What the loop does beside settling the delivery.

    RECONNECT: the connection is of no more use. BACK_OFF: the relay is down: mailing `waiting`.
    PAUSE: it is about us: mailing `paused`, nobody marked.
    """

    NONE = "none"
    RECONNECT = "reconnect"
    BACK_OFF = "back off"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a delivery.

    Attributes:
        state: the state it takes; None if no delivery is spoken of.
        retry_in: seconds after which a queued one is due again; None = as soon as may be.
        effect: what happens to the mailing or the connection.
        bounce_class: what a refusal says about whom; None if nothing was refused for good.
        counts: whether this used up one of the delivery's attempts.
        sender_fault: a key for replies that are equal and about us; empty for all others. Ten equal
            ones hold a domain or pause the mailing (decisions 16).
        throttle: the recipient's domain asks for less: seconds to stay away from it, 0 to go slower
            from now on; None if it does not ask (S-32).
    """

    state: DeliveryState | None = None
    retry_in: float | None = None
    effect: Effect = Effect.NONE
    bounce_class: BounceClass | None = None
    counts: bool = False
    sender_fault: str = ""
    throttle: float | None = None


class _Stage(StrEnum):
    CONNECT = "connect, banner"
    HELLO = "EHLO, STARTTLS, AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "dot"
    END = "RSET, QUIT"


class _Word(StrEnum):
    OK = "2xx"
    TRANSIENT = "4xx"
    PERMANENT = "5xx"
    CLOSING = "421"
    LOST = "lost"


class _Then(StrEnum):
    GO_ON = "nothing is decided"
    WAIT = "the relay is down or busy: everything stays queued"
    STOP = "it is about us; no delivery is spoken of"
    BACK_AND_STOP = "it is about us: queued, nobody is marked"
    AGAIN = "queued, as soon as may be"
    SLOWER = "queued, as soon as may be; three in a row: the relay is left alone"
    ASIDE = "queued, in half a minute, no attempt counted"
    LATER = "queued, by the schedule of S-31, until it expires"
    CLASSIFY = "rejected, or queued where it is about us"
    ACCEPT = "accepted"
    DOUBT = "in doubt"


_STAGE: Final = {
    Phase.CONNECT: _Stage.CONNECT,
    Phase.BANNER: _Stage.CONNECT,
    Phase.EHLO: _Stage.HELLO,
    Phase.STARTTLS: _Stage.HELLO,
    Phase.AUTH: _Stage.HELLO,
    Phase.MAIL: _Stage.MAIL,
    Phase.RCPT: _Stage.RCPT,
    Phase.DATA: _Stage.DATA,
    Phase.DOT: _Stage.DOT,
    Phase.RSET: _Stage.END,
    Phase.QUIT: _Stage.END,
}

# Standards §3.3, row by row: 2xx and 3xx, 4xx, 5xx, 421, EOF or timeout or reset. EHLO/5xx is the
# one to the HELO that followed (S-1).
_TABLE: Final = {
    stage: dict(zip(_Word, cells, strict=True))
    for stage, cells in {
        _Stage.CONNECT: (_Then.GO_ON, _Then.WAIT, _Then.WAIT, _Then.WAIT, _Then.WAIT),
        _Stage.HELLO: (_Then.GO_ON, _Then.WAIT, _Then.STOP, _Then.WAIT, _Then.WAIT),
        _Stage.MAIL: (_Then.GO_ON, _Then.SLOWER, _Then.BACK_AND_STOP, _Then.AGAIN, _Then.AGAIN),
        _Stage.RCPT: (_Then.GO_ON, _Then.LATER, _Then.CLASSIFY, _Then.ASIDE, _Then.AGAIN),
        _Stage.DATA: (_Then.GO_ON, _Then.LATER, _Then.CLASSIFY, _Then.ASIDE, _Then.AGAIN),
        _Stage.DOT: (_Then.ACCEPT, _Then.LATER, _Then.CLASSIFY, _Then.LATER, _Then.DOUBT),
        _Stage.END: (_Then.GO_ON, _Then.GO_ON, _Then.GO_ON, _Then.GO_ON, _Then.GO_ON),
    }.items()
}

_FIXED: Final = {
    _Then.GO_ON: Decision(),
    _Then.WAIT: Decision(effect=Effect.BACK_OFF),
    _Then.STOP: Decision(effect=Effect.PAUSE),
    _Then.BACK_AND_STOP: Decision(state=DeliveryState.QUEUED, effect=Effect.PAUSE),
    _Then.AGAIN: Decision(state=DeliveryState.QUEUED, effect=Effect.RECONNECT),
    _Then.SLOWER: Decision(state=DeliveryState.QUEUED),
    _Then.ACCEPT: Decision(state=DeliveryState.ACCEPTED),
    _Then.DOUBT: Decision(state=DeliveryState.IN_DOUBT, effect=Effect.RECONNECT),
}

# Interface §1.6 A: these ask for less even without a provider's own code, unless they say that it
# is about the address or the mailbox (x.1.z, x.2.z), or are what greylisting says.
_SLOW_DOWN: Final = {421, 451}
_ABOUT_THE_PERSON: Final = ("4.1.", "4.2.", "5.1.", "5.2.")
# R6647 §5: earlier than five minutes is too early for most.
_GREYLIST: Final = re.compile(r"4\.7\.1\b|gr[ea]ylist", re.IGNORECASE)
_TOO_MANY_RECIPIENTS: Final = "4.5.3"

# A refusal of the content, or of nobody knows what, that comes again and again is about us.
_PERHAPS_OURS: Final = {BounceClass.UNKNOWN, BounceClass.NETWORK}


def retry_delay(attempts: int, jitter: float) -> float:
    """Seconds until the next attempt after so many, the failed one included (S-31)."""
    return _spread(RETRIES[min(max(attempts, 1), len(RETRIES)) - 1], jitter)


def decide(
    *, phase: Phase, said: Reply | Lost, attempts: int, age: float, max_age: float, jitter: float
) -> Decision:
    """What the relay's word in this phase means.

    Args:
        phase: what was answered, or what had no answer.
        said: the reply, or that there is none.
        attempts: how many this delivery has had, this one included: 1 at the first.
        age: seconds since its first attempt.
        max_age: seconds after which a delivery that is still deferred is rejected as expired.
        jitter: a number in [-1, 1].
    """
    then = _TABLE[_STAGE[phase]][_word(said)]
    if isinstance(said, Lost) or then in _FIXED:
        return _FIXED[then]
    if then is _Then.CLASSIFY:
        decision = _refused(phase, said)
    else:
        decision = _deferred(phase, said, counts=then is _Then.LATER)
    if decision.state is DeliveryState.REJECTED:
        return decision
    if age >= max_age:
        return _expired(said, decision)
    if then is _Then.ASIDE:
        wait = _spread(ASIDE, jitter)
    else:
        wait = max(retry_delay(attempts, jitter), RETRIES[0] if _is_greylist(said) else 0)
    return replace(decision, retry_in=max(wait, _spread(decision.throttle or 0.0, jitter)))


def _spread(seconds: float, jitter: float) -> float:
    return seconds * (1 + SPREAD * jitter)


def _word(said: Reply | Lost) -> _Word:
    if isinstance(said, Lost):
        return _Word.LOST
    if said.code == 421:  # noqa: PLR2004  closing the channel (R5321 §3.8)
        return _Word.CLOSING
    return {4: _Word.TRANSIENT, 5: _Word.PERMANENT}.get(said.kind, _Word.OK)


def _refused(phase: Phase, said: Reply) -> Decision:
    """A 5yz that may be about the recipient, without the time of a further attempt."""
    found = classify(code=said.code, status=said.enhanced, text=said.text)
    throttle = None
    if found is BounceClass.SENDER_FAULT:
        throttle = _asked_pause(providers.find(said.text))
        state, ours = DeliveryState.QUEUED, throttle is None
    else:
        state = DeliveryState.REJECTED
        ours = found is BounceClass.PROTOCOL or (phase is not Phase.RCPT and found in _PERHAPS_OURS)
    return Decision(
        state=state,
        bounce_class=_softened(found) if said.enhanced.startswith("4") else found,  # S-30
        counts=True,
        sender_fault=_key(phase, said) if ours else "",
        throttle=throttle,
    )


def _deferred(phase: Phase, said: Reply, *, counts: bool) -> Decision:
    """A 4yz from RCPT TO on, without the time of the next attempt."""
    hint = providers.find(said.text)
    ours = hint is not None and hint.asks is Asks.HOLD
    asked = _asked_pause(hint)
    if asked is None and not ours and _slows_down(said):
        asked = 0.0
    # 452 4.5.3 counts recipients although ours are one per transaction: begin the count anew.
    fresh = _word(said) is _Word.CLOSING or said.enhanced == _TOO_MANY_RECIPIENTS
    return Decision(
        state=DeliveryState.QUEUED,
        effect=Effect.RECONNECT if fresh else Effect.NONE,
        counts=counts,
        sender_fault=_key(phase, said) if ours else "",
        throttle=asked,
    )


def _expired(said: Reply, decision: Decision) -> Decision:
    """S-31: deferred for longer than a delivery may be; its last reply says why."""
    return replace(
        decision,
        state=DeliveryState.REJECTED,
        bounce_class=decision.bounce_class or _class_of_expired(said),
        counts=True,
    )


def _softened(found: BounceClass) -> BounceClass:
    """Temporary for suppression: what is hard does not suppress."""
    return BounceClass.UNKNOWN if found in HARD else found


def _class_of_expired(said: Reply) -> BounceClass:
    """The last temporary reply says why; where it says nothing, it is the network (§4.2)."""
    found = _softened(classify(code=said.code, status=said.enhanced, text=said.text))
    return BounceClass.NETWORK if found is BounceClass.UNKNOWN else found


def _asked_pause(hint: Hint | None) -> float | None:
    return hint.pause if hint is not None and hint.asks is Asks.SLOWER else None


def _is_greylist(said: Reply) -> bool:
    return _GREYLIST.search(said.text) is not None


def _slows_down(said: Reply) -> bool:
    about_us = not said.enhanced.startswith(_ABOUT_THE_PERSON)
    return said.code in _SLOW_DOWN and about_us and not _is_greylist(said)


def _key(phase: Phase, said: Reply) -> str:
    return f"{phase}: {said.code} {said.enhanced}".rstrip()
