"""Keys to sign with, and what dkimpy says of the result."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailer.compose.dkim import Signer
from mailer.compose.mime import MessageTemplate
from mailer.compose.signingkeys import make_key, read_key
from mailer.model import Instant
from tests.samples import messages

if TYPE_CHECKING:
    from mailer.compose.signingkeys import SigningKey
    from mailer.model import Mailbox, Rendering

DATE = Instant(1_763_000_000_000_000)
"""In the past: a signature of the future is none."""

DOMAIN = "example.org"
_SIGNATURE = re.compile(rb"DKIM-Signature:.*?\r\n(?! )", re.DOTALL)


@cache
def pem(kind: str, number: int) -> bytes:
    """A private key, the same one as long as the tests run; of 2048 bits unless "rsa1024"."""
    del number
    if kind != "rsa1024":
        return make_key(kind)
    private = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  a short one
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def key(kind: str, number: int = 0) -> SigningKey:
    """It under a selector such as "rsa0"."""
    return read_key(f"{kind}{number}", pem(kind, number))


def signer(*kinds: str, domain: str = "") -> Signer:
    """Signs by a key of each kind."""
    return Signer(domain=domain, keys=tuple(key(kind) for kind in kinds))


def template(
    given: Rendering | None = None,
    by: Signer | None = None,
    *,
    sender: Mailbox | None = None,
    **changes: Any,
) -> MessageTemplate:
    """The issue compiled for a revision that was frozen with these keys: RSA unless others."""
    by = by or signer("rsa")
    sender = sender or messages.revision().sender
    domain, marks = by.frozen(sender)
    revision = messages.revision(
        sender=sender, signing_domain=domain, signing_keys=marks, **changes
    )
    return MessageTemplate(given or messages.rendering(), revision, messages.KEYRING, by)


def records(*kinds: str, domain: str = DOMAIN) -> dict[str, str]:
    """What the DNS says of the keys."""
    return {f"{key(kind).selector}._domainkey.{domain}": key(kind).record for kind in kinds}


def valid(content: bytes, known: dict[str, str] | None = None) -> list[bool]:
    """Whether each signature holds, from the top, as dkimpy sees it."""
    known = records("rsa", "ed25519") if known is None else known

    def ask(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        found = known.get(name.decode().rstrip("."))
        return found and found.encode()  # type: ignore[return-value]  # None or octets

    return [_holds(content, number, ask) for number in range(len(signatures(content)))]


def _holds(content: bytes, number: int, ask: Any) -> bool:
    try:
        return bool(dkim.DKIM(content).verify(idx=number, dnsfunc=ask))
    except dkim.DKIMException:
        return False


def signatures(content: bytes) -> list[bytes]:
    """The signature fields at the top of a message."""
    found, at = [], 0
    while one := _SIGNATURE.match(content, at):
        found.append(one[0])
        at = one.end()
    return found


def tags(field: bytes) -> dict[str, str]:
    """The tags of a signature, without blanks."""
    text = re.sub(r"\s+", "", field.decode("ascii").partition(":")[2])
    return dict(tag.split("=", 1) for tag in text.split(";"))
