"""One account of whether the relay is well (interface §1.6 A)."""

from __future__ import annotations

from mailer.delivery.pace import FAILURES, FIRST_PAUSE, LIMIT_SECONDS, Health


def failed(health: Health, now: float, *, working: int = 0) -> bool:
    return health.failed("refused", now=now, jitter=0.0, working=working)


def test_five_failures_in_a_row_and_the_relay_is_left_alone() -> None:
    health = Health()
    assert [False] * (FAILURES - 1) + [True] == [failed(health, 1.0) for _ in range(FAILURES)]
    assert not health.allows(1.0 + FIRST_PAUSE / 2)
    assert health.allows(1.0 + FIRST_PAUSE)


def test_it_is_said_once_that_a_relay_is_down() -> None:
    health = Health()
    assert 1 == sum(failed(health, 1.0) for _ in range(20))


def test_an_answer_to_a_message_begins_patience_and_the_count_anew() -> None:
    health = Health()
    for _ in range(FAILURES - 1):
        failed(health, 1.0)
    assert 1.0 == health.unwell(2.0)
    health.served()
    assert 0.0 == health.unwell(2.0)
    assert not failed(health, 3.0)


def test_a_refusal_beside_working_connections_is_a_limit_that_is_lifted_by_steps() -> None:
    health = Health()
    assert not any(failed(health, 1.0, working=2) for _ in range(20))
    most = [health.most(10, 1.0 + LIMIT_SECONDS * step) for step in range(10)]
    assert [2, 3, 4, 5, 6, 7, 8, 9, 10, 10] == most
    assert health.allows(1.0)


def test_a_relay_that_asks_for_less_gets_half_as_many_connections() -> None:
    """Interface §1.6 A: 421 and 451 slow down; recovered by steps."""
    health = Health()
    health.slowed(1.0, working=10)
    assert 5 == health.most(10, 1.0)
    health.slowed(2.0, working=5)
    assert [2, 3] == [health.most(10, 2.0), health.most(10, 2.0 + LIMIT_SECONDS)]
    health.slowed(50.0, working=1)
    assert 1 == health.most(10, 50.0)


def test_patience_begins_with_the_first_try_after_the_last_answer() -> None:
    """A relay with nothing to do for an hour is not down."""
    health = Health()
    assert 0.0 == health.unwell(3600.0)
    assert health.allows(3600.0)
    assert 30.0 == health.unwell(3630.0)


def test_a_probe_that_was_not_needed_makes_room_for_another() -> None:
    health = Health()
    for _ in range(FAILURES):
        failed(health, 1.0)
    later = 1.0 + FIRST_PAUSE
    assert health.allows(later)
    assert not health.allows(later)
    health.ended()
    assert health.allows(later)
