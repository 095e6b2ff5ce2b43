"""How long each phase may take (standards §3.1), and the timer that watches over it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mailer.model import Phase
from mailer.smtp.timeouts import TIMEOUTS, Alarm
from tests.wire.clock import run_skipping

if TYPE_CHECKING:
    from tests.wire.clock import SkippingLoop


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (Phase.CONNECT, 30),
        (Phase.BANNER, 60),
        (Phase.EHLO, 300),
        (Phase.STARTTLS, 300),
        (Phase.AUTH, 300),
        (Phase.MAIL, 300),
        (Phase.RCPT, 300),
        (Phase.DATA, 120),
        (Phase.DOT, 600),
        (Phase.RSET, 20),
        (Phase.QUIT, 5),
    ],
)
def test_every_phase_has_the_patience_of_the_standard(phase: Phase, seconds: float) -> None:
    """R5321 §4.5.3.2, R1047: ten minutes for the final dot."""
    assert seconds == TIMEOUTS.of(phase)
    assert TIMEOUTS.block == 180


class Rings(list[float]):
    """When the alarm rang, in seconds since the start."""


def start(loop: SkippingLoop) -> tuple[Alarm, Rings]:
    rings, begin = Rings(), loop.time()
    return Alarm(loop, lambda: rings.append(round(loop.time() - begin))), rings


def test_an_alarm_rings_once_at_its_deadline() -> None:
    async def scene(loop: SkippingLoop) -> Rings:
        alarm, rings = start(loop)
        alarm.set(10)
        for _ in range(30):
            await loop.skip(1)
        return rings

    assert run_skipping(scene) == [10]


def test_a_deadline_that_moves_away_moves_the_ring() -> None:
    async def scene(loop: SkippingLoop) -> Rings:
        alarm, rings = start(loop)
        alarm.set(10)
        await loop.skip(5)
        alarm.set(10)
        for _ in range(20):
            await loop.skip(1)
        return rings

    assert run_skipping(scene) == [15]


def test_a_deadline_that_comes_nearer_moves_the_ring() -> None:
    async def scene(loop: SkippingLoop) -> Rings:
        alarm, rings = start(loop)
        alarm.set(600)
        await loop.skip(5)
        alarm.set(10)
        for _ in range(20):
            await loop.skip(1)
        return rings

    assert run_skipping(scene) == [15]


@pytest.mark.parametrize("end", ["stop", "cancel"])
def test_without_a_deadline_it_does_not_ring(end: str) -> None:
    async def scene(loop: SkippingLoop) -> Rings:
        alarm, rings = start(loop)
        alarm.set(10)
        getattr(alarm, end)()
        await loop.skip(30)
        assert not alarm.is_set
        return rings

    assert run_skipping(scene) == []


def test_many_deadlines_need_one_timer() -> None:
    """The hot path: a later deadline costs a comparison, not a timer."""

    async def scene(loop: SkippingLoop) -> int:
        alarm, _ = start(loop)
        before = len(loop._scheduled)  # type: ignore[attr-defined]
        for _ in range(1000):
            alarm.set(600)
            await asyncio.sleep(0)
        return len(loop._scheduled) - before  # type: ignore[attr-defined]

    assert run_skipping(scene) == 1
