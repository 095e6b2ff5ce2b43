"""One relay as the dispatch loop sees it: its connections, its health, its pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.delivery.pace import Health, Meter
from mailer.model import MICROSECONDS
from mailer.smtp.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.config import RelayConfig
    from mailer.delivery.lanes import Lane
    from mailer.errors import MailerError
    from mailer.model import Instant
    from mailer.smtp.connection import Connection
    from mailer.smtp.events import Event
    from mailer.smtp.replies import Capabilities

SOON = 1_000_000
"""Microseconds: a relay that may send so soon is waited for, not passed over."""

STUCK = 2.0
"""Seconds without a word from a relay after which the others do not wait for its turn."""


class Outlet:
    """A relay, its place in the configuration, and what is open to it.

    Attributes:
        stopped: why it is not used any more in this run: it refuses us. None: it is used.
        meter: what its rate and quota have granted; None: neither is set.
        heard_at: loop time at which it said something last.
        offered: what it says that it can carry; None as long as nobody has asked.
    """

    def __init__(self, config: RelayConfig, place: int, *, time: Callable[[], float]) -> None:
        self.config = config
        self.place = place
        self.name = config.name
        self.health = Health()
        self.lanes: dict[Connection, Lane] = {}
        self.stopped: MailerError | None = None
        self.meter = Meter() if self.is_limited else None
        self.heard_at = 0.0
        self.offered: Capabilities | None = None
        self._time = time

    def connect(
        self,
        *,
        helo: str,
        on_event: Callable[[Connection, Event], None],
        on_opened: Callable[[Outlet, Connection], None],
        on_failed: Callable[[Outlet, BaseException], None],
    ) -> None:
        """Begin a run; these hear of its connections."""
        self.heard_at = self._time()
        self.pool = Relay(
            self.config,
            helo=helo,
            health=self.health,
            on_event=on_event,
            on_opened=lambda connection: on_opened(self, connection),
            on_failed=lambda error: on_failed(self, error),
        )

    @property
    def is_limited(self) -> bool:
        """Whether its configuration limits its pace."""
        return self.config.rate is not None or self.config.quota is not None

    @property
    def is_usable(self) -> bool:
        """Whether mail may be left to it: it neither refuses us nor is it down."""
        return self.stopped is None and not self.health.is_down

    def is_able(self, now: Instant) -> bool:
        """Whether it can take a message about now."""
        return self.is_usable and self.may_send_at(now) <= now + SOON

    def may_send_at(self, now: Instant) -> int:
        """When its pace lets the next message go."""
        return now if self.meter is None or self.meter.left > 0 else self.meter.next_at

    def is_out(self, now: Instant, *, seconds: float) -> bool:
        """Whether its quota is used up for longer than so many seconds."""
        meter = self.meter
        if meter is None or meter.left > 0:
            return False
        return meter.next_at - now > seconds * MICROSECONDS + meter.gap  # a rate waits for one gap

    def is_stuck(self) -> bool:
        """Whether it has said nothing for so long that nobody waits for its turn."""
        return self._time() - self.heard_at > STUCK

    @property
    def serving(self) -> int:
        """How many connections have carried something."""
        return sum(lane.served for lane in self.lanes.values())

    def open(self, wanted: int) -> None:
        """Have up to so many connections, as far as its health and limits allow."""
        now = self._time()
        most = min(wanted, self.health.most(self.config.connections, now))
        self.pool.open(most - len(self.lanes) - self.pool.opening, now)

    def is_spent(self, lane: Lane, now: float) -> bool:
        """Whether a connection is to be closed: used up, unused for long, or one too many (S-4)."""
        if self.pool.spent(lane.connection, now):
            return True
        if lane.idle and now - lane.idle_at >= self.config.idle:
            return True
        return len(self.lanes) > self.health.most(self.config.connections, now)

    def retire(self, lane: Lane) -> None:
        """Close a connection that has nothing under way, in the background."""
        del self.lanes[lane.connection]
        self.pool.retire(lane.connection)
        self.health.ended()
