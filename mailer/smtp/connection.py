"""The socket under a session: connect, TLS, timeouts per phase. Only this opens one to a relay.

Bytes go to the session as they are read and its events go to the owner at once, synchronously. A
write is whatever the session has to say: the owner decides by `flush` what shares one (S-20).
Reading goes on while a large content is still being written (S-22). TCP_NODELAY is asyncio's own
default; a test holds it to that.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final, Self

from mailer.model import Lost, Phase
from mailer.smtp.auth import NOBODY, Credentials
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    HandshakeFailed,
    Opened,
    Refused,
    StartTls,
)
from mailer.smtp.oauth import with_token
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
        credentials: Credentials = NOBODY,
    ) -> None:
        self._relay = relay
        self._on_event = on_event
        self._timeouts = timeouts
        self._session = Session(helo=helo, security=relay.security, credentials=credentials)
        self._loop = asyncio.get_running_loop()
        self._layers: list[asyncio.Transport] = []  # the socket and, over it, TLS
        self._early: list[bytes] | None = None  # read through TLS before it is ours; None: not now
        self._steps: asyncio.Queue[Event] = asyncio.Queue()  # of the handshake
        self._untold: deque[Event] = deque()
        self._telling = False
        self._gone = asyncio.Event()
        self._alarm = Alarm(self._loop, self._too_late)
        self._answered = 0  # the session's count when the alarm was set
        self._unsent = 0  # octets that were not out when the alarm was set
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

        An access token that the relay refuses although it should still be valid is renewed once
        (S-12).

        Raises:
            HandshakeError: no session; the socket is closed.
        """

        async def attempt(token: str = "") -> Self:
            who = Credentials(
                user=relay.user,
                password=relay.password,
                token=token,
                host=relay.host,
                port=relay.port,
                nonce=token_urlsafe(24),
            )
            connection = cls(
                relay, on_event=on_event, timeouts=timeouts, helo=helo, credentials=who
            )
            return await connection._begin()

        if relay.oauth is None:
            return await attempt()
        return await with_token(relay.oauth, attempt)

    async def _begin(self) -> Self:
        try:
            await self._connect()
            await self._shake_hands()
        except BaseException:
            self.abort()
            raise
        return self

    # --- what the owner does ---------------------------------------------------------------------

    @property
    def capabilities(self) -> Capabilities:
        """What the relay offers."""
        return self._session.capabilities

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
        if data:
            self._layers[-1].write(data)
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
        """Close now; messages under way get their verdicts before this returns.

        From within `on_event`: after the events that are on their way already.
        """
        self._lose("closed by us")

    # --- what asyncio tells us -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected; with "implicit", nothing may be read from it before TLS."""
        assert isinstance(transport, asyncio.Transport)
        self._layers.append(transport)
        if self._relay.security == "implicit":
            transport.pause_reading()
            return
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
        if self._early is not None:
            self._early.append(data)
            return
        self._tell(self._session.receive(data))
        self.flush()
        if self._session.closed:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, whoever closed it."""
        self._gone.set()
        self._lose(f"connection lost: {exc}" if exc else "the relay closed the connection")

    # --- handshake -------------------------------------------------------------------------------

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._timeouts.connect):
                await self._loop.create_connection(
                    lambda: self,
                    self._relay.host,
                    self._relay.port,
                    # Python's race of addresses loses the winner's socket if it is cancelled in
                    # that instant; where there is one address, there is nothing to race.
                    happy_eyeballs_delay=None if _is_address(self._relay.host) else _HAPPY_EYEBALLS,
                )
        except (OSError, UnicodeError) as error:  # UnicodeError: the name is no host name
            raise failure(Phase.CONNECT, error, self._timeouts.connect) from error

    async def _shake_hands(self) -> None:
        if self._relay.security == "implicit":
            await self._wrap(Phase.CONNECT)
        step = await self._steps.get()
        if isinstance(step, StartTls):
            await self._wrap(Phase.STARTTLS)
            step = await self._steps.get()
        if isinstance(step, HandshakeFailed):
            raise HandshakeError(step.phase, step.reply, step.configuration, step.fault)
        if self._session.closed:  # opened, and closed again in the same breath
            raise HandshakeError(Phase.AUTH, Lost(reason="closed right after it opened"), False)
        self.opened_at = self._loop.time()

    async def _wrap(self, phase: Phase) -> None:
        if self._session.closed:
            return  # the next step says why
        self._early = []
        try:
            async with asyncio.timeout(self._timeouts.connect):
                transport = await self._loop.start_tls(
                    self._layers[0], self, trusted(), server_hostname=self._relay.host
                )
        except OSError as error:
            raise failure(phase, error, self._timeouts.connect) from error
        assert transport is not None
        self._layers.append(transport)
        if phase is Phase.STARTTLS:
            self._session.tls_started()
        early, self._early = b"".join(self._early), None
        self.data_received(early)

    # --- events and the end ----------------------------------------------------------------------

    def _tell(self, events: list[Event]) -> None:
        """Pass events on in order, also those that the owner causes while it hears of others."""
        self._untold += events
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                self._pass_on(self._untold.popleft())
        finally:
            self._telling = False

    def _pass_on(self, event: Event) -> None:
        match event:
            case Accepted() | ContentWanted():  # most are one of these
                pass
            case StartTls() | Opened() | HandshakeFailed():
                self._steps.put_nowait(event)
                return
            case Refused(phase=Phase.RCPT):
                self.rejected_rcpts += 1
            case Closing():
                self.closed = True
            case _:
                pass
        self._on_event(self, event)

    def _close(self) -> None:
        if self._backlog():
            self._layers[-1].abort()  # the relay no longer reads, and close would wait for it
        else:
            self._layers[-1].close()

    def _lose(self, reason: str) -> None:
        self._alarm.cancel()
        if self._layers:
            self._layers[-1].abort()
        self._tell(self._session.lost(reason))

    # --- timeouts --------------------------------------------------------------------------------

    def _backlog(self) -> int:
        """Octets that were written and that the operating system has not taken yet."""
        return sum([layer.get_write_buffer_size() for layer in self._layers])

    def _watch(self) -> None:
        """Set the alarm for the awaited reply, from when the last octet was out.

        A deadline that runs stays until its reply has come, or while there is a backlog.
        """
        phase = self._session.awaiting
        if phase is None or self._session.closed:
            self._alarm.stop()
            return
        backlog = self._backlog()
        if backlog and not self._unsent:
            self._unsent = backlog
            self._alarm.set(self._timeouts.block)
        elif not backlog and (
            self._unsent or not self._alarm.is_set or self._answered != self._session.answered
        ):
            self._unsent = 0
            self._answered = self._session.answered
            self._alarm.set(self._timeouts.of(phase))

    def _too_late(self) -> None:
        if not self._unsent:
            phase = self._session.awaiting or Phase.CONNECT
            self._lose(f"no reply to {phase} within {self._timeouts.of(phase):g} s")
        elif self._backlog() >= self._unsent:
            self._lose(f"the relay took no data for {self._timeouts.block:g} s")
        else:  # some of it went out, or all
            self._unsent = 0
            self._watch()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
