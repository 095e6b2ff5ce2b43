"""The socket under a session: connect, TLS, timeouts per phase. The only module that opens one.

Bytes go to the session as they are read and its events go to the owner at once, synchronously. A
write is whatever the session has to say: the owner decides by `flush` what shares one (S-20).
Reading goes on while a large content is still being written (S-22). TCP_NODELAY is asyncio's own
default; a test holds it to that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from mailer.model import Lost, Phase
from mailer.smtp.events import (
    Closing,
    Event,
    HandshakeFailed,
    Opened,
    Refused,
    StartTls,
)
from mailer.smtp.session import Session
from mailer.smtp.timeouts import TIMEOUTS, Alarm, Timeouts
from mailer.smtp.trust import HandshakeError, failure, is_this_machine, trusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.config import RelayConfig
    from mailer.model import Message
    from mailer.smtp.replies import Capabilities

__all__ = ["TIMEOUTS", "Connection", "HandshakeError", "Timeouts"]

_HAPPY_EYEBALLS: Final = (
    0.25  # seconds before the next address is tried beside the first (R8305 §5)
)


class Connection(asyncio.Protocol):
    """One open conversation with one relay; made by `open`.

    Attributes:
        handed_over: messages whose content was released.
        rejected_rcpts: messages that were refused at RCPT TO (S-4).
        opened_at: loop time at which the handshake was done.
        closed: it has ended, and every message has had its verdict.
    """

    def __init__(
        self,
        relay: RelayConfig,
        *,
        on_event: Callable[[Connection, Event], None],
        timeouts: Timeouts,
        helo: str,
    ) -> None:
        self._relay = relay
        self._on_event = on_event
        self._timeouts = timeouts
        self._session = Session(
            helo=helo, security=relay.security, user=relay.user, password=relay.password
        )
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._steps: asyncio.Queue[Event] = asyncio.Queue()  # of the handshake
        self._gone = asyncio.Event()
        self._alarm = Alarm(self._loop, self._too_late)
        self._answered = 0  # the session's count when the alarm was set
        self._unsent: int | None = None  # octets in the write buffer; None: all went out
        self.handed_over = 0
        self.rejected_rcpts = 0
        self.opened_at = 0.0
        self.closed = False

    @classmethod
    async def open(
        cls,
        relay: RelayConfig,
        *,
        on_event: Callable[[Connection, Event], None],
        timeouts: Timeouts = TIMEOUTS,
        helo: str,
    ) -> Self:
        """Connect, secure, authenticate.

        `on_event` hears every later event, from within `data_received`, `abort` and timers; it must
        not raise. The last one is `Closing`, unless the end is a `quit`. `helo` is our own host
        name or address literal (S-1).

        Raises:
            HandshakeError: no session; the socket is closed.
        """
        connection = cls(relay, on_event=on_event, timeouts=timeouts, helo=helo)
        try:
            await connection._connect()
            await connection._shake_hands()
        except BaseException:
            connection.abort()
            raise
        return connection

    # --- what the owner does ---------------------------------------------------------------------

    @property
    def capabilities(self) -> Capabilities:
        """What the relay offers."""
        return self._session.capabilities

    @property
    def pipelining(self) -> bool:
        """Whether the relay offers PIPELINING; the owner's calls are the same in both cases."""
        return self._session.capabilities.pipelining

    @property
    def ready(self) -> bool:
        """Whether `offer` may be called."""
        return self._session.ready

    @property
    def wanted(self) -> bool:
        """Whether `content` may be called; a later event of the same packet may have ended it."""
        return self._session.wanted

    def offer(self, message: Message) -> None:
        """Queue the envelope of a message; see `Session.offer`."""
        self._session.offer(message)

    def content(self) -> None:
        """Queue the content that is wanted; see `Session.content`."""
        self._session.content()
        self.handed_over += 1

    def flush(self) -> None:
        """Write everything that is queued, at once."""
        data = self._session.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
        self._watch()

    async def quit(self) -> None:
        """Take leave and close (S-5); if something is still under way, `abort`."""
        if self._session.idle:
            self.closed = True
            self._session.quit()
            self.flush()
            try:
                async with asyncio.timeout(self._timeouts.quit):
                    await self._gone.wait()
            except TimeoutError:
                pass  # it had its time
        self.abort()

    def abort(self) -> None:
        """Close now; messages under way get their verdicts before this returns."""
        self._lose("closed by us")

    # --- what asyncio tells us -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected and, with "implicit", encrypted."""
        assert isinstance(transport, asyncio.Transport)
        self._use(transport)
        if self._relay.security == "none" and not self._relay.insecure:
            peer = transport.get_extra_info("peername")
            if peer is None:
                self._lose("the relay closed the connection")
                return
            if not is_this_machine(peer[0]):
                reason = f"{self._relay.host} is not this machine, and would be talked to in clear"
                self._tell([HandshakeFailed(Phase.CONNECT, Lost(reason=reason), True)])  # S-10
                transport.abort()
                return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes were read: tell the owner what they mean, then write what follows by itself."""
        self._tell(self._session.receive(data))
        self.flush()
        if self._session.closed:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, whoever closed it."""
        self._gone.set()
        self._lose(f"connection lost: {exc}" if exc else "the relay closed the connection")

    def pause_writing(self) -> None:
        """The relay takes less than we have: from now on progress is watched."""
        assert self._transport is not None
        self._unsent = self._transport.get_write_buffer_size()
        self._alarm.set(self._timeouts.block)

    def resume_writing(self) -> None:
        """Everything is out: the time of the next reply begins now."""
        self._unsent = None
        self._alarm.stop()
        self._watch()

    # --- handshake -------------------------------------------------------------------------------

    async def _connect(self) -> None:
        host, implicit = self._relay.host, self._relay.security == "implicit"
        try:
            async with asyncio.timeout(self._timeouts.connect):
                await self._loop.create_connection(
                    lambda: self,
                    host,
                    self._relay.port,
                    ssl=trusted() if implicit else None,
                    happy_eyeballs_delay=_HAPPY_EYEBALLS,
                )
        except (OSError, UnicodeError) as error:  # UnicodeError: the name is no host name
            raise failure(Phase.CONNECT, error, self._timeouts.connect) from error

    async def _shake_hands(self) -> None:
        step = await self._steps.get()
        if isinstance(step, StartTls):
            await self._start_tls()
            step = await self._steps.get()
        if isinstance(step, HandshakeFailed):
            raise HandshakeError(step.phase, step.reply, step.configuration)
        if self._session.closed:  # opened, and closed again in the same breath
            raise HandshakeError(Phase.AUTH, Lost(reason="closed right after it opened"), False)
        self.opened_at = self._loop.time()

    async def _start_tls(self) -> None:
        assert self._transport is not None
        if self._session.closed:
            return  # the next step says why
        try:
            async with asyncio.timeout(self._timeouts.connect):
                transport = await self._loop.start_tls(
                    self._transport,
                    self,
                    trusted(),
                    server_hostname=self._relay.host,
                )
        except OSError as error:
            raise failure(Phase.STARTTLS, error, self._timeouts.connect) from error
        assert transport is not None
        self._use(transport)
        self._session.tls_started()
        self.flush()

    def _use(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # pause_writing as soon as anything is left over, resume_writing when nothing is.
        transport.set_write_buffer_limits(high=1, low=0)

    # --- events and the end ----------------------------------------------------------------------

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case StartTls():
                    assert self._transport is not None
                    self._transport.pause_reading()  # the next bytes are TLS's
                    self._steps.put_nowait(event)
                case Opened() | HandshakeFailed():
                    self._steps.put_nowait(event)
                case Refused(phase=Phase.RCPT):
                    self.rejected_rcpts += 1
                    self._on_event(self, event)
                case Closing():
                    self.closed = True
                    self._on_event(self, event)
                case _:
                    self._on_event(self, event)

    def _close(self) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # the relay no longer reads, and close would wait for it
        else:
            self._transport.close()

    def _lose(self, reason: str) -> None:
        self._alarm.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._tell(self._session.lost(reason))

    # --- timeouts --------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Give the awaited reply its time; a deadline that runs stays until its reply has come."""
        phase = self._session.awaiting
        if self._unsent is not None:
            return
        if phase is None or self._session.closed:
            self._alarm.stop()
        elif not self._alarm.is_set or self._answered != self._session.answered:
            self._answered = self._session.answered
            self._alarm.set(self._timeouts.of(phase))

    def _too_late(self) -> None:
        if self._unsent is None:
            phase = self._session.awaiting or Phase.CONNECT
            self._lose(f"no reply to {phase} within {self._timeouts.of(phase):g} s")
            return
        assert self._transport is not None
        left = self._transport.get_write_buffer_size()
        if left >= self._unsent:
            self._lose(f"the relay took no data for {self._timeouts.block:g} s")
            return
        self._unsent = left
        self._alarm.set(self._timeouts.block)
