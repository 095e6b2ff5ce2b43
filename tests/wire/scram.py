"""The relay's side of SCRAM-SHA-256 (R5802, R7677), honest or not: the fake for the wire."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass

NONCE = b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


@dataclass(slots=True)
class ScramRelay:
    """Knows one account.

    Attributes:
        lies: it takes every proof and has none of its own.
    """

    user: str
    password: str
    rounds: int = 4096
    lies: bool = False
    _spoken: bytes = b""

    def challenge(self, first: bytes) -> bytes:
        """What is said to the client's first words."""
        header, bare = first[:3], first[3:]
        assert header == b"n,,", first
        name, _, nonce = bare.partition(b",r=")
        assert name == b"n=" + self.user.replace("=", "=3D").replace(",", "=2C").encode(), name
        said = b"r=%s%s,s=%s,i=%d" % (nonce, NONCE, b64encode(SALT), self.rounds)
        self._spoken = bare + b"," + said
        return said

    def verdict(self, final: bytes) -> bytes | None:
        """Our own proof if the client's is right; None if it is not."""
        bound, _, proof = final.partition(b",p=")
        spoken = self._spoken + b"," + bound
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), SALT, self.rounds)
        stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        mask = hmac.digest(stored, spoken, "sha256")
        key = bytes(a ^ b for a, b in zip(b64decode(proof), mask, strict=True))
        if self.lies:
            return b"v=" + b64encode(b"\0" * 32)
        if hashlib.sha256(key).digest() != stored:
            return None
        server = hmac.digest(salted, b"Server Key", "sha256")
        return b"v=" + b64encode(hmac.digest(server, spoken, "sha256"))
