"""How a mailing starts: who confirmed since the freeze is added, who left is cancelled.

If that is more than a little, the mailing is not the one that somebody confirmed (interface §1.0)::

    joined + left      up to 1 %     over 1 %       over 10 % and over 50 people
    of the confirmed   started       and logged     paused: a person decides

What was paused so starts at `resume`: by then the ledger knows only those who are really due.
What waits behind its canary goes on when its time has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, exists, select, update

from mailer.errors import UsageError
from mailer.ledger import canary, events, tally
from mailer.ledger.choosing import why_not
from mailer.ledger.freezing import enrol
from mailer.ledger.mailings import set_state
from mailer.ledger.schema import delivery, mailing, subscriber, subscription
from mailer.model import DeliveryState, Instant, MailingId, MailingState
from mailer.when import parse_wall

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

NOTED = 0.01
ASKED = 0.10
ASKED_FROM = 50


class Verdict(StrEnum):
    """What a drift means."""

    START = "start"
    NOTE = "note"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What became of a mailing whose time had come.

    Attributes:
        confirmed: how many were to get it when it was confirmed.
    """

    mailing: MailingId
    confirmed: int
    joined: int
    left: int

    @property
    def verdict(self) -> Verdict:
        """Whether this is still the mailing that was confirmed."""
        drift = self.joined + self.left
        if drift > ASKED * self.confirmed and drift > ASKED_FROM:
            return Verdict.ASK
        return Verdict.NOTE if drift > NOTED * self.confirmed else Verdict.START

    def __str__(self) -> str:
        after = self.confirmed + self.joined - self.left
        return (
            f"{after:,} would get it and {self.confirmed:,} were confirmed: "
            f"{self.joined:,} joined and {self.left:,} left since"
        )


def startable(connection: Connection, *, now: Instant) -> set[MailingId]:
    """Mailings whose time has come: to start, or to go on behind their canary.

    The time is reckoned anew at each look, from wall time and zone: the rules of a zone may have
    changed since (decisions 18).
    """
    return {*_scheduled(connection, now), *canary.waited(connection, now=now)}


def _scheduled(connection: Connection, now: Instant) -> list[MailingId]:
    scheduled = (
        select(mailing.c.id, mailing.c.due_at, mailing.c.wall, mailing.c.zone)
        .where(mailing.c.state == MailingState.SCHEDULED)
        .order_by(mailing.c.id)
    )
    return [
        MailingId(number)
        for number, due_at, wall, zone in connection.execute(scheduled)
        if _reckoned(due_at, wall, zone) <= now
    ]


def _reckoned(due_at: int, wall: str, zone: str) -> int:
    if not wall:
        return due_at
    try:
        return parse_wall(wall, zone=zone).at
    except UsageError:  # new rules skip that hour: the moment that was confirmed stands
        return due_at


def start_due(connection: Connection, *, now: Instant, actor: str) -> list[Started]:
    """Start scheduled mailings whose time has come, or pause those that drifted too far.

    Mailings whose wait behind their canary is over go on.
    """
    canary.go_on(connection, now=now, actor=actor)
    due = _scheduled(connection, now)
    return [started for one in due if (started := _start(connection, one, now, actor))]


def resume(connection: Connection, mailing_id: MailingId, *, actor: str, now: Instant) -> None:
    """Let a paused mailing go on at a person's word; one that had not begun waits for its time.

    If it was the guard that had paused it, it is overruled (S-33).
    """
    row = connection.execute(select(mailing).where(mailing.c.id == mailing_id)).one()
    canary.release(connection, mailing_id)
    if row.reason.startswith(tally.SPOKE):
        shares = row.reason.startswith(tally.SHARES)
        tally.overrule(connection, mailing_id, shares=shares, actor=actor, now=now)
    state = MailingState.SENDING if row.started_at is not None else MailingState.SCHEDULED
    set_state(connection, mailing_id, state, actor=actor, now=now)


def _start(
    connection: Connection, mailing_id: MailingId, now: Instant, actor: str
) -> Started | None:
    """Start one; None if another process just does, or did since we looked."""
    this = (mailing.c.id == mailing_id, mailing.c.state == MailingState.SCHEDULED)
    mine = select(mailing).where(*this).with_for_update(skip_locked=True)
    row = connection.execute(mine).one_or_none()
    if row is None:
        return None
    started = Started(
        mailing=mailing_id,
        confirmed=row.recipients - row.cancelled,
        left=_cancel_gone(connection, row, now),
        joined=enrol(connection, mailing_id, now=now),
    )
    verdict = started.verdict
    if verdict is not Verdict.START:
        detail = {"confirmed": started.confirmed, "joined": started.joined, "left": started.left}
        events.record(
            connection, kind="drifted", actor=actor, at=now, mailing=mailing_id, detail=detail
        )
    asked = verdict is Verdict.ASK
    set_state(
        connection,
        mailing_id,
        MailingState.PAUSED if asked else MailingState.SENDING,
        actor=actor,
        now=now,
        reason=f"E715 {started}" if asked else "",
    )
    return started


def _cancel_gone(connection: Connection, row: Row[Any], now: Instant) -> int:
    """Cancel who left or was suppressed since the freeze; returns how many."""
    person = (subscriber.c.id == delivery.c.subscriber, *_member(row.list))
    reason = why_not(issue_id=None, now=now)
    gone = (
        update(delivery)
        .where(
            delivery.c.mailing == row.id,
            delivery.c.state == DeliveryState.QUEUED,
            exists().where(*person, reason.is_not(None)),
        )
        .values(
            state=DeliveryState.CANCELLED,
            issue=None,
            due_at=None,
            batch=None,
            changed_at=now,
            reply=select(reason).where(*person).scalar_subquery(),
        )
    )
    left = connection.execute(gone).rowcount
    if left:
        connection.execute(
            update(mailing)
            .where(mailing.c.id == row.id)
            .values(cancelled=mailing.c.cancelled + left)
        )
    return left


def _member(list_number: int) -> tuple[ColumnElement[bool], ...]:
    return (
        subscription.c.subscriber == subscriber.c.id,
        subscription.c.list == list_number,
    )
