"""The deliveries that this process has claimed, and what remains to settle of their batches.

Those that may take the same relays stand in one ring, and within it in a queue per recipient
domain. The domains of a ring come in turn, so that a batch with one large domain is mixed with the
others, and one that must wait leaves the turn without holding anybody up (S-32)::

    ring (route) ── turn: gmx.test, example.org, …      ── each with its queue of deliveries
                 ── without leave: slow.test             its meter has no message left
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mailer.delivery.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from mailer.delivery.pace import Meter
    from mailer.ledger.claims import Batch, Claimed
    from mailer.model import MailingId

Leaving = dict[int, set[int]]
"""Batch -> the seqs of it that are settled."""

ONLY = Route((0,))
"""The route where there is one relay."""


def leaving(claimed: Iterable[Claimed]) -> Leaving:
    """Deliveries that leave their batches."""
    found: Leaving = {}
    for one in claimed:
        found.setdefault(one.batch, set()).add(one.recipient.seq)
    return found


class Ring:
    """Deliveries that may take the same relays.

    Attributes:
        queues: every delivery, by domain.
        turn: the domains whose first delivery may go now.
        ready: how many deliveries those domains have.
    """

    __slots__ = ("queues", "ready", "route", "turn")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.queues: dict[str, deque[Claimed]] = {}
        self.turn: deque[str] = deque()
        self.ready = 0


class Feed:
    """What may be offered next.

    A delivery stays in its batch until it is settled, also while a lane holds it, so that a batch
    is closed exactly when nothing of it can be lost.

    Args:
        route_of: which relays may carry a delivery.
    """

    def __init__(self, route_of: Callable[[Claimed], Route] = lambda _: ONLY) -> None:
        self._route_of = route_of
        self._remaining: dict[int, set[int]] = {}
        self._size = 0
        self.rings: dict[Route, Ring] = {}
        self.meters: dict[str, Meter] = {}  # of the domains whose pace is limited

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Claimed]:
        for ring in self.rings.values():
            for queue in ring.queues.values():
                yield from queue

    def add(self, batch: Batch) -> None:
        """Take in a batch that was leased."""
        for one in batch.deliveries:
            self.put_last(one)
        self._remaining[batch.id] = {claimed.recipient.seq for claimed in batch.deliveries}

    def next(self, ring: Ring) -> Claimed:
        """The delivery of a ring to offer next; it uses up a message of its domain's meter.

        Raises:
            IndexError: nothing may go.
        """
        domain = ring.turn.popleft()
        queue = ring.queues[domain]
        claimed = queue.popleft()
        self._size -= 1
        ring.ready -= 1
        meter = self.meters.get(domain) if self.meters else None
        if meter is not None:
            meter.left -= 1
        if not queue:
            del ring.queues[domain]
        elif meter is None or meter.left > 0:
            ring.turn.append(domain)
        else:
            ring.ready -= len(queue)
        return claimed

    def put_back(self, claimed: Claimed, route: Route | None = None) -> None:
        """It was not sent for certain: first in line again, perhaps on another route."""
        self._put(claimed, route or self._route_of(claimed), first=True)

    def put_last(self, claimed: Claimed) -> None:
        """It is new, or was not sent because of whom it is for: after all others there."""
        self._put(claimed, self._route_of(claimed), first=False)

    def _put(self, claimed: Claimed, route: Route, *, first: bool) -> None:
        ring = self.rings.get(route)
        if ring is None:
            ring = self.rings[route] = Ring(route)
        domain = claimed.domain
        may_go = self._may_go(domain)
        queue = ring.queues.get(domain)
        if queue is None:
            queue = ring.queues[domain] = deque()
            if may_go:
                (ring.turn.appendleft if first else ring.turn.append)(domain)
        (queue.appendleft if first else queue.append)(claimed)
        self._size += 1
        ring.ready += may_go

    def _may_go(self, domain: str) -> bool:
        meter = self.meters.get(domain) if self.meters else None
        return meter is None or meter.left > 0

    def take_last(self, ring: Ring, domain: str, count: int) -> list[Claimed]:
        """The last of a queue leave the feed, in their order."""
        queue = ring.queues[domain]
        taken = [queue.pop() for _ in range(min(count, len(queue)))]
        self.sort()
        return taken[::-1]

    def sort(self) -> None:
        """Find out anew what may go: meters came, went or were filled."""
        for ring in self.rings.values():
            ring.queues = {domain: queue for domain, queue in ring.queues.items() if queue}
            order = dict.fromkeys((*ring.turn, *ring.queues))
            ring.turn = deque(
                domain for domain in order if domain in ring.queues and self._may_go(domain)
            )
            ring.ready = sum(len(ring.queues[domain]) for domain in ring.turn)
        self._size = sum(
            len(queue) for ring in self.rings.values() for queue in ring.queues.values()
        )

    def reroute(self) -> None:
        """Other relays may carry something now: each delivery finds its ring anew."""
        everything = list(self)
        self.clear()
        for one in everything:
            self.put_last(one)

    def clear(self) -> None:
        """Offer nothing more; the leases stand until they are released."""
        self.rings.clear()
        self._size = 0

    def leave(self, leaving: Leaving) -> list[int]:
        """These are settled; gives the batches of which nothing remains."""
        over = []
        for number, seqs in leaving.items():
            remaining = self._remaining.get(number)
            if remaining is None:
                continue
            remaining -= seqs
            if not remaining:
                del self._remaining[number]
                over.append(number)
        return over

    def forget(self, batches: Iterable[int]) -> None:
        """These batches are given back."""
        for number in batches:
            self._remaining.pop(number, None)

    def drop(self, unfit: Collection[tuple[MailingId, int]]) -> None:
        """Let go of deliveries that may not be sent any more."""
        if not unfit:
            return
        for ring in self.rings.values():
            for domain, queue in ring.queues.items():
                ring.queues[domain] = deque(one for one in queue if one.key not in unfit)
        self.sort()
