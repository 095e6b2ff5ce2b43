"""How long each phase may take, and one timer that watches over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer.model import Phase

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds of patience per phase (standards §3.1; R5321 §4.5.3.2 sets most minimums).

    Attributes:
        connect: TCP and, where it begins at once or after STARTTLS, TLS.
        command: EHLO, STARTTLS, AUTH, MAIL, RCPT.
        block: without any progress while content is written.
        dot: from the final dot to its reply; a shorter one makes duplicates (R1047).
    """

    connect: float = 30
    banner: float = 60
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    rset: float = 20
    quit: float = 5

    def of(self, phase: Phase) -> float:
        """How long the reply in this phase may take."""
        seconds: float = getattr(self, _NAMES.get(phase, "command"))
        return seconds


_NAMES: Final = {
    Phase.CONNECT: "connect",
    Phase.BANNER: "banner",
    Phase.DATA: "data",
    Phase.DOT: "dot",
    Phase.RSET: "rset",
    Phase.QUIT: "quit",
}

TIMEOUTS: Final = Timeouts()


class Alarm:
    """One timer for one deadline after the other.

    Deadlines mostly move away, with each reply. The timer stays where it is and, when it goes off
    too early, is set to the deadline of then: a new deadline costs a comparison, not a timer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether a deadline is running."""
        return self._deadline is not None

    def set(self, seconds: float) -> None:
        """Ring in so many seconds, unless set anew before."""
        self._deadline = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
        elif self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._on_timer)

    def stop(self) -> None:
        """No deadline for now."""
        self._deadline = None

    def cancel(self) -> None:
        """No deadline any more."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
            return
        self._deadline = None
        self._ring()
