"""A mailing from freeze to finish: who gets it, its states, and what people see of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from mailer.errors import SafetyError
from mailer.ledger import choosing, events
from mailer.ledger.database import bump_changes
from mailer.ledger.schema import (
    batch,
    delivery,
    event,
    issue,
    list_,
    mailing,
    rendering,
    revision,
    subscriber,
    subscription,
    suppression,
)
from mailer.model import (
    DeliveryState,
    Instant,
    Mailbox,
    MailingId,
    MailingState,
    Rendering,
    Revision,
    SubscriptionState,
)

if TYPE_CHECKING:
    from mailer.ledger.database import Ledger

BATCH = 256
"""Deliveries per lease: large enough that claiming costs nothing per row, small enough to lose."""

LIVE = (MailingState.SENDING, MailingState.WAITING)
OPEN = (*LIVE, MailingState.SCHEDULED, MailingState.PAUSED)


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


# --- freeze --------------------------------------------------------------------------------------


def was_frozen(connection: Connection, slug: str, *, list_slug: str | None = None) -> bool:
    """Whether an issue was mailed, or is being mailed, to a list or to any."""
    query = (
        select(mailing.c.id)
        .join(issue, issue.c.id == mailing.c.live_issue)
        .join(list_, list_.c.id == mailing.c.list)
        .where(issue.c.slug == slug)
    )
    if list_slug is not None:
        query = query.where(list_.c.slug == list_slug)
    return connection.scalar(query.limit(1)) is not None


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


# --- what was frozen ------------------------------------------------------------------------------


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


def last_size(connection: Connection, list_slug: str) -> int | None:
    """How many the last mailing to a list was for; None if there was none."""
    size: int | None = connection.scalar(
        select(mailing.c.recipients)
        .join(list_, list_.c.id == mailing.c.list)
        .where(list_.c.slug == list_slug, mailing.c.live_issue.is_not(None))
        .order_by(mailing.c.id.desc())
        .limit(1)
    )
    return size


def in_batch(lease: Row[Any]) -> list[ColumnElement[bool]]:
    """The queued rows of a batch: a first batch is a range, a retry batch is named by its rows."""
    queued = [delivery.c.mailing == lease.mailing, delivery.c.state == DeliveryState.QUEUED]
    if lease.first is None:
        return [*queued, delivery.c.batch == lease.id]
    return [
        *queued,
        delivery.c.seq.between(lease.first, lease.last),
        delivery.c.batch.is_(None),
        delivery.c.due_at.is_(None),
    ]


# --- states --------------------------------------------------------------------------------------


def set_state(
    connection: Connection,
    mailing_id: MailingId,
    state: MailingState,
    *,
    actor: str,
    now: Instant,
    reason: str = "",
) -> None:
    """Move a mailing to a state, write it down, and let dispatchers look again."""
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state in (MailingState.SENT, MailingState.CANCELLED, MailingState.MISSED):
        values["finished_at"] = now
    if state is MailingState.SENDING:
        values["finished_at"] = None
        values["started_at"] = func.coalesce(mailing.c.started_at, now)
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(values))
    events.record(
        connection, kind=state, actor=actor, at=now, mailing=mailing_id, detail={"reason": reason}
    )
    bump_changes(connection)


def live(connection: Connection, *, only: MailingId | None = None) -> list[MailingId]:
    """The mailings that are being sent."""
    query = select(mailing.c.id).where(mailing.c.state.in_(LIVE))
    if only is not None:
        query = query.where(mailing.c.id == only)
    return [MailingId(number) for number in connection.scalars(query)]


def relay_is_back(connection: Connection, *, now: Instant) -> None:
    """Mailings that waited for the relay are being sent again."""
    for mailing_id in waiting(connection):
        set_state(connection, mailing_id, MailingState.SENDING, actor="mailer", now=now)


def waiting(connection: Connection) -> list[MailingId]:
    """The mailings that wait for the relay."""
    query = select(mailing.c.id).where(mailing.c.state == MailingState.WAITING)
    return [MailingId(number) for number in connection.scalars(query)]


def cancel(connection: Connection, mailing_id: MailingId, *, actor: str, now: Instant) -> int:
    """End a mailing: what is queued will not be sent; returns how many that were.

    The promise "once per issue" is lifted from what was not sent, so that it can be mailed anew.
    """
    stopped = _cancel_queued(connection, mailing_id, now)
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(live_issue=None))
    set_state(connection, mailing_id, MailingState.CANCELLED, actor=actor, now=now)
    return stopped


def cancel_late(connection: Connection, *, now: Instant) -> None:
    """Cancel what came back to the queue of a cancelled mailing.

    It was on its way when the operator spoke, and the relay deferred it afterwards.
    """
    settled = mailing.c.accepted + mailing.c.rejected + mailing.c.in_doubt + mailing.c.cancelled
    late = select(mailing.c.id).where(
        mailing.c.state == MailingState.CANCELLED,
        settled + mailing.c.sending < mailing.c.recipients,
    )
    for number in connection.scalars(late).all():
        _cancel_queued(connection, MailingId(number), now)


def _cancel_queued(connection: Connection, mailing_id: MailingId, now: Instant) -> int:
    queued = update(delivery).where(
        delivery.c.mailing == mailing_id, delivery.c.state == DeliveryState.QUEUED
    )
    over = {"due_at": None, "batch": None, "changed_at": now}
    # What waits to be sent again out of doubt may have arrived: the promise stands for it.
    doubtful = connection.execute(
        queued.where(delivery.c.resends > 0).values(state=DeliveryState.IN_DOUBT, **over)
    ).rowcount
    stopped = connection.execute(
        queued.values(state=DeliveryState.CANCELLED, issue=None, **over)
    ).rowcount
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id)
        .values(cancelled=mailing.c.cancelled + stopped, in_doubt=mailing.c.in_doubt + doubtful)
    )
    return stopped


def retry(
    connection: Connection,
    mailing_id: MailingId,
    state: DeliveryState,
    *,
    actor: str,
    now: Instant,
) -> int:
    """Queue doubtful or rejected deliveries again; never those suppressed or gone.

    With the rejected go those that were accepted and have bounced since. Claiming asks again who
    may receive, so that nothing here can overrule a departure. A mailing that was sent is being
    sent again; one that is paused stays so.
    """
    again = {state: _queue_again(connection, mailing_id, delivery.c.state == state, now)}
    if state is DeliveryState.REJECTED:
        returned = (delivery.c.state == DeliveryState.ACCEPTED) & _bounced_since(mailing_id)
        again[DeliveryState.ACCEPTED] = _queue_again(connection, mailing_id, returned, now)
    total = sum(again.values())
    if not total:
        return 0
    counters = {mailing.c[one]: mailing.c[one] - number for one, number in again.items()}
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(counters))
    events.record(
        connection,
        kind="retried",
        actor=actor,
        at=now,
        mailing=mailing_id,
        detail={"state": state, "deliveries": total},
    )
    was = connection.scalar(select(mailing.c.state).where(mailing.c.id == mailing_id))
    if was == MailingState.SENT:
        set_state(connection, mailing_id, MailingState.SENDING, actor=actor, now=now)
    return total


def _queue_again(
    connection: Connection, mailing_id: MailingId, wanted: ColumnElement[bool], now: Instant
) -> int:
    suppressed = exists().where(suppression.c.address_key == delivery.c.address_key)
    left = exists().where(
        subscription.c.subscriber == delivery.c.subscriber,
        subscription.c.list == mailing.c.list,
        subscription.c.state != SubscriptionState.CONFIRMED,
        mailing.c.id == mailing_id,
    )
    here = (delivery.c.mailing == mailing_id, delivery.c.email.is_not(None))
    return connection.execute(
        update(delivery)
        .where(*here, wanted, ~suppressed, ~left)
        .values(
            state=DeliveryState.QUEUED,
            due_at=now,
            batch=None,
            attempts=0,
            # Sent again out of doubt: not by itself a second time (decisions 7).
            resends=case((delivery.c.state == DeliveryState.IN_DOUBT, 1), else_=delivery.c.resends),
            changed_at=now,
        )
    ).rowcount


def _bounced_since(mailing_id: MailingId) -> ColumnElement[bool]:
    """Whether a delivery came back after it was accepted, the last time that it was."""
    sent = delivery.alias()
    returns = (
        select(event.c.seq)
        .join(sent, (sent.c.mailing == event.c.mailing) & (sent.c.seq == event.c.seq))
        .where(
            event.c.mailing == mailing_id,
            event.c.kind == events.Kind.BOUNCED,
            event.c.at >= sent.c.changed_at,
        )
    )
    return delivery.c.seq.in_(returns)
