"""Proving who we are: one object per SASL mechanism, bytes only (S-12).

::

    SCRAM-SHA-256   user, password   the password never leaves, and the relay proves that it has it
    PLAIN           user, password
    LOGIN           user, password
    XOAUTH2         user, token
    OAUTHBEARER     user, token

The first of a person's kind that the relay offers is used; CRAM-MD5 never is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from mailer.smtp.events import AuthError, AuthFault
from mailer.smtp.scram import Scram

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are, and what proves it: a password or an access token.

    Attributes:
        host, port: the relay that it is meant for (R7628 §3.1).
        nonce: printable ASCII without a comma, never used before (R5802 §5.1).
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    host: str = ""
    port: int = 0
    nonce: str = field(default="", repr=False)

    @property
    def fault(self) -> AuthFault:
        """What it means if they are refused."""
        return AuthFault.TOKEN if self.token else AuthFault.CREDENTIALS


NOBODY: Final = Credentials()


class Mechanism(Protocol):
    """One exchange.

    Attributes:
        name: as EHLO offers it.
        complete: whether a relay that is content now may be believed.
    """

    name: str
    complete: bool

    def first(self) -> bytes | None:
        """What is said at once; None: the relay speaks first."""

    def answer(self, challenge: bytes) -> bytes:
        """What is said to a challenge.

        Raises:
            AuthError: it makes no sense, or it proves that the relay is not ours.
        """


def choose(who: Credentials, offered: Collection[str]) -> Mechanism | None:
    """The best mechanism that is offered and that these credentials fit; None if there is none."""
    table = _WITH_TOKEN if who.token else _WITH_PASSWORD
    for name, make in table.items():
        if name in offered and (mechanism := make(who)) is not None:
            return mechanism
    return None


def wanted(who: Credentials) -> str:
    """The mechanisms that would do, for a message."""
    return ", ".join(_WITH_TOKEN if who.token else _WITH_PASSWORD)


# --- password ------------------------------------------------------------------------------------


class _Plain:
    """R4616: everything at once."""

    name = "PLAIN"
    complete = True

    def __init__(self, who: Credentials) -> None:
        self._said = f"\0{who.user}\0{who.password}".encode()

    def first(self) -> bytes:
        return self._said

    def answer(self, challenge: bytes) -> bytes:
        del challenge
        raise AuthError("the relay asks for more than AUTH PLAIN has")


class _Login:
    """The old one: two questions, whose words differ from relay to relay."""

    name = "LOGIN"
    complete = True

    def __init__(self, who: Credentials) -> None:
        self._left = [who.password.encode(), who.user.encode()]

    def first(self) -> None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        del challenge
        if not self._left:
            raise AuthError("the relay asks for more than AUTH LOGIN has")
        return self._left.pop()


def _scram(who: Credentials) -> Scram | None:
    assert who.nonce
    try:
        return Scram(who.user, who.password, nonce=who.nonce)
    except ValueError:
        return None  # PLAIN takes any password


_WITH_PASSWORD: Final[dict[str, Callable[[Credentials], Mechanism | None]]] = {
    "SCRAM-SHA-256": _scram,
    "PLAIN": _Plain,
    "LOGIN": _Login,
}


# --- access token --------------------------------------------------------------------------------


class _Bearer:
    """The token at once; a challenge is an error in JSON, the answer to which asks for the code."""

    def __init__(self, name: str, said: str, end: bytes) -> None:
        self.name = name
        self.complete = True
        self._said = said.encode()
        self._end = end

    def first(self) -> bytes:
        return self._said

    def answer(self, challenge: bytes) -> bytes:
        del challenge
        if not self.complete:
            raise AuthError("the relay asks again although it refused the token", AuthFault.TOKEN)
        self.complete = False
        return self._end


def _xoauth2(who: Credentials) -> Mechanism:
    """Google's and Microsoft's own form."""
    return _Bearer("XOAUTH2", f"user={who.user}\x01auth=Bearer {who.token}\x01\x01", b"")


def _oauthbearer(who: Credentials) -> Mechanism:
    """R7628 §3.1."""
    user = who.user.replace("=", "=3D").replace(",", "=2C")
    where = f"host={who.host}\x01port={who.port}\x01" if who.host else ""
    said = f"n,a={user},\x01{where}auth=Bearer {who.token}\x01\x01"
    return _Bearer("OAUTHBEARER", said, b"\x01")


_WITH_TOKEN: Final[dict[str, Callable[[Credentials], Mechanism | None]]] = {
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _oauthbearer,
}


# --- what may be said of it ----------------------------------------------------------------------

_PART: Final = 6  # so many characters of a secret in a row are not said


def redacted(text: str, secrets: Collection[str]) -> str:
    """A text without the secrets and their pieces: some relays repeat what they refuse."""
    said: list[str] = []
    at = 0
    while at < len(text):
        hidden = max((_overlap(text, at, secret) for secret in secrets if secret), default=0)
        said.append("[redacted]" if hidden else text[at])
        at += hidden or 1
    return "".join(said)


def _overlap(text: str, at: int, secret: str) -> int:
    length = min(_PART, len(secret))
    if len(text) - at < length or text[at : at + length] not in secret:
        return 0
    while at + length < len(text) and text[at : at + length + 1] in secret:
        length += 1
    return length
