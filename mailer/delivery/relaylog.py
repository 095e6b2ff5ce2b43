"""Postfix's log: which of our messages the relay has (S-42). Pure, but for reading the file.

::

    Nov 24 09:58:01 mx postfix/qmgr[411]: 4X1Yb: from=<b-TOKEN@bounce.example.org>, size=41022,
        nrcpt=1 (queue active)                       the relay has it, as 4X1Yb
    2026-11-24T09:58:01.2+01:00 mx postfix/cleanup[9]: 4X1Yb: message-id=<TOKEN@example.org>
                                                     its header came; nobody knows about the rest

A token names one delivery. Lines of syslog (local time without a year), of rsyslog (RFC 3339) and
of Postfix's own `maillog_file` are read, backwards from the end, and never more than `LARGEST`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from mailer.model import Instant, instant, moment

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 256 << 20
"""Octets that are read at most; a busy relay writes as much in some minutes."""

BLOCK: Final = 1 << 20
_PACKED: Final = {".gz", ".xz", ".bz2", ".zst"}
_MONTHS: Final = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_SYSLOG = re.compile(rb"([A-Z][a-z]{2}) ([ 0-9][0-9]) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ").match
_RFC3339 = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?[0-9]*)"
    rb"(Z|[+-][0-9]{2}:[0-9]{2}) "
).match
_QUEUED = re.compile(
    rb"/qmgr\[[0-9]+\]: ([0-9A-Za-z]+): from=<b-([a-z2-7]{31})@[^>\n]*>,[^\n]*\(queue active\)"
).finditer
_SEEN = re.compile(rb"/cleanup\[[0-9]+\]: [0-9A-Za-z]+: message-id=<([a-z2-7]{31})@").finditer


@dataclass(slots=True)
class Reading:
    """What a log says of the deliveries that were asked for.

    Attributes:
        queued: token of the envelope sender -> the relay's number for it.
        seen: tokens of Message-IDs whose header came.
        first, last: the time of the oldest and the newest line that was read; None: there is none.
    """

    queued: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    first: Instant | None = None
    last: Instant | None = None

    def take(self, block: bytes, wanted: Collection[str]) -> None:
        """Add what some whole lines say."""
        for match in _QUEUED(block):
            if (token := match[2].decode("ascii")) in wanted:
                self.queued[token] = match[1].decode("ascii")
        for match in _SEEN(block):
            if (token := match[1].decode("ascii")) in wanted:
                self.seen.add(token)


def stamp(line: bytes, *, now: Instant, zone: tzinfo | None = None) -> Instant | None:
    """When a line was written; None if it does not say.

    Args:
        line: a line of the log.
        now: a time without a year is the last such time that is not after tomorrow.
        zone: of times without one; None: this machine's.
    """
    if found := _RFC3339(line):
        text = found[1].decode("ascii").partition(".")
        try:
            whole = datetime.fromisoformat(text[0] + found[2].decode("ascii"))
        except ValueError:
            return None
        return Instant(instant(whole) + int(text[2][:6].ljust(6, "0")))
    if (found := _SYSLOG(line)) and found[1] in _MONTHS:
        return _without_year(found, now, zone)
    return None


def _without_year(found: re.Match[bytes], now: Instant, zone: tzinfo | None) -> Instant | None:
    month = _MONTHS[found[1]]
    day, hour, minute, second = (int(found[at]) for at in range(2, 6))
    tomorrow = moment(now) + timedelta(days=1)
    for year in (tomorrow.year + 1, tomorrow.year, tomorrow.year - 1):
        try:
            # In the hour that comes twice it is the first: then the log seems older than it is.
            when = datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):  # 29 February
            continue
        if when <= tomorrow:
            return instant(when)
    return None


# --- reading -------------------------------------------------------------------------------------


def read(
    path: Path,
    wanted: Collection[str],
    *,
    since: Instant,
    now: Instant,
    zone: tzinfo | None = None,
    largest: int = LARGEST,
) -> Reading:
    """Read a log from its end back to a time, or as far as `largest` goes.

    Where it begins later, the one that it was rotated into is read, too.

    Raises:
        OSError: it cannot be read.
    """
    reading = Reading()
    for file in (path, *_rotated(path)):
        for block in _backwards(file, largest):
            largest -= len(block)
            reading.take(block, wanted)
            lines = block.splitlines()
            if reading.last is None:
                stamps = (stamp(line, now=now, zone=zone) for line in reversed(lines))
                reading.last = next((at for at in stamps if at is not None), None)
            stamps = (stamp(line, now=now, zone=zone) for line in lines)
            reading.first = next((at for at in stamps if at is not None), reading.first)
            if reading.first is not None and reading.first < since:
                return reading
    return reading


def _rotated(path: Path) -> Iterator[Path]:
    """The newest former log beside it that is not compressed: mail.log.1, maillog-20261124."""
    try:
        beside = [
            (entry.stat().st_mtime, entry)
            for entry in path.parent.iterdir()
            if entry.name.startswith((f"{path.name}.", f"{path.name}-"))
            and entry.suffix not in _PACKED
            and entry.is_file()
        ]
    except OSError:
        return
    if beside:
        yield max(beside)[1]


def _backwards(path: Path, largest: int) -> Iterator[bytes]:
    """The whole lines of a file in blocks, the last block first; at most so many octets."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        rest = b""
        while at > 0 and largest > 0:
            size = min(BLOCK, at)
            at = file.seek(at - size)
            data = file.read(size) + rest
            largest -= size
            cut = data.find(b"\n") + 1 if at > 0 else 0
            if at > 0 and not cut:
                rest = data
                continue
            rest = data[:cut]
            yield data[cut:]
