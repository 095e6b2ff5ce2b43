"""The SMTP side: aiosmtpd takes messages, each goes into the store before it is acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

    from mailer.catch.store import Store

# A name of our own spares aiosmtpd a DNS question per connection.
_HOSTNAME = "catch.localhost"


def receiver(store: Store) -> SMTP:
    """The protocol of one connection."""
    return SMTP(_Handler(store), hostname=_HOSTNAME, ident="mailer catch")


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, _: SMTP, session: Session, __: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer PIPELINING (RFC 2920): aiosmtpd reads command by command, so it holds."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message."""
        content = envelope.original_content or b""
        name = self._store.add(envelope.mail_from or "", envelope.rcpt_tos, content)
        return f"250 2.0.0 kept as {name}"
