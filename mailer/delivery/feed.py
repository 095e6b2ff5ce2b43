"""The deliveries that this process has claimed, and what remains to settle of their batches."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from mailer.ledger.claims import Batch, Claimed
    from mailer.model import MailingId

Leaving = dict[int, set[int]]
"""Batch -> the seqs of it that are settled."""


def leaving(claimed: Iterable[Claimed]) -> Leaving:
    """Deliveries that leave their batches."""
    found: Leaving = {}
    for one in claimed:
        found.setdefault(one.batch, set()).add(one.recipient.seq)
    return found


class Feed:
    """What may be offered next, in claim order.

    A delivery stays in its batch until it is settled, also while a lane holds it, so that a batch
    is closed exactly when nothing of it can be lost.
    """

    def __init__(self) -> None:
        self._waiting: deque[Claimed] = deque()
        self._remaining: dict[int, set[int]] = {}

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

    def put_last(self, claimed: Claimed) -> None:
        """It was not sent, and perhaps because of whom it is for: after all others."""
        self._waiting.append(claimed)

    def clear(self) -> None:
        """Offer nothing more; the leases stand until they are released."""
        self._waiting.clear()

    def ended(self, leaving: Leaving) -> list[int]:
        """The batches of which nothing would remain; changes nothing."""
        return [
            number
            for number, seqs in leaving.items()
            if number in self._remaining and self._remaining[number] <= seqs
        ]

    def leave(self, leaving: Leaving, *, over: Iterable[int]) -> None:
        """These are settled, and these batches were closed or released."""
        for number, seqs in leaving.items():
            if number in self._remaining:
                self._remaining[number] -= seqs
        for number in over:
            self._remaining.pop(number, None)

    def drop(self, unfit: Collection[tuple[MailingId, int]]) -> None:
        """Let go of deliveries that may not be sent any more."""
        if not unfit:
            return
        self._waiting = deque(one for one in self._waiting if one.key not in unfit)
