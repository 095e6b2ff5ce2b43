"""The message, encoded once around its slots; per recipient only values are put in and joined.

A `MessageTemplate` is compiled once per revision: header block and body become fixed octets with
places between them (architecture §6). Composing signs the tokens, evaluates, escapes and encodes
the values, and joins. Values are data and never rendered again.

Whatever could differ between two attempts of a delivery is in the revision, in the ledger's row or
in the arguments, so that a second attempt is the first one byte for byte (decisions 2).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailer import address
from mailer.compose import headers, images, transfer
from mailer.compose.fields import Identity, Personal
from mailer.compose.links import UNSUBSCRIBE_TOKEN_OCTETS, unsubscribe_url
from mailer.compose.places import Places
from mailer.errors import CheckError
from mailer.model import MICROSECONDS, Instant, Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.compose.links import Keyring
    from mailer.model import Recipient, Rendering, Revision

_HOLE = "\0"  # refused in every value (M-11), so that it can mark the places of a header block
_TEST_MARK = "[TEST] "
_BOUNDARY_LETTERS = 24
_DIGITS_TO_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
_SUBJECT_WIRE = re.compile(r"[!-~][ -~]*(?:\r\n [ -~]*[!-~])*").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Octets of both parts, as they are read and as they travel (M-28, E150)."""

    html_decoded: int
    html_encoded: int
    text_decoded: int
    text_encoded: int


class MessageTemplate:
    """One revision of an issue, ready to be composed for any of its recipients.

    Attributes:
        rendering: what it was compiled from.

    Raises:
        CheckError: E102 or E109, characters that cannot be mailed; E140, an expression.
        ConfigError: E430 to E434, a name, url, address, key or list that no message can have.
        MissingValueError: the list has no such field.
    """

    def __init__(self, rendering: Rendering, revision: Revision, keyring: Keyring) -> None:
        keyring.require(revision.key_id)
        self.rendering = rendering
        self._keyring = keyring
        self._key_id = revision.key_id
        self._identity = Identity(revision)
        self._test_token = keyring.test_token(key_id=revision.key_id) if revision.test else ""
        self._places = Places(rendering, {"title": revision.list_title, "name": revision.list})
        self._subject = _Subject(*self._places.subject, mark=_TEST_MARK if revision.test else "")
        self._text = transfer.choose(*self._places.text)
        self._html = transfer.choose(*self._places.html)
        self._boundary = _boundary(revision)
        self._head = self._compile_head()
        self._between, self._end = self._compile_html(revision)
        self._date = (-1, b"")

    def compose(
        self, recipient: Recipient, *, date: Instant, values: tuple[str, ...] | None = None
    ) -> Message:
        """The message for one recipient.

        Args:
            recipient: whose message.
            date: when it was first begun, as stored with the delivery (M-5).
            values: the slot values stored then, for every later attempt.

        Raises:
            MissingValueError: a value is needed and the recipient has none.
            CheckError: E102 or E140, a value or an address that cannot be written.
        """
        verp, envid, message_id = self._keyring.delivery_tokens(
            mailing=recipient.mailing, seq=recipient.seq, key_id=self._key_id
        )
        token = self._test_token or self._keyring.unsubscribe_token(
            recipient.subscriber, recipient.list_number, key_id=self._key_id
        )
        link = unsubscribe_url(self._identity.url, token)
        filled, used = self._places.fill(recipient, link, values)
        to = _recipient(recipient.email)
        to_date, to_to, to_subject, to_id, to_token, to_text = self._head
        out = [
            to_date,
            self._format(date),
            to_to,
            to.encode(),
            to_subject,
            self._subject.encode(filled),
            to_id,
            message_id.encode("ascii"),
            to_token,
            token.encode("ascii"),
            to_text,
        ]
        self._text.extend(out, filled)
        out.append(self._between)
        self._html.extend(out, filled)
        out.append(self._end)
        return Message(
            mail_from=f"b-{verp}@{self._identity.bounce_domain}",  # V-1
            rcpt_to=to,
            envelope_id=envid,
            message_id=f"<{message_id}@{self._identity.domain}>",
            content=b"".join(out),
            dotless=True,  # M-24: encoded so, in the fixed text and in every value
            values=used,
        )

    @property
    def sizes(self) -> Sizes:
        """The parts with links of real length; a subscriber's own values count as empty."""
        link = unsubscribe_url(self._identity.url, "a" * UNSUBSCRIBE_TOKEN_OCTETS)
        filled = self._places.sample(link)
        html, text = list[bytes](), list[bytes]()
        self._html.extend(html, filled)
        self._text.extend(text, filled)
        return self._measure(html=b"".join(html), text=b"".join(text))

    def measure(self, message: Message) -> Sizes:
        """The parts of one message of this template, its subscriber's values included."""
        front, _, html = message.content.removesuffix(self._end).partition(self._between)
        return self._measure(html=html, text=front.partition(self._head[-1])[2])

    def _measure(self, *, html: bytes, text: bytes) -> Sizes:
        return Sizes(
            html_decoded=len(transfer.decode(self._html.encoding, html)),
            html_encoded=len(html),
            text_decoded=len(transfer.decode(self._text.encoding, text)),
            text_encoded=len(text),
        )

    def _format(self, date: Instant) -> bytes:
        second = date // MICROSECONDS
        if self._date[0] != second:  # thousands of messages share one
            self._date = second, headers.date(date).encode("ascii")
        return self._date[1]

    def _compile_head(self) -> tuple[bytes, ...]:
        """The header block, checked and cut at its places, up to the first line of the text."""
        subject = self._subject
        self._identity.verify(
            subject=subject.sample,
            subject_wire=subject.wire.decode("ascii"),
            boundary=self._boundary,
        )
        marks = Personal(date=_HOLE, to=_HOLE, subject=_HOLE, message_id=_HOLE, token=_HOLE)
        block = headers.block(self._identity.fields(marks, self._boundary))
        *front, last = (piece.encode("ascii") for piece in block.split(_HOLE))
        return (*front, last + _part(self._boundary, "plain", self._text))

    def _compile_html(self, revision: Revision) -> tuple[bytes, bytes]:
        """What stands before and behind the octets of the HTML part; M-20 where it has images."""
        html, end = _part(self._boundary, "html", self._html), _closed(self._boundary)
        if not self.rendering.images:
            return html, end
        inner = _boundary(revision, "related")
        related = f'Content-Type: multipart/related; type="text/html";\r\n boundary="{inner}"'
        opened = f"{_opened(self._boundary)}{related}\r\n".encode("ascii")
        follow = _opened(inner).encode("ascii")
        parts = b"".join(follow + images.part(image) for image in self.rendering.images)
        return opened + _part(inner, "html", self._html), parts + _closed(inner) + end


class _Subject:
    """The subject: encoded once, or for each recipient if it has slots.

    Attributes:
        sample: its text, with an x for each value.
        wire: the sample as the header has it.
    """

    def __init__(self, texts: list[str], numbers: list[int], *, mark: str) -> None:
        self._texts = [mark + texts[0], *texts[1:]]
        self._numbers = numbers
        self.sample = "x".join(self._texts)
        self.wire = _encode_subject(self.sample)

    def encode(self, filled: Sequence[str]) -> bytes:
        """The field's value for one recipient's escaped values."""
        if not self._numbers:
            return self.wire
        pairs = zip(self._numbers, self._texts[1:], strict=True)
        return _encode_subject(self._texts[0] + "".join(filled[at] + text for at, text in pairs))


def _encode_subject(text: str) -> bytes:
    headers.refuse_forbidden("Subject", text)
    if not text.strip():
        raise CheckError(
            "E102",
            "The subject is empty",
            detail="A mail without a subject is refused by several providers.",
            next_step='subject: "…", or a default in its expression',
        )
    wire = headers.unstructured("Subject", text)
    assert _SUBJECT_WIRE(wire), wire
    return wire.encode("ascii")


def _recipient(email: str) -> str:
    """The address for To and RCPT (M-8); not ASCII if only SMTPUTF8 can carry it (M-13)."""
    try:
        return address.parse(email).wire
    except address.AddressError as error:
        raise CheckError(
            "E140",
            "An address cannot be written into a mail",
            where=email[:80].encode("unicode_escape").decode("ascii"),
            detail=error.reason,
            next_step="correct the subscriber's address",
        ) from error


def _opened(boundary: str) -> str:
    return f"\r\n--{boundary}\r\n"


def _closed(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")


def _part(boundary: str, subtype: str, part: transfer.Part) -> bytes:
    """From the boundary to the blank line before the octets of a text."""
    return (
        f"{_opened(boundary)}"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {part.encoding}\r\n\r\n"
    ).encode("ascii")


def _boundary(revision: Revision, level: str = "") -> str:
    """Letters from the issue and its digest (M-22): the same on a retry, no run of digits.

    "=_" occurs in neither encoding, so no line of a part can be a boundary.
    """
    seed = f"{revision.issue}\n{revision.digest}{level}"
    digest = hashlib.sha256(seed.encode()).hexdigest()
    return "=_" + digest[:_BOUNDARY_LETTERS].translate(_DIGITS_TO_LETTERS)
