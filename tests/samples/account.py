"""What must hold of a mailing whose processes were killed: the ledger against the relay (S-41)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.ledger.lines import Kind
from mailer.ledger.schema import delivery
from mailer.model import MailingId, MailingState
from tests.samples.mailings import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview
    from tests.samples.newsletter import News
    from tests.wire.sink import Sink

MAILING = MailingId(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How an ordeal went.

    Attributes:
        kills: how many processes were killed.
        lost: recipients for whom the relay took nothing.
        most: most of whom were newly in doubt after one kill.
        duplicates: messages that the relay took beyond one for each.
        ever_in_doubt: what the ledger says of that.
    """

    kills: int
    recipients: int
    lost: int
    most: int
    duplicates: int
    ever_in_doubt: int


class Account:
    """Is kept while m1 is mailed.

    Args:
        services: where it is mailed from; each has a journal.
        sink: knows whom it took how many messages for.
        connections: how many may be newly in doubt after one kill.
    """

    def __init__(
        self, services: Sequence[News], ledger: Ledger, sink: Sink, *, connections: int
    ) -> None:
        self._services = services
        self._ledger = ledger
        self._sink = sink
        self._connections = connections
        self._kills = 0
        self._most = 0
        self._doubt = 0
        self._doubted: set[str] = set()

    def look(self) -> Overview:
        """M1; fails if its counts do not add up."""
        seen = look(self._ledger, MAILING)
        assert min(seen.counts.values()) >= 0, seen.counts
        return seen

    def killed(self, count: int) -> None:
        """So many were killed and recovered: no more are newly in doubt than they had connections.

        Decisions 7.
        """
        doubt = self.look().ever_in_doubt
        most = -(-(doubt - self._doubt) // count)
        assert most <= self._connections, f"{most} are in doubt after a kill"
        self._kills += count
        self._most, self._doubt = max(self._most, most), doubt

    def ended(self) -> int:
        """All is over but for those who are in doubt for the second time; how many that are."""
        with self._ledger.read() as connection:
            query = select(delivery.c.email).where(delivery.c.resends > 0)
            self._doubted = {email for email in connection.scalars(query) if email is not None}
        return self.look().counts["in_doubt"]

    def figures(self) -> Figures:
        """How it went.

        Raises:
            AssertionError: somebody was lost, or mailed twice without ever being in doubt, or
                a journal does not know who has it.
        """
        final, taken = self.look(), self._sink.taken
        found = Figures(
            kills=self._kills,
            recipients=final.recipients,
            lost=final.recipients - len(taken),
            most=self._most,
            duplicates=taken.total() - len(taken),
            ever_in_doubt=final.ever_in_doubt,
        )
        assert MailingState.SENT is final.state, final
        assert final.recipients == final.counts["accepted"], final
        assert 0 == found.lost, found
        assert found.duplicates <= found.ever_in_doubt, found
        assert {address for address, count in taken.items() if count > 1} <= self._doubted, found
        assert final.recipients == len(self._told()), found
        return found

    def _told(self) -> set[bytes]:
        """Who has the issue, or perhaps has it, by all the journals (decisions 10)."""
        kinds = (Kind.ACCEPTED, Kind.IN_DOUBT)
        found: set[bytes] = set()
        for news in self._services:
            with news.ledger() as ledger:
                found |= {line.key for line in ledger.journal.lines(after=0) if line.kind in kinds}
        return found
