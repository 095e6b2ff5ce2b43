"""One conversation with one relay, sans-IO: it is fed bytes and asked for bytes.

No socket, no clock, no asyncio; `connection` adds them. After the handshake (see `handshake`) two
places hold messages::

    offered   between `offer` and its refusal, or until `content` releases it
    current   between `content` and its verdict: never more than one (S-41)

and `awaited` lists the phases whose replies must still come, in order (R2920 §3.1). What a reply
means depends on its phase and on whether the message that it speaks of is still there::

    phase   2yz, 354 at DATA       4yz, 5yz              the message was refused before
    RSET    -                      -                     -
    MAIL    (RCPT)                 Refused               -
    RCPT    (DATA)                 Refused, RSET next    -
    DATA    ContentWanted          Refused, RSET next    354: only the dot (S-21)
    DOT     Accepted               Refused               - (S-21: the empty message)
    QUIT    closed                 closed                -

    421 at any time, a reply that nobody awaits, nonsense, loss: every message gets its verdict,
    then Closing:

        offered                              NotSent (content wanted, and 4yz or 5yz: Refused)
        current, 421 as the reply to it      Refused (the reply was seen: not in doubt)
        current, dot not handed out          NotSent
        current, dot handed out              InDoubt (S-40)

Brackets mean "sent now, unless the group was already sent". With PIPELINING a group RSET, MAIL,
RCPT, DATA is one write and may follow a final dot in the same write (S-20), but nothing follows
DATA before its reply. Without PIPELINING each line waits for the reply to the one before (S-23).
The calls are the same in both cases.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

from mailer.model import Lost, Phase, Reply
from mailer.smtp.auth import NOBODY, Credentials
from mailer.smtp.commands import Command, envelope, transparent
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    HandshakeFailed,
    InDoubt,
    NotSent,
    Opened,
    Refused,
    StartTls,
    Verdict,
)
from mailer.smtp.handshake import Handshake
from mailer.smtp.replies import Capabilities, ProtocolError, ReplyParser, reply_of

if TYPE_CHECKING:
    from mailer.model import Message

__all__ = [
    "Accepted",
    "Capabilities",
    "Closing",
    "ContentWanted",
    "Event",
    "HandshakeFailed",
    "InDoubt",
    "NotSent",
    "Opened",
    "Refused",
    "Session",
    "StartTls",
    "Verdict",
]

_CLOSING: Final = 421
_CHALLENGE: Final = 334
_CANCEL: Final = b"*\r\n"  # R4954 §4: the relay waits for words of AUTH, not for a command
_START_MAIL: Final = 354
_FAILURE: Final = 400  # 4yz and 5yz
_GROUP: Final = (Phase.DOT, Phase.MAIL, Phase.RCPT, Phase.DATA)
_LINE: Final = rb" [^\r\n]{0,500}\r\n"
_ALL_WELL: Final = re.compile(
    rb"250 ([^\r\n]{0,500})\r\n250" + _LINE + rb"250" + _LINE + rb"354" + _LINE
).fullmatch


class Session:
    """The conversation; see the table above."""

    def __init__(self, *, helo: str, security: str, credentials: Credentials = NOBODY) -> None:
        self._handshake: Handshake | None = Handshake(
            helo=helo, security=security, credentials=credentials
        )
        self._replies = ReplyParser()
        self._out: list[bytes] = []
        self._awaited = deque([Phase.BANNER])
        self._handed = 1  # how many of `awaited` answer something that was handed out
        self._offered: Message | None = None
        self._begun = False  # something of the offered envelope was put out
        self._wanted = False  # the relay waits for the content of the offered message
        self._current: Message | None = None
        self._commands: list[Command] = []  # of the offered envelope, not put out yet
        self._aborted = False  # the relay still holds a transaction: RSET before the next (S-5)
        self._leaving = False
        self.capabilities = Capabilities()
        self.closed = False
        self.answered = 0  # replies so far; a clock beside the session measures from their arrival

    @property
    def ready(self) -> bool:
        """Whether `offer` may be called."""
        ended = self.closed or self._leaving
        return self._handshake is None and not ended and self._offered is None

    @property
    def wanted(self) -> bool:
        """Whether `content` may be called: `ContentWanted` came, and nothing has ended it since."""
        return self._wanted and not self.closed

    @property
    def idle(self) -> bool:
        """Whether it is open and nothing is under way."""
        return self.ready and self._current is None and not self._awaited

    @property
    def awaiting(self) -> Phase | None:
        """The phase of the next reply; None if it is our turn."""
        return self._awaited[0] if self._awaited else None

    # --- bytes and losses come in, bytes go out --------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Take what was read; give what it means, in order."""
        events: list[Event] = []
        try:
            if self._handshake is not None and self._handshake.in_tls:
                raise ProtocolError("plaintext after the reply to STARTTLS")  # S-11  # noqa: TRY301
            if self._all_well(data, events):
                return events
            self._replies.feed(data)
            while not self.closed and (reply := self._replies.next_reply()) is not None:
                self._answer(*reply, events)
        except ProtocolError as error:
            events += self.lost(str(error))
        return events

    def data_to_send(self) -> bytes:
        """Everything that is to be written now; from here on it counts as handed out.

        The content is copied once, here: one write is one segment train, and at 40 KB the copy
        takes a microsecond.
        """
        if not self._out:
            return b""
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._handed = len(self._awaited)
        return data

    def lost(self, reason: str) -> list[Event]:
        """The connection is gone, for this reason: every message gets its verdict. Idempotent."""
        events: list[Event] = []
        if not self.closed:
            self._end(Lost(reason=reason), events)
        return events

    def tls_started(self) -> None:
        """The socket is wrapped and the relay's certificate verified; the answer to `StartTls`."""
        assert self._handshake is not None
        self._put(*self._handshake.tls_started())

    # --- messages --------------------------------------------------------------------------------

    def offer(self, message: Message) -> None:
        """Queue the envelope; `ContentWanted`, `Refused` or `NotSent` follows.

        Raises:
            ValueError: an address or content that must not be written to a relay (X-8, S-13).
        """
        assert self.ready
        self._commands = envelope(message, self.capabilities)
        self._offered = message
        self._pump()

    def content(self) -> None:
        """Release the content of the message that is wanted; its intent is committed (S-41)."""
        assert self.wanted
        assert self._offered is not None
        self._current, self._offered = self._offered, None
        self._begun = self._wanted = False
        message = self._current
        self._out += message.pieces if message.vouched else [transparent(message.content)]
        self._put(Phase.DOT, b".\r\n")

    def quit(self) -> None:
        """Take leave; only when `idle`."""
        assert self.idle
        self._leaving = True
        self._put(Phase.QUIT, b"QUIT\r\n")

    def _pump(self) -> None:
        """Put out what may go now: with PIPELINING the whole group, else one line (S-20, S-23)."""
        grouped = self.capabilities.pipelining
        if self._awaited and not (grouped and self._awaited[-1] is Phase.DOT):
            return  # the reply to DATA decides whether a command may follow, or only a dot
        if self._aborted:
            self._aborted = False
            self._commands.insert(0, (Phase.RSET, b"RSET\r\n"))
        self._begun = True
        now = self._commands if grouped else self._commands[:1]
        self._commands = self._commands[len(now) :]
        self._awaited += [phase for phase, _ in now]
        self._out += [line for _, line in now]

    def _put(self, phase: Phase, line: bytes) -> None:
        self._out.append(line)
        self._awaited.append(phase)

    # --- replies ---------------------------------------------------------------------------------

    def _all_well(self, data: bytes, events: list[Event]) -> bool:
        """Whether that was what nearly always comes, read at once in a third of the time.

        One message is accepted, and the next one's content wanted.
        """
        if self._current is None or self._handed != len(_GROUP) or self._replies.pending:
            return False
        found = _ALL_WELL(data)
        if found is None or tuple(self._awaited) != _GROUP:
            return False
        assert self._offered is not None
        self.answered += self._handed
        self._awaited.clear()
        self._handed = 0
        events.append(Accepted(self._current, reply_of(250, [found[1]])))
        events.append(ContentWanted(self._offered))
        self._current, self._wanted = None, True
        return True

    def _answer(self, code: int, lines: list[bytes], events: list[Event]) -> None:
        self.answered += 1
        if not self._handed and code != _CLOSING:
            if self.wanted and code >= _FAILURE:  # the content is refused before it is there
                self._refuse(Phase.DATA, code, lines, events)
            raise ProtocolError(f"a reply that answers nothing: {reply_of(code, lines)}")
        if self._handshake is not None:
            self._on_handshake(self._handshake, code, lines, events)
            return
        if code == _CLOSING:
            self._end(reply_of(code, lines), events)
            return
        phase = self._awaited[0]
        if phase is Phase.DOT:
            self._on_dot(code, lines, events)
        elif phase is Phase.DATA:
            self._on_data(code, lines, events)
        elif phase is Phase.QUIT:
            self.closed = True
        elif phase is not Phase.RSET:  # its reply changes nothing (standards §3.3)
            self._on_envelope(phase, code, lines, events)
        self._awaited.popleft()
        self._handed -= 1
        if self._commands:
            self._pump()

    def _on_handshake(
        self, handshake: Handshake, code: int, lines: list[bytes], events: list[Event]
    ) -> None:
        self._awaited.clear()
        self._handed = 0
        step = handshake.answer(code, lines)
        if isinstance(step, tuple):
            self._put(*step)
            return
        if isinstance(step, StartTls) and self._replies.pending:
            raise ProtocolError("plaintext after the reply to STARTTLS")  # S-11
        if isinstance(step, Opened):
            self._handshake = None
            self.capabilities = step.capabilities
        if isinstance(step, HandshakeFailed):
            self.closed = True
            if code != _CLOSING:  # S-5; the reply no longer matters
                self._out.append(_CANCEL if code == _CHALLENGE else b"QUIT\r\n")
        events.append(step)

    def _on_envelope(
        self, phase: Phase, code: int, lines: list[bytes], events: list[Event]
    ) -> None:
        if not self._begun:
            return  # S-21
        if code >= _FAILURE:
            self._refuse(phase, code, lines, events)
        elif code >= 300:  # noqa: PLR2004  3yz: nothing that MAIL or RCPT can mean
            raise ProtocolError(f"{phase} was answered {code}")

    def _on_data(self, code: int, lines: list[bytes], events: list[Event]) -> None:
        if not self._begun:
            if code == _START_MAIL:  # S-21: no content, only the dot, which ends the transaction
                self._aborted = False
                self._put(Phase.DOT, b".\r\n")
        elif code == _START_MAIL:
            assert self._offered is not None
            self._wanted = True
            events.append(ContentWanted(self._offered))
        elif code >= _FAILURE:
            self._refuse(Phase.DATA, code, lines, events)
        else:
            raise ProtocolError(f"{Phase.DATA} was answered {code}")

    def _on_dot(self, code: int, lines: list[bytes], events: list[Event]) -> None:
        message = self._current
        if message is None:
            return  # S-21
        if code < 300:  # noqa: PLR2004  2yz
            events.append(Accepted(message, reply_of(code, lines)))
        elif code >= _FAILURE:
            events.append(Refused(message, Phase.DOT, reply_of(code, lines)))
        else:
            raise ProtocolError(f"{Phase.DOT} was answered {code}")
        self._current = None

    def _refuse(self, phase: Phase, code: int, lines: list[bytes], events: list[Event]) -> None:
        assert self._offered is not None
        events.append(Refused(self._offered, phase, reply_of(code, lines)))
        self._offered = None
        self._begun = False
        self._commands.clear()
        self._aborted = phase is not Phase.MAIL

    # --- the end ---------------------------------------------------------------------------------

    def _end(self, said: Reply | Lost, events: list[Event]) -> None:
        self.closed = True
        self._out.clear()
        if self._handshake is not None:
            events.append(self._handshake.failed(said))
            return
        if self._leaving:
            return
        if self._current is not None:
            events.append(self._verdict(self._current, said))
        if self._offered is not None:
            events.append(NotSent(self._offered, self._phase_of_offered(), said))
        events.append(Closing(said))

    def _verdict(self, current: Message, said: Reply | Lost) -> Verdict:
        if not self._handed:
            return NotSent(current, Phase.DATA, said)
        if isinstance(said, Reply):
            return Refused(current, Phase.DOT, said)
        return InDoubt(current, said)

    def _phase_of_offered(self) -> Phase:
        if not self._begun:
            return Phase.MAIL
        for phase in self._awaited:
            if phase is not Phase.DOT:
                return Phase.MAIL if phase is Phase.RSET else phase
        return Phase.DATA
