"""A connection as the dispatch loop sees it: what it is offered, and what is out on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.ledger.settling import Begin

if TYPE_CHECKING:
    from mailer.delivery.outlets import Outlet
    from mailer.delivery.parcels import Parcel
    from mailer.model import MailingId, Message
    from mailer.smtp.connection import Connection


@dataclass(frozen=True, slots=True)
class Starting:
    """A message whose content leaves when its intent is on the disk."""

    lane: Lane
    parcel: Parcel
    intent: Begin

    def begin(self) -> None:
        """The intent is committed; something may have been said of the message meanwhile."""
        self.parcel.begun = True
        if self.lane.offered is self.parcel:
            self.lane.begin()


@dataclass(slots=True, eq=False)
class Lane:
    """One connection.

    ::

        offer ──▶ offered ──ContentWanted──▶ wanted ──(begin committed)──▶ current ──▶ verdict

    Attributes:
        outlet: the relay that it leads to.
        idle_at: loop time from which on it has had no work.
        offered: its envelope is under way or taken; no content has left, nothing is in doubt.
        wanted: the relay waits for the content of `offered`.
        current: its content is out; its row is in `sending`.
        retiring: nothing more is offered.
        tried: something was offered on it.
        served: the relay answered to a message on it; one that was tried and ends before is a
            failed one.
    """

    connection: Connection
    outlet: Outlet
    idle_at: float
    offered: Parcel | None = None
    wanted: bool = False
    current: Parcel | None = None
    retiring: bool = False
    tried: bool = False
    served: bool = False

    def take(self, message: Message) -> Parcel | None:
        """The parcel of a message that got its verdict leaves the lane; None if forgotten."""
        parcel = None
        if self.current is not None and self.current.message is message:
            parcel, self.current = self.current, None
        elif self.offered is not None and self.offered.message is message:
            parcel, self.offered, self.wanted = self.offered, None, False
        return parcel

    def begin(self) -> None:
        """Let the content of the offered message leave; its intent is committed."""
        assert self.offered is not None
        self.current, self.offered, self.wanted = self.offered, None, False
        self.connection.content()

    @property
    def offer_key(self) -> tuple[MailingId, int] | None:
        """Which delivery is offered."""
        return None if self.offered is None else self.offered.claimed.key

    def starting(self) -> Starting:
        """What is committed before the content of the offered message may leave (S-41)."""
        parcel = self.offered
        assert parcel is not None
        parcel.committing = True
        intent = Begin(parcel.claimed, parcel.date, parcel.message.values, self.outlet.name)
        return Starting(self, parcel, intent)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self.offered is None and self.current is None
