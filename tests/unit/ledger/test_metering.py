"""Rates, quotas and back-off as arithmetic on instants (S-32)."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailer.config import Quota
from mailer.ledger.metering import (
    FULL_SPEED,
    LATE,
    SLOWEST,
    Grant,
    Throttle,
    gap_of,
    metered,
    recovered,
    slot,
    slower,
    within,
)
from mailer.model import Instant

SECOND = 1_000_000
DAY = 86_400
START = Instant(1_700_000_000 * SECOND)


def at(seconds: float) -> Instant:
    return Instant(START + round(seconds * SECOND))


# --- rates ---------------------------------------------------------------------------------------


def test_without_a_rate_everything_may_go_at_once() -> None:
    assert Grant(500, START) == metered(0, gap_of(None), wanted=500, now=START)


def test_time_that_passed_unused_is_not_caught_up_with() -> None:
    """An hour of silence allows one message, not 50,400."""
    assert 1 == metered(0, gap_of(14), wanted=100, now=START).count


@given(
    st.floats(0.01, 2000),
    st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 40)), max_size=60),
)
def test_no_stretch_of_time_has_more_than_the_rate(
    rate: float, asked: list[tuple[int, int]]
) -> None:
    """Whoever asks, and however often: the instant is shared (S-32)."""
    free_at, now, went = 0, int(START), []
    for later, wanted in asked:
        now += later
        granted = metered(free_at, gap_of(rate), wanted=wanted, now=Instant(now))
        if granted.count:
            free_at = granted.next_at
        went += [now] * granted.count
    gap = gap_of(rate)
    for first in range(len(went)):
        for last in range(first, len(went)):
            assert last - first <= (went[last] - went[first] + LATE) // gap


def test_who_is_refused_is_told_when_to_ask_again() -> None:
    granted = metered(at(5), gap_of(1), wanted=3, now=at(2))
    assert (0, at(5)) == (granted.count, granted.next_at)
    assert 1 == metered(at(5), gap_of(1), wanted=3, now=granted.next_at).count


# --- quotas --------------------------------------------------------------------------------------

QUOTA = Quota(messages=100, seconds=DAY)


def test_a_quota_leaves_what_was_not_used() -> None:
    used = {slot(QUOTA, START): 70}
    assert 30 == within(QUOTA, used, wanted=50, now=START).count
    assert 20 == within(QUOTA, used, wanted=20, now=START).count


def test_a_quota_knows_no_midnight() -> None:
    """50 late in the evening and 60 after midnight are more than 100 in 24 hours."""
    midnight = (int(START) // (DAY * SECOND) + 1) * DAY
    before, after = Instant((midnight - 600) * SECOND), Instant((midnight + 600) * SECOND)
    assert 50 == within(QUOTA, {slot(QUOTA, before): 50}, wanted=60, now=after).count


def test_a_used_up_quota_says_when_there_is_room_again() -> None:
    used = {slot(QUOTA, START): 100}
    granted = within(QUOTA, used, wanted=1, now=START)
    assert 0 == granted.count
    assert DAY * SECOND <= granted.next_at - START <= DAY * SECOND * 26 // 24
    assert 1 == within(QUOTA, used, wanted=1, now=granted.next_at).count


@given(st.lists(st.tuples(st.integers(0, DAY // 3), st.integers(1, 60)), max_size=40))
def test_no_day_has_more_than_the_quota(asked: list[tuple[int, int]]) -> None:
    """Wherever the day begins."""
    used: Counter[int] = Counter()
    went: list[tuple[int, int]] = []
    seconds = 0
    for later, wanted in asked:
        seconds += later
        count = within(QUOTA, used, wanted=wanted, now=at(seconds)).count
        used[slot(QUOTA, at(seconds))] += count
        went.append((seconds, count))
    for begin, _ in went:
        assert 100 >= sum(count for when, count in went if begin <= when < begin + DAY)


# --- domains that ask for less -------------------------------------------------------------------

FREE = Throttle("slow.test", 0, Instant(0), "", Instant(0))


def told(known: Throttle, seconds: float, *, away: float = 0.0) -> Throttle:
    now = at(seconds)
    return slower(recovered(known, now), away=away, reply="421 slow down", now=now)


def test_each_word_halves_the_rate_down_to_one_a_minute() -> None:
    known, gaps = FREE, []
    for word in range(12):
        known = told(known, 2 * word)
        gaps.append(known.gap)
    assert gap_of(FULL_SPEED / 2) == gaps[0]
    assert all(later == min(SLOWEST, 2 * earlier) for earlier, later in pairwise(gaps))
    assert SLOWEST == gaps[-1]


def test_ten_answers_in_one_breath_are_one_word() -> None:
    """They speak of what was under way already."""
    first = told(FREE, 0)
    known = first
    for word in range(10):
        known = told(known, 0.05 * word)
    assert first == known


def test_each_clean_minute_gives_a_step_back_until_there_is_no_limit() -> None:
    known = told(told(FREE, 0), 2)
    rates = [SECOND / recovered(known, at(2 + 60 * minutes)).gap for minutes in range(4)]
    assert [2.5, 3.5, 4.5, 5.5] == [round(rate, 2) for rate in rates]
    assert 0 == recovered(known, at(2 + 60 * 10)).gap


def test_a_domain_that_asks_to_be_left_alone_is_left_alone_then_tried_slowly() -> None:
    """§2.2: 90 minutes, then one a minute; what was asked longer stands."""
    known = told(FREE, 0, away=5400)
    assert (SLOWEST, at(5400)) == (known.gap, known.free_at)
    assert 0 == metered(known.free_at, known.gap, wanted=9, now=at(5399)).count
    assert 1 == metered(known.free_at, known.gap, wanted=9, now=at(5400)).count
    assert SLOWEST == recovered(known, at(5459)).gap
    assert SLOWEST > recovered(known, at(5460)).gap
    assert at(7200) == told(known, 1800, away=5400).free_at
