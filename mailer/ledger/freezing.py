"""The freeze: rendering, headers and one delivery per recipient, stored in one transaction."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exists, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from mailer.errors import SafetyError
from mailer.ledger import canary, choosing, events, variants
from mailer.ledger.dialect import COUNTED
from mailer.ledger.engines import Lock, exclude
from mailer.ledger.holds import HELD
from mailer.ledger.mailings import BATCH
from mailer.ledger.schema import (
    batch,
    delivery,
    issue,
    list_,
    mailing,
    rendering,
    revision,
    subscriber,
)
from mailer.model import (
    DeliveryState,
    Instant,
    Mailbox,
    MailingId,
    MailingState,
    Rendering,
    Revision,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailer.ledger.database import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One variant of an issue as it is frozen: `rendering.variant` says whose it is."""

    revision: Revision
    rendering: Rendering
    source_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Version):
    """Everything that a freeze needs besides the audience; its own version is the base.

    Attributes:
        due_at: when it may start; `wall` and `zone` say how that was written, if it was.
        variants: the versions for some of the recipients.
        canary: so many are sent first; 0: all at once.
        canary_wait: microseconds after which the rest follows by itself; None: never.
        corrects: whom it is for, if it is a correction.
    """

    started_by: str
    due_at: Instant
    wall: str = ""
    zone: str = ""
    variants: tuple[Version, ...] = ()
    canary: int = 0
    canary_wait: int | None = None
    corrects: choosing.Corrected | None = None


def freeze(ledger: Ledger, plan: Plan, *, now: Instant) -> MailingId:
    """Store the rendering, the mailing and one delivery per recipient, in one transaction.

    Raises:
        SafetyError: E710, this issue is being mailed to this list already.
    """
    try:
        with ledger.write(Lock.PEOPLE, copying=True) as connection:
            return _freeze(connection, plan, now)
    except IntegrityError as error:
        raise SafetyError(
            "E710",
            f"{plan.revision.issue} is being mailed to {plan.revision.list} already",
            next_step="mailer status",
        ) from error


def _freeze(connection: Connection, plan: Plan, now: Instant) -> MailingId:
    frozen = plan.revision
    list_id = connection.scalar(select(list_.c.id).where(list_.c.slug == frozen.list))
    number = connection.scalar(select(issue.c.id).where(issue.c.slug == frozen.issue))
    if number is None:
        number = connection.scalars(
            insert(issue).values(slug=frozen.issue).returning(issue.c.id)
        ).one()
    mailing_id = MailingId(
        connection.scalars(
            insert(mailing)
            .values(
                issue=number,
                live_issue=number,
                list=list_id,
                state=MailingState.SCHEDULED,
                revision=frozen.number,
                wall=plan.wall,
                zone=plan.zone,
                due_at=plan.due_at,
                started_by=plan.started_by,
                created_at=now,
                recipients=0,
                canary=plan.canary,
                canary_wait=plan.canary_wait,
                corrects=plan.corrects and plan.corrects.mailing,
                corrects_revision=plan.corrects and plan.corrects.revision,
            )
            .returning(mailing.c.id)
        ).one()
    )
    for version in (plan, *plan.variants):
        store_version(connection, mailing_id, version, now)
    recipients = enrol(connection, mailing_id, now=now)
    if plan.canary:
        canary.choose(connection, mailing_id, plan.canary)
    events.record(
        connection,
        kind="frozen",
        actor=plan.started_by,
        at=now,
        mailing=mailing_id,
        detail={"recipients": recipients, "digest": frozen.digest},
    )
    return mailing_id


def store_version(
    connection: Connection, mailing_id: MailingId, version: Version, now: Instant
) -> None:
    """Keep a rendering under its digest, the same content once, and what goes with it."""
    frozen, content = version.revision, version.rendering
    digest = rendering.c.digest == frozen.digest
    if connection.scalar(select(rendering.c.digest).where(digest)) is None:
        subject = "".join(p if isinstance(p, str) else "…" for p in content.subject)
        connection.execute(
            insert(rendering).values(
                digest=frozen.digest,
                language=content.language,
                subject=subject,
                parts=content.dump(),
                source_digest=version.source_digest,
                created_at=now,
            )
        )
    connection.execute(
        insert(revision).values(
            mailing=mailing_id,
            number=frozen.number,
            variant=content.variant,
            digest=frozen.digest,
            headers=json.dumps(asdict(frozen), ensure_ascii=False),
            key_id=frozen.key_id,
            commit=frozen.commit,
            created_at=now,
        )
    )


def rendering_digest(content: Rendering) -> str:
    """SHA-256 of the canonical form, hexadecimal."""
    return hashlib.sha256(content.dump().encode()).hexdigest()


def enrol(connection: Connection, mailing_id: MailingId, *, now: Instant) -> int:
    """Give everybody who may receive and has none yet a delivery row; returns how many came.

    Each row says which variant it gets, and keeps it. Used by the freeze and again when a scheduled
    mailing starts, for those who confirmed since.
    """
    exclude(connection, Lock.PEOPLE)
    row = connection.execute(
        select(mailing, list_.c.slug.label("list_slug"), issue.c.slug.label("issue_slug"))
        .join(list_, list_.c.id == mailing.c.list)
        .join(issue, issue.c.id == mailing.c.issue)
        .where(mailing.c.id == mailing_id)
    ).one()
    languages = languages_of(connection, mailing_id, row.revision)
    corrects = None
    if row.corrects is not None:
        corrects = choosing.Corrected(MailingId(row.corrects), row.corrects_revision)
    everybody, reason = choosing.everybody(row.list_slug, row.issue_slug, now, corrects)
    rank = func.row_number().over(order_by=subscriber.c.address_key) + row.recipients
    in_mailing = exists().where(
        delivery.c.mailing == mailing_id, delivery.c.subscriber == subscriber.c.id
    )
    source = (
        select(
            literal(mailing_id),
            rank,
            subscriber.c.id,
            subscriber.c.email,
            subscriber.c.address_key,
            literal(row.issue),
            literal(DeliveryState.QUEUED),
            variants.chosen(connection, languages, base_language=languages[""]),
        )
        .select_from(everybody)
        .where(reason.element.is_(None), ~in_mailing)
    )
    columns = ["mailing", "seq", "subscriber", "email", "address_key", "issue", "state", "variant"]
    rows = insert(delivery).from_select(columns, source).execution_options(**COUNTED)
    added = connection.execute(rows).rowcount
    if added:
        first, last = row.recipients + 1, row.recipients + added
        _cut(connection, mailing_id, first, last, due_at=HELD if row.canary else Instant(0))
        _count(connection, mailing_id, first, last, languages)
    return added


def languages_of(connection: Connection, mailing_id: MailingId, number: int) -> dict[str, str]:
    """The variants of a revision, each with its language."""
    versions = connection.execute(
        select(revision.c.variant, rendering.c.language)
        .join(rendering, rendering.c.digest == revision.c.digest)
        .where(revision.c.mailing == mailing_id, revision.c.number == number)
    )
    return {row.variant: row.language for row in versions}


def _cut(
    connection: Connection, mailing_id: MailingId, first: int, last: int, *, due_at: Instant
) -> None:
    """Cut new rows into batches; behind a canary they are held."""
    size = BATCH[connection.dialect.name]
    ranges = [
        {"mailing": mailing_id, "first": low, "last": min(low + size - 1, last), "due_at": due_at}
        for low in range(first, last + 1, size)
    ]
    connection.execute(insert(batch), ranges)


def _count(
    connection: Connection, mailing_id: MailingId, first: int, last: int, names: Collection[str]
) -> None:
    """Keep how many there are with the new rows, in all and of each variant."""
    this = mailing.c.id == mailing_id
    connection.execute(update(mailing).where(this).values(recipients=last))
    counted = {"": last - first + 1}
    if len(names) > 1:
        new = (delivery.c.mailing == mailing_id, delivery.c.seq.between(first, last))
        query = select(delivery.c.variant, func.count()).where(*new).group_by(delivery.c.variant)
        counted = {row.variant: row[1] for row in connection.execute(query)}
    number = select(mailing.c.revision).where(this).scalar_subquery()
    version = (revision.c.mailing == mailing_id, revision.c.number == number)
    for variant, more in counted.items():
        connection.execute(
            update(revision)
            .where(*version, revision.c.variant == variant)
            .values(recipients=revision.c.recipients + more)
        )


def load_revision(
    connection: Connection, mailing_id: MailingId, number: int, variant: str = ""
) -> tuple[Revision, Rendering]:
    """What was frozen for those who get a variant: headers and rendering."""
    row = connection.execute(
        select(revision.c.headers, rendering.c.parts)
        .join(rendering, rendering.c.digest == revision.c.digest)
        .where(
            revision.c.mailing == mailing_id,
            revision.c.number == number,
            revision.c.variant == variant,
        )
    ).one()
    headers = json.loads(row.headers)
    for key in ("sender", "reply_to"):
        headers[key] = Mailbox(**headers[key]) if headers[key] else None
    headers["signing_keys"] = tuple(map(tuple, headers.get("signing_keys", ())))
    return Revision(**headers), Rendering.load(row.parts)
