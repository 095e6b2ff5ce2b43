"""SCRAM-SHA-256, the client's side, bytes only (R5802, R7677).

The password never leaves, and the relay has to prove that it knows it. Written here rather than
taken from a library: it is one client of one mechanism on top of `hashlib`, and the libraries bring
ASN.1 for channel binding and no bound on the work that a relay may ask for.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import Final

from mailer.smtp.events import AuthError, AuthFault

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
