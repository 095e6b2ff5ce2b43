"""SIGINT and SIGTERM while we deliver: none is lost, from the first moment to the last.

asyncio's own handlers hear nothing between the last look of a loop and its end. What comes then
would be taken for no signal at all, and whoever sent it would wait for us.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterator
    from types import FrameType

BOTH = (signal.SIGINT, signal.SIGTERM)


class Ears:
    """What was heard, and who is told in a loop that runs."""

    def __init__(self) -> None:
        self._heard: list[int] = []
        self._loop: AbstractEventLoop | None = None
        self._told: Callable[[int], None] = lambda _: None

    @property
    def have_heard(self) -> bool:
        """Whether a signal came."""
        return bool(self._heard)

    def tell(self, loop: AbstractEventLoop, told: Callable[[int], None]) -> None:
        """Call this in the loop at each signal, and now at each that came before."""
        self._loop, self._told = loop, told
        for number in self._heard:
            told(number)

    def hear(self, number: int, _: FrameType | None) -> None:
        """A signal came, between any two steps of the program."""
        self._heard.append(number)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told, number)


@contextmanager
def listening() -> Iterator[Ears]:
    """Hear both signals instead of what they do otherwise."""
    ears = Ears()
    before = {number: signal.signal(number, ears.hear) for number in BOTH}
    try:
        yield ears
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
