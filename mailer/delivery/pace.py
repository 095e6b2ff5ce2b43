"""How fast, when to try again, and whether the relay is well: pure, clock and chance come in.

`now` is in seconds of any clock that only goes forward; `jitter` is a number in [-1, 1].
"""

from __future__ import annotations

from typing import Final

FAILURES: Final = 5  # in a row, then the circuit opens (interface §1.6 A)
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 600.0
SPREAD: Final = 0.2  # of a pause, at a jitter of 1


class Bucket:
    """A token bucket: `rate` messages per second on average, `burst` of them at once at most.

    A rate of None is no limit. It begins full.
    """

    def __init__(self, rate: float | None, burst: float = 1.0) -> None:
        if rate is not None and (rate <= 0 or burst < 1):
            raise ValueError(f"rate {rate} and burst {burst} would never let a message go")
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def delay(self, now: float) -> float:
        """Seconds until the next message may go; 0 = now."""
        if self._rate is None:
            return 0.0
        # A wait of `delay` may end a rounding error too early.
        missing = 1.0 - self._level(now)
        return missing / self._rate if missing > 1e-9 else 0.0  # noqa: PLR2004  see above

    def take(self, now: float) -> None:
        """A message goes."""
        self._tokens = self._level(now) - 1.0
        self._at = now

    def _level(self, now: float) -> float:
        if self._at is None or self._rate is None:
            return self._tokens
        return min(self._burst, self._tokens + (now - self._at) * self._rate)


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

    def delay(self, now: float) -> float:
        """Seconds until the next try; 0 if it may be now or is under way."""
        return max(0.0, self._until - now) if self.is_open else 0.0

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


LIMIT_SECONDS: Final = 30.0  # how long a number of connections that the relay refused is respected


class Health:
    """The one account of whether the relay is well, fed by what connections meet.

    ::

        opened, ended unused        says nothing; a probe of the breaker is over
        an answer to a message      well: the breaker closes, patience begins anew
        refused, others at work     it takes no more connections than it has: a limit, for a while
        refused, nobody at work     a failure: five in a row and the relay is left alone
    """

    def __init__(self, now: float) -> None:
        self._breaker = CircuitBreaker()
        self._limit: int | None = None
        self._limit_until = 0.0
        self.well_at = now
        self.trouble = ""

    def allows(self, now: float) -> bool:
        """Whether a connection may be opened now."""
        return self._breaker.allows(now)

    def most(self, connections: int, now: float) -> int:
        """How many connections may be open, of those that are configured."""
        if self._limit is not None and now < self._limit_until:
            return min(connections, self._limit)
        return connections

    def served(self, now: float) -> None:
        """The relay answered to a message: accepted or refused, it works."""
        self._breaker.succeeded()
        self.well_at = now

    def ended(self) -> None:
        """A connection ended that was not needed, or after it had served."""
        self._breaker.given_up()

    def failed(self, trouble: str, *, now: float, jitter: float, working: int) -> bool:
        """A connection was refused, or ended before it served; `working` others have served.

        Returns:
            Whether the relay counts as down from now on.
        """
        self.trouble = trouble
        if working:
            self._limit, self._limit_until = working, now + LIMIT_SECONDS
            self._breaker.given_up()
            return False
        was_open = self._breaker.is_open
        self._breaker.failed(now, jitter=jitter)
        return self._breaker.is_open and not was_open
