"""Times that people write, such as "thu 9:00" or "2026-11-26 09:00 Europe/Berlin", as instants."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailer.errors import UsageError
from mailer.model import Instant, instant, moment


def now() -> Instant:
    """The instant of the system clock; everything else is given the time."""
    return Instant(time.time_ns() // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A wall time, the zone that it is meant in, and the instant that both mean (decisions 18).

    Attributes:
        wall: "2026-11-26 09:00:00".
        twice: the wall time exists twice (clocks go back); the first one is meant.
    """

    wall: str
    zone: str
    at: Instant
    twice: bool = False


def parse_when(text: str, *, zone: str, now: Instant) -> When:
    """Understand a time; a zone at its end wins over `zone`.

    Raises:
        UsageError: E104, not understood, unknown zone, past, or skipped by a change of clocks.
    """
    words, named = _split_zone(text.strip(), zone)
    base = moment(now).astimezone(named)
    parsed = _parse(words, base.replace(tzinfo=None))
    if parsed is None:
        raise UsageError(
            "E104",
            f"This time is not understood: {text}",
            next_step='write it like "thu 9:00", "2026-11-26 09:00 Europe/Berlin" or "in 2h"',
        )
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(named).replace(tzinfo=None)
    when = wall_time(parsed, named)
    if when.at < now:
        raise UsageError("E104", f"This time is past: {when.wall} {when.zone}")
    return when


def parse_wall(text: str, *, zone: str) -> When:
    """Understand an absolute time, as front matter has it: a date, a time, perhaps a zone.

    Raises:
        UsageError: E104, not understood, unknown zone, or skipped by a change of clocks.
    """
    words, named = _split_zone(text.strip(), zone)
    try:
        parsed = datetime.fromisoformat(words)
    except ValueError as error:
        raise UsageError(
            "E104",
            f"This time is not understood: {text}",
            next_step="write it like 2026-11-26 09:00 Europe/Berlin",
        ) from error
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(named).replace(tzinfo=None)
    return wall_time(parsed, named)


def wall_time(wall: datetime, zone: ZoneInfo) -> When:
    """The instant of a wall time in a zone.

    Raises:
        UsageError: E104, clocks skip this time in this zone.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    back = first.astimezone(UTC).astimezone(zone)
    if back.replace(tzinfo=None) != wall:
        raise UsageError(
            "E104",
            f"{wall} does not exist in {zone.key}: clocks skip it",
            next_step=f"for example {back.replace(tzinfo=None)}",
        )
    second = wall.replace(tzinfo=zone, fold=1)
    return When(
        wall=str(wall.replace(microsecond=0)),
        zone=zone.key,
        at=instant(first),
        twice=first.utcoffset() != second.utcoffset(),
    )


def describe(at: Instant, *, zone: str, now: Instant) -> str:
    """An instant for people: zone, UTC, and how far away."""
    there = moment(at).astimezone(ZoneInfo(zone))
    utc = moment(at)
    return f"{there:%a %d %b %Y %H:%M} {zone} = {utc:%H:%M} UTC ({_distance(at - now)})"


def _distance(microseconds: int) -> str:
    away = timedelta(microseconds=abs(microseconds))
    hours, minutes = divmod(away.seconds // 60, 60)
    parts = [(away.days, "d"), (hours, "h"), (minutes, "min")]
    shown = [f"{number} {unit}" for number, unit in parts if number][:2] or ["1 min"]
    return ("in " if microseconds >= 0 else "since ") + " ".join(shown)


def _split_zone(text: str, default: str) -> tuple[str, ZoneInfo]:
    head, _, tail = text.rpartition(" ")
    if head and ("/" in tail or tail.upper() in ("UTC", "GMT")):
        try:
            return head, ZoneInfo(tail)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise UsageError(
                "E104",
                f"There is no time zone {tail}",
                next_step="a name such as Europe/Berlin",
            ) from error
    return text, ZoneInfo(default)


def _parse(words: str, base: datetime) -> datetime | None:
    try:
        return datetime.fromisoformat(words)
    except ValueError:
        pass
    import dateparser  # noqa: PLC0415  slow to import, and only for words

    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": base}
    parsed: datetime | None = dateparser.parse(words, languages=["en"], settings=settings)
    return parsed
