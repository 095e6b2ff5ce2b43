"""Whatever somebody writes as a time: it is understood, or it is E104; nothing else happens."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.errors import UsageError
from mailer.model import Instant, instant
from mailer.when import parse_wall, parse_when, wall_time

NOW = instant(datetime(2026, 11, 24, 6, 23, tzinfo=UTC))
PIECES = (
    *("in", "2h", "a", "week", "99", "d", "9:00", "noon", "thu", "26", "nov"),
    *("2026-11-26", "T09:00", "Z", "+01:00", "UTC", "Europe/Berlin", "/"),
)
WORDS = st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(st.text(max_size=40), WORDS))
def test_any_text_is_a_time_to_come_or_a_clear_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_when(text, zone="Europe/Berlin", now=NOW).at >= NOW - 1_000_000
    with suppress(UsageError):
        parse_wall(text, zone="Europe/Berlin")


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.integers(min_value=0, max_value=20 * 366 * 86_400),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_every_instant_has_a_wall_time_that_means_it(seconds: int, zone: str) -> None:
    """Decisions 18: wall text and zone are read again at each look, and mean the same instant."""
    now = Instant(NOW + seconds * 1_000_000)
    when = parse_when("in 0h", zone=zone, now=now)
    assert now // 1_000_000 == when.at // 1_000_000
    read = parse_wall(when.wall, zone=when.zone)
    assert when.at == read.at
    assert when.wall == wall_time(datetime.fromisoformat(when.wall), ZoneInfo(when.zone)).wall
