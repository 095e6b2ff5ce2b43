"""A connection as the dispatch loop sees it: what it is offered, and what is out on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.ledger.settling import Begin

if TYPE_CHECKING:
    from mailer.delivery.parcels import Parcel
    from mailer.model import MailingId, Message
    from mailer.smtp.connection import Connection


@dataclass(slots=True, eq=False)
class Lane:
    """One connection.

    ::

        offer ──▶ offered ──ContentWanted──▶ wanted ──(begin committed)──▶ current ──▶ verdict

    Attributes:
        offered: its envelope is under way or taken; no content has left, nothing is in doubt.
        wanted: the relay waits for the content of `offered`.
        current: its content is out; its row is in `sending`.
        retiring: nothing more is offered.
        tried: something was offered on it.
        served: the relay answered to a message on it; one that was tried and ends before is a
            failed one.
    """

    connection: Connection
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
        self.current.begun = True
        self.connection.content()

    @property
    def offer_key(self) -> tuple[MailingId, int] | None:
        """Which delivery is offered."""
        return None if self.offered is None else self.offered.claimed.key

    def intent(self) -> Begin:
        """What is committed before the content of the offered message may leave (S-41)."""
        assert self.offered is not None
        return Begin(
            claimed=self.offered.claimed,
            date=self.offered.date,
            values=self.offered.message.values,
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self.offered is None and self.current is None
