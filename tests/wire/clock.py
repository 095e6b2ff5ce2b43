"""An event loop whose clock can be turned on: minutes of silence in no time (case 32)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class SkippingLoop(asyncio.SelectorEventLoop):
    """The real loop with real sockets; only its time jumps."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0.0

    def time(self) -> float:
        """Seconds, those that were skipped included."""
        return super().time() + self._skipped

    async def skip(self, seconds: float) -> None:
        """Turn the clock on and let every timer that is due go off."""
        self._skipped += seconds
        for _ in range(3):
            await asyncio.sleep(0)


def run_skipping(scene: Callable[[SkippingLoop], Awaitable[T]]) -> T:
    """Run a coroutine that is given its loop."""

    async def play() -> T:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SkippingLoop)
        return await scene(loop)

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(play())
