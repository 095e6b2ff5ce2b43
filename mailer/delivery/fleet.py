"""All relays side by side: who carries what next, who has work, who stands in for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.delivery.commits import Unused
from mailer.delivery.feed import ONLY, Feed
from mailer.delivery.outlets import Outlet
from mailer.delivery.pace import NEVER_ASKED, Meter
from mailer.delivery.routes import Routes, Turns
from mailer.delivery.verdicts import Stop
from mailer.model import Instant, MailingState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from mailer.config import RelayConfig
    from mailer.delivery.feed import Ring
    from mailer.delivery.pace import Patience
    from mailer.delivery.routes import Route
    from mailer.errors import MailerError
    from mailer.ledger.claims import Claimed
    from mailer.ledger.metering import Grant
    from mailer.model import MailingId
    from mailer.smtp.connection import Connection
    from mailer.smtp.events import Event


MOST = 8192
"""Deliveries that are held in memory, whatever they wait for."""


class Fleet:
    """The relays of a run and the deliveries that wait for them.

    Args:
        slug_of: the name of a list by its number.
    """

    def __init__(
        self,
        relays: Sequence[RelayConfig],
        *,
        slug_of: Callable[[int], str],
        clock: Callable[[], Instant],
        time: Callable[[], float],
    ) -> None:
        self._relays = relays
        self._slug_of = slug_of
        self._clock = clock
        self._time = time
        self._routes = Routes(relays)
        self._by_list = any(one.lists for one in relays)
        self._stranded: set[MailingId] = set()
        self._refusals: dict[MailingId, dict[int, MailerError]] = {}  # of its sender, by relay
        self._turns: dict[tuple[int, ...], Turns] = {}
        self.outlets = [Outlet(one, place, time=time) for place, one in enumerate(relays)]
        self.feed = Feed() if len(relays) == 1 else Feed(self._route_of)

    def start(
        self,
        *,
        helo: str,
        on_event: Callable[[Connection, Event], None],
        on_opened: Callable[[Outlet, Connection], None],
        on_failed: Callable[[Outlet, BaseException], None],
    ) -> None:
        """Begin a run; nothing is opened yet."""
        for outlet in self.outlets:
            outlet.connect(helo=helo, on_event=on_event, on_opened=on_opened, on_failed=on_failed)

    def _route_of(self, claimed: Claimed) -> Route:
        slug = self._slug_of(claimed.recipient.list_number) if self._by_list else ""
        route = self._routes.of(claimed.domain, slug)
        refused = self._refusals.get(claimed.recipient.mailing)
        return route.without(refused) if refused else route

    def refuse_sender(self, outlet: Outlet, mailing: MailingId, error: MailerError) -> bool:
        """A relay does not take a mailing's sender and carries no more of it; is that new?"""
        refused = self._refusals.setdefault(mailing, {})
        if outlet.place in refused:
            return False
        refused[outlet.place] = error
        self.feed.reroute()
        return True

    def finds_carrier(self, claimed: Claimed) -> bool:
        """Whether some relay may carry a delivery."""
        return bool(self.could_carry(self._route_of(claimed)))

    # --- who carries what ------------------------------------------------------------------------

    def carriers(self, route: Route) -> list[Outlet]:
        """Who carries a route now: those named that are usable, else those that stand in."""
        named = [self.outlets[place] for place in route.named]
        return [one for one in named if one.is_usable] or [
            one for one in map(self.outlets.__getitem__, route.spare) if one.is_usable
        ]

    def could_carry(self, route: Route) -> list[Outlet]:
        """Who may carry a route at any time: those that do not refuse us."""
        return [one for one in map(self.outlets.__getitem__, route.all) if one.stopped is None]

    def rings(self, outlet: Outlet) -> Iterator[Ring]:
        """What a relay may carry now; one that is down looks whether it still is by its own."""
        for ring in self.feed.rings.values():
            route = ring.route
            if outlet.place in route.named or (
                outlet.place in route.spare
                and not any(self.outlets[place].is_usable for place in route.named)
            ):
                yield ring

    def ready(self, outlet: Outlet) -> int:
        """How many deliveries a relay could take now."""
        return sum(ring.ready for ring in self.rings(outlet))

    def ring_for(self, outlet: Outlet) -> Ring | None:
        """Where a relay takes its next delivery; None if there is none, or others have the turn."""
        if len(self.outlets) == 1:
            ring = self.feed.rings.get(ONLY)
            return ring if ring is not None and ring.turn else None
        for ring in self.rings(outlet):
            if ring.turn and self._has_turn(outlet, ring.route):
                self._later(ring)
                return ring
        return None

    def _has_turn(self, outlet: Outlet, route: Route) -> bool:
        if len(route.all) == 1:
            return True
        now = self._clock()
        group = route.named if outlet.place in route.named else route.spare
        others = [
            place
            for place in group
            if place != outlet.place
            and self.outlets[place].is_able(now)
            and not self.outlets[place].is_stuck()
        ]
        turns = self._turns.get(group)
        if turns is None:
            turns = self._turns[group] = Turns(self._relays)
        if not turns.is_due(outlet.place, others):
            return False
        turns.take(outlet.place)
        return True

    def _later(self, ring: Ring) -> None:
        """Rings come in turn, too."""
        rings = self.feed.rings
        if len(rings) > 1:
            rings[ring.route] = rings.pop(ring.route)

    # --- more, or none ---------------------------------------------------------------------------

    @property
    def is_hungry(self) -> bool:
        """Whether a relay could soon have nothing to do: more is to be claimed."""
        if len(self.feed) >= MOST:
            return False
        if not self.feed:
            return True
        now = self._clock()
        return any(
            outlet.is_able(now) and self.ready(outlet) < 2 * outlet.config.connections
            for outlet in self.outlets
        )

    def open_lanes(self, now: Instant) -> None:
        """Connect to the relays that have more work than connections."""
        for outlet in self.outlets:
            if outlet.stopped is not None or outlet.may_send_at(now) > now:
                continue
            if not any(lane.idle for lane in outlet.lanes.values()):
                outlet.open(self.ready(outlet))

    @property
    def all_down(self) -> bool:
        """Whether no relay is usable."""
        return not any(outlet.is_usable for outlet in self.outlets)

    def could_carry_something(self) -> list[Outlet]:
        """Who may carry something of what waits, whether it can now or not."""
        places = {
            outlet.place
            for ring in self.feed.rings.values()
            if ring.queues
            for outlet in self.could_carry(ring.route)
        }
        return [self.outlets[place] for place in sorted(places)]

    def quota_until(self, now: Instant, patience: Patience) -> Instant | None:
        """Until when quotas are in the way of all that waits; None if they are not, or not so long.

        A relay that has been down for too long is none that they could be waited with.
        """
        outlets, time = self.could_carry_something(), self._time()
        out = [one for one in outlets if one.is_out(now, seconds=patience.quota)]
        others = [one for one in outlets if one not in out]
        if not out or any(one.health.unwell(time) <= patience.trouble for one in others):
            return None
        return Instant(min(one.may_send_at(now) for one in out))

    def stranded(self) -> list[Stop]:
        """The mailings of which no relay may carry something any more, each said once."""
        if not self._refusals and not any(outlet.stopped for outlet in self.outlets):
            return []
        stops = []
        for ring in self.feed.rings.values():
            if self.could_carry(ring.route):
                continue
            waiting = {one.recipient.mailing for queue in ring.queues.values() for one in queue}
            for mailing in waiting - self._stranded:
                self._stranded.add(mailing)
                error = self._why_nobody(ring.route, mailing)
                stops.append(Stop(mailing=mailing, state=MailingState.PAUSED, error=error))
        return stops

    def _why_nobody(self, route: Route, mailing: MailingId) -> MailerError:
        """Why no relay of a route carries a mailing: the first refuses us, or all its sender."""
        error = self.outlets[route.all[0]].stopped if route.all else None
        if error is None:
            *_, error = self._refusals[mailing].values()
        return error

    # --- the pace --------------------------------------------------------------------------------

    def limit(self, overruled: Collection[str]) -> None:
        """An operator has set the rates of these relays, or taken them back."""
        for outlet in self.outlets:
            if outlet.is_limited or outlet.name in overruled:
                outlet.meter = outlet.meter or Meter()
                outlet.meter.next_at = Instant(0)
            else:
                outlet.meter = None

    def wanted(self, now: Instant) -> list[tuple[RelayConfig | str, int]]:
        """For which relays leave to send is to be asked for, and for how many messages."""
        wanted: list[tuple[RelayConfig | str, int]] = []
        for outlet in self.outlets:
            if outlet.meter is None or outlet.may_send_at(now) > now or outlet.meter.left > 0:
                continue
            count = min(_free(outlet), self.ready(outlet))
            if count:
                wanted.append((outlet.config, count))
        return wanted

    def fill(self, config: RelayConfig, granted: Grant) -> None:
        """Leave to send was granted."""
        for outlet in self.outlets:
            if outlet.config is config and outlet.meter is not None:
                outlet.meter.fill(granted)

    def next_times(self) -> list[Instant]:
        """When more leave is to be had for the relays that have none."""
        return [
            outlet.meter.next_at
            for outlet in self.outlets
            if outlet.meter is not None
            and outlet.meter.left <= 0
            and self.ready(outlet)
            and _free(outlet)  # else nobody asks, and what makes one free ticks by itself
        ]

    def forget_times(self) -> None:
        """Ask the ledger again for leave, whenever it was to be had."""
        meters = [outlet.meter for outlet in self.outlets if outlet.meter is not None]
        for meter in (*meters, *self.feed.meters.values()):
            meter.next_at = NEVER_ASKED

    def unused(self) -> list[Unused]:
        """Leave that was granted and not used."""
        relays = [
            Unused(outlet.config, outlet.meter.left)
            for outlet in self.outlets
            if outlet.meter is not None and outlet.meter.left > 0
        ]
        domains = [
            Unused(domain, meter.left, meter.gap)
            for domain, meter in self.feed.meters.items()
            if meter.left > 0
        ]
        return relays + domains


def _free(outlet: Outlet) -> int:
    """Lanes that can be offered more; those whose content is about to leave are free then."""
    return sum(lane.offered is None or lane.wanted for lane in outlet.lanes.values())
