"""When a mailing will have ended: rates, quotas, several relays (interface §2.4, §2.5)."""

from __future__ import annotations

import dataclasses
from zoneinfo import ZoneInfo

import pytest

from mailer.cli.reckoning import (
    End,
    Way,
    carriers,
    duration_text,
    end,
    end_text,
    fits_text,
    quota_text,
)
from mailer.config import Quota, RelayConfig
from mailer.ledger.pacing import RelayState
from mailer.model import Instant

DAY = Quota(messages=50_000, seconds=86_400)
HOUR = Quota(messages=1000, seconds=3600)
RELAY = RelayConfig(host="smtp.example.org", port=587, security="starttls", label="eu")


def way(
    *, rate: float | None = None, quota: Quota | None = None, used: int = 0, weight: int = 1
) -> Way:
    relay = dataclasses.replace(RELAY, quota=quota, weight=weight)
    state = RelayState(
        name="eu", rate=rate, override="", quota_used=used, down_since=None, trouble=""
    )
    return Way(relay=relay, state=state)


@pytest.mark.parametrize(
    ("expected", "messages", "ways"),
    [
        (End(seconds=None), 40_112, [way()]),
        (End(seconds=20.0), 280, [way(rate=14)]),
        (End(seconds=None), 50_000, [way(quota=DAY)]),
        (End(seconds=86_400.0, limit="daily limit"), 50_001, [way(quota=DAY)]),
        (End(seconds=86_400.0, limit="daily limit"), 46_881, [way(quota=DAY, used=3120)]),
        (End(seconds=None), 46_880, [way(quota=DAY, used=3120)]),
        (End(seconds=3610.0, limit="hourly limit"), 1100, [way(rate=10, quota=HOUR)]),
        (End(seconds=7200.0, limit="hourly limit"), 2500, [way(quota=HOUR)]),
        (End(seconds=10.0), 200, [way(rate=10), way(rate=10)]),
        (End(seconds=15.0), 200, [way(rate=10, weight=3), way(rate=10)]),
        (End(seconds=10.0), 200, [way(), way(rate=10)]),
        (End(seconds=None), 0, [way(rate=10, quota=DAY)]),
        (End(seconds=None), 10, []),
    ],
)
def test_it_ends_when_the_slowest_relay_has_carried_its_share(
    expected: End, messages: int, ways: list[Way]
) -> None:
    found = end(messages, ways)
    assert (expected.seconds or 0, expected.limit) == (found.seconds or 0, found.limit)


def test_while_it_runs_the_rate_of_the_last_minute_counts_and_the_quota() -> None:
    assert End(seconds=20.0) == end(1000, [way(rate=1000)], measured=50)
    assert End(seconds=86_402.0, limit="daily limit") == end(50_100, [way(quota=DAY)], measured=50)


def test_the_relays_of_a_list_carry_it_else_those_that_name_nobody() -> None:
    plain = way()
    members = Way(relay=dataclasses.replace(RELAY, lists=("members",)))
    domain = Way(relay=dataclasses.replace(RELAY, domains=("example.org",)))
    assert (members,) == carriers([plain, members, domain], "members")
    assert (plain,) == carriers([plain, members, domain], "weekly")


def test_a_quota_says_whether_it_is_enough() -> None:
    assert "50,000/day" == quota_text(DAY)
    assert "fits today (46,880 left)" == fits_text(way(quota=DAY, used=3120), 40_112)
    assert fits_text(way(quota=HOUR, used=900), 101).startswith("100 of 1,000/h left")


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [("1 s", 0.2), ("59 s", 59), ("47 min 46 s", 2866), ("2 h", 7200), ("2 d 3 h", 183_601)],
)
def test_a_duration_has_two_units(expected: str, seconds: float) -> None:
    assert expected == duration_text(seconds)


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [("09:48", 2880), ("Fri 08:00", 23 * 3600), ("Thu 03 Dec 09:00", 7 * 86_400)],
)
def test_an_end_names_the_day_if_it_is_another(expected: str, seconds: float) -> None:
    at_nine = Instant(1_795_680_000_000_000)  # Thu 26 Nov 2026 09:00 Europe/Berlin
    assert expected == end_text(seconds, now=at_nine, zone=ZoneInfo("Europe/Berlin"))
