"""What Postfix's log says of our messages, line by line (S-42)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from mailer.delivery.relaylog import Reading, read, stamp
from mailer.model import Instant, instant

if TYPE_CHECKING:
    from pathlib import Path

NOW = instant(datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
MINUTE = 60_000_000
VERP, OTHER, MESSAGE_ID = "a" * 31, "b" * 31, "c" * 31
TOKENS = {VERP, OTHER, MESSAGE_ID}
HEAD = b"Nov 24 11:58:01 mx postfix/"
IN_QUEUE = (
    HEAD
    + b"qmgr[411]: 4X1Ybz: from=<b-%s@bounce.example.org>, size=41022, nrcpt=1 (queue active)\n"
    % VERP.encode()
)
HEADER_CAME = HEAD + b"cleanup[9]: 4X1Ybz: message-id=<%s@example.org>\n" % MESSAGE_ID.encode()


def taken(*lines: bytes) -> Reading:
    reading = Reading()
    reading.take(b"".join(lines), TOKENS)
    return reading


def minute(number: int) -> bytes:
    """A line of so many minutes before NOW."""
    when = datetime.fromtimestamp((NOW - number * MINUTE) / 1e6, UTC)
    return f"{when:%b %d %H:%M:%S} mx postfix/smtpd[7]: connect from x\n".encode()


def test_what_is_in_the_queue_is_found_by_its_envelope_sender() -> None:
    assert taken(HEADER_CAME, IN_QUEUE).queued == {VERP: "4X1Ybz"}


def test_a_header_that_came_is_seen_and_not_more() -> None:
    """The content may have broken off behind it."""
    reading = taken(HEADER_CAME)
    assert (reading.queued, reading.seen) == ({}, {MESSAGE_ID})


@pytest.mark.parametrize(
    "line",
    [
        IN_QUEUE.replace(b"qmgr", b"smtpd"),
        IN_QUEUE.replace(b"(queue active)", b"(expired)"),
        HEAD + b"smtpd[3]: NOQUEUE: reject: RCPT from x: 554; from=<b-%s@b.org>\n" % VERP.encode(),
        HEAD + b"qmgr[411]: 4X1Ybz: removed\n",
        IN_QUEUE.replace(VERP.encode(), b"z" * 31),
        IN_QUEUE.replace(VERP.encode(), VERP.encode()[:-1]),
        HEADER_CAME.replace(b"cleanup", b"pickup"),
        b"\xff\x00" * 40 + b"\n",
    ],
)
def test_other_lines_say_nothing(line: bytes) -> None:
    assert taken(line) == Reading()


def test_the_syslog_name_may_be_another() -> None:
    """R5424 or not: `postfix-out/qmgr`, `postfix/submission/…`."""
    assert taken(IN_QUEUE.replace(b"postfix/", b"postfix-out/")).queued == {VERP: "4X1Ybz"}


# --- times ---


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Nov 24 11:58:01 mx x", datetime(2026, 11, 24, 11, 58, 1, tzinfo=UTC)),
        (b"Nov  4 01:02:03 mx x", datetime(2026, 11, 4, 1, 2, 3, tzinfo=UTC)),
        (b"Nov 25 11:00:00 mx x", datetime(2026, 11, 25, 11, tzinfo=UTC)),
        (b"Dec 31 23:59:59 mx x", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"Feb 29 00:00:00 mx x", None),
        (b"2026-11-24T12:58:01.25+01:00 mx", datetime(2026, 11, 24, 11, 58, 1, 250_000, UTC)),
        (b"2026-11-24T11:58:01Z mx", datetime(2026, 11, 24, 11, 58, 1, tzinfo=UTC)),
        (b"2026-11-24T11:58:01.123456789Z mx", datetime(2026, 11, 24, 11, 58, 1, 123_456, UTC)),
        (b"2026-13-24T11:58:01Z mx", None),
        (b"Foo 24 11:58:01 mx", None),
        (b"Nov 31 11:58:01 mx", None),
        (b"\tcontinued", None),
        (b"", None),
    ],
)
def test_a_line_says_when_it_was_written(line: bytes, expected: datetime | None) -> None:
    """Syslog without a year, rsyslog's RFC 3339, and what is neither."""
    assert (expected and instant(expected)) == stamp(line, now=NOW, zone=UTC)


def test_a_leap_day_is_the_last_one() -> None:
    march = instant(datetime(2028, 3, 1, tzinfo=UTC))
    assert instant(datetime(2028, 2, 29, tzinfo=UTC)) == stamp(
        b"Feb 29 00:00:00 mx", now=march, zone=UTC
    )


def test_the_hour_that_comes_twice_is_the_first() -> None:
    """Then the log seems older than it is, and decides later."""
    berlin = ZoneInfo("Europe/Berlin")
    after = instant(datetime(2026, 10, 25, 6, tzinfo=UTC))
    assert instant(datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == stamp(
        b"Oct 25 02:30:00 mx", now=after, zone=berlin
    )


# --- the file ---


def look(path: Path, *, since: int, largest: int = 1 << 20) -> Reading:
    return read(path, TOKENS, since=Instant(since), now=NOW, zone=UTC, largest=largest)


def test_a_log_is_read_back_to_a_time(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(minute(9) + HEADER_CAME + IN_QUEUE + minute(1))
    reading = look(path, since=NOW - 5 * MINUTE)
    assert reading.queued == {VERP: "4X1Ybz"}
    assert (NOW - 9 * MINUTE, NOW - MINUTE) == (reading.first, reading.last)


def test_a_large_log_is_not_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks from the end; what lies before the time is not looked at."""
    monkeypatch.setattr("mailer.delivery.relaylog.BLOCK", 256)
    path = tmp_path / "mail.log"
    old = IN_QUEUE.replace(VERP.encode(), OTHER.encode()).replace(b"11:58", b"10:00")
    path.write_bytes(old + minute(60) * 100 + IN_QUEUE + minute(1) * 3)
    reading = look(path, since=NOW - 5 * MINUTE)
    assert {VERP} == set(reading.queued)
    assert NOW - 60 * MINUTE == reading.first


def test_no_more_is_read_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the log does not reach back, and says so."""
    monkeypatch.setattr("mailer.delivery.relaylog.BLOCK", 256)
    path = tmp_path / "mail.log"
    path.write_bytes(IN_QUEUE + minute(1) * 100)
    reading = look(path, since=NOW - 5 * MINUTE, largest=1000)
    assert {} == reading.queued
    assert NOW - MINUTE == reading.first


@pytest.mark.parametrize("name", ["mail.log.1", "mail.log-20261124"])
def test_a_log_that_was_just_rotated_goes_on_in_the_former_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(minute(30) + IN_QUEUE)
    (tmp_path / "mail.log.2.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "mail.log").write_bytes(minute(1))
    reading = look(tmp_path / "mail.log", since=NOW - 5 * MINUTE)
    assert {VERP: "4X1Ybz"} == reading.queued
    assert (NOW - 30 * MINUTE, NOW - MINUTE) == (reading.first, reading.last)


def test_an_empty_log_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "mail.log").touch()
    assert Reading() == look(tmp_path / "mail.log", since=0)


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "mail.log", since=0)
