"""How much may go, and from when on: rates, quotas and back-off as arithmetic on instants; pure.

A rate is a gap between two messages. What is shared by all processes is one instant, from which on
the next message may go (GCRA)::

    free_at        free_at + gap
       |--------------|--------------|---▶      a message that goes moves `free_at` on by one gap

A recipient domain that asked for less (S-32) goes through these rates::

    no limit ──told to slow down──▶ 5/s ──again──▶ 2.5/s … 1/min at the least ◀──told to stay away
        ▲                                                                            for so long
        └──────────────── 1/s more for each minute without such a word ──────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from mailer.model import MICROSECONDS, Instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.config import Quota

LATE: Final = 20_000
"""Microseconds by which a message may be early: as many as a process may wake up too late."""

SLOTS: Final = 24
"""Into so many parts the time of a quota is cut; what is counted leaves it part by part."""

FULL_SPEED: Final = 10.0
"""Messages per second from which on a domain that was slowed down has no limit any more."""

STEP: Final = 1.0  # messages per second, for each clean minute
MINUTE: Final = 60 * MICROSECONDS
SLOWEST: Final = MINUTE  # between two messages
ONE_WORD: Final = MICROSECONDS  # answers that come in so short a time are about one and the same


@dataclass(frozen=True, slots=True)
class Grant:
    """How many messages may go now, and when the next one may.

    Attributes:
        gap: microseconds between two of them; 0 is no limit.
    """

    count: int
    next_at: Instant
    gap: int = 0


def gap_of(rate: float | None) -> int:
    """Microseconds between two messages at so many a second; None is no limit."""
    return 0 if rate is None else round(MICROSECONDS / rate)


def metered(free_at: int, gap: int, *, wanted: int, now: Instant) -> Grant:
    """How many of the wanted may go; `next_at` is the new `free_at`."""
    if not gap:
        return Grant(wanted, now)
    first = max(free_at, now - LATE)
    count = min(wanted, max(0, (now - first) // gap + 1))
    return Grant(count, Instant(first + count * gap), gap)


# --- quotas --------------------------------------------------------------------------------------


def slot(quota: Quota, now: Instant) -> int:
    """The part of the quota's time that an instant belongs to, counted since 1970."""
    return now * SLOTS // (quota.seconds * MICROSECONDS)


def within(quota: Quota, used: Mapping[int, int], *, wanted: int, now: Instant) -> Grant:
    """How many of the wanted the quota leaves; `used` is what went out by slot.

    A slot counts until it is over by the whole of the quota's time, so that no stretch of that
    length, whenever it begins, has more.
    """
    here = slot(quota, now)
    counted = {number: count for number, count in used.items() if here - SLOTS <= number and count}
    count = max(0, min(wanted, quota.messages - sum(counted.values())))
    if count == wanted or not counted:
        return Grant(count, now)
    width = quota.seconds * MICROSECONDS / SLOTS
    return Grant(count, Instant(round((min(counted) + SLOTS + 1) * width)))


# --- domains that ask for less -------------------------------------------------------------------


class Throttle(NamedTuple):
    """A recipient domain that asked for less.

    Attributes:
        gap: microseconds between two messages; 0: no limit any more.
        free_at: nothing goes there before.
        reply: what was said.
        changed_at: when it was slowed down last, or may be asked for more again.
    """

    domain: str
    gap: int
    free_at: Instant
    reply: str
    changed_at: Instant


def slower(known: Throttle, *, away: float, reply: str, now: Instant) -> Throttle:
    """What follows from a word to slow down.

    Args:
        known: what was so far.
        away: seconds that the domain asked to be left alone; 0: it asked for less.
        reply: its words.
        now: when.
    """
    if away > 0:
        until = Instant(max(known.free_at, now + round(away * MICROSECONDS)))
        return Throttle(known.domain, SLOWEST, until, reply, until)
    if known.gap and now - known.changed_at < ONE_WORD:
        return known
    gap = min(SLOWEST, 2 * max(known.gap, gap_of(FULL_SPEED)))
    return Throttle(known.domain, gap, Instant(max(known.free_at, now + gap)), reply, now)


def recovered(known: Throttle, now: Instant) -> Throttle:
    """The same after the minutes that passed without a word."""
    minutes = (now - known.changed_at) // MINUTE
    if minutes < 1 or not known.gap:
        return known
    rate = MICROSECONDS / known.gap + STEP * minutes
    gap = 0 if rate >= FULL_SPEED else gap_of(rate)
    return known._replace(gap=gap, changed_at=Instant(known.changed_at + minutes * MINUTE))
