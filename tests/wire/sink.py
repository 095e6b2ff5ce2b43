"""A relay that takes everything, remembers only who got how many, and can be slowed."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_RCPT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)
_OFFERS = b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"


class Sink:
    """A context manager around a server in a thread of its own.

    Args:
        pause: seconds between a final dot and its reply.

    Attributes:
        port: where it listens.
        taken: address -> how many messages were taken for it.
        total: how many messages were taken.
    """

    def __init__(self, *, pause: float = 0.0) -> None:
        self._pause = pause
        self._ready = threading.Event()
        self.port = 0
        self.taken: Counter[str] = Counter()
        self.total = 0
        self._most = math.inf

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def allow(self, most: float) -> None:
        """Take so many in all; who hands over one more waits until that is allowed, too."""
        self._most = most
        self._loop.call_soon_threadsafe(self._more.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._more = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        try:
            writer.write(b"220 sink.test ESMTP\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb in (b"EHLO", b"HELO"):
                    writer.write(_OFFERS)
                elif verb == b"DATA":
                    writer.write(b"354 go ahead\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    while self.total >= self._most:
                        self._more.clear()
                        await self._more.wait()
                    self.taken[recipient] += 1
                    self.total += 1
                    await asyncio.sleep(self._pause)
                    writer.write(b"250 2.0.0 Ok: queued\r\n")
                elif verb == b"QUIT":
                    writer.write(b"221 2.0.0 Bye\r\n")
                    break
                else:
                    found = _RCPT.match(line)
                    recipient = found.group(1).decode() if found else recipient
                    writer.write(b"250 2.1.0 Ok\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
