"""What relays say becomes news for the next commit: outcomes, stops, troubles (§3.3)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, assert_never

from mailer.delivery import admission, verdicts
from mailer.delivery.commits import Plan, Slower, Trouble
from mailer.delivery.lanes import Lane
from mailer.delivery.verdicts import Stop, settled, untouched
from mailer.model import DeliveryState, Instant, MailingState, Phase, Reply
from mailer.smtp.connection import HandshakeError
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    InDoubt,
    NotSent,
    Refused,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mailer.delivery.fleet import Fleet
    from mailer.delivery.outlets import Outlet
    from mailer.delivery.parcels import Parcel
    from mailer.delivery.verdicts import Judge
    from mailer.errors import MailerError
    from mailer.model import MailingId
    from mailer.smtp.connection import Connection

log = logging.getLogger("mailer")


class Desk:
    """Takes what connections report, keeps lanes and feed in step with it.

    Args:
        time: the loop's clock, in seconds.
        stopping: whether nothing new begins any more.
        fail: ends the run by an error of its own; what is out is finished.

    Attributes:
        lanes: the open connections of all relays.
        news: what the next commit is to write.
    """

    def __init__(
        self,
        fleet: Fleet,
        judge: Judge,
        *,
        clock: Callable[[], Instant],
        time: Callable[[], float],
        jitter: Callable[[], float],
        stopping: Callable[[], bool],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._fleet = fleet
        self._feed = fleet.feed
        self._judge = judge
        self._time = time
        self._clock = clock
        self._jitter = jitter
        self._stopping = stopping
        self._fail = fail
        self._was_down = True  # mailings may stand in `waiting` until a relay answers
        self._unproved = {one.name for one in fleet.outlets}  # an earlier run may have left it down
        self._late: list[tuple[Lane, Parcel, Verdict]] = []
        self.lanes: dict[Connection, Lane] = {}
        self.news = Plan()

    def take_news(self) -> Plan:
        """What is to be written now; what comes later is for the next commit."""
        news, self.news = self.news, Plan()
        return news

    def hear_late(self, unfit: Collection[tuple[MailingId, int]] = ()) -> None:
        """What was said of messages while their intents were being written.

        Those in `unfit` did not begin and may not any more: whatever was said, they stay away.
        """
        late, self._late = self._late, []
        for lane, parcel, verdict in late:
            if parcel.claimed.key not in unfit:
                self._on_verdict(lane, parcel, verdict)

    # --- connections -----------------------------------------------------------------------------

    def on_opened(self, outlet: Outlet, connection: Connection) -> None:
        """A connection is ready for its first message."""
        lane = Lane(connection, outlet, self._time())
        self.lanes[connection] = outlet.lanes[connection] = lane
        outlet.offered = connection.capabilities
        outlet.heard_at = lane.idle_at

    def on_failed(self, outlet: Outlet, error: BaseException) -> None:
        """A connection could not be opened."""
        if not isinstance(error, HandshakeError):
            self._fail(error)
        elif error.configuration:
            self._refuses_us(outlet, admission.relay_refused(outlet.name, error))
        else:
            trouble = f"{error.phase}: {verdicts.words(error.reply)}"
            self._failed(outlet, trouble, working=len(outlet.lanes))

    def retire(self, lane: Lane) -> None:
        """Take leave of a connection that has nothing under way."""
        # A farewell brings no further event.
        del self.lanes[lane.connection]
        lane.outlet.retire(lane)

    def _refuses_us(self, outlet: Outlet, error: MailerError) -> None:
        """It is not used any more; if no other can carry the mail, that is paused."""
        first = outlet.stopped is None
        outlet.stopped = outlet.stopped or error
        if first:
            self.news.troubles.append(Trouble(outlet.name, f"{error.code} {error.message}"))
        if all(one.stopped for one in self._fleet.outlets):
            self.stop(None, MailingState.PAUSED, error)
        elif first:
            log.warning("%s is not used: %s", outlet.name, error)

    def _others_carry(self, parcel: Parcel, outlet: Outlet, stop: Stop) -> bool:
        """A relay refuses a mailing's sender, which stops it if no other may carry this."""
        mailing = parcel.claimed.recipient.mailing
        is_new = self._fleet.refuse_sender(outlet, mailing, stop.error)
        if not self._fleet.finds_carrier(parcel.claimed):
            return False
        if is_new:
            why = verdicts.reason(stop.error)
            log.warning("relay %s is not used for m%d: %s", outlet.name, mailing, why)
            self.news.troubles.append(Trouble(outlet.name, why))
            self._unproved.add(outlet.name)  # it may well carry another mailing
        return True

    def stop(self, mailing: MailingId | None, state: MailingState, error: MailerError) -> None:
        """Stop a mailing, or all, with the next commit."""
        self.news.stops.append(Stop(mailing=mailing, state=state, error=error))

    def _failed(self, outlet: Outlet, trouble: str, *, working: int) -> None:
        before = outlet.health.trouble
        newly_down = outlet.health.failed(
            trouble, now=self._time(), jitter=self._jitter(), working=working
        )
        # The newest words count: a relay that says 421 as it goes down refuses connections then.
        if not newly_down and (trouble == before or not outlet.health.is_down):
            return
        log.warning("relay %s is left alone for now: %s", outlet.name, trouble)
        self.news.troubles.append(Trouble(outlet.name, trouble))
        if self._fleet.all_down:
            self._was_down = True
            down = verdicts.relay_down(outlet.name, trouble)
            self.stop(None, MailingState.WAITING, down)

    def _serves(self, lane: Lane) -> None:
        lane.served = True
        outlet = lane.outlet
        if outlet.health.is_down or outlet.name in self._unproved:
            self._unproved.discard(outlet.name)
            self.news.troubles.append(Trouble(outlet.name, ""))
        outlet.health.served()
        if self._was_down:
            self._was_down, self.news.is_back = False, True

    # --- events ----------------------------------------------------------------------------------

    def on_event(self, lane: Lane, event: Event) -> None:
        """Something happened on a connection."""
        match event:
            case ContentWanted():
                self._content_wanted(lane)
            case Accepted() | Refused() | NotSent() | InDoubt():
                parcel = lane.take(event.message)
                lane.outlet.heard_at = lane.idle_at = self._time()
                if parcel is not None and parcel.committing:
                    self._late.append((lane, parcel, event))
                elif parcel is not None:
                    self._on_verdict(lane, parcel, event)
            case Closing(reply=reply):
                del self.lanes[lane.connection], lane.outlet.lanes[lane.connection]
                self._lane_ended(lane, verdicts.words(reply))
            case _:
                pass

    def _lane_ended(self, lane: Lane, why: str) -> None:
        if lane.tried and not (lane.served or lane.retiring or self._stopping()):
            self._failed(lane.outlet, why, working=lane.outlet.serving)
        else:
            lane.outlet.health.ended()

    def _content_wanted(self, lane: Lane) -> None:
        if lane.offered is None:
            lane.connection.abort()
            return
        lane.wanted = True
        self._judge.envelope_taken(lane.outlet.name)

    def _on_verdict(self, lane: Lane, parcel: Parcel, verdict: Verdict) -> None:
        match verdict:
            case Accepted(reply=reply):
                self._serves(lane)
                self.news.settle(parcel, settled(parcel, DeliveryState.ACCEPTED, str(reply)))
            case Refused(phase=phase, reply=reply) | NotSent(phase=phase, lost=Reply() as reply):
                if phase is not Phase.MAIL:  # it is about the recipient: the relay itself works
                    self._serves(lane)
                self._refused(lane, parcel, phase, reply)
            case NotSent(phase=phase, lost=lost):
                self.put_back(parcel, verdicts.words(lost), last=phase is not Phase.MAIL)
            case InDoubt(lost=lost):
                outcome = settled(parcel, DeliveryState.IN_DOUBT, verdicts.words(lost))
                self.news.settle(parcel, outcome)
            case _:
                assert_never(verdict)

    def _refused(self, lane: Lane, parcel: Parcel, phase: Phase, reply: Reply) -> None:
        outlet = lane.outlet
        ruling = self._judge.refused(
            parcel, phase, reply, now=self._clock(), jitter=self._jitter(), relay=outlet.name
        )
        stop = ruling.stop
        if stop is not None and self._others_carry(parcel, outlet, stop):
            stop = None
        if ruling.outcome is None:
            self.put_back(parcel, str(reply))
        else:
            self.news.settle(parcel, ruling.outcome)
            if ruling.suppress:
                self.news.suppress.append(ruling.outcome)
        if stop is not None:
            self.news.stops.append(stop)
        if ruling.throttle is not None:
            domain = parcel.claimed.domain
            self.news.slower.append(Slower(domain, ruling.throttle, str(reply)))
        lane.retiring = lane.retiring or ruling.reconnect or ruling.back_off
        if ruling.back_off:
            self._failed(outlet, f"{phase}: {reply}", working=outlet.serving)
        elif phase is Phase.MAIL and reply.kind == 4:  # noqa: PLR2004  4yz: the relay is busy
            outlet.health.slowed(self._time(), working=len(outlet.lanes))

    def put_back(self, parcel: Parcel, why: str, *, last: bool = False) -> None:
        """It was not sent for certain; `last` if that may be because of whom it is for."""
        outcome = untouched(parcel, why, now=self._clock())
        if outcome is not None:
            self.news.settle(parcel, outcome)
        elif not self._stopping() and last:
            self._feed.put_last(parcel.claimed)
        elif not self._stopping():
            self._feed.put_back(parcel.claimed)
