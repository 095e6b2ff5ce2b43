"""What a conversation tells its owner.

Every message that was offered gets exactly one verdict: `Accepted`, `Refused`, `NotSent` or
`InDoubt`. An opened session ends with exactly one `Closing`; one that never opened, with
`HandshakeFailed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.model import Lost, Message, Phase, Reply
    from mailer.smtp.replies import Capabilities


@dataclass(frozen=True, slots=True)
class StartTls:
    """The relay is ready for TLS: wrap the socket, then call `Session.tls_started`."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done; messages may be offered."""

    capabilities: Capabilities


class AuthFault(StrEnum):
    """What is wrong when we are not let in for good (S-12)."""

    CREDENTIALS = "user or password"
    TOKEN = "access token"  # noqa: S105  its name
    GRANT = "refresh token"
    UNSET = "no refresh token"
    PROOF = "the relay's own proof"


class AuthError(Exception):
    """The exchange cannot go on; the text names no secret."""

    def __init__(self, reason: str, fault: AuthFault | None = None) -> None:
        super().__init__(reason)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """The session never opened. `configuration`: it is about us, trying again is no help.

    `fault` says more, where AUTH was tried and failed for good.
    """

    phase: Phase
    reply: Reply | Lost
    configuration: bool = False
    fault: AuthFault | None = None


@dataclass(frozen=True, slots=True)
class ContentWanted:
    """The relay took the envelope and waits for the content: commit the intent, then release it."""

    message: Message


@dataclass(frozen=True, slots=True)
class Accepted:
    """The relay has taken responsibility for the message."""

    message: Message
    reply: Reply


@dataclass(frozen=True, slots=True)
class Refused:
    """The relay said no, for now (4yz) or for good (5yz): at MAIL, RCPT, DATA or the final dot."""

    message: Message
    phase: Phase
    reply: Reply


@dataclass(frozen=True, slots=True)
class NotSent:
    """The relay certainly does not have the message: 421 or a loss before the content left."""

    message: Message
    phase: Phase
    lost: Lost | Reply


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Content and final dot left and no reply came: both sides may own the message (S-40)."""

    message: Message
    lost: Lost


@dataclass(frozen=True, slots=True)
class Closing:
    """Nothing more will come: a 421, nonsense or the loss of an opened session."""

    reply: Reply | Lost


Verdict = Accepted | Refused | NotSent | InDoubt
Event = StartTls | Opened | HandshakeFailed | ContentWanted | Verdict | Closing
