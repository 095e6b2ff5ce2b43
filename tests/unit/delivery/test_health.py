"""One account of whether the relay is well (interface §1.6 A)."""

from __future__ import annotations

from mailer.delivery.pace import FAILURES, FIRST_PAUSE, LIMIT_SECONDS, Health


def failed(health: Health, now: float, *, working: int = 0) -> bool:
    return health.failed("refused", now=now, jitter=0.0, working=working)


def test_five_failures_in_a_row_and_the_relay_is_left_alone() -> None:
    health = Health(0.0)
    assert [False] * (FAILURES - 1) + [True] == [failed(health, 1.0) for _ in range(FAILURES)]
    assert not health.allows(1.0 + FIRST_PAUSE / 2)
    assert health.allows(1.0 + FIRST_PAUSE)


def test_it_is_said_once_that_a_relay_is_down() -> None:
    health = Health(0.0)
    assert 1 == sum(failed(health, 1.0) for _ in range(20))


def test_an_answer_to_a_message_begins_patience_and_the_count_anew() -> None:
    health = Health(0.0)
    for _ in range(FAILURES - 1):
        failed(health, 1.0)
    health.served(2.0)
    assert 2.0 == health.well_at
    assert not failed(health, 3.0)


def test_a_refusal_beside_working_connections_is_a_limit_for_a_while() -> None:
    health = Health(0.0)
    assert not any(failed(health, 1.0, working=2) for _ in range(20))
    assert 2 == health.most(10, 1.0)
    assert 10 == health.most(10, 1.0 + LIMIT_SECONDS)
    assert health.allows(1.0)


def test_a_probe_that_was_not_needed_makes_room_for_another() -> None:
    health = Health(0.0)
    for _ in range(FAILURES):
        failed(health, 1.0)
    later = 1.0 + FIRST_PAUSE
    assert health.allows(later)
    assert not health.allows(later)
    health.ended()
    assert health.allows(later)
