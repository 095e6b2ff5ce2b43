"""The deliveries that this process has claimed, and what remains to settle of their batches."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from mailer.ledger.claims import Batch, Claimed
    from mailer.model import MailingId

Remaining = dict[int, set[int]]
"""Batch -> the seqs of it that are not settled."""


class Feed:
    """What may be offered next, in claim order.

    A delivery stays in its batch until it is settled, also while a lane holds it, so that a batch
    is closed exactly when nothing of it can be lost.
    """

    def __init__(self) -> None:
        self._waiting: deque[Claimed] = deque()
        self._remaining: Remaining = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Claimed]:
        return iter(self._waiting)

    def add(self, batch: Batch) -> None:
        """Take in a batch that was leased."""
        self._waiting.extend(batch.deliveries)
        self._remaining[batch.id] = {claimed.recipient.seq for claimed in batch.deliveries}

    def next(self) -> Claimed:
        """The delivery to offer next.

        Raises:
            IndexError: nothing is waiting.
        """
        return self._waiting.popleft()

    def put_back(self, claimed: Claimed) -> None:
        """It was not sent for certain: first in line again."""
        self._waiting.appendleft(claimed)

    def clear(self) -> None:
        """Offer nothing more; the leases stand until they are released."""
        self._waiting.clear()

    def after(self, leaving: Iterable[Claimed]) -> Remaining:
        """What would remain of the batches that these deliveries leave; changes nothing."""
        left: Remaining = {}
        for claimed in leaving:
            if claimed.batch in self._remaining:
                rest = left.setdefault(claimed.batch, set(self._remaining[claimed.batch]))
                rest.discard(claimed.recipient.seq)
        return left

    def leave(self, left: Remaining, *, released: Collection[int]) -> None:
        """Make `after` true, and forget batches that were closed or released."""
        for number, rest in left.items():
            if rest and number not in released:
                self._remaining[number] = rest
            else:
                self._remaining.pop(number, None)
        for number in released:
            self._remaining.pop(number, None)

    def drop(self, unfit: Collection[tuple[MailingId, int]]) -> None:
        """Let go of deliveries that may not be sent any more."""
        self._waiting = deque(one for one in self._waiting if one.key not in unfit)
