"""Times that people write, such as "thu 9:00" or "2026-11-26 09:00 Europe/Berlin", as instants."""

from __future__ import annotations

import difflib
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from mailer.errors import UsageError
from mailer.model import MICROSECONDS, Instant, instant, moment

_EXAMPLES = 'write it like "thu 9:00", "2026-11-26 09:00 Europe/Berlin" or "in 2h"'
_SHOWN = 60

_ZONE = re.compile(r"(?P<words>.*\S)\s+(?P<zone>UTC|GMT|[A-Za-z_]+/[\w+/-]*)", re.IGNORECASE)
_CLOCK = re.compile(r"\d:\d\d|\d\s*[ap]m\b|\bnoon\b|\bmidnight\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*\b", re.IGNORECASE)
# 01/02 is January or February, depending on who wrote it.
_AMBIGUOUS = re.compile(r"\d[./]\d")
_PLAIN = re.compile(r"[A-Za-z0-9 :,+-]*").fullmatch
_RELATIVE = re.compile(r"in((?:\s*(?:\d{1,4}|an?)\s*[a-z]+)+)", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d{1,4}|an?)\s*([a-z]+)", re.IGNORECASE)
_UNITS: Final = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
}


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


# --- what people write ---------------------------------------------------------------------------


def parse_when(text: str, *, zone: str, now: Instant) -> When:
    """Understand a time; a zone at its end wins over `zone`.

    A day needs a time of day: nobody means midnight who writes only a date.

    Raises:
        UsageError: E104, not understood, unknown zone, past, or skipped by a change of clocks.
    """
    words, named = _split_zone(text.strip(), zone)
    after = _relative(words)
    if after is not None:
        return _at(Instant(now + after), named)
    if not _CLOCK.search(words):
        raise _not_understood(text, "It names no time of day.")
    if _AMBIGUOUS.search(words):
        raise _not_understood(text, "Write the date as 2026-11-26 or 26 nov.")
    parsed = _words(words, moment(now).astimezone(named).replace(tzinfo=None))
    if parsed is None:
        raise _not_understood(text)
    when = _wall_in(parsed, named)
    if when.at < now:
        raise UsageError("E104", f"This time is past: {when.wall} {when.zone}", next_step=_EXAMPLES)
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
            f"This time is not understood: {_shown(text)}",
            next_step="write it like 2026-11-26 09:00 Europe/Berlin",
        ) from error
    return _wall_in(parsed, named)


def wall_time(wall: datetime, zone: ZoneInfo) -> When:
    """The instant of a wall time in a zone.

    Raises:
        UsageError: E104, clocks skip this time in this zone, or no calendar has it.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    try:
        back = first.astimezone(UTC).astimezone(zone)
    except OverflowError as error:
        raise _not_understood(str(wall)) from error
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


def _wall_in(parsed: datetime, zone: ZoneInfo) -> When:
    """A time as it was parsed; an offset of its own has said which instant is meant."""
    if parsed.tzinfo is None:
        return wall_time(parsed, zone)
    try:
        return _at(instant(parsed), zone)
    except OverflowError as error:
        raise _not_understood(str(parsed)) from error


def _at(at: Instant, zone: ZoneInfo) -> When:
    """An instant as wall time; in UTC if the wall time would mean another instant."""
    at = Instant(at // MICROSECONDS * MICROSECONDS)
    there = moment(at).astimezone(zone)
    if there.fold:
        there, zone = moment(at), ZoneInfo("UTC")
    return When(wall=str(there.replace(tzinfo=None, fold=0)), zone=zone.key, at=at)


# --- for people ----------------------------------------------------------------------------------


def describe(at: Instant, *, zone: str, now: Instant) -> str:
    """An instant for people: zone, UTC, and how far away."""
    there = moment(at).astimezone(ZoneInfo(zone))
    utc = moment(at)
    also = f" = {utc:%H:%M} UTC" if zone != "UTC" else ""
    return f"{there:%a %d %b %Y %H:%M} {zone}{also} ({_distance(at - now)})"


def _distance(microseconds: int) -> str:
    away = timedelta(microseconds=abs(microseconds))
    hours, minutes = divmod(away.seconds // 60, 60)
    parts = [(away.days, "d"), (hours, "h"), (minutes, "min")]
    shown = " ".join([f"{number} {unit}" for number, unit in parts if number][:2] or ["1 min"])
    return f"in {shown}" if microseconds >= 0 else f"{shown} ago"


# --- the words -----------------------------------------------------------------------------------


def _split_zone(text: str, default: str) -> tuple[str, ZoneInfo]:
    found = _ZONE.fullmatch(text)
    if not found:
        return text, ZoneInfo(default)
    name = found["zone"]
    try:
        return found["words"], ZoneInfo(name.upper() if "/" not in name else name)
    except (LookupError, ValueError, OSError) as error:  # not there, a path upwards, a folder
        known = {zone.lower(): zone for zone in available_timezones()}
        near = difflib.get_close_matches(name.lower(), known, n=1)
        raise UsageError(
            "E104",
            f"There is no time zone {_shown(name)}",
            next_step=f"did you mean {known[near[0]]}?" if near else "a name such as Europe/Berlin",
        ) from error


def _relative(words: str) -> int | None:
    """Microseconds of "in 2h" or "in 1 d 3 h"; None for a time of another form."""
    found = _RELATIVE.fullmatch(words)
    if not found:
        return None
    seconds = 0
    for amount, unit in _AMOUNT.findall(found[1]):
        if unit.lower() not in _UNITS:
            raise _not_understood(words, "It may name weeks, days, hours and minutes.")
        seconds += (1 if amount.lower() in ("a", "an") else int(amount)) * _UNITS[unit.lower()]
    return seconds * MICROSECONDS


def _words(words: str, base: datetime) -> datetime | None:
    """A time that is no distance; naive unless it names an offset."""
    try:
        return datetime.fromisoformat(words)
    except ValueError:
        pass
    if not _PLAIN(words):  # dateparser would pass over what it does not know
        return None
    import dateparser  # noqa: PLC0415  slow to import, and only for words

    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": base}
    try:
        parsed: datetime | None = dateparser.parse(words, languages=["en"], settings=settings)
    except (ValueError, OverflowError):
        return None
    week = timedelta(days=7)
    if parsed and parsed.tzinfo is None and parsed - week > base and _WEEKDAY.match(words):
        return parsed - week  # "tue 9:00", said on a Tuesday at 8:00, is today
    return parsed


def _not_understood(text: str, detail: str = "") -> UsageError:
    return UsageError(
        "E104",
        f"This time is not understood: {_shown(text)}",
        detail=detail,
        next_step=_EXAMPLES,
    )


def _shown(text: str) -> str:
    """What somebody wrote, short and without control characters."""
    plain = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"
