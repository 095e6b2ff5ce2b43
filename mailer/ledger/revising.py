"""A corrected issue for those who are left: the next revision of a mailing (decisions 8).

::

    delivery            began before            → goes on with
    ──────────────────────────────────────────────────────────────────────
    accepted, in doubt  with r1                   r1: it is over
    deferred            with r1                   r1: the same bytes again
    any other           never: no byte has left   r2

`revision.recipients` counts so: who began with a revision has it, everybody else the newest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from mailer.errors import SafetyError
from mailer.ledger import events, variants
from mailer.ledger.choosing import PAGE, PERSON, why_not
from mailer.ledger.freezing import languages_of, load_revision, store_version
from mailer.ledger.schema import delivery, mailing, revision, subscriber, subscription
from mailer.model import DeliveryState, Instant, MailingId, MailingState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from mailer.ledger.freezing import Version
    from mailer.model import Rendering, Revision


def newest(connection: Connection, mailing_id: MailingId) -> dict[str, tuple[Revision, Rendering]]:
    """What was frozen last, by the names of the variants."""
    number = _number(connection, mailing_id)
    names = languages_of(connection, mailing_id, number)
    return {name: load_revision(connection, mailing_id, number, name) for name in names}


def left(
    connection: Connection, mailing_id: MailingId, *, variant: ColumnElement[str], now: Instant
) -> Iterator[Row[Any]]:
    """Those who would get a new revision, in claim order, read a page at a time.

    Args:
        connection: where to read.
        mailing_id: whose deliveries.
        variant: says which variant of the new revision somebody gets.
        now: who left or was suppressed until then is none of them.
    """
    query = (
        select(*PERSON, delivery.c.seq, variant.label("variant"))
        .select_from(delivery)
        .join(mailing, mailing.c.id == delivery.c.mailing)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .join(
            subscription,
            (subscription.c.subscriber == subscriber.c.id)
            & (subscription.c.list == mailing.c.list),
        )
        .where(
            delivery.c.mailing == mailing_id,
            delivery.c.state == DeliveryState.QUEUED,
            delivery.c.revision.is_(None),
            why_not(issue_id=None, now=now).is_(None),
        )
        .order_by(delivery.c.seq)
    )
    yield from connection.execution_options(yield_per=PAGE).execute(query)


def tried_again(connection: Connection, mailing_id: MailingId) -> int:
    """How many are queued that keep the revision with which they began."""
    query = select(func.count()).where(
        delivery.c.mailing == mailing_id,
        delivery.c.state == DeliveryState.QUEUED,
        delivery.c.revision.is_not(None),
    )
    return connection.scalar(query) or 0


def still_to_come(connection: Connection, mailing_id: MailingId, number: int) -> int:
    """How many will only get a revision: none of them has it, not even perhaps."""
    mine = delivery.c.revision == number
    if number == _number(connection, mailing_id):
        mine |= delivery.c.revision.is_(None)
    query = select(func.count()).where(
        delivery.c.mailing == mailing_id,
        delivery.c.state == DeliveryState.QUEUED,
        delivery.c.resends == 0,
        mine,
    )
    return connection.scalar(query) or 0


def add_revision(
    connection: Connection,
    mailing_id: MailingId,
    versions: Sequence[Version],
    *,
    after: int,
    now: Instant,
    actor: str,
) -> int:
    """Freeze the next revision of a paused mailing; returns its number.

    Args:
        connection: a transaction that writes.
        mailing_id: the mailing.
        versions: one for each variant; the base's first.
        after: the revision that somebody compared this one with.
        now: when.
        actor: who corrects.

    Raises:
        SafetyError: E719, it is not paused any more, or has another revision.
    """
    row = connection.execute(
        select(mailing.c.state, mailing.c.revision).where(mailing.c.id == mailing_id)
    ).one()
    if row.state != MailingState.PAUSED or row.revision != after:
        raise SafetyError(
            "E719",
            f"m{mailing_id} changed while it was looked at; no revision was added",
            detail=f"It is {row.state} with r{row.revision}.",
            next_step=f"mailer pause m{mailing_id}, then the same command again",
        )
    number = after + 1
    for version in versions:
        frozen = replace(version, revision=replace(version.revision, number=number))
        store_version(connection, mailing_id, frozen, now)
    _hand_over(connection, mailing_id, after, number)
    events.record(
        connection,
        kind="revised",
        actor=actor,
        at=now,
        mailing=mailing_id,
        detail={"revision": number, "digest": versions[0].revision.digest},
    )
    return number


def _hand_over(connection: Connection, mailing_id: MailingId, old: int, new: int) -> None:
    """Who never began gets the new revision, in the variant of it that is theirs."""
    unbegun = (delivery.c.mailing == mailing_id, delivery.c.revision.is_(None))
    names = languages_of(connection, mailing_id, new)
    before = languages_of(connection, mailing_id, old)
    taken = _counted(connection, unbegun, before)
    if len(before) > 1 or len(names) > 1:
        theirs = variants.chosen(connection, names, base_language=names[""])
        person = select(theirs).where(subscriber.c.id == delivery.c.subscriber)
        connection.execute(
            update(delivery).where(*unbegun).values(variant=person.scalar_subquery())
        )
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(revision=new))
    for variant, count in taken.items():
        _add(connection, mailing_id, old, variant, -count)
    for variant, count in _counted(connection, unbegun, names).items():
        _add(connection, mailing_id, new, variant, count)


def _counted(
    connection: Connection, which: tuple[ColumnElement[bool], ...], names: dict[str, str]
) -> dict[str, int]:
    if len(names) == 1:
        query = select(func.count()).select_from(delivery).where(*which)
        return {"": connection.scalar(query) or 0}
    each = select(delivery.c.variant, func.count()).where(*which).group_by(delivery.c.variant)
    return {row[0]: row[1] for row in connection.execute(each)}


def _add(
    connection: Connection, mailing_id: MailingId, number: int, variant: str, more: int
) -> None:
    connection.execute(
        update(revision)
        .where(
            revision.c.mailing == mailing_id,
            revision.c.number == number,
            revision.c.variant == variant,
        )
        .values(recipients=revision.c.recipients + more)
    )


def _number(connection: Connection, mailing_id: MailingId) -> int:
    number: int = connection.scalars(
        select(mailing.c.revision).where(mailing.c.id == mailing_id)
    ).one()
    return number
