"""When a mailing will have ended by the pace of its relays: rates, quotas and shares; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mailer.model import moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from mailer.config import Quota, RelayConfig
    from mailer.ledger.pacing import RelayState
    from mailer.model import Instant

# Seconds of a quota -> its unit, "now" in its words, and what it is called where it decides.
_PERIODS: Final = {
    60: ("min", "this minute", "limit per minute"),
    3600: ("h", "this hour", "hourly limit"),
    86_400: ("day", "today", "daily limit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A relay that mail may take, and how it stands.

    Attributes:
        state: what the ledger knows of it; None as long as there is no ledger.
    """

    relay: RelayConfig
    state: RelayState | None = None

    @property
    def rate(self) -> float | None:
        """Messages per second that hold now; None: no limit."""
        return self.state.rate if self.state else self.relay.rate

    @property
    def used(self) -> int:
        """How much of the quota is used."""
        return self.state.quota_used if self.state else 0

    @property
    def left(self) -> int | None:
        """How much of the quota is left; None: there is none."""
        quota = self.relay.quota
        return None if quota is None else max(0, quota.messages - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """When it ends.

    Attributes:
        seconds: from now; None: as soon as the relays take it.
        limit: what decides if it is not the rate, such as "daily limit"; or empty.
    """

    seconds: float | None
    limit: str = ""


def carriers(ways: Iterable[Way], list_slug: str) -> tuple[Way, ...]:
    """The relays that carry a list's mail, but for recipient domains that have their own."""
    known = tuple(ways)
    named = tuple(way for way in known if list_slug in way.relay.lists)
    others = (way for way in known if not way.relay.lists and not way.relay.domains)
    return named or tuple(others) or known


def end(messages: int, ways: Iterable[Way], *, measured: float | None = None) -> End:
    """When so many messages have gone, each relay carrying its share.

    Where a quota does not leave enough, whole stretches of its time are waited for: a little more
    than it will be, for what was used before comes back earlier.

    Args:
        messages: how many are left.
        ways: the relays that carry them.
        measured: messages per second as they go now over all relays; None: by the rates alone.
    """
    known = tuple(ways)
    weights = sum(way.relay.weight for way in known)
    ends = [_end(messages, way, way.relay.weight / weights, measured) for way in known]
    return max(ends, key=lambda one: one.seconds or 0.0, default=End(seconds=None))


def _end(messages: int, way: Way, share: float, measured: float | None) -> End:
    wanted = math.ceil(messages * share)
    rate = way.rate if measured is None else measured * share
    quota, left = way.relay.quota, way.left
    if quota is None or left is None or wanted <= left:
        return End(seconds=wanted / rate if rate else None)
    over = wanted - left
    stretches = math.ceil(over / quota.messages)
    rest = over - (stretches - 1) * quota.messages
    return End(
        seconds=stretches * quota.seconds + (rest / rate if rate else 0.0),
        limit=_PERIODS[quota.seconds][2],
    )


# --- in words ------------------------------------------------------------------------------------


def quota_text(quota: Quota) -> str:
    """50,000/day."""
    return f"{quota.messages:,}/{_PERIODS[quota.seconds][0]}"


def fits_text(way: Way, messages: int) -> str:
    """Whether what is left of a quota is enough for so many messages."""
    quota, left = way.relay.quota, way.left
    assert quota is not None
    assert left is not None
    if messages <= left:
        return f"fits {_PERIODS[quota.seconds][1]} ({left:,} left)"
    return f"{left:,} of {quota_text(quota)} left: the others follow as it allows"


def duration_text(seconds: float) -> str:
    """47 min 46 s; at most two units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join([f"{number} {unit}" for number, unit in parts if number][:2] or ["1 s"])


def end_text(seconds: float, *, now: Instant, zone: ZoneInfo | None) -> str:
    """09:48; "Fri 08:00" on another day, and the date within more than six days.

    Args:
        seconds: from now.
        now: when that is.
        zone: None is this machine's.
    """
    here = moment(now).astimezone(zone)
    at = here + timedelta(seconds=seconds)
    if at.date() == here.date():
        return f"{at:%H:%M}"
    near = at - here < timedelta(days=6)
    return f"{at:%a %H:%M}" if near else f"{at:%a %d %b %H:%M}"
