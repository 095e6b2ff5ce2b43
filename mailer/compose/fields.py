"""Which header fields the mail of an issue has, in order, and what its revision must be for them.

The table is read once per revision with marks where a recipient's own values go, and once with
samples: that block is read back, and must say exactly what was meant (M-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from mailer import address
from mailer.compose import headers
from mailer.compose.links import (
    DELIVERY_TOKEN_OCTETS,
    UNSUBSCRIBE_TOKEN_OCTETS,
    unsubscribe_base,
    unsubscribe_url,
)
from mailer.errors import ConfigError
from mailer.model import Instant, Mailbox

if TYPE_CHECKING:
    from mailer.model import Revision

_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+").fullmatch
_LIST_ID_OCTETS = 255
_SENDER_ID = re.compile(r"[a-z0-9]{5,15}").fullmatch
_NOT_IN_FEEDBACK_ID = re.compile(r"[^A-Za-z0-9._-]")


_HOLE: Final = "\0"  # refused in every value (M-11), so that it can mark the places of a block


class Personal(NamedTuple):
    """What differs from one recipient to the next, in the order in which it stands in the header.

    One is made for each message; a dataclass would take three times as long.
    """

    date: str
    to: str
    subject: str
    message_id: str
    token: str


HOLES: Final = Personal(*_HOLE * len(Personal._fields))
"""What `Blank` fills in."""


class Blank:
    """A text with a hole for each personal value, in their order."""

    def __init__(self, text: str) -> None:
        self._pieces = text.split(_HOLE)
        assert len(self._pieces) == len(HOLES) + 1

    def fill(self, personal: Personal) -> str:
        """The text for one recipient."""
        start, after_date, after_to, after_subject, after_id, end = self._pieces
        date, to, subject, message_id, token = personal
        return (
            f"{start}{date}{after_date}{to}{after_to}{subject}"
            f"{after_subject}{message_id}{after_id}{token}{end}"
        )


class Identity:
    """The addresses of a revision, as they are written: domains as A-labels (M-7, M-13).

    Attributes:
        domain: of From and Message-ID.
        bounce_domain: of envelope senders.
        url: where unsubscribe links start.

    Raises:
        ConfigError: E430 a control character, E431 the url, E432 an address or domain, E434 a list.
    """

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._sender = _mailbox("[newsletter] from", revision.sender)
        reply_to = revision.reply_to
        self._reply_to = _mailbox("[newsletter] reply_to", reply_to) if reply_to else None
        self._list_id = _list_id(revision)
        self._feedback_id = _feedback_id(revision)
        self.domain = self._sender.address.rpartition("@")[2]
        self.bounce_domain = _a_label(revision.bounce_domain)
        self.url = unsubscribe_base(revision.url)

    def fields(self, personal: Personal, boundary: str) -> dict[str, str]:
        """Names and values in order, each name once (M-4).

        List-Id, List-Unsubscribe and the like are structured: never encoded, never folded (M-10).
        """
        sender, reply_to = self._sender, self._reply_to
        return {
            "Date": personal.date,
            "From": headers.mailbox("From", sender),
            **({"Reply-To": headers.mailbox("Reply-To", reply_to)} if reply_to else {}),
            "To": personal.to,  # the recipient alone, without a name (M-8)
            "Subject": personal.subject,
            "Message-ID": f"<{personal.message_id}@{self.domain}>",
            "List-Id": self._list_id,
            "List-Unsubscribe": f"<{unsubscribe_url(self.url, personal.token)}>",  # L-2
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # L-3
            "List-Post": "NO",  # L-10
            "Precedence": "bulk",  # L-11: an issue has an author, so no Auto-Submitted
            "X-Auto-Response-Suppress": "OOF, AutoReply",  # L-12: All, NDR, DR would stop bounces
            "Feedback-ID": self._feedback_id,
            "MIME-Version": "1.0",
            "Content-Type": f'multipart/alternative; boundary="{boundary}"',
        }

    def verify(self, *, subject: str, subject_wire: str, boundary: str) -> None:
        """Read the block back with samples in it, and compare with what is meant (M-11).

        Raises:
            ConfigError: E430; nothing is sent whose header says something else.
        """
        sample = Personal(
            date=headers.date(Instant(0)),
            to="reader@example.org",
            subject=subject_wire,
            message_id="a" * DELIVERY_TOKEN_OCTETS,
            token="a" * UNSUBSCRIBE_TOKEN_OCTETS,
        )
        fields = self.fields(sample, boundary)
        meant: dict[str, str | Mailbox] = {**fields, "From": self._sender, "Subject": subject}
        if self._reply_to:
            meant["Reply-To"] = self._reply_to
        try:
            found, why = headers.read(headers.block(fields).encode("ascii")), ""
        except ValueError as error:
            found, why = [], str(error)
        if found != list(meant.items()):
            odd = [name for name, value in meant.items() if (name, value) not in found]
            raise ConfigError(
                "E430",
                "The mail's header would not say what it should",
                where=", ".join(odd) if found else "header",
                detail=why or "Read back, these fields differ from what was written.",
                next_step="simplify the value, and please report this",
            )


def _mailbox(where: str, given: Mailbox) -> Mailbox:
    headers.refuse_forbidden(where, given.name)
    try:
        found = address.parse(given.address)
    except address.AddressError as error:
        raise _unusable(where, given.address, error.reason) from error
    if found.needs_smtputf8:
        reason = "The part before the @ is not ASCII, and many relays refuse that (M-7)."
        raise _unusable(where, given.address, reason)
    return Mailbox(name=given.name, address=found.wire)


def _a_label(domain: str) -> str:
    try:
        return address.parse(f"b@{domain}").domain
    except address.AddressError as error:
        raise _unusable("[bounces] address", domain, error.reason) from error


def _unusable(where: str, given: str, reason: str) -> ConfigError:
    shown = given[:80].encode("unicode_escape").decode("ascii")
    return ConfigError(
        "E432",
        f"No mail can have the address {shown}",
        where=where,
        detail=reason,
        next_step="correct it",
    )


def _list_id(revision: Revision) -> str:
    """The list's name, if it is ASCII, and its identifier (L-1): this field is never encoded."""
    title, identifier = revision.list_title, revision.list_id
    headers.refuse_forbidden(f"[lists.{revision.list}] title", title)
    if not _LIST_ID(identifier) or len(identifier) > _LIST_ID_OCTETS or set("<>") & set(title):
        raise ConfigError(
            "E434",
            "The list cannot be named in List-Id",
            where=f"[lists.{revision.list}]",
            detail=f"title {title!r}, identifier {identifier!r}",
            next_step="a title without angle brackets, and letters, digits, - and . as identifier",
        )
    named = headers.plain_phrase(title)
    return f"{named} <{identifier}>" if named else f"<{identifier}>"


def _feedback_id(revision: Revision) -> str:
    """Issue, list, stream and sender; the same for every recipient (L-13)."""
    if not _SENDER_ID(revision.feedback_sender):
        raise ConfigError(
            "E434",
            "Feedback-ID needs 5 to 15 of a-z and 0-9 for the sender",
            where="[newsletter] name",
            detail=f"from the newsletter's name came {revision.feedback_sender!r}",
            next_step="a name with more Latin letters or digits",
        )
    stream = "test" if revision.test else "newsletter"
    words = [_NOT_IN_FEEDBACK_ID.sub("-", word) for word in (revision.issue, revision.list)]
    return ":".join([*words, stream, revision.feedback_sender])
