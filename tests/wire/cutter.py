"""A relay seen through a wire that breaks at its worst moment, at chosen messages.

::

    with Cutter(port, taken={3}, lost={5}) as wire:
        ...connect to 127.0.0.1:wire.port...

The third message reaches the relay and is answered, but the answer does not come back; of the fifth
nothing reaches it behind its 354. Either way the connection then is gone: both are in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

END = b"\r\n.\r\n"


class Cutter:
    """A proxy on loopback, in a thread of its own; see the module's docstring."""

    def __init__(self, to: int, *, taken: Collection[int] = (), lost: Collection[int] = ()) -> None:
        self._to = to
        self._taken = taken
        self._lost = lost
        self._count = 0  # of 354s, over all connections
        self._started = threading.Event()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(5), "the cutter did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            relay, there = await asyncio.open_connection("127.0.0.1", self._to)
            try:
                await self._pass_on(client, back, relay, there)
            finally:
                there.close()
        back.close()

    async def _pass_on(
        self,
        client: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        relay: asyncio.StreamReader,
        there: asyncio.StreamWriter,
    ) -> None:
        """Both ways until one side ends, or a chosen message is at its end."""
        mode = ""

        async def answers() -> None:
            nonlocal mode
            while data := await relay.read(1 << 16):
                if mode == "taken" and b"250 2.0.0 Ok: queued" in data:
                    return
                if b"354 " in data:
                    self._count += 1
                    mode = "taken" if self._count in self._taken else mode
                    mode = "lost" if self._count in self._lost else mode
                back.write(data)

        async def commands() -> None:
            swallowed = b""
            while data := await client.read(1 << 16):
                if mode == "lost":
                    swallowed = swallowed[-4:] + data
                    if END in swallowed:
                        return
                else:
                    there.write(data)

        tasks = [asyncio.create_task(answers()), asyncio.create_task(commands())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
