"""The nouns: frozen values without I/O that the rooms hand to each other.

Instants are integers: microseconds since 1970-01-01 UTC, in both databases (decisions 18).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, NewType

MailingId = NewType("MailingId", int)
SubscriberId = NewType("SubscriberId", int)
ListId = NewType("ListId", int)
HolderId = NewType("HolderId", int)
Instant = NewType("Instant", int)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000


def instant(moment: datetime) -> Instant:
    """An aware datetime as an instant."""
    return Instant((moment - _EPOCH) // timedelta(microseconds=1))


def moment(at: int) -> datetime:
    """An instant as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at)


# --- content -------------------------------------------------------------------------------------


DIALECTS = ("plain", "vuepress", "docusaurus", "jekyll", "hugo", "pelican", "eleventy")
"""Whose Markdown an issue can be written in; each has its module in `content.dialects`."""


CLIENTS = (
    *("apple-mail", "gmail", "outlook", "outlook-windows", "yahoo", "samsung", "thunderbird"),
    *("proton", "gmx", "web-de", "fastmail", "hey", "orange", "mail-ru"),
)
"""Families of mail clients whose gaps are known; `outlook-windows` is the classic one."""


class Level(StrEnum):
    """How much a finding matters: an error stops a mailing, a warning asks, info informs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found (interface §4).

    Attributes:
        line: from 1; 0 means the whole file.
        column: from 1; 0 where it is not known.
        ignored: the reason why it is ignored; empty if it counts.
    """

    id: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    next_step: str = ""
    ignored: str = ""

    @property
    def level(self) -> Level:
        """The level is the first letter of the id: E, W or I; what is ignored informs."""
        if self.ignored:
            return Level.INFO
        return {"E": Level.ERROR, "W": Level.WARNING, "I": Level.INFO}[self.id[0]]


class Release(StrEnum):
    """Whether an issue may be mailed (interface §1.0): never, by hand only, or by the schedule."""

    DRAFT = "draft"
    BY_HAND = "by hand"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Byline:
    """Who wrote an issue; `site` and `image` are absolute URLs or empty."""

    author: str
    site: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One Markdown file, understood. `body` is the Markdown after the front matter.

    Attributes:
        file: path relative to the newsletter's folder, for messages.
        digest: SHA-256 of the file's bytes, hexadecimal.
        body_line: line number in the file of the first line of `body`.
        heading: text of the document's first heading; empty if none.
        date: as written, a datetime at midnight where only a day was given; naive means the list's
            zone; None means the time of freezing.
        body: in plain Markdown, whatever dialect the file is written in; line for line.
        dialect: whose Markdown the file is written in, a name of `DIALECTS`.
        audience: attribute -> value of the subscribers that it is for; empty: for everybody.
        page_path: where the issue stands on the web by its own keys: an absolute address, a path
            that begins with `/`, or a name in the place of `{id}` in `newsletter.page`; or empty.
        template: as the front matter names it; empty where it names none.
        cut_after: the heading after whose section the mail ends; empty: it has all of the issue.
        send_at: as written, for example "2026-11-26 09:00 Europe/Berlin"; empty if absent.
        meta: every key of the front matter under its lower-case name, ours included.
        lines: key of the front matter -> its line in the file.
        ignore: check id -> reason.
    """

    id: str
    file: str
    digest: str
    body: str
    body_line: int
    subject: str
    preheader: str
    heading: str
    date: datetime | None
    byline: Byline | None
    language: str
    list: str
    template: str
    reply_to: str
    release: Release
    send_at: str
    feed: bool
    cut_after: str = ""
    dialect: str = "plain"
    audience: Mapping[str, str] = field(default_factory=dict)
    page_path: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    ignore: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def line_of(self, *keys: str) -> int:
        """The line of the first of these keys that the front matter has; 0 if it has none."""
        tables = ("mailer.", "", "extra.", "params.")
        found = (self.lines.get(table + key, 0) for key in keys for table in tables)
        return next(filter(None, found), 0)


# --- rendering -----------------------------------------------------------------------------------


class Place(StrEnum):
    """Where a slot stands, which decides how its value is escaped.

    HTML: text or attribute value. URL: a whole href or src (scheme allow-list, then HTML).
    URL_PART: a piece of a URL (percent-encoded). TEXT: the text part or the subject, as it is.
    """

    HTML = "html"
    URL = "url"
    URL_PART = "url_part"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A per-recipient place: an expression such as `subscriber.name or "reader"`."""

    expression: str
    place: Place
    line: int = 0


Template = tuple[str | Slot, ...]
"""Fixed text and slots in reading order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedImage:
    """An image that travels inside the mail and is shown as `cid:` (RFC 2392, M-20).

    Attributes:
        content_id: without angle brackets; derived from the data, so that retries are equal.
        media_type: such as "image/png".
        name: file name for clients that list parts.
    """

    content_id: str
    media_type: str
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """An issue as subject, HTML and text with slots left open.

    Attributes:
        variant: whose it is: empty for the base, else a name such as "language=de" or "plan=pro".
        images: those that the HTML shows as `cid:`.
    """

    language: str
    subject: Template
    html: Template
    text: Template
    variant: str = ""
    images: tuple[EmbeddedImage, ...] = ()

    def dump(self) -> str:
        """The rendering as canonical JSON; equal renderings give equal text."""
        fields = asdict(self)
        for image in fields["images"]:
            image["data"] = b64encode(image["data"]).decode("ascii")
        return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def load(text: str) -> Rendering:
        """The inverse of `dump`."""
        raw = json.loads(text)

        def template(pieces: list[str | dict[str, Any]]) -> Template:
            return tuple(
                piece
                if isinstance(piece, str)
                else Slot(
                    expression=piece["expression"],
                    place=Place(piece["place"]),
                    line=piece["line"],
                )
                for piece in pieces
            )

        return Rendering(
            language=raw["language"],
            variant=raw["variant"],
            subject=template(raw["subject"]),
            html=template(raw["html"]),
            text=template(raw["text"]),
            images=tuple(
                EmbeddedImage(**{**image, "data": b64decode(image["data"])})
                for image in raw.get("images", ())  # renderings of before there were any
            ),
        )


# --- a mailing and its deliveries ----------------------------------------------------------------


class SubscriptionState(StrEnum):
    """A person's place in a list."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class MailingState(StrEnum):
    """scheduled → sending ⇄ waiting (relay down) ⇄ paused → sent | cancelled | missed."""

    SCHEDULED = "scheduled"
    SENDING = "sending"
    WAITING = "waiting"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"
    MISSED = "missed"


class DeliveryState(StrEnum):
    """Stored states; `claimed` is a queued row whose batch is leased (decisions 5)."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"


class OnDoubt(StrEnum):
    """What happens to a message whose fate is unknown (S-42)."""

    RESEND = "resend"
    HOLD = "hold"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A display name and an address; the name may be empty."""

    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Every mailing-wide input of a message, frozen (decisions 2).

    Attributes:
        issue: the issue's id.
        list_id: the identifier inside the angle brackets of List-Id (L-1).
        feedback_sender: SenderId of Feedback-ID, 5 to 15 of [a-z0-9] (L-13).
        url: where unsubscribe links start, without a trailing slash.
        bounce_domain: domain of the envelope sender.
        key_id: which key of the ring signs this revision's delivery tokens.
        signing_domain: d= of its DKIM signatures.
        signing_keys: selector and fingerprint of each key that signs; none: it is not signed here.
        test: a test copy: subject marked, a token that does nothing.
    """

    number: int = 1
    issue: str
    list: str
    list_title: str
    list_id: str
    feedback_sender: str
    sender: Mailbox
    reply_to: Mailbox | None
    url: str
    bounce_domain: str
    key_id: int
    digest: str
    commit: str = ""
    test: bool = False
    signing_domain: str = ""
    signing_keys: tuple[tuple[str, str], ...] = ()


class Recipient(NamedTuple):
    """Who a message is composed for: the delivery's numbers and the person's values.

    A tuple, because one is made for every delivery: 0.6 instead of 3 µs.

    Attributes:
        mailing: 0 for a test copy, which has no row in the ledger.
        list_number: the list's number in the ledger, bound into unsubscribe tokens.
        attributes: the person's attributes, without email, name and language.
        variant: the name of the rendering that they get; empty for the base.
    """

    mailing: MailingId
    seq: int
    subscriber: SubscriberId
    list_number: ListId
    email: str
    name: str = ""
    language: str = ""
    attributes: Mapping[str, object] = MappingProxyType({})
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """RFC 5321 envelope and content: what is handed to a relay.

    Attributes:
        mail_from, rcpt_to: addresses without angle brackets.
        envelope_id: our signed id for ENVID (B-1).
        pieces: header block and body, to be joined: CRLF line ends, 7-bit, ends with CRLF; the
            final dot is not part of it. Most pieces are the same octets for everybody.
        vouched: its maker vouches for that, and that no line begins with a dot (S-13); looking
            through 40 KB again at the relay's door costs half as much as composing them.
        values: the slot values that were used, in slot order; None if there are no
            subscriber slots (decisions 2).
    """

    mail_from: str
    rcpt_to: str
    envelope_id: str
    message_id: str
    pieces: tuple[bytes, ...]
    vouched: bool = False
    values: tuple[str, ...] | None = None

    @property
    def content(self) -> bytes:
        """The pieces in one."""
        return b"".join(self.pieces)

    @property
    def octets(self) -> int:
        """How many the content has."""
        return sum(map(len, self.pieces))


# --- the relay's side of the conversation --------------------------------------------------------


class Phase(StrEnum):
    """How far a conversation with a relay had come (standards §3.3)."""

    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    DOT = "final dot"
    RSET = "RSET"
    QUIT = "QUIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a relay said: code, enhanced code such as "5.1.1" or empty, and its text.

    `text` is at most 1 KB, lines joined by a space, control characters escaped (S-2); it does
    not repeat `code` but keeps the enhanced code as it came.
    """

    code: int
    text: str
    enhanced: str = ""

    @property
    def kind(self) -> int:
        """The first digit of the code: 2, 3, 4 or 5."""
        return self.code // 100

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection ended without a reply: EOF, reset, timeout or nonsense."""

    reason: str


class BounceClass(StrEnum):
    """What a permanent failure says, about whom (standards §4.2)."""

    HARD_ADDRESS = "hard:address"
    HARD_DOMAIN = "hard:domain"
    INACTIVE = "inactive"
    MAILBOX_FULL = "mailbox full"
    SENDER_FAULT = "sender fault"
    NETWORK = "network"
    PROTOCOL = "protocol"
    UNKNOWN = "unknown"


HARD = frozenset({BounceClass.HARD_ADDRESS, BounceClass.HARD_DOMAIN})
"""The failures that say that there is nobody to mail to; what the guard counts (S-33)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One recipient's entry of a report that came back, identified or not.

    Attributes:
        action: failed, delayed, delivered, relayed or expanded.
        status: enhanced code such as "5.1.1"; empty if the report has none.
        diagnostic: the remote server's own words.
        recipient: the address that the report names; evidence only, never identity (B-2).
        evidence: at most the first 2 KB of the report (B-23).
        mailing, seq: the delivery, if a token of ours was verified; else None.
    """

    action: str
    status: str
    diagnostic: str
    recipient: str
    evidence: str
    bounce_class: BounceClass | None
    mailing: MailingId | None = None
    seq: int | None = None
