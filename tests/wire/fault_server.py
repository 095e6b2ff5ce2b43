"""A scripted SMTP server on loopback, in a thread of its own: the fake for the wire.

::

    with FaultServer({"RCPT": [say(b"450 4.7.1 later")]}) as server:   # the first RCPT only
        ...connect to 127.0.0.1:server.port...
    assert 1 == len(server.messages)

The script maps a stage to what happens at its first, second, … occurrence, over all connections;
None, and everything after the last, is the usual reply. `itertools.repeat` makes it last, and a
function of the command line makes it depend on that. Stages: banner EHLO HELO STARTTLS AUTH MAIL
RCPT DATA dot RSET QUIT.

The server keeps to the rules itself (503 for a nested MAIL, 554 for DATA without a recipient) and
writes down in `violations` where the client does not: pipelining that was not offered (S-23),
something behind a command that ends a group (S-20), long lines (X-8), bare CR or LF (M-1).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from tests.wire.scram import ScramRelay


class Then(Enum):
    """What follows an answer."""

    GO_ON = auto()
    DROP = auto()  # EOF
    RESET = auto()  # RST
    HANG = auto()  # silence


@dataclass(frozen=True, slots=True)
class Act:
    """What happens at a stage; `octets` None is the usual reply."""

    octets: bytes | None = None
    then: Then = Then.GO_ON
    store: bool = False
    after: float = 0.0


def say(text: bytes, *, then: Then = Then.GO_ON) -> Act:
    """Another reply; CRLF is added."""
    return Act(octets=text + b"\r\n", then=then)


def octets(raw: bytes, *, then: Then = Then.GO_ON) -> Act:
    """Exactly these octets instead of a reply."""
    return Act(octets=raw, then=then)


def drop(*, store: bool = False) -> Act:
    """The connection is closed; with `store` the message was taken first (case 31)."""
    return Act(octets=b"", then=Then.DROP, store=store)


def reset(*, store: bool = False) -> Act:
    """The connection is reset; with `store` the message was taken first (case 31)."""
    return Act(octets=b"", then=Then.RESET, store=store)


def hang() -> Act:
    """Nothing is said any more."""
    return Act(octets=b"", then=Then.HANG)


def wait(seconds: float) -> Act:
    """The usual reply, late."""
    return Act(after=seconds)


Script = Mapping[str, Iterable[Act | None] | Callable[[bytes], Act | None]]

CAPABILITIES = (b"PIPELINING", b"SIZE 10240000", b"8BITMIME", b"DSN", b"AUTH PLAIN LOGIN")


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was taken; `content` without the dots that the wire added."""

    mail: bytes
    rcpt: bytes
    content: bytes
    connection: int


@dataclass(slots=True)
class Transcript:
    """What one connection brought."""

    commands: list[bytes] = field(default_factory=list)
    octets: bytearray = field(default_factory=bytearray)
    credentials: list[bytes] = field(default_factory=list)


class FaultServer:
    """See the module's docstring.

    Args:
        capabilities: what EHLO offers, without STARTTLS, which comes with `tls`.
        capabilities_in_tls: the same after STARTTLS; None = the same.
        tls: what STARTTLS leads to, or with `implicit` what the connection begins with.
        pieces: replies are written in pieces of so many octets; 0 = as they come.
        gather: the replies to a group are written at once.
        hang_up_after: messages per connection, then EOF (case 38).
        scram: who knows the account of AUTH SCRAM-SHA-256.
        tokens: what AUTH XOAUTH2 and OAUTHBEARER take; may change while it runs.
        stall: stop reading for good when content begins (a full socket); the stage "stall" says
            what is said then.
        sip: seconds between two reads of content.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        capabilities: tuple[bytes, ...] = CAPABILITIES,
        capabilities_in_tls: tuple[bytes, ...] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        pieces: int = 0,
        gather: bool = True,
        hang_up_after: int = 0,
        scram: ScramRelay | None = None,
        tokens: Collection[str] = (),
        stall: bool = False,
        sip: float = 0.0,
    ) -> None:
        self._script = {
            stage: acts if callable(acts) else iter(acts) for stage, acts in (script or {}).items()
        }
        self.capabilities = capabilities
        self.capabilities_in_tls = (
            capabilities if capabilities_in_tls is None else capabilities_in_tls
        )
        self.tls = tls
        self.implicit = implicit
        self.pieces = pieces
        self.gather = gather
        self.hang_up_after = hang_up_after
        self.scram = scram
        self.tokens = tokens
        self.stall = stall
        self.sip = sip
        self.port = 0
        self.messages: list[Received] = []
        self.connections: list[Transcript] = []
        self.violations: list[str] = []
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(5), "the fault server did not start"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def act(self, stage: str, line: bytes) -> Act:
        """What the script has for this occurrence of a stage."""
        acts = self._script.get(stage)
        if acts is None:
            return Act()
        return (acts(line) if callable(acts) else next(acts, None)) or Act()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(_Conversation(self, reader, writer).run())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(
            on_connection, "127.0.0.1", 0, ssl=self.tls if self.implicit else None
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Over(Exception):  # noqa: N818  no error: how a conversation ends
    pass


class _Conversation:
    def __init__(
        self, server: FaultServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._replies = b""
        self._secure = server.implicit
        self._mail = self._rcpt = b""
        self._taken = 0
        self._transcript = Transcript()
        self._number = len(server.connections)
        server.connections.append(self._transcript)

    async def run(self) -> None:
        try:
            await self._answer("banner", b"", b"220 fault.test ESMTP\r\n")
            while True:
                line = await self._line()
                self._transcript.commands.append(line)
                await self._command(line)
        except (_Over, ConnectionError):
            pass
        except asyncio.CancelledError:
            self._writer.transport.abort()  # close would wait for the client's end of TLS
            raise
        finally:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    # --- commands ---

    async def _command(self, line: bytes) -> None:
        verb = line.split(b" ")[0].upper()
        self._inspect(verb, line)
        match verb:
            case b"EHLO" | b"HELO":
                await self._answer(verb.decode(), line, self._greeting(verb))
            case b"STARTTLS":
                await self._start_tls(line)
            case b"AUTH":
                await self._authenticate(line)
            case b"MAIL":
                await self._on_mail(line)
            case b"RCPT":
                await self._on_rcpt(line)
            case b"DATA":
                await self._on_data(line)
            case b"RSET":
                self._mail = self._rcpt = b""
                await self._answer("RSET", line, b"250 2.0.0 Ok\r\n")
            case b"QUIT":
                await self._answer("QUIT", line, b"221 2.0.0 Bye\r\n")
                await self._flush()
                raise _Over
            case _:
                await self._answer("other", line, b"500 5.5.2 What?\r\n")

    def _greeting(self, verb: bytes) -> bytes:
        if verb == b"HELO":
            return b"250 fault.test\r\n"
        offered = list(self._offered())
        if self._server.tls and not self._secure:
            offered.append(b"STARTTLS")
        lines = [b"fault.test", *offered]
        return b"".join(
            b"250" + (b" " if line is lines[-1] else b"-") + line + b"\r\n" for line in lines
        )

    def _offered(self) -> tuple[bytes, ...]:
        secured = self._secure and not self._server.implicit
        return self._server.capabilities_in_tls if secured else self._server.capabilities

    async def _start_tls(self, line: bytes) -> None:
        code = await self._answer("STARTTLS", line, b"220 2.0.0 Ready\r\n")
        if code != b"220":
            return
        await self._flush()
        assert self._server.tls is not None
        try:
            await self._writer.start_tls(self._server.tls)
        except OSError:
            raise _Over from None
        self._secure = True

    async def _authenticate(self, line: bytes) -> None:
        mechanism, *said = line.split(b" ")[1:]
        welcome = True
        if mechanism == b"LOGIN":
            user = await self._challenge(b"VXNlcm5hbWU6")
            password = await self._challenge(b"UGFzc3dvcmQ6")
            self._transcript.credentials.append(b"\0".join(map(b64decode, (b"", user, password))))
        else:
            first = b64decode(said[0] if said else await self._challenge(b""))
            self._transcript.credentials.append(first)
            if mechanism == b"SCRAM-SHA-256":
                welcome = await self._scram(first)
            elif mechanism in {b"XOAUTH2", b"OAUTHBEARER"}:
                welcome = await self._bearer(first)
        usual = b"235 2.7.0 Welcome\r\n" if welcome else b"535 5.7.8 No\r\n"
        await self._answer("AUTH", line, usual)

    async def _scram(self, first: bytes) -> bool:
        relay = self._server.scram
        assert relay is not None, "a relay that offers SCRAM knows an account"
        final = await self._challenge(b64encode(relay.challenge(first)))
        proof = relay.verdict(b64decode(final))
        if proof is None:
            return False
        return await self._challenge(b64encode(proof)) == b""

    async def _bearer(self, first: bytes) -> bool:
        token = first.partition(b"auth=Bearer ")[2].partition(b"\1")[0].decode()
        if token in self._server.tokens:
            return True
        await self._challenge(b64encode(b'{"status":"401","schemes":"bearer"}'))
        return False

    async def _challenge(self, text: bytes) -> bytes:
        self._replies += b"334 " + text + b"\r\n"
        return await self._line()

    async def _on_mail(self, line: bytes) -> None:
        usual = b"503 5.5.1 nested MAIL\r\n" if self._mail else b"250 2.1.0 Ok\r\n"
        if await self._answer("MAIL", line, usual) == b"250":
            self._mail, self._rcpt = line, b""

    async def _on_rcpt(self, line: bytes) -> None:
        usual = b"250 2.1.5 Ok\r\n" if self._mail else b"503 5.5.1 MAIL first\r\n"
        if (await self._answer("RCPT", line, usual))[:1] == b"2":
            self._rcpt = line

    async def _on_data(self, line: bytes) -> None:
        usual = b"354 go on\r\n" if self._rcpt else b"554 5.5.1 no valid recipients\r\n"
        if await self._answer("DATA", line, usual) != b"354":
            return
        if self._server.stall:
            await self._flush()
            await self._answer("stall", line, b"")
            await self._flush()
            await asyncio.sleep(3600)
        raw = await self._content()
        act = self._server.act("dot", raw)
        usual = b"250 2.0.0 Ok: queued as %d\r\n" % len(self._server.messages)
        if act.store or (usual if act.octets is None else act.octets)[:1] == b"2":
            content = re.sub(rb"(?m)^\.", b"", raw)
            self._server.messages.append(Received(self._mail, self._rcpt, content, self._number))
        self._taken += 1
        self._mail = self._rcpt = b""
        await self._perform(act, usual)
        if self._taken == self._server.hang_up_after:
            await self._flush()
            raise _Over

    # --- rules ---

    def _inspect(self, verb: bytes, line: bytes) -> None:
        wrong = self._server.violations
        if len(line) + 2 > 512:
            wrong.append(f"X-8: {line[:40]!r} has {len(line) + 2} octets")
        if b"\r" in line or b"\n" in line:
            wrong.append(f"M-1: bare CR or LF in {line!r}")
        if self._buffer and verb in {b"EHLO", b"HELO", b"AUTH", b"STARTTLS", b"QUIT", b"DATA"}:
            wrong.append(f"S-20: {self._buffer[:40]!r} behind {line!r}")
        if self._buffer and b"PIPELINING" not in self._offered():
            wrong.append(f"S-23: {self._buffer[:40]!r} behind {line!r} and no PIPELINING")

    # --- reading and writing ---

    async def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            await self._read()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    async def _content(self) -> bytes:
        """Everything before the dot that stands alone, up to CRLF.CRLF exactly (X-9)."""
        text, searched = bytearray(b"\r\n"), 0
        while True:
            text += self._buffer
            self._buffer = b""
            end = text.find(b"\r\n.\r\n", searched)
            if end >= 0:
                break
            searched = max(0, len(text) - 4)
            await asyncio.sleep(self._server.sip)
            await self._read()
        self._buffer = bytes(text[end + 5 :])
        raw = bytes(text[2 : end + 2])
        if re.search(rb"\r(?!\n)|(?<!\r)\n", raw):
            self._server.violations.append("M-1: bare CR or LF in content")
        if self._buffer and b"PIPELINING" not in self._offered():
            self._server.violations.append("S-23: a command behind the dot and no PIPELINING")
        return raw

    async def _read(self) -> None:
        await self._flush()
        data = await self._reader.read(1 << 16)
        if not data:
            raise _Over
        self._transcript.octets += data
        self._buffer += data

    async def _answer(self, stage: str, line: bytes, usual: bytes) -> bytes:
        """Do what the script says; the code of the reply, if it is one."""
        return await self._perform(self._server.act(stage, line), usual)

    async def _perform(self, act: Act, usual: bytes) -> bytes:
        reply = usual if act.octets is None else act.octets
        if act.after:
            await self._flush()
            await asyncio.sleep(act.after)
        self._replies += reply
        if not self._server.gather or act.then is not Then.GO_ON:
            await self._flush()
        match act.then:
            case Then.DROP:
                raise _Over
            case Then.RESET:
                plain: socket.socket = self._writer.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._writer.transport.abort()
                raise _Over
            case Then.HANG:
                while await self._reader.read(1 << 16):
                    pass
                raise _Over
            case Then.GO_ON:
                return reply[:3]

    async def _flush(self) -> None:
        data, self._replies = self._replies, b""
        size = self._server.pieces or len(data) or 1
        for start in range(0, len(data), size):
            self._writer.write(data[start : start + size])
            await self._writer.drain()
            if self._server.pieces:
                await asyncio.sleep(0)
