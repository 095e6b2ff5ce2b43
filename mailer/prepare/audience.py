"""Who would get a prepared issue, and whether a message can be composed for each of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mailer.check import everybody
from mailer.ledger import choosing, revising, variants
from mailer.model import ListId, MailingId, Recipient, SubscriberId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Row

    from mailer.ledger import Ledger
    from mailer.ledger.choosing import Audience
    from mailer.model import Instant
    from mailer.prepare.preparing import Prepared


def count_audience(prepared: Prepared, ledger: Ledger | None, *, now: Instant) -> Audience:
    """Who is on the list, and why some of them get nothing; nobody without a database."""
    if ledger is None:
        return choosing.Audience(on_list=0, excluded=dict.fromkeys(choosing.EXCLUSIONS, 0))
    with ledger.read() as connection:
        return choosing.count(
            connection,
            list_slug=prepared.list.slug,
            issue_slug=prepared.issue.id,
            now=now,
            corrects=prepared.corrects,
        )


def recipients(connection: Connection, prepared: Prepared, *, now: Instant) -> Iterator[Recipient]:
    """Everybody who will receive, in claim order, a page at a time."""
    rows = choosing.chosen(
        connection,
        list_slug=prepared.list.slug,
        issue_slug=prepared.issue.id,
        now=now,
        variant=variant_of(connection, prepared),
        corrects=prepared.corrects,
    )
    for seq, row in enumerate(rows, start=1):
        yield as_recipient(row, seq)


def variant_of(connection: Connection, prepared: Prepared) -> ColumnElement[str]:
    """The name of the variant that a subscriber gets, as the freeze will choose it."""
    language = prepared.rendering.language
    return variants.chosen(connection, prepared.variants, base_language=language)


def as_recipient(row: Row[Any], seq: int) -> Recipient:
    """Somebody of no mailing yet, with the values that they have now."""
    return Recipient(
        mailing=MailingId(0),
        seq=seq,
        subscriber=SubscriberId(row.id),
        list_number=ListId(row.list),
        email=row.email,
        name=row.name,
        language=row.language,
        attributes=json.loads(row.attributes),
        variant=row.variant,
    )


def preflight(
    prepared: Prepared, ledger: Ledger | None, *, now: Instant, samples: int = 0
) -> everybody.Composed:
    """Compose every recipient's message without sending it (M-31, interface §2.4)."""
    if ledger is None:
        return everybody.NOBODY
    with ledger.read() as connection:
        people = recipients(connection, prepared, now=now)
        return _composed(prepared, people, samples=samples)


def preflight_left(
    prepared: Prepared, ledger: Ledger, mailing_id: MailingId, *, now: Instant
) -> everybody.Composed:
    """Compose the message of everybody in a mailing who would get this as its next revision."""
    with ledger.read() as connection:
        variant = variant_of(connection, prepared)
        rows = revising.left(connection, mailing_id, variant=variant, now=now)
        return _composed(prepared, (as_recipient(row, row.seq) for row in rows), samples=0)


def _composed(
    prepared: Prepared, people: Iterable[Recipient], *, samples: int
) -> everybody.Composed:
    made = prepared.variants
    composed = everybody.compose_all(
        {name: variant.template for name, variant in made.items()},
        people,
        issues={name: variant.issue for name, variant in made.items()},
        limits=prepared.limits,
        date=prepared.planned,
        samples=samples,
    )
    return replace(composed, findings=prepared.excused(composed.findings))
