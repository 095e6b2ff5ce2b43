"""DKIM keys: a private key read from PEM or made, and the DNS record of its public half."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS: Final = ("rsa", "ed25519")
LEAST_BITS: Final = 1024
"""Shorter RSA keys count as no signature (RFC 8301 §3.2)."""
ADVISED_BITS: Final = 2048
MOST_BITS: Final = 4096
"""What verifiers must be able to check (RFC 8301 §3.2)."""

_STRING_OCTETS = 255  # of one string of a TXT record (RFC 1035 §3.3)
_PADDING, _DIGEST = padding.PKCS1v15(), Prehashed(hashes.SHA256())


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key under its selector.

    Attributes:
        kind: "rsa" or "ed25519".
        bits: of an RSA modulus; 256 for Ed25519.
        public: what p= of the DNS record holds.
        fingerprint: 16 hexadecimal digits that no other key has.
        sign: the signature of a SHA-256 digest; the same one each time.
    """

    selector: str
    kind: str
    bits: int
    public: bytes
    fingerprint: str
    sign: Callable[[bytes], bytes]

    @property
    def algorithm(self) -> str:
        """What a= says."""
        return f"{self.kind}-sha256"

    @property
    def is_short(self) -> bool:
        """Whether receivers advise a longer one (standards §2.1)."""
        return self.kind == "rsa" and self.bits < ADVISED_BITS

    @property
    def record(self) -> str:
        """The TXT record (RFC 6376 §3.6.1; RFC 8463 §4.2)."""
        return f"v=DKIM1; k={self.kind}; p={b64encode(self.public).decode('ascii')}"


def read_key(selector: str, pem: bytes) -> SigningKey:
    """The key in a PEM file, PKCS #8 or PKCS #1.

    Raises:
        ValueError: it cannot sign, and why not.
    """
    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError("it is encrypted, and nobody is there to type its password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no private key in PEM") from None
    if isinstance(private, Ed25519PrivateKey):
        return _ed25519(selector, private)
    if isinstance(private, RSAPrivateKey):
        return _rsa(selector, private)
    raise ValueError("it is neither an RSA nor an Ed25519 key")


def make_key(kind: str) -> bytes:
    """A new private key in PEM (PKCS #8)."""
    private = (
        Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else rsa.generate_private_key(public_exponent=65537, key_size=ADVISED_BITS)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def strings(record: str) -> list[str]:
    """A TXT record in the strings of which it is made: one holds 255 octets at most."""
    return [record[at : at + _STRING_OCTETS] for at in range(0, len(record), _STRING_OCTETS)]


def _rsa(selector: str, private: RSAPrivateKey) -> SigningKey:
    bits = private.key_size
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise ValueError(
            f"it has {bits} bits; receivers take {LEAST_BITS} to {MOST_BITS}, best {ADVISED_BITS}"
        )
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(
        selector=selector,
        kind="rsa",
        bits=bits,
        public=public,
        fingerprint=_fingerprint(public),
        sign=lambda digest: private.sign(digest, _PADDING, _DIGEST),
    )


def _ed25519(selector: str, private: Ed25519PrivateKey) -> SigningKey:
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey(
        selector=selector,
        kind="ed25519",
        bits=256,
        public=public,
        fingerprint=_fingerprint(public),
        sign=private.sign,  # RFC 8463 §3: of the digest, not of what was digested
    )


def _fingerprint(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]
