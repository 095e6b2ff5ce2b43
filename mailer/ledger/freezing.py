"""The freeze: rendering, headers and one delivery per recipient, stored in one transaction."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exists, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from mailer.errors import SafetyError
from mailer.ledger import choosing, events
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
    from mailer.ledger.database import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a freeze needs besides the audience.

    Attributes:
        due_at: when it may start; `wall` and `zone` say how that was written, if it was.
    """

    revision: Revision
    rendering: Rendering
    source_digest: str
    started_by: str
    due_at: Instant
    wall: str = ""
    zone: str = ""


def freeze(ledger: Ledger, plan: Plan, *, now: Instant) -> MailingId:
    """Store the rendering, the mailing and one delivery per recipient, in one transaction.

    Raises:
        SafetyError: E710, this issue is being mailed to this list already.
    """
    try:
        with ledger.write() as connection:
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
    store_rendering(connection, plan, now)
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
            )
            .returning(mailing.c.id)
        ).one()
    )
    connection.execute(
        insert(revision).values(
            mailing=mailing_id,
            number=frozen.number,
            variant=plan.rendering.variant,
            digest=frozen.digest,
            headers=json.dumps(asdict(frozen), ensure_ascii=False),
            key_id=frozen.key_id,
            commit=frozen.commit,
            created_at=now,
        )
    )
    recipients = enrol(connection, mailing_id, now=now)
    events.record(
        connection,
        kind="frozen",
        actor=plan.started_by,
        at=now,
        mailing=mailing_id,
        detail={"recipients": recipients, "digest": frozen.digest},
    )
    return mailing_id


def store_rendering(connection: Connection, plan: Plan, now: Instant) -> None:
    """Keep a rendering under its digest; the same content is kept once."""
    known = connection.scalar(
        select(rendering.c.digest).where(rendering.c.digest == plan.revision.digest)
    )
    if known is None:
        subject = "".join(p if isinstance(p, str) else "…" for p in plan.rendering.subject)
        connection.execute(
            insert(rendering).values(
                digest=plan.revision.digest,
                language=plan.rendering.language,
                subject=subject,
                parts=plan.rendering.dump(),
                source_digest=plan.source_digest,
                created_at=now,
            )
        )


def rendering_digest(content: Rendering) -> str:
    """SHA-256 of the canonical form, hexadecimal."""
    return hashlib.sha256(content.dump().encode()).hexdigest()


def enrol(connection: Connection, mailing_id: MailingId, *, now: Instant) -> int:
    """Give everybody who may receive and has none yet a delivery row; returns how many came.

    Used by the freeze and again when a scheduled mailing starts, for those who confirmed since.
    """
    row = connection.execute(
        select(mailing, list_.c.slug.label("list_slug"), issue.c.slug.label("issue_slug"))
        .join(list_, list_.c.id == mailing.c.list)
        .join(issue, issue.c.id == mailing.c.issue)
        .where(mailing.c.id == mailing_id)
    ).one()
    everybody, reason = choosing.everybody(row.list_slug, row.issue_slug, now)
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
        )
        .select_from(everybody)
        .where(reason.element.is_(None), ~in_mailing)
    )
    columns = ["mailing", "seq", "subscriber", "email", "address_key", "issue", "state"]
    added = connection.execute(insert(delivery).from_select(columns, source)).rowcount
    first = row.recipients + 1
    last = row.recipients + added
    ranges = [
        {"mailing": mailing_id, "first": low, "last": min(low + BATCH - 1, last), "due_at": 0}
        for low in range(first, last + 1, BATCH)
    ]
    if ranges:
        connection.execute(insert(batch), ranges)
        connection.execute(
            update(mailing).where(mailing.c.id == mailing_id).values(recipients=last)
        )
    return added


def load_revision(
    connection: Connection, mailing_id: MailingId, number: int
) -> tuple[Revision, Rendering]:
    """What was frozen: headers and rendering."""
    row = connection.execute(
        select(revision.c.headers, rendering.c.parts)
        .join(rendering, rendering.c.digest == revision.c.digest)
        .where(revision.c.mailing == mailing_id, revision.c.number == number)
    ).one()
    headers = json.loads(row.headers)
    for key in ("sender", "reply_to"):
        headers[key] = Mailbox(**headers[key]) if headers[key] else None
    return Revision(**headers), Rendering.load(row.parts)
