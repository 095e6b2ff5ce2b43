"""Which envelope a connection offers next, composed and fit for its relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.delivery import verdicts
from mailer.delivery.routes import Route
from mailer.delivery.verdicts import settled
from mailer.errors import MailerError
from mailer.model import DeliveryState, MailingState
from mailer.smtp.commands import can_carry, fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.delivery.desk import Desk
    from mailer.delivery.fleet import Fleet
    from mailer.delivery.lanes import Lane
    from mailer.delivery.parcels import Packer, Parcel
    from mailer.model import Instant, Message
    from mailer.smtp.replies import Capabilities


class Offering:
    """Gives connections work."""

    def __init__(
        self, fleet: Fleet, desk: Desk, packer: Packer, *, clock: Callable[[], Instant]
    ) -> None:
        self._fleet = fleet
        self._desk = desk
        self._packer = packer
        self._clock = clock

    def offer(self, lane: Lane, now: float, *, stopping: bool) -> None:
        """Offer the next envelope, behind the content if that was just released (S-20)."""
        outlet = lane.outlet
        if outlet.stopped is not None or outlet.is_spent(lane, now):
            lane.retiring = True
        if lane.retiring:
            if lane.current is None:
                self._desk.retire(lane)
            return
        meter = outlet.meter
        if stopping or not self._fleet.feed or (meter is not None and meter.left <= 0):
            return
        parcel = self._next(lane)
        if parcel is not None:
            if meter is not None:
                meter.left -= 1
            lane.offered, lane.tried = parcel, True
            lane.connection.offer(parcel.message)

    def _next(self, lane: Lane) -> Parcel | None:
        feed = self._fleet.feed
        while (ring := self._fleet.ring_for(lane.outlet)) is not None:
            claimed = feed.next(ring)
            try:
                parcel = self._packer.pack(claimed, now=self._clock())
                if _takes(lane.connection.capabilities, parcel.message):
                    return parcel
                self._leave_to_others(lane, parcel, ring.route)
            except MailerError as error:
                feed.put_back(claimed)
                self._desk.stop(claimed.recipient.mailing, MailingState.PAUSED, error)
                return None
        return None

    def _leave_to_others(self, lane: Lane, parcel: Parcel, route: Route) -> None:
        """This relay cannot carry it; if no other can, nobody does (M-13).

        Raises:
            StoppedError: E313, only its size is in the way (M-30).
        """
        message, offers = parcel.message, [lane.connection.capabilities]
        places = []
        for outlet in self._fleet.could_carry(route):
            if outlet is lane.outlet:
                continue
            if outlet.offered is None or _takes(outlet.offered, message):
                places.append(outlet.place)
            else:
                offers.append(outlet.offered)
        if places:
            self._fleet.feed.put_back(parcel.claimed, Route(tuple(places)))
            return
        limits = [one.size or 0 for one in offers if can_carry(message, one)]
        if limits:
            raise verdicts.too_large(message.octets, max(limits))
        outcome = settled(parcel, DeliveryState.REJECTED, verdicts.NEEDS_SMTPUTF8)
        self._desk.news.settle(parcel, outcome)


def _takes(offered: Capabilities, message: Message) -> bool:
    return can_carry(message, offered) and fits(message, offered)
