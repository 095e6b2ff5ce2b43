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
    AUTH       334              the next line of the mechanism, if there is one
               2yz              Opened

Everything else fails. It is about us (`configuration`), and trying again is no help, when EHLO and
HELO, STARTTLS or AUTH get 5yz, or when STARTTLS or AUTH is needed and not offered: there is no
fallback to less (S-10, S-12). Credentials leave only over TLS, except where security is "none".
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from mailer.model import Lost, Phase, Reply
from mailer.smtp.commands import MAX_COMMAND, Command
from mailer.smtp.events import HandshakeFailed, Opened, StartTls
from mailer.smtp.replies import Capabilities, capabilities_of, reply_of


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

    __slots__ = ("_auth_lines", "_capabilities", "_helo", "_password", "_secure", "_state", "_user")

    def __init__(self, *, helo: str, security: str, user: str, password: str) -> None:
        if not helo.isascii() or not helo.isprintable() or not helo or " " in helo:
            raise ValueError(f"not a host name or address literal: {helo!r}")
        self._helo = helo
        self._user = user
        self._password = password
        self._secure = security != "starttls"  # "none" counts as it was asked for (S-10)
        self._state = _State.BANNER
        self._capabilities = Capabilities()
        self._auth_lines: list[bytes] = []

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
        if self._state is _State.AUTH and code == 334 and self._auth_lines:  # noqa: PLR2004
            return Phase.AUTH, self._auth_lines.pop(0)
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
                return self._opened()

    def failed(self, said: Reply | Lost) -> HandshakeFailed:
        """The end: of a reply that refuses, of nonsense or of a loss."""
        if self._state is _State.AUTH:
            said = self._redacted(said)
        about_us = isinstance(said, Reply) and said.kind == 5 and self._state in _ABOUT_US  # noqa: PLR2004  5yz
        return HandshakeFailed(phase=self.phase, reply=said, configuration=about_us)

    def _redacted(self, said: Reply | Lost) -> Reply | Lost:
        """Some relays repeat what they refuse; credentials never reach a log (S-12)."""
        text = said.text if isinstance(said, Reply) else said.reason
        for secret in (self._password, *(encoded.decode() for encoded in self._encoded())):
            text = text.replace(secret, "[redacted]") if secret else text
        return replace(said, text=text) if isinstance(said, Reply) else Lost(reason=text)

    def _greet(self, state: _State) -> Command:
        self._state = state
        return Phase.EHLO, f"{state.name} {self._helo}\r\n".encode("ascii")

    def _after_greeting(self) -> Command | Opened | HandshakeFailed:
        if not self._secure:
            if not self._capabilities.starttls:
                return _not_offered(Phase.STARTTLS, "the relay does not offer STARTTLS")
            self._state = _State.STARTTLS
            return Phase.STARTTLS, b"STARTTLS\r\n"
        if not self._user:
            return self._opened()
        self._auth_lines = self._credentials()
        if not self._auth_lines:
            return _not_offered(Phase.AUTH, "the relay offers neither AUTH PLAIN nor AUTH LOGIN")
        self._state = _State.AUTH
        return Phase.AUTH, self._auth_lines.pop(0)

    def _opened(self) -> Opened:
        self._user = self._password = ""
        self._auth_lines = []
        return Opened(self._capabilities)

    def _credentials(self) -> list[bytes]:
        """The lines of the best mechanism that is offered (S-12); none if none is."""
        user, password, both = self._encoded()
        if "PLAIN" in self._capabilities.auth:
            at_once = b"AUTH PLAIN " + both + b"\r\n"
            if len(at_once) <= MAX_COMMAND:
                return [at_once]
            return [b"AUTH PLAIN\r\n", both + b"\r\n"]  # R4954 §4: too long for a command line
        if "LOGIN" in self._capabilities.auth:
            return [b"AUTH LOGIN\r\n", user + b"\r\n", password + b"\r\n"]
        return []

    def _encoded(self) -> tuple[bytes, bytes, bytes]:
        user, password = self._user.encode(), self._password.encode()
        return b64encode(user), b64encode(password), b64encode(b"\0" + user + b"\0" + password)


def _not_offered(phase: Phase, reason: str) -> HandshakeFailed:
    return HandshakeFailed(phase=phase, reply=Lost(reason=reason), configuration=True)
