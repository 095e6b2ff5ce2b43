"""Which relays may carry a delivery, and whose turn it is; pure.

::

    named      the relays that name its recipient's domain or its list; if none does, those that
               name nobody
    spare      those that name nobody, where others are named: they carry it while all of the
               named are down

Within the group that carries it, turns go by weight. Nothing is assigned in advance: a relay takes
the next delivery when it is ready for one, so that a relay that fails leaves nothing behind but
what was on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mailer.config import RelayConfig

AHEAD: Final = 2
"""By so many turns per connection a relay may be ahead of the others before it waits for them."""


@dataclass(frozen=True, slots=True)
class Route:
    """The relays that may carry a delivery, by their place in the configuration; perhaps none."""

    named: tuple[int, ...]
    spare: tuple[int, ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        """Whoever may carry it, if need be."""
        return self.named + self.spare

    def without(self, places: Collection[int]) -> Route:
        """The same but for some relays."""
        return Route(
            tuple(place for place in self.named if place not in places),
            tuple(place for place in self.spare if place not in places),
        )


class Routes:
    """The routes that a configuration makes."""

    def __init__(self, relays: Sequence[RelayConfig]) -> None:
        self._relays = relays
        self._anybody = tuple(
            place for place, one in enumerate(relays) if not (one.domains or one.lists)
        )
        self._known: dict[tuple[int, ...], Route] = {}

    def of(self, domain: str, slug: str) -> Route:
        """The route to a recipient domain, of a list's mail."""
        named = tuple(
            place
            for place, one in enumerate(self._relays)
            if domain in one.domains or slug in one.lists
        )
        route = self._known.get(named)
        if route is None:
            route = Route(named, self._anybody) if named else Route(self._anybody)
            self._known[named] = route
        return route


class Turns:
    """Turns by weight among relays that carry the same deliveries.

    Each keeps the account of its own turns, a turn being worth 1/weight; who is ahead of a relay
    that could carry, too, waits for it. Who is back after a while begins beside the others.
    """

    def __init__(self, relays: Sequence[RelayConfig]) -> None:
        self._worth = [1 / one.weight for one in relays]
        self._had = [0.0] * len(relays)
        self._ahead = AHEAD * max(one.connections / one.weight for one in relays)

    def is_due(self, relay: int, others: Collection[int]) -> bool:
        """Whether a relay may take the next one, beside others that could take it, too."""
        least = min([self._had[other] for other in others], default=self._had[relay])
        return self._had[relay] <= least + self._ahead

    def take(self, relay: int) -> None:
        """It takes one."""
        # Beside relays that are able nobody is ever so far behind: it is back.
        behind = max(self._had) - 2 * self._ahead - 1
        self._had[relay] = max(self._had[relay], behind) + self._worth[relay]
