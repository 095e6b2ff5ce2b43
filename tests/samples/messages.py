"""A newsletter, a reader and a rendering to compose with, and the stdlib's reading of a message."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.model import (
    EmbeddedImage,
    Instant,
    ListId,
    Mailbox,
    MailingId,
    Place,
    Recipient,
    Rendering,
    Revision,
    Slot,
    SubscriberId,
    Template,
)

if TYPE_CHECKING:
    from email.message import EmailMessage

    from mailer.model import Message

NEW_KEY, OLD_KEY, STRANGE_KEY = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
KEYRING = Keyring((NEW_KEY, OLD_KEY))
DATE = Instant(1_795_680_000_000_000)  # Thu, 26 Nov 2026 08:00:00 UTC

NAME = Slot(expression='subscriber.name or "reader"', place=Place.HTML, line=3)
NAME_IN_TEXT = Slot(expression='subscriber.name or "reader"', place=Place.TEXT, line=3)
LINK = Slot(expression="unsubscribe_url", place=Place.URL)
LINK_IN_TEXT = Slot(expression="unsubscribe_url", place=Place.TEXT)


def revision(**changes: Any) -> Revision:
    """A revision of The Weekly."""
    return replace(
        Revision(
            issue="2026-11-26-winter",
            list="weekly",
            list_title="The Weekly",
            list_id="weekly.example.org",
            feedback_sender="theweekly",
            sender=Mailbox(name="The Weekly", address="weekly@example.org"),
            reply_to=None,
            url="https://news.example.org",
            bounce_domain="bounces.example.org",
            key_id=KEYRING.newest_id,
            digest="3b1f" * 16,
        ),
        **changes,
    )


def recipient(**changes: Any) -> Recipient:
    """Ann, delivery 9 of mailing 42."""
    ann = Recipient(
        mailing=MailingId(42),
        seq=9,
        subscriber=SubscriberId(1007),
        list_number=ListId(3),
        email="ann@example.net",
        name="Ann",
    )
    return ann._replace(**changes)


def rendering(
    *,
    subject: Template = ("Winter opening hours",),
    html: Template = ("<p>Hello ", NAME, '</p>\n<a href="', LINK, '">unsubscribe</a>\n'),
    text: Template = ("Hello ", NAME_IN_TEXT, "\n\nUnsubscribe: ", LINK_IN_TEXT, "\n"),
) -> Rendering:
    """A small issue that greets and lets go."""
    return Rendering(language="en", subject=subject, html=html, text=text)


def image(number: int = 1, **changes: Any) -> EmbeddedImage:
    """A small picture that travels in the mail."""
    return replace(
        EmbeddedImage(
            content_id=f"{number:032x}@news.example.org",
            media_type="image/png",
            name=f"snow-{number}.png",
            data=b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * number,
        ),
        **changes,
    )


def template(given: Rendering | None = None, **changes: Any) -> MessageTemplate:
    """The issue compiled for a revision with these changes."""
    return MessageTemplate(given or rendering(), revision(**changes), KEYRING)


def compose(given: Rendering | None = None, **changes: Any) -> Message:
    """The message for Ann."""
    return template(given, **changes).compose(recipient(), date=DATE)


def parsed(message: Message) -> EmailMessage:
    """How the standard library reads the content."""
    return message_from_bytes(message.content, policy=policy.default)


def body(message: Message, subtype: str) -> str:
    """The decoded part of this subtype, line ends as LF."""
    for part in parsed(message).walk():
        if part.get_content_type() == f"text/{subtype}":
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            return raw.decode().replace("\r\n", "\n")
    raise AssertionError(f"no text/{subtype}")


def header_lines(message: Message) -> list[str]:
    """The raw lines of the header block."""
    return message.content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
