"""When a relay may be tried again (interface §1.6 A)."""

from __future__ import annotations

import pytest

from mailer.delivery.pace import CircuitBreaker


def is_open(breaker: CircuitBreaker) -> bool:
    return breaker.is_open


def down(breaker: CircuitBreaker, times: int, now: float = 0.0, jitter: float = 0.0) -> None:
    for _ in range(times):
        assert breaker.allows(now)
        breaker.failed(now, jitter=jitter)


def reopens_at(breaker: CircuitBreaker, at: float) -> bool:
    """Whether a probe is allowed from then on and not before; it is given up."""
    early, due = breaker.allows(at - 0.001), breaker.allows(at + 0.001)
    breaker.given_up()
    return due and not early


def test_the_circuit_opens_after_five_failures_in_a_row() -> None:
    """Interface §1.6 A."""
    breaker = CircuitBreaker()
    down(breaker, 4)
    assert not is_open(breaker)
    down(breaker, 1)
    assert is_open(breaker)
    assert not breaker.allows(0.0)
    assert reopens_at(breaker, 10.0)


def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = CircuitBreaker()
    down(breaker, 4)
    breaker.succeeded()
    down(breaker, 4)
    assert not is_open(breaker)


def test_half_open_lets_one_connection_through() -> None:
    """Interface §1.6 A."""
    breaker = CircuitBreaker()
    down(breaker, 5)
    assert not breaker.allows(9.9)
    assert breaker.allows(10.0)
    assert not breaker.allows(10.0)
    assert is_open(breaker)
    breaker.succeeded()
    assert not is_open(breaker)
    assert all(breaker.allows(10.0) for _ in range(10))


def test_each_failed_probe_doubles_the_pause_up_to_ten_minutes() -> None:
    """Interface §1.6 A: 10 s to 10 min."""
    breaker, now = CircuitBreaker(), 0.0
    down(breaker, 5)
    for pause in (10, 20, 40, 80, 160, 320, 600, 600, 600):
        now += pause
        assert reopens_at(breaker, now)
        down(breaker, 1, now)


@pytest.mark.parametrize(("jitter", "pause"), [(-1.0, 8.0), (0.5, 11.0), (1.0, 12.0)])
def test_jitter_spreads_a_pause_by_a_fifth(jitter: float, pause: float) -> None:
    breaker = CircuitBreaker()
    down(breaker, 5, jitter=jitter)
    assert reopens_at(breaker, pause)


def test_the_longest_pause_has_no_jitter_beyond_it() -> None:
    breaker, now = CircuitBreaker(), 0.0
    down(breaker, 5)
    for _ in range(10):
        now += 600.0
        down(breaker, 1, now, jitter=1.0)
    assert reopens_at(breaker, now + 600.0)


def test_connections_that_fail_together_count_as_one_outage() -> None:
    """Ten were being opened when the relay went down: the pause does not double for each."""
    breaker = CircuitBreaker()
    assert all(breaker.allows(0.0) for _ in range(10))
    for _ in range(10):
        breaker.failed(0.1, jitter=0.0)
    assert reopens_at(breaker, 10.1)


def test_a_success_after_an_outage_begins_again_with_the_shortest_pause() -> None:
    breaker = CircuitBreaker()
    down(breaker, 5)
    down(breaker, 1, 10.0)
    assert breaker.allows(30.0)
    breaker.succeeded()
    down(breaker, 5, 40.0)
    assert reopens_at(breaker, 50.0)


def test_a_probe_that_was_given_up_may_be_made_again() -> None:
    breaker = CircuitBreaker()
    down(breaker, 5)
    assert breaker.allows(10.0)
    breaker.given_up()
    assert breaker.allows(10.0)
