"""The message, encoded once around its slots; per recipient only values are put in and joined.

A `MessageTemplate` is compiled once per revision: header block and body become fixed octets with
places between them (architecture §6). Composing signs the tokens, evaluates, escapes and encodes
the values, joins, and signs. Values are data and never rendered again.

Whatever could differ between two attempts of a delivery is in the revision, in the ledger's row or
in the arguments, so that a second attempt is the first one byte for byte (decisions 2).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer import address
from mailer.compose import dkim, headers, transfer
from mailer.compose.body import FIXED, body_of, boundary
from mailer.compose.fields import HOLES, Blank, Identity, Personal
from mailer.compose.links import UNSUBSCRIBE_TOKEN_OCTETS, unsubscribe_url
from mailer.compose.places import Places
from mailer.compose.subject import Subject
from mailer.errors import CheckError
from mailer.model import MICROSECONDS, Instant, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.compose.dkim import Seal, Signer
    from mailer.compose.links import Keyring
    from mailer.model import Recipient, Rendering, Revision

_TEST_MARK = "[TEST] "


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Octets of both parts as they are read, and of HTML as it travels (M-28, E150)."""

    html_decoded: int
    html_encoded: int
    text_decoded: int


class MessageTemplate:
    """One revision of an issue, ready to be composed for any of its recipients.

    Args:
        signer: has the keys that the revision names; None where it names none.

    Attributes:
        rendering: what it was compiled from.

    Raises:
        CheckError: E102 or E109, characters that cannot be mailed; E140, an expression.
        ConfigError: E430 to E434, a name, url, address, key or list that no message can have; E437,
            a signing key that is not there any more.
        MissingValueError: the list has no such field.
    """

    def __init__(
        self,
        rendering: Rendering,
        revision: Revision,
        keyring: Keyring,
        signer: Signer | None = None,
    ) -> None:
        keyring.require(revision.key_id)
        self.rendering = rendering
        self._keyring = keyring
        self._key_id = revision.key_id
        self._identity = Identity(revision)
        self._test_token = keyring.test_token(key_id=revision.key_id) if revision.test else ""
        self._places = Places(rendering, {"title": revision.list_title, "name": revision.list})
        self._subject = Subject(*self._places.subject, mark=_TEST_MARK if revision.test else "")
        text, html = transfer.choose(*self._places.text), transfer.choose(*self._places.html)
        self._body = body_of(revision, text, html, rendering.images)
        fields = self._fields(revision)
        self._head = Blank(headers.block(fields) + "\r\n")
        self._date = (-1, "")
        self._relaxed = self._body.relaxed() if revision.signing_keys else self._body
        self._seal = self._sealing(revision, signer, fields)

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
        personal = Personal(self._format(date), to, self._subject.encode(filled), message_id, token)
        head = self._head.fill(personal)
        if self._seal is not None:
            rest = self._relaxed.pieces(filled)[FIXED:]
            head = self._seal.sign(personal, rest, date=date) + head
        return Message(
            mail_from=f"b-{verp}@{self._identity.bounce_domain}",  # V-1
            rcpt_to=to,
            envelope_id=envid,
            message_id=f"<{message_id}@{self._identity.domain}>",
            pieces=(head.encode("ascii" if to.isascii() else "utf-8"), *self._body.pieces(filled)),
            vouched=True,  # M-24: encoded so, in the fixed text and in every value
            values=used,
        )

    def unsigned(self) -> MessageTemplate:
        """The same without signatures, ten times as fast: for looking at what is composed."""
        twin = copy(self)
        twin._seal = None  # noqa: SLF001  its own
        return twin

    @property
    def sizes(self) -> Sizes:
        """The parts with links of real length; a subscriber's own values count as empty."""
        return self._measure(b"".join(self._body.pieces(self._sample())))

    def measure(self, message: Message) -> Sizes:
        """The parts of one message of this template, its subscriber's values included."""
        return self._measure(message.content.partition(b"\r\n\r\n")[2])

    def _measure(self, body: bytes) -> Sizes:
        text, html = self._body.parts(body)
        return Sizes(
            html_decoded=len(transfer.decode(self._body.html.encoding, html)),
            html_encoded=len(html),
            text_decoded=len(transfer.decode(self._body.text.encoding, text)),
        )

    def _sample(self) -> list[str]:
        """Values with a link of real length, and nothing where a subscriber's own would stand."""
        link = unsubscribe_url(self._identity.url, "a" * UNSUBSCRIBE_TOKEN_OCTETS)
        return self._places.sample(link)

    def _format(self, date: Instant) -> str:
        second = date // MICROSECONDS
        if self._date[0] != second:  # thousands of messages share one
            self._date = second, headers.date(date)
        return self._date[1]

    def _fields(self, revision: Revision) -> dict[str, str]:
        """The header, checked, with holes for personal values."""
        mark = boundary(revision)
        self._identity.verify(
            subject=self._subject.sample, subject_wire=self._subject.wire, boundary=mark
        )
        return self._identity.fields(HOLES, mark)

    def _sealing(
        self, revision: Revision, signer: Signer | None, fields: Mapping[str, str]
    ) -> Seal | None:
        keys = dkim.keys_of(revision, signer)
        if not keys:
            return None
        lead = b"".join(self._relaxed.pieces(self._sample())[:FIXED])
        return dkim.Seal(keys, revision.signing_domain, fields, lead)


def _recipient(email: str) -> str:
    """The address for To and RCPT (M-8); not ASCII if only SMTPUTF8 can carry it (M-13)."""
    try:
        return address.wire(email)
    except address.AddressError as error:
        raise CheckError(
            "E140",
            "An address cannot be written into a mail",
            where=email[:80].encode("unicode_escape").decode("ascii"),
            detail=error.reason,
            next_step="correct the subscriber's address",
        ) from error
