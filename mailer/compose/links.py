"""Signed tokens: which delivery came back, and who may unsubscribe whom. None holds an address.

Two shapes, because their channels differ (decisions 9). A delivery token passes relays that change
case and rewrite characters: 31 octets of lower base32 over 9 bytes of ids and the first 10 bytes of
an HMAC-SHA256 (V-1). An unsubscribe token stands in URLs and keeps all 32 bytes (X-1). Each purpose
has a key of its own, so that no token is worth anything elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
import struct
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import idna
from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from mailer.errors import ConfigError
from mailer.model import ListId, MailingId, SubscriberId

if TYPE_CHECKING:
    from collections.abc import Sequence

Purpose = Literal["verp", "envid", "message-id"]
"""Where a delivery token stands: envelope sender, ENVID, or local part of the Message-ID."""

PURPOSES: Final[tuple[Purpose, ...]] = ("verp", "envid", "message-id")
UNSUBSCRIBE_TOKEN_OCTETS: Final = 60
DELIVERY_TOKEN_OCTETS: Final = 31

_MAC_OCTETS = 10  # 80 bit (V-1)
_DELIVERY_IDS = struct.Struct(">IIB")  # mailing, seq, key
_UNSUBSCRIBE_IDS = struct.Struct(">IQ")  # list, subscriber: 12 bytes are 16 characters, none spare
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_DELIVERY_TOKEN = re.compile(r"[A-Za-z2-7]{31}").fullmatch
_URL = re.compile(r"https?://[A-Za-z0-9._~:/@!$&'()*+;=%\[\]-]+").fullmatch
_BLANK = re.compile(r"[\s\x00-\x20\x7f]").search
# 998 octets of a header line (M-2) less `List-Unsubscribe: <`, `/u/`, the token and `>`.
_LONGEST_BASE = 998 - len("List-Unsubscribe: <") - len("/u/") - UNSUBSCRIBE_TOKEN_OCTETS - len(">")


class Keyring:
    """Secret keys, newest first: the newest signs, all verify, and a mailing keeps its own (L-8).

    Raises:
        ConfigError: E433, two keys that cannot be told apart.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        assert keys, "a ring without keys is the caller's E402"
        self._ids = tuple(hmac.digest(key, b"mailer key id", "sha256")[0] for key in keys)
        if len(set(self._ids)) < len(keys):
            raise ConfigError(
                "E433",
                "Two secret keys cannot be told apart",
                where="MAILER_SECRET_KEY",
                detail="Tokens name their key by one byte; these two share it, or are the same.",
                next_step="remove one, or generate the newest key again",
            )
        self._macs = {
            number: tuple(_Mac(_derive(key, purpose)) for purpose in PURPOSES)
            for number, key in zip(self._ids, keys, strict=True)
        }
        self._unsubscribe = _Signers("unsubscribe", keys, self._ids)
        self._test = _Signers("test", keys, self._ids)

    @property
    def newest_id(self) -> int:
        """The number of the key that signs what is new."""
        return self._ids[0]

    def require(self, key_id: int) -> None:
        """Refuse a key that has left the ring: what it signed cannot be composed again.

        Raises:
            ConfigError: E433.
        """
        if key_id not in self._ids:
            raise ConfigError(
                "E433",
                f"The secret key {key_id} that signs this mailing is not in the key ring",
                where="MAILER_SECRET_KEY",
                detail="Its unfinished deliveries must keep their Message-ID and envelope sender.",
                next_step="put the former key back, after the newest one",
            )

    def delivery_token(self, purpose: Purpose, *, mailing: MailingId, seq: int, key_id: int) -> str:
        """31 characters of [a-z2-7] that name one delivery (V-1, M-6, B-1)."""
        ids = _DELIVERY_IDS.pack(mailing, seq, key_id)
        head, left = _base32_head(ids)
        return head + _base32_tail(left, self._mac(purpose, key_id, ids))

    def delivery_tokens(self, *, mailing: MailingId, seq: int, key_id: int) -> tuple[str, str, str]:
        """The tokens of one delivery for all three purposes, in the order of `PURPOSES`."""
        ids = _DELIVERY_IDS.pack(mailing, seq, key_id)
        head, left = _base32_head(ids)
        verp, envid, message_id = self._macs[key_id]
        return (
            head + _base32_tail(left, verp.digest(ids)[:_MAC_OCTETS]),
            head + _base32_tail(left, envid.digest(ids)[:_MAC_OCTETS]),
            head + _base32_tail(left, message_id.digest(ids)[:_MAC_OCTETS]),
        )

    def read_delivery_token(self, purpose: Purpose, token: str) -> tuple[MailingId, int] | None:
        """The delivery that a token names, in whatever case it comes; None if it is not ours."""
        if not _DELIVERY_TOKEN(token):
            return None
        raw = base64.b32decode(token.upper() + "=")
        ids, mac = raw[: _DELIVERY_IDS.size], raw[_DELIVERY_IDS.size :]
        head, left = _base32_head(ids)
        if head + _base32_tail(left, mac) != token.lower():  # a spare bit is set: not our form
            return None
        mailing, seq, key_id = _DELIVERY_IDS.unpack(ids)
        if key_id not in self._macs:
            return None
        if not hmac.compare_digest(mac, self._mac(purpose, key_id, ids)):
            return None
        return MailingId(mailing), seq

    def _mac(self, purpose: Purpose, key_id: int, ids: bytes) -> bytes:
        return self._macs[key_id][PURPOSES.index(purpose)].digest(ids)[:_MAC_OCTETS]

    def unsubscribe_token(
        self, subscriber: SubscriberId, list_number: ListId, *, key_id: int | None = None
    ) -> str:
        """60 URL-safe characters that may end one subscription; they never expire (L-5, L-8)."""
        key_id = self.newest_id if key_id is None else key_id
        return self._unsubscribe.sign(list_number, subscriber, key_id)

    def read_unsubscribe_token(self, token: str) -> tuple[SubscriberId, ListId] | None:
        """Whose subscription to which list a token may end; None if it is not ours."""
        ids = self._unsubscribe.read(token)
        return ids and (SubscriberId(ids[1]), ListId(ids[0]))

    def test_token(self, *, key_id: int | None = None) -> str:
        """The token of test copies: shaped like a real one, but it unsubscribes nobody."""
        return self._test.sign(0, 0, self.newest_id if key_id is None else key_id)

    def is_test_token(self, token: str) -> bool:
        """Whether a token comes from a test copy."""
        return self._test.read(token) is not None


class _Signers:
    """The key ring for one purpose of URL tokens: one signer per key, one reader for all (X-1)."""

    def __init__(self, purpose: str, keys: Sequence[bytes], ids: Sequence[int]) -> None:
        derived = [
            Signer(
                key, salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256
            ).derive_key()
            for key in keys
        ]
        self._by_id = {
            number: Signer(key, key_derivation="none", algorithm=_Prepared(key))
            for number, key in zip(ids, derived, strict=True)
        }
        self._reader = Signer(  # itsdangerous has the newest key last
            derived[::-1], key_derivation="none", digest_method=hashlib.sha256
        )

    def sign(self, list_number: int, subscriber: int, key_id: int) -> str:
        ids = base64.urlsafe_b64encode(_UNSUBSCRIBE_IDS.pack(list_number, subscriber))
        return self._by_id[key_id].sign(ids).decode("ascii")

    def read(self, token: str) -> tuple[int, int] | None:
        if len(token) != UNSUBSCRIBE_TOKEN_OCTETS or not token.isascii():
            return None
        try:
            ids = self._reader.unsign(token)
        except BadSignature:
            return None
        # itsdangerous also takes other spare bits in the last character: only our form counts.
        mac = token.rpartition(".")[2].encode("ascii")
        if not hmac.compare_digest(base64_encode(base64_decode(mac)), mac):
            return None
        list_number, subscriber = _UNSUBSCRIBE_IDS.unpack(base64.urlsafe_b64decode(ids))
        return list_number, subscriber


def unsubscribe_url(base: str, token: str) -> str:
    """Where a token unsubscribes."""
    return f"{base}/u/{token}"


def unsubscribe_base(url: str) -> str:
    """The configured `url` as links start with it: https, host as A-label, short enough.

    Raises:
        ConfigError: E431: not https (L-2; http only to this machine, decisions 17), with parts or
            characters that a header cannot carry, or so long that the header line would pass 998
            octets (M-2).
    """
    base = _with_ascii_host(url.rstrip("/"))
    if not _URL(base):
        reason = "It is not scheme, host, port and path alone, without spaces or commas."
    elif not base.startswith("https://") and not _is_loopback(base):
        reason = "Mailbox providers follow only https; http is for this machine alone."
    elif len(base) > _LONGEST_BASE:
        reason = f"It has {len(base)} characters; {_LONGEST_BASE} fit into List-Unsubscribe."
    else:
        return base
    raise ConfigError(
        "E431",
        "Unsubscribe links cannot start with this url",
        where="[newsletter] url",
        detail=f"{url[:200]}\n{reason}",
        next_step='url = "https://…", where `mailer serve` is reached',
    )


def _with_ascii_host(url: str) -> str:
    """The URL with its host as A-label (M-13); empty if it is none or holds more than a path."""
    if _BLANK(url):  # urlsplit would drop some of these
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if host.isascii():
            plain = not (parts.query or parts.fragment or "@" in parts.netloc)
            return url if host and plain else ""
        host = idna.encode(host, uts46=True).decode("ascii")
    except ValueError:  # a port that is no number, an unclosed bracket, a label that is no IDN
        return ""
    return _with_ascii_host(f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _derive(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"mailer " + purpose.encode("ascii"), "sha256")


class _Mac:
    """HMAC-SHA256 under one key of at most 64 octets, both pads hashed beforehand (RFC 2104 §4).

    Four of these per message: 0.6 µs each, where a copy of an `hmac` object takes 1.1.
    """

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))

    def digest(self, data: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()


class _Prepared(SigningAlgorithm):
    """itsdangerous' HMAC-SHA256 under a key that is known beforehand."""

    def __init__(self, key: bytes) -> None:
        self._mac = _Mac(key)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        del key
        return self._mac.digest(value)


def _base32_head(ids: bytes) -> tuple[str, int]:
    """The first 70 of 72 bits, ten at a time, and the two bits that are left over.

    The three tokens of a message share this. Written out, both halves take 1.1 µs, where
    base64.b32encode takes 2.3.
    """
    number, pair = int.from_bytes(ids, "big"), _PAIRS
    head = (
        f"{pair[number >> 62]}{pair[number >> 52 & 1023]}{pair[number >> 42 & 1023]}"
        f"{pair[number >> 32 & 1023]}{pair[number >> 22 & 1023]}{pair[number >> 12 & 1023]}"
        f"{pair[number >> 2 & 1023]}"
    )
    return head, number & 3


def _base32_tail(left: int, mac: bytes) -> str:
    """The two bits left over and the 80 of the MAC, filled up with zeros: 17 characters."""
    number, pair = left << 88 | int.from_bytes(mac, "big") << 8, _PAIRS
    return (
        f"{pair[number >> 80]}{pair[number >> 70 & 1023]}{pair[number >> 60 & 1023]}"
        f"{pair[number >> 50 & 1023]}{pair[number >> 40 & 1023]}{pair[number >> 30 & 1023]}"
        f"{pair[number >> 20 & 1023]}{pair[number >> 10 & 1023]}{pair[number & 1023][0]}"
    )
