"""What was composed for each recipient of the newest mailing, made again from the ledger alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.config import require_secret
from mailer.delivery.signing import signer_of
from mailer.ledger import freezing
from mailer.ledger.schema import delivery, mailing
from mailer.model import Instant, ListId, Message, Recipient, SubscriberId

if TYPE_CHECKING:
    from tests.samples.newsletter import News


def recomposed(news: News) -> dict[str, Message]:
    """Address -> message, as a further attempt would have it (decisions 2, M-5)."""
    newest = news.mailings()[0].id
    with news.ledger() as ledger, ledger.read() as connection:
        revision, rendering = freezing.load_revision(connection, newest, 1)
        template = MessageTemplate(
            rendering, revision, Keyring(require_secret(news.config)), signer_of(news.config)
        )
        query = (
            select(delivery, mailing.c.list)
            .join(mailing, mailing.c.id == delivery.c.mailing)
            .where(delivery.c.mailing == newest, delivery.c.date.is_not(None))
        )
        return {
            row.email: template.compose(
                Recipient(
                    mailing=newest,
                    seq=row.seq,
                    subscriber=SubscriberId(row.subscriber),
                    list_number=ListId(row.list),
                    email=row.email,
                ),
                date=Instant(row.date),
                values=None if row.values is None else tuple(json.loads(row.values)),
            )
            for row in connection.execute(query)
        }
