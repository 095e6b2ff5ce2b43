"""What people see of a mailing: its state and its counts, which always add up."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from mailer.content.identity import name_and_language, slug_of
from mailer.errors import NotFoundError, UsageError
from mailer.ledger import events, holds
from mailer.ledger.mailings import LIVE, in_batch
from mailer.ledger.schema import batch, delivery, issue, list_, mailing, rendering, revision
from mailer.model import Instant, MailingId, MailingState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NUMBER = re.compile(r"[0-9]{1,18}").fullmatch  # as far as an integer of both databases goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One mailing as `mailer status` shows it; the counts add up to `recipients`.

    Attributes:
        deferred: queued ones that wait for their next try, at `next_try_at` at the earliest.
        held: queued ones that were put aside until their domain is released.
        holds: the domains that it leaves alone, and why (decisions 16).
        variants: how many get which variant of the issue; empty if all get the same.
        revision: the newest one.
        revisions: how many have which revision, or are to get it; empty if there is one.
        canary: so many are sent first; 0: all at once.
        resume_at: when it goes on by itself, if nothing speaks against it.
        corrects: the mailing and revision that it corrects, such as "m42 r1"; or empty.
        reconciled: how many are out of doubt by the relay's log (S-42).
    """

    id: MailingId
    issue: str
    list: str
    subject: str
    state: MailingState
    reason: str
    recipients: int
    counts: dict[str, int]
    resent: int
    ever_in_doubt: int
    bounced: int
    deferred: int
    next_try_at: Instant | None
    due_at: Instant
    zone: str
    started_at: Instant | None
    finished_at: Instant | None
    held: int = 0
    holds: Mapping[str, str] = field(default_factory=dict)
    reconciled: int = 0
    variants: Mapping[str, int] = field(default_factory=dict)
    revision: int = 1
    revisions: Mapping[int, int] = field(default_factory=dict)
    canary: int = 0
    resume_at: Instant | None = None
    corrects: str = ""

    @property
    def name(self) -> str:
        """m42."""
        return f"m{self.id}"

    @property
    def settled(self) -> int:
        """Deliveries that need nothing more."""
        return self.recipients - self.counts["queued"] - self.counts["claimed"]


def overviews(connection: Connection, *, only: MailingId | None = None) -> list[Overview]:
    """All mailings, newest first."""
    query = (
        select(mailing, issue.c.slug.label("issue_slug"), list_.c.slug.label("list_slug"))
        .join(issue, issue.c.id == mailing.c.issue)
        .join(list_, list_.c.id == mailing.c.list)
        .order_by(mailing.c.id.desc())
    )
    if only is not None:
        query = query.where(mailing.c.id == only)
    return [_overview(connection, row) for row in connection.execute(query).all()]


def _overview(connection: Connection, row: Row[Any]) -> Overview:
    settled = {
        state: getattr(row, state)
        for state in ("sending", "accepted", "rejected", "in_doubt", "cancelled")
    }
    queued = row.recipients - sum(settled.values())
    claimed = _claimed(connection, row.id) if queued and row.state in LIVE else 0
    waiting = connection.execute(
        select(func.count(), func.min(delivery.c.due_at)).where(
            delivery.c.mailing == row.id, delivery.c.due_at < holds.HELD
        )
    ).one()
    return Overview(
        id=MailingId(row.id),
        issue=row.issue_slug,
        list=row.list_slug,
        subject=_subject(connection, row),
        state=MailingState(row.state),
        reason=row.reason,
        recipients=row.recipients,
        counts={"queued": queued - claimed, "claimed": claimed, **settled},
        resent=row.resent,
        ever_in_doubt=row.ever_in_doubt,
        bounced=events.count_bounced(connection, MailingId(row.id)),
        deferred=waiting[0],
        next_try_at=waiting[1],
        due_at=row.due_at,
        zone=row.zone,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reconciled=row.reconciled,
        held=_put_aside(connection, row.id),
        holds=holds.of(connection, row.id),
        variants=_variants(connection, row),
        revision=row.revision,
        revisions=_revisions(connection, row),
        canary=row.canary,
        resume_at=row.resume_at,
        corrects="" if row.corrects is None else f"m{row.corrects} r{row.corrects_revision}",
    )


def _put_aside(connection: Connection, mailing_id: int) -> int:
    here = (delivery.c.mailing == mailing_id, delivery.c.due_at == holds.HELD)
    return connection.scalar(select(func.count()).select_from(delivery).where(*here)) or 0


def _variants(connection: Connection, row: Row[Any]) -> dict[str, int]:
    query = (
        select(revision.c.variant, revision.c.recipients)
        .where(revision.c.mailing == row.id, revision.c.number == row.revision)
        .order_by(revision.c.variant)
    )
    found: dict[str, int] = {one.variant: one.recipients for one in connection.execute(query)}
    return found if len(found) > 1 else {}


def _revisions(connection: Connection, row: Row[Any]) -> dict[int, int]:
    if row.revision == 1:
        return {}
    query = (
        select(revision.c.number, func.sum(revision.c.recipients))
        .where(revision.c.mailing == row.id)
        .group_by(revision.c.number)
        .order_by(revision.c.number)
    )
    return {number: int(count) for number, count in connection.execute(query)}


def _subject(connection: Connection, row: Row[Any]) -> str:
    found: str | None = connection.scalar(
        select(rendering.c.subject)
        .join(revision, revision.c.digest == rendering.c.digest)
        .where(
            revision.c.mailing == row.id,
            revision.c.number == row.revision,
            revision.c.variant == "",
        )
    )
    return found or ""


def _claimed(connection: Connection, mailing_id: int) -> int:
    """Queued rows whose batch is leased (decisions 5)."""
    leased = select(batch).where(
        batch.c.mailing == mailing_id, batch.c.done == 0, batch.c.holder.is_not(None)
    )
    total = 0
    for lease in connection.execute(leased).all():
        total += (
            connection.scalar(select(func.count()).select_from(delivery).where(*in_batch(lease)))
            or 0
        )
    return total


def find(connection: Connection, name: str) -> Overview:
    """A mailing by its name (m42), or the newest of an issue: its id, its file, or a part of it.

    Raises:
        NotFoundError: E910, with the nearest names.
        UsageError: E911, the part fits several issues.
    """
    number = _numbered(connection, name)
    if number is None:
        number = _newest_of(connection, _mailed_issue(connection, name))
    return overviews(connection, only=MailingId(number))[0]


def unknown(name: str, *, near: Sequence[str] = ()) -> NotFoundError:
    """The error for a mailing that is not there."""
    return NotFoundError(
        "E910",
        f"There is no mailing {name}",
        next_step=f"did you mean {' or '.join(near)}?" if near else "mailer status",
    )


def _numbered(connection: Connection, name: str) -> int | None:
    digits = name.removeprefix("m")
    if not _NUMBER(digits):
        return None
    query = select(mailing.c.id).where(mailing.c.id == int(digits))
    number: int | None = connection.scalar(query)
    return number


def _mailed_issue(connection: Connection, name: str) -> str:
    """The id of an issue that was mailed."""
    wanted = name.lower()
    if "/" in name or wanted.endswith(".md"):
        wanted = slug_of(name_and_language(Path(name))[0])
    known = set(connection.scalars(select(issue.c.slug).join(mailing)))
    fitting = sorted(slug for slug in known if wanted and wanted in slug)
    if wanted in known or len(fitting) == 1:
        return wanted if wanted in known else fitting[0]
    if fitting:
        raise UsageError(
            "E911",
            f"{name} fits {len(fitting)} issues that were mailed",
            detail="\n".join(fitting),
            next_step="name one of them, or its mailing: mailer status",
        )
    raise unknown(name, near=difflib.get_close_matches(wanted, known, n=3, cutoff=0.5))


def _newest_of(connection: Connection, slug: str) -> int:
    newest = select(func.max(mailing.c.id)).join(issue).where(issue.c.slug == slug)
    number: int = connection.scalars(newest).one()
    return number


def issues_in(connection: Connection, state: MailingState) -> set[str]:
    """The issues that have a mailing in a state."""
    query = (
        select(issue.c.slug)
        .join(mailing, mailing.c.live_issue == issue.c.id)
        .where(mailing.c.state == state)
    )
    return set(connection.scalars(query))


def of_issue(connection: Connection, *, issue_slug: str, list_slug: str) -> Overview | None:
    """The mailing of this issue to this list that was not cancelled."""
    found = connection.scalar(
        select(mailing.c.id)
        .join(issue, issue.c.id == mailing.c.live_issue)
        .join(list_, list_.c.id == mailing.c.list)
        .where(issue.c.slug == issue_slug, list_.c.slug == list_slug)
    )
    return None if found is None else overviews(connection, only=MailingId(found))[0]


def deliveries_of(connection: Connection, address_key: bytes) -> Iterator[Row[Any]]:
    """Every delivery to one address, newest first, with its mailing."""
    query = (
        select(delivery, issue.c.slug.label("issue_slug"))
        .join(mailing, mailing.c.id == delivery.c.mailing)
        .join(issue, issue.c.id == mailing.c.issue)
        .where(delivery.c.address_key == address_key)
        .order_by(delivery.c.mailing.desc())
    )
    yield from connection.execute(query)
