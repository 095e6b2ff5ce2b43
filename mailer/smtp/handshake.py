"""From the banner to a session that is open, or the reason why not. Bytes only, no socket.

::

    state      the relay says   then
    BANNER     2yz              EHLO
    EHLO       2yz              STARTTLS if it is demanded and not yet done, else AUTH if there is
                                a user, else Opened
               5yz              HELO (S-1)
    HELO       2yz              as after EHLO, with no capability
    STARTTLS   2yz              StartTls; then TLS
    TLS        anything         failed (S-11); `tls_started`: capabilities forgotten, EHLO
    AUTH       334              the next line of the mechanism (see `auth`), if there is one
               2yz              Opened, if the mechanism is content, too

Everything else fails. It is about us (`configuration`), and trying again is no help, when EHLO and
HELO, STARTTLS or AUTH get 5yz, when STARTTLS or AUTH is needed and not offered, or when the relay
does not prove what SCRAM asks of it: there is no fallback to less (S-10, S-12). Credentials leave
only over TLS, except where security is "none".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from mailer.model import Lost, Phase, Reply
from mailer.smtp.auth import NOBODY, Credentials, choose, redacted, wanted
from mailer.smtp.commands import MAX_COMMAND, Command
from mailer.smtp.events import AuthError, AuthFault, HandshakeFailed, Opened, StartTls
from mailer.smtp.replies import Capabilities, capabilities_of, reply_of

if TYPE_CHECKING:
    from mailer.smtp.auth import Mechanism


class _State(Enum):
    BANNER = auto()
    EHLO = auto()
    HELO = auto()
    STARTTLS = auto()
    TLS = auto()
    AUTH = auto()


_PHASE: Final = {
    _State.BANNER: Phase.BANNER,
    _State.EHLO: Phase.EHLO,
    _State.HELO: Phase.EHLO,
    _State.STARTTLS: Phase.STARTTLS,
    _State.TLS: Phase.STARTTLS,
    _State.AUTH: Phase.AUTH,
}
_ABOUT_US: Final = {_State.HELO, _State.STARTTLS, _State.AUTH}  # when they get 5yz


class Handshake:
    """The handshake as a function of replies: `answer` gives the next command or the end."""

    __slots__ = (
        *("_capabilities", "_held", "_helo", "_mechanism"),
        *("_secrets", "_secure", "_state", "_who"),
    )

    def __init__(self, *, helo: str, security: str, credentials: Credentials = NOBODY) -> None:
        if not helo.isascii() or not helo.isprintable() or not helo or " " in helo:
            raise ValueError(f"not a host name or address literal: {helo!r}")
        self._helo = helo
        self._who = credentials
        self._secure = security != "starttls"  # "none" counts as it was asked for (S-10)
        self._state = _State.BANNER
        self._capabilities = Capabilities()
        self._mechanism: Mechanism | None = None
        self._held: bytes | None = None  # first words that are too long for a command (R4954 §4)
        password, token = credentials.password, credentials.token
        self._secrets = {password, _base64(password), token}  # and what was said of them

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        return _PHASE[self._state]

    @property
    def in_tls(self) -> bool:
        """Whether the owner has to do the TLS handshake now, so that no plain byte may come."""
        return self._state is _State.TLS

    def tls_started(self) -> Command:
        """The socket is wrapped and verified: what was said before does not count (S-1)."""
        self._secure = True
        self._capabilities = Capabilities()
        return self._greet(_State.EHLO)

    def answer(
        self, code: int, lines: list[bytes]
    ) -> Command | StartTls | Opened | HandshakeFailed:
        """What follows from a reply."""
        kind = code // 100
        if self._state is _State.EHLO and kind == 5:  # noqa: PLR2004  5yz: permanent, try HELO
            return self._greet(_State.HELO)
        if self._state is _State.AUTH and code == 334:  # noqa: PLR2004  the relay asks
            return self._respond(lines[-1])
        if kind != 2:  # noqa: PLR2004  2yz: completed
            return self.failed(reply_of(code, lines))
        return self._completed(lines)

    def _completed(self, lines: list[bytes]) -> Command | StartTls | Opened | HandshakeFailed:
        match self._state:
            case _State.BANNER:
                return self._greet(_State.EHLO)
            case _State.EHLO:
                self._capabilities = capabilities_of(lines)
                return self._after_greeting()
            case _State.HELO:
                return self._after_greeting()
            case _State.STARTTLS:
                self._state = _State.TLS
                return StartTls()
            case _State.TLS | _State.AUTH:
                return self._let_in()

    def failed(self, said: Reply | Lost) -> HandshakeFailed:
        """The end: of a reply that refuses, of nonsense or of a loss."""
        about_us = isinstance(said, Reply) and said.kind == 5 and self._state in _ABOUT_US  # noqa: PLR2004  5yz
        if self._state is not _State.AUTH:
            return HandshakeFailed(self.phase, said, about_us)
        fault = self._who.fault if about_us else None
        return HandshakeFailed(self.phase, self._redacted(said), about_us, fault)

    def _redacted(self, said: Reply | Lost) -> Reply | Lost:
        """Some relays repeat what they refuse; credentials never reach a log (S-12)."""
        if isinstance(said, Reply):
            return replace(said, text=redacted(said.text, self._secrets))
        return Lost(reason=redacted(said.reason, self._secrets))

    def _greet(self, state: _State) -> Command:
        self._state = state
        return Phase.EHLO, f"{state.name} {self._helo}\r\n".encode("ascii")

    def _after_greeting(self) -> Command | Opened | HandshakeFailed:
        if not self._secure:
            if not self._capabilities.starttls:
                return _impossible(Phase.STARTTLS, "the relay does not offer STARTTLS")
            self._state = _State.STARTTLS
            return Phase.STARTTLS, b"STARTTLS\r\n"
        if not self._who.user:
            return Opened(self._capabilities)
        return self._authenticate()

    # --- AUTH ------------------------------------------------------------------------------------

    def _authenticate(self) -> Command | HandshakeFailed:
        self._mechanism = choose(self._who, self._capabilities.auth)
        if self._mechanism is None:
            reason = f"the relay offers no AUTH of these: {wanted(self._who)}"
            return _impossible(Phase.AUTH, reason)
        self._state = _State.AUTH
        command = f"AUTH {self._mechanism.name}".encode("ascii")
        self._held = self._mechanism.first()
        if self._held is not None:
            at_once = command + b" " + self._encoded(self._held)
            if len(at_once) + 2 <= MAX_COMMAND:
                command, self._held = at_once, None
        return Phase.AUTH, command + b"\r\n"

    def _respond(self, line: bytes) -> Command | HandshakeFailed:
        assert self._mechanism is not None
        said, self._held = self._held, None
        if said is None:
            self._secrets.add(line.decode("ascii", "replace"))
            try:
                said = self._mechanism.answer(_challenge(line))
            except AuthError as error:
                return self._gave_up(str(error), error.fault)
            self._secrets |= {said.decode("utf-8", "replace")} - {self._who.user}
        return Phase.AUTH, self._encoded(said) + b"\r\n"

    def _let_in(self) -> Opened | HandshakeFailed:
        assert self._mechanism is not None
        if not self._mechanism.complete:
            reason = "the relay let us in before it had proved that it knows us"
            return self._gave_up(reason, AuthFault.PROOF)
        self._who, self._mechanism = NOBODY, None
        self._secrets.clear()
        return Opened(self._capabilities)

    def _gave_up(self, reason: str, fault: AuthFault | None) -> HandshakeFailed:
        return HandshakeFailed(self.phase, Lost(reason=reason), fault is not None, fault)

    def _encoded(self, said: bytes) -> bytes:
        encoded = b64encode(said)
        self._secrets.add(encoded.decode("ascii"))
        return encoded


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _challenge(line: bytes) -> bytes:
    try:
        return b64decode(line.strip(), validate=True)
    except ValueError:
        return line  # some relays ask for LOGIN's words in clear; SCRAM takes nothing of the kind


def _impossible(phase: Phase, reason: str) -> HandshakeFailed:
    return HandshakeFailed(phase, Lost(reason=reason), configuration=True)
