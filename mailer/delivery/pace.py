"""How fast, when to try again, and whether the relay is well: pure, clock and chance come in.

`now` is in seconds of any clock that only goes forward; `jitter` is a number in [-1, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.model import Instant

if TYPE_CHECKING:
    from mailer.ledger.metering import Grant

FAILURES: Final = 5  # in a row, then the circuit opens (interface §1.6 A)
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 600.0
SPREAD: Final = 0.2  # of a pause, at a jitter of 1


NEVER_ASKED: Final = Instant(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """For how many seconds a run waits for what is in its way, before it ends (decisions 4).

    Attributes:
        trouble: without a working relay, or without a writable ledger.
        quota: for relays whose quota is used up.
    """

    trouble: float
    quota: float = math.inf


@dataclass(slots=True)
class Meter:
    """Leave to send that the ledger has granted and that is not used yet.

    Attributes:
        left: how many messages may go.
        next_at: no more will be granted before.
        gap: microseconds between two of them, as far as it is known.
    """

    left: int = 0
    next_at: Instant = NEVER_ASKED
    gap: int = 0

    def fill(self, granted: Grant) -> None:
        """More was granted."""
        self.left += granted.count
        self.next_at, self.gap = granted.next_at, granted.gap


class CircuitBreaker:
    """Whether a relay may be tried (interface §1.6 A).

    ::

        closed ──5 failed connections in a row──▶ open ──pause over──▶ half-open: one connection
          ▲                                        ▲                      │
          └───────────── it succeeded ─────────────┼──────────────────────┤
                                                   └── it failed: pause × 2, at most 10 min
    """

    def __init__(self) -> None:
        self._failures = 0
        self._pause = 0.0
        self._until = 0.0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether the relay counts as down, half-open included."""
        return self._failures >= FAILURES

    def allows(self, now: float) -> bool:
        """Whether a connection may be opened now; a yes while half-open is the one probe.

        Each yes is to be followed by `succeeded`, `failed` or `given_up`.
        """
        if not self.is_open:
            return True
        if self._probing or now < self._until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """A connection was opened: the relay is up."""
        self._failures = 0
        self._pause = 0.0
        self._probing = False

    def failed(self, now: float, *, jitter: float) -> None:
        """A connection could not be opened."""
        was_open, self._probing = self.is_open, False
        self._failures += 1
        if not self.is_open or (was_open and now < self._until):
            return  # what was begun before the circuit opened does not make the pause longer
        self._pause = min(self._pause * 2, LONGEST_PAUSE) if self._pause else FIRST_PAUSE
        self._until = now + min(self._pause * (1 + SPREAD * jitter), LONGEST_PAUSE)

    def given_up(self) -> None:
        """A connection attempt was ended by us: it says nothing about the relay."""
        self._probing = False


LIMIT_SECONDS: Final = 30.0  # until one more connection is tried than the relay took


class Health:
    """The one account of whether the relay is well, fed by what connections meet.

    ::

        opened, ended unused        says nothing; a probe of the breaker is over
        an answer to a message      well: the breaker closes, patience begins anew
        refused, others at work     it takes no more connections than it has: a limit
        refused, nobody at work     a failure: five in a row and the relay is left alone
        421, 4yz to MAIL            it is asked too much: half as many connections

    A limit is lifted by one connection every `LIMIT_SECONDS`.
    """

    def __init__(self) -> None:
        self._breaker = CircuitBreaker()
        self._limit: int | None = None
        self._limit_at = 0.0
        self._unwell_at: float | None = None
        self.trouble = ""

    @property
    def is_down(self) -> bool:
        """Whether the relay is left alone, but for the one connection that looks."""
        return self._breaker.is_open

    def allows(self, now: float) -> bool:
        """Whether a connection may be opened now."""
        if not self._breaker.allows(now):
            return False
        if self._unwell_at is None:
            self._unwell_at = now  # until it has answered
        return True

    def most(self, connections: int, now: float) -> int:
        """How many connections may be open, of those that are configured."""
        if self._limit is None:
            return connections
        allowed = self._limit + int((now - self._limit_at) / LIMIT_SECONDS)
        if allowed >= connections:
            self._limit = None
        return min(connections, allowed)

    def unwell(self, now: float) -> float:
        """For how many seconds it has been tried and has not answered to a message."""
        return 0.0 if self._unwell_at is None else now - self._unwell_at

    def served(self) -> None:
        """The relay answered to a message: accepted or refused, it works."""
        self._breaker.succeeded()
        self._unwell_at = None

    def ended(self) -> None:
        """A connection ended that was not needed, or after it had served."""
        self._breaker.given_up()

    def slowed(self, now: float, *, working: int) -> None:
        """The relay asks for less while so many connections are open."""
        self._limit, self._limit_at = max(1, working // 2), now

    def failed(self, trouble: str, *, now: float, jitter: float, working: int) -> bool:
        """A connection was refused, or ended before it served; `working` others have served.

        Returns:
            Whether the relay counts as down from now on.
        """
        self.trouble = trouble
        if working:
            self._limit, self._limit_at = working, now
            self._breaker.given_up()
            return False
        was_open = self._breaker.is_open
        self._breaker.failed(now, jitter=jitter)
        if self._unwell_at is None:
            self._unwell_at = now
        return self._breaker.is_open and not was_open
