"""A claimed delivery becomes a parcel: its message composed from the frozen revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.compose.expressions import MissingValueError
from mailer.compose.mime import MessageTemplate
from mailer.errors import CheckError
from mailer.ledger import freezing

if TYPE_CHECKING:
    from mailer.compose.dkim import Signer
    from mailer.compose.links import Keyring
    from mailer.ledger import Ledger
    from mailer.ledger.claims import Claimed
    from mailer.model import Instant, MailingId, Message


@dataclass(slots=True, eq=False)
class Parcel:
    """A claimed delivery and the message composed for it.

    Attributes:
        date: the Date that is in the message.
        committing: its intent is being written: what is said of it waits until it is known
            whether it is `begun`.
        begun: its intent is committed, its row is in `sending`.
    """

    claimed: Claimed
    message: Message
    date: Instant
    committing: bool = False
    begun: bool = False


class Packer:
    """Composes parcels; each variant of a revision is loaded and compiled once."""

    def __init__(self, ledger: Ledger, keyring: Keyring, signer: Signer | None = None) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._signer = signer
        self._templates: dict[tuple[MailingId, int, str], MessageTemplate] = {}

    def pack(self, claimed: Claimed, *, now: Instant) -> Parcel:
        """Compose a message; a later attempt has the first one's Date and values (decisions 2).

        Raises:
            CheckError: E140, the person lacks a value that the issue needs, or has one that cannot
                be written; only possible for those who joined after the freeze.
            ConfigError: E433 or E437, a key that the revision needs is not there any more.
        """
        date = now if claimed.date is None else claimed.date
        template = self._template(
            claimed.recipient.mailing, claimed.revision, claimed.recipient.variant
        )
        try:
            message = template.compose(claimed.recipient, date=date, values=claimed.values)
        except MissingValueError as error:
            raise CheckError(
                "E140",
                f"{{{{ {error.name} }}}} has no value for somebody who joined since the freeze",
                detail="The mailing is paused; nobody was marked as failed.",
                next_step="give that person a value, then mailer resume",
            ) from error
        return Parcel(claimed, message, date)

    def _template(self, mailing: MailingId, number: int, variant: str) -> MessageTemplate:
        template = self._templates.get((mailing, number, variant))
        if template is None:
            with self._ledger.read() as connection:
                revision, rendering = freezing.load_revision(connection, mailing, number, variant)
            template = MessageTemplate(rendering, revision, self._keyring, self._signer)
            self._templates[mailing, number, variant] = template
        return template
