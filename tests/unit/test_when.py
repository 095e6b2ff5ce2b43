"""Times that people write: `--at` and `send_at` (interface §1.3, decisions 18, case 45, E104)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.errors import UsageError
from mailer.model import Instant, instant, moment
from mailer.when import describe, parse_wall, parse_when

BERLIN = "Europe/Berlin"
# A Tuesday, 07:23 in Berlin.
TUESDAY = instant(datetime(2026, 11, 24, 6, 23, tzinfo=UTC))


def at(text: str, *, zone: str = BERLIN, now: Instant = TUESDAY) -> str:
    return f"{moment(parse_when(text, zone=zone, now=now).at):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("thu 9:00", "2026-11-26 08:00"),
        ("Thursday 9:00", "2026-11-26 08:00"),
        ("tue 9:00", "2026-11-24 08:00"),  # still to come today
        ("tue 5:00", "2026-12-01 04:00"),  # past today
        ("next monday 9:00", "2026-11-30 08:00"),
        ("9:00", "2026-11-24 08:00"),
        ("5:00", "2026-11-25 04:00"),
        ("tomorrow 9:00", "2026-11-25 08:00"),
        ("9pm", "2026-11-24 20:00"),
        ("noon", "2026-11-24 11:00"),
        ("26 nov 9:00", "2026-11-26 08:00"),
        ("2026-11-26 09:00", "2026-11-26 08:00"),
        ("2026-11-26 09:00 Europe/Berlin", "2026-11-26 08:00"),
        ("2026-11-26 09:00 America/New_York", "2026-11-26 14:00"),
        ("thu 9:00 UTC", "2026-11-26 09:00"),
        ("2026-11-26T09:00:00Z", "2026-11-26 09:00"),
        ("2026-11-26T09:00+01:00", "2026-11-26 08:00"),
        ("in 2h", "2026-11-24 08:23"),
        ("in 90 min", "2026-11-24 07:53"),
        ("in 1 d 3 h", "2026-11-25 09:23"),
        ("in a week", "2026-12-01 06:23"),
    ],
)
def test_a_time_is_understood(text: str, utc: str) -> None:
    assert utc == at(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-26", "no time of day"),  # nobody means midnight
        ("thu", "no time of day"),
        ("5", "no time of day"),
        ("now", "no time of day"),
        ("", "no time of day"),
        ("1795501439", "no time of day"),
        ("01/02/2027 9:00", "Write the date as"),  # January or February?
        ("26.11.2026 9:00", "Write the date as"),
        ("in 5", "no time of day"),
        ("in 2 fortnights", "weeks, days, hours and minutes"),
        ("2026-02-30 9:00", ""),
        ("2026-11-26 25:00", ""),
        ("winter 9:00 o'clock sharp-ish", ""),
        ("0001-01-01 00:00", ""),
        ("☃ 9:00\0", ""),
        ("9:00 " + "x" * 5000, ""),
    ],
)
def test_what_is_not_understood_is_an_error_that_says_how_to_write_it(text: str, why: str) -> None:
    with pytest.raises(UsageError, match="E104") as refused:
        at(text)
    error = refused.value
    assert why in error.detail
    assert "thu 9:00" in error.next
    assert len(error.message) < 120
    assert error.message.isprintable()


@pytest.mark.parametrize("text", ["2026-11-23 9:00", "2026-11-24 07:22", "yesterday 9:00"])
def test_a_past_time_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="This time is past"):
        at(text)


@pytest.mark.parametrize(
    ("zone", "suggestion"),
    [
        ("Europe/Berlim", "did you mean Europe/Berlin?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Europe/", "did you mean Europe/"),
        ("Nowhere/Atall", "Europe/Berlin"),
    ],
)
def test_an_unknown_zone_is_an_error_with_a_suggestion(zone: str, suggestion: str) -> None:
    with pytest.raises(UsageError, match="There is no time zone") as refused:
        at(f"thu 9:00 {zone}")
    assert suggestion in refused.value.next


# --- clocks that change (case 45) ----------------------------------------------------------------

MARCH = instant(datetime(2027, 3, 27, 12, 0, tzinfo=UTC))  # the day before clocks go forward
OCTOBER = instant(datetime(2027, 10, 30, 12, 0, tzinfo=UTC))  # the day before they go back


@pytest.mark.parametrize("text", ["2027-03-28 02:30", "tomorrow 2:30"])
def test_a_time_that_clocks_skip_is_an_error(text: str) -> None:
    """Interface §1.3: a time that does not exist is an error and names one that does."""
    with pytest.raises(UsageError, match="clocks skip it") as refused:
        at(text, now=MARCH)
    assert "2027-03-28 03:30" in refused.value.next


def test_front_matter_is_told_the_same() -> None:
    with pytest.raises(UsageError, match="clocks skip it"):
        parse_wall("2027-03-28 02:30", zone=BERLIN)


def test_a_time_that_exists_twice_is_the_first_and_says_so() -> None:
    when = parse_when("2027-10-31 02:30", zone=BERLIN, now=OCTOBER)
    assert (True, "2027-10-31 00:30") == (when.twice, f"{moment(when.at):%Y-%m-%d %H:%M}")
    assert not parse_when("2027-10-31 03:30", zone=BERLIN, now=OCTOBER).twice


@pytest.mark.parametrize(
    ("now", "wall"),
    [
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), "2027-03-28 03:30:00"),  # 01:30 + 1 h
        (datetime(2027, 10, 30, 23, 30, tzinfo=UTC), "2027-10-31 02:30:00"),  # 01:30 + 1 h
    ],
)
def test_a_distance_is_that_far_whatever_the_clocks_do(now: datetime, wall: str) -> None:
    when = parse_when("in 1h", zone=BERLIN, now=instant(now))
    assert (wall, BERLIN) == (when.wall, when.zone)
    assert 3600 * 1_000_000 == when.at - instant(now)


def test_a_distance_into_the_second_of_two_equal_hours_is_kept_in_utc() -> None:
    """Decisions 18: wall time and zone must mean the same instant when they are read again."""
    start = instant(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))  # the first 02:30
    when = parse_when("in 1h", zone=BERLIN, now=start)
    assert ("2027-10-31 01:30:00", "UTC") == (when.wall, when.zone)
    assert when.at == parse_wall(when.wall, zone=when.zone).at


# --- front matter --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-26 09:00 Europe/Berlin", "2026-11-26 08:00"),
        ("2026-11-26 09:00", "2026-11-26 08:00"),
        ("2026-11-26 09:00:00+00:00", "2026-11-26 09:00"),
        ("2026-11-26", "2026-11-25 23:00"),
        ("2020-01-01 09:00", "2020-01-01 08:00"),  # past: the schedule says what follows
    ],
)
def test_send_at_is_a_time_in_the_lists_zone_or_its_own(text: str, utc: str) -> None:
    assert utc == f"{moment(parse_wall(text, zone=BERLIN).at):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("text", ["thu 9:00", "soon", "", "2026-13-01 09:00"])
def test_send_at_takes_no_words(text: str) -> None:
    """What is released by a file that lies around must mean the same every day."""
    with pytest.raises(UsageError, match="E104"):
        parse_wall(text, zone=BERLIN)


# --- for people ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "zone", "shown"),
    [
        (0, "UTC", "Tue 24 Nov 2026 06:23 UTC (in 1 min)"),
        (47 * 3600, BERLIN, "Thu 26 Nov 2026 06:23 Europe/Berlin = 05:23 UTC (in 1 d 23 h)"),
        (-3600, BERLIN, "Tue 24 Nov 2026 06:23 Europe/Berlin = 05:23 UTC (1 h ago)"),
        (90 * 60, "UTC", "Tue 24 Nov 2026 07:53 UTC (in 1 h 30 min)"),
    ],
)
def test_a_time_is_shown_in_its_zone_in_utc_and_as_a_distance(
    seconds: int, zone: str, shown: str
) -> None:
    """Interface §1.3: echoed as zone, UTC and "in 1 d 23 h"."""
    assert shown == describe(Instant(TUESDAY + seconds * 1_000_000), zone=zone, now=TUESDAY)
