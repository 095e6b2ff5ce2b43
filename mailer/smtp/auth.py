"""Proving who we are: one object per SASL mechanism, bytes only (S-12).

::

    SCRAM-SHA-256   user, password   the password never leaves, and the relay proves that it has it
    PLAIN           user, password
    LOGIN           user, password
    XOAUTH2         user, token
    OAUTHBEARER     user, token

The first of a person's kind that the relay offers is used; CRAM-MD5 never is. SCRAM is written here
rather than taken from a library: it is one client of one mechanism on top of `hashlib`, and the
libraries bring ASN.1 for channel binding and no bound on the work that a relay may ask for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from mailer.smtp.events import AuthFault

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


class AuthError(Exception):
    """The exchange cannot go on; the text names no secret."""

    def __init__(self, reason: str, fault: AuthFault | None = None) -> None:
        super().__init__(reason)
        self.fault = fault


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


_GS2: Final = b"n,,"  # R5802 §7: no channel binding, no other identity
_FEWEST: Final = 4096  # R7677 §4
_MOST: Final = 1_000_000  # a third of a second; beyond that it is an attack or a mistake
_FIRST = re.compile(
    rb"r=([!-+\--~]{1,1024}),s=([A-Za-z0-9+/=]{1,1024}),i=([1-9][0-9]{0,9})(?:,.*)?"
)
_LAST = re.compile(rb"v=([A-Za-z0-9+/=]{1,1024})(?:,.*)?")


class Scram:
    """R5802 with SHA-256 (R7677).

    Raises:
        ValueError: user or password that SASLprep does not allow.
    """

    name = "SCRAM-SHA-256"

    def __init__(self, user: str, password: str, *, nonce: str) -> None:
        prepared = saslprep(user).replace("=", "=3D").replace(",", "=2C")
        self._password = saslprep(password).encode()
        self._nonce = nonce.encode("ascii")
        self._bare = b"n=%s,r=%s" % (prepared.encode(), self._nonce)
        self._signature: bytes | None = None  # what the relay has to prove
        self.complete = False

    def first(self) -> bytes:
        """Who wants to come in."""
        return _GS2 + self._bare

    def answer(self, challenge: bytes) -> bytes:
        """Our proof, then nothing to the relay's own."""
        if self._signature is None:
            return self._prove(challenge)
        if challenge.startswith(b"e="):
            raise AuthError("the relay did not take our proof", AuthFault.CREDENTIALS)
        found = _LAST.fullmatch(challenge)
        if found is None or not hmac.compare_digest(_octets(found[1]), self._signature):
            raise AuthError("the relay did not prove that it knows the password", AuthFault.PROOF)
        self.complete = True
        return b""

    def _prove(self, challenge: bytes) -> bytes:
        found = _FIRST.fullmatch(challenge)
        if found is None or not found[1].startswith(self._nonce) or found[1] == self._nonce:
            raise AuthError("the relay's answer is no SCRAM", AuthFault.PROOF)
        nonce, salt, rounds = found[1], _octets(found[2]), int(found[3])
        if not _FEWEST <= rounds <= _MOST:
            reason = f"the relay asks for {rounds} rounds of SCRAM, not {_FEWEST} to {_MOST}"
            raise AuthError(reason, AuthFault.PROOF)
        final = b"c=%s,r=%s" % (b64encode(_GS2), nonce)
        salted = _salted(self._password, salt, rounds)
        spoken = b",".join((self._bare, challenge, final))
        client = hmac.digest(salted, b"Client Key", "sha256")
        proof = hmac.digest(hashlib.sha256(client).digest(), spoken, "sha256")
        server = hmac.digest(salted, b"Server Key", "sha256")
        self._signature = hmac.digest(server, spoken, "sha256")
        return final + b",p=" + b64encode(bytes(a ^ b for a, b in zip(client, proof, strict=True)))


@lru_cache(maxsize=8)
def _salted(password: bytes, salt: bytes, rounds: int) -> bytes:
    # A relay keeps one salt per user; ten connections need not do the work ten times.
    return hashlib.pbkdf2_hmac("sha256", password, salt, rounds)


def _octets(encoded: bytes) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        raise AuthError("the relay's answer is no SCRAM", AuthFault.PROOF) from None


_PROHIBITED: Final = (
    *(stringprep.in_table_c12, stringprep.in_table_c21_c22, stringprep.in_table_c3),
    *(stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6),
    *(stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9),
)


def saslprep(text: str) -> str:
    """R4013, as for a query: characters that Unicode 3.2 did not have are let pass.

    Raises:
        ValueError: a control or private character, or directions that are mixed.
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)
    )
    ready = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(refuse(char) for char in ready for refuse in _PROHIBITED):
        raise ValueError("a character that SASLprep prohibits")
    if any(map(stringprep.in_table_d1, ready)) and (
        any(map(stringprep.in_table_d2, ready))
        or not stringprep.in_table_d1(ready[0])
        or not stringprep.in_table_d1(ready[-1])
    ):
        raise ValueError("directions that SASLprep does not let mix")
    return ready


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
