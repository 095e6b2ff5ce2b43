"""Deliveries that must wait: for their domain's pace, for a relay, or in the ledger until later.

What can go within a short while waits in the feed. What cannot goes back to the ledger with a time,
so that memory is bounded and no domain fills the feed (S-32, case 39); no attempt is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailer.delivery.pace import Meter
from mailer.ledger.metering import gap_of
from mailer.model import MICROSECONDS, Instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailer.delivery.feed import Ring
    from mailer.delivery.fleet import Fleet
    from mailer.ledger.claims import Claimed
    from mailer.ledger.metering import Grant

SHORT: Final = 10 * MICROSECONDS
"""What can go so soon waits in memory."""

LONG: Final = 15 * 60 * MICROSECONDS
"""So far apart at most are the times that the deliveries of one domain are put off to."""

LOOK_AGAIN: Final = 60 * MICROSECONDS
"""After so long it is asked anew whether a relay can carry what none could."""

FULL: Final = 1024
"""So many deliveries in the feed, and what no relay can carry now makes room."""


class Waiting:
    """Keeps the meters of domains, and decides what is put off until when.

    Args:
        domains: recipient domain -> the most messages per second for it.
    """

    def __init__(self, fleet: Fleet, domains: Mapping[str, float]) -> None:
        self._fleet = fleet
        self._feed = fleet.feed
        self._domains = domains
        self._until = 0  # what was put off for its domain's pace is due until then
        self._feed.meters = {name: Meter(gap=gap_of(rate)) for name, rate in domains.items()}

    def limit(self, throttled: Iterable[str]) -> None:
        """These domains asked for less, besides those that are configured."""
        meters = self._feed.meters
        self._feed.meters = {
            domain: meters.get(domain) or Meter() for domain in {*self._domains, *throttled}
        }
        self._feed.sort()

    def wanted(self, now: Instant) -> list[tuple[str, int]]:
        """For which domains leave to send is to be asked for."""
        if not self._feed.meters:
            return []
        return [
            (domain, len(queue))
            for ring in self._feed.rings.values()
            for domain, queue in ring.queues.items()
            if (meter := self._feed.meters.get(domain)) is not None
            and meter.left <= 0
            and meter.next_at <= now
        ]

    def fill(self, domain: str, granted: Grant) -> None:
        """Leave to send to a domain was granted."""
        meter = self._feed.meters.get(domain)
        if meter is not None:
            meter.fill(granted)
            self._feed.sort()

    def next_times(self) -> list[Instant]:
        """When more leave is to be had for the domains that have none."""
        if not self._feed.meters:
            return []
        return [
            meter.next_at
            for ring in self._feed.rings.values()
            for domain in ring.queues
            if (meter := self._feed.meters.get(domain)) is not None and meter.left <= 0
        ]

    def awaits(self, now: Instant) -> bool:
        """Whether something that was put off will soon be due, so that the run does not end."""
        return now < self._until

    def surplus(self, now: Instant) -> list[tuple[Claimed, Instant]]:
        """What leaves the feed, and when it is due again."""
        put_off: list[tuple[Claimed, Instant]] = []
        for ring in list(self._feed.rings.values()):
            if self._feed.meters:
                put_off += self._too_slow(ring, now)
            if len(self._feed) > FULL and not self._fleet.carriers(ring.route):
                put_off += self._all_of(ring, Instant(now + LOOK_AGAIN))
        return put_off

    def _too_slow(self, ring: Ring, now: Instant) -> list[tuple[Claimed, Instant]]:
        found = []
        for domain, queue in list(ring.queues.items()):
            meter = self._feed.meters.get(domain)
            if meter is None or not meter.gap:
                continue
            begins = max(meter.next_at, now)
            in_time = max(0, (now + SHORT - begins) // meter.gap + 1)
            if len(queue) <= in_time:
                continue
            surplus = self._feed.take_last(ring, domain, len(queue) - in_time)
            for place, claimed in enumerate(surplus, start=in_time):
                found.append((claimed, Instant(begins + min(place * meter.gap, LONG))))
            # A configured pace is waited for, like a relay's; a domain that asks for less is not.
            if domain in self._domains and begins - now <= SHORT:
                self._until = max(self._until, found[-1][1] + MICROSECONDS)
        return found

    def _all_of(self, ring: Ring, until: Instant) -> list[tuple[Claimed, Instant]]:
        self._until = max(self._until, until + MICROSECONDS)
        return [
            (claimed, until)
            for domain in list(ring.queues)
            for claimed in self._feed.take_last(ring, domain, len(ring.queues[domain]))
        ]
