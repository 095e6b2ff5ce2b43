"""DKIM signatures (RFC 6376; Ed25519 by RFC 8463): what can be, is made once for all recipients.

Both header and body are canonicalised "relaxed": hops that fold a line anew or squeeze blanks do
no harm. l= is never used (X-18), and x= not needed: t= is the stored Date of a delivery, so that
every attempt is signed alike (decisions 2).

Every field of the header is signed, both list headers among them (L-4). Those of which there may
be one (M-4) are named once more than they occur, so that adding a second one breaks the signature
(RFC 6376 §8.15). Others are not, because hops may add one of their own, such as Feedback-ID.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer import address
from mailer.compose import headers
from mailer.compose.fields import Blank
from mailer.errors import ConfigError
from mailer.model import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from hashlib import _Hash

    from mailer.compose.fields import Personal
    from mailer.compose.signingkeys import SigningKey
    from mailer.model import Instant, Mailbox, Revision

ONCE: Final = (
    *("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"),
)
"""Fields that are named once more than they occur."""

_LINE = 77  # M-2: under 78
_FOLD = re.compile(r"\r\n(?=[ \t])").sub
_BLANKS = re.compile(r"[ \t]+").sub


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The keys that sign, in the order of their signatures.

    Attributes:
        domain: d= of the signatures as A-label; empty: the domain of From.
    """

    domain: str
    keys: tuple[SigningKey, ...]

    def frozen(self, sender: Mailbox) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What a revision stores: the domain that signs for a sender, and each key's marks.

        Raises:
            ConfigError: E436, DMARC would not accept a signature of the domain for this sender.
        """
        own = address.domain_of(sender.address)
        domain = self.domain or own
        if not _aligned(domain, own):
            raise ConfigError(
                "E436",
                f"Signatures of {domain} say nothing about mail from {own}",
                where="[dkim] domain",
                detail="Receivers compare both domains (DMARC alignment): one must be the other, "
                "or lie below it.",
                next_step=f'domain = "{own}", and its record at mailer dkim show',
            )
        return domain, tuple((key.selector, key.fingerprint) for key in self.keys)


def _aligned(one: str, other: str) -> bool:
    """Whether one is the other or lies below it; a top-level domain is nobody's."""
    short, long = sorted((one, other), key=len)
    return one == other or ("." in short and long.endswith(f".{short}"))


def keys_of(revision: Revision, signer: Signer | None) -> tuple[SigningKey, ...]:
    """The keys that a revision was frozen with, and no others; none if it was frozen unsigned.

    Raises:
        ConfigError: E437, one of them is not there any more: no attempt could be like the first.
    """
    there = {(key.selector, key.fingerprint): key for key in (signer.keys if signer else ())}
    lost = [selector for selector, mark in revision.signing_keys if (selector, mark) not in there]
    if lost:
        raise ConfigError(
            "E437",
            f"The DKIM key {lost[0]} that signs this mailing is not configured",
            where="[dkim.keys]",
            detail="A mailing is signed from its first to its last message with the keys that it "
            "was frozen with; another key under the same name is not that key.",
            next_step=f"put the key {lost[0]} back until its mailings are over, then mailer resume",
        )
    return tuple(there[pair] for pair in revision.signing_keys)


class Seal:
    """Signs the messages of one template.

    Args:
        keys: at least one.
        domain: d=.
        fields: of the header, with `HOLES` for the personal values.
        lead: the relaxed body before the first personal value.
    """

    def __init__(
        self, keys: Sequence[SigningKey], domain: str, fields: Mapping[str, str], lead: bytes
    ) -> None:
        self._block = Blank(_relaxed(headers.block(fields)))
        self._begun = hashlib.sha256(lead)
        names = (*fields, *ONCE)
        self._stamps = [_Stamp(key, domain, names) for key in keys]

    def sign(self, personal: Personal, rest: Iterable[bytes], *, date: Instant) -> str:
        """The signature fields of one message.

        Args:
            personal: the values as they stand in the header.
            rest: the relaxed body behind `lead`.
            date: the message's own.
        """
        body = self._begun.copy()
        for piece in rest:
            body.update(piece)
        if "  " in personal.subject or "\r\n" in personal.subject:  # no other has blanks to spare
            personal = personal._replace(subject=_BLANKS(" ", _FOLD("", personal.subject)))
        header = hashlib.sha256(self._block.fill(personal).encode())
        at, digest = str(date // MICROSECONDS), _base64(body.digest())
        return "".join([stamp.field(header.copy(), at, digest) for stamp in self._stamps])


class _Stamp:
    """The signature field of one key, cut where t= and bh= go; b= comes last."""

    def __init__(self, key: SigningKey, domain: str, names: Sequence[str]) -> None:
        self._sign = key.sign
        whose = f" d={domain};", f" s={key.selector};"
        text = "\r\n".join(
            [
                f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;",
                *(["".join(whose)] if sum(map(len, whose)) <= _LINE else whose),
                " t={}; bh={};",
                *_folded(names),
                " b=",
            ]
        )
        self._wire = text.split("{}")
        self._signed = _relaxed(text).removesuffix("\r\n").split("{}")

    def field(self, header: _Hash, at: str, digest: str) -> str:
        """The field, signed over what `header` was fed and itself (RFC 6376 §3.7)."""
        before, between, behind = self._signed
        header.update(f"{before}{at}{between}{digest}{behind}".encode("ascii"))
        signature = _base64(self._sign(header.digest()))
        before, between, behind = self._wire
        return f"{before}{at}{between}{digest}{behind}{_lines(signature)}\r\n"


def _lines(signature: str) -> str:
    """What stands behind b=, on lines of 77."""
    start = _LINE - len(" b=")
    rest = range(start, len(signature), _LINE - 1)
    pieces = [signature[:start], *(signature[at : at + _LINE - 1] for at in rest)]
    return "\r\n ".join(pieces)


def _folded(names: Sequence[str]) -> list[str]:
    """The names of h= on lines that end in a colon."""
    lines, line = list[str](), " h="
    for name in names:
        if len(line) + len(name) + 1 > _LINE:
            lines.append(line)
            line = " "
        line += f"{name}:"
    return [*lines, f"{line.removesuffix(':')};"]


def _relaxed(block: str) -> str:
    """Header fields in the form that is signed (RFC 6376 §3.4.2)."""
    fields = _BLANKS(" ", _FOLD("", block)).removesuffix("\r\n").split("\r\n")
    pairs = (field.partition(":") for field in fields)
    return "".join(f"{name.strip().lower()}:{value.strip(' ')}\r\n" for name, _, value in pairs)


def _base64(octets: bytes) -> str:
    return b2a_base64(octets, newline=False).decode("ascii")
