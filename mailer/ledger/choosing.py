"""Who gets a mailing, and why somebody does not; one definition for counting, freezing, sending."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Row,
    Select,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from mailer.ledger.retrying import came_back
from mailer.ledger.schema import (
    delivery,
    issue,
    list_,
    received,
    subscriber,
    subscription,
    suppression,
)
from mailer.model import DeliveryState, MailingId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Iterator

EXCLUSIONS = ("unconfirmed", "unsubscribed", "on pause", "suppressed", "already got this issue")

PAGE = 256
"""Rows that are read at a time: memory does not grow with the list."""

_TYPED_RIGHT = 3
"""So many first characters of a mistyped address are taken to be right: few others begin so."""

_CANDIDATES = 1000
_NEAR = 0.8  # one slip in five characters

PERSON = (
    subscription.c.list,
    subscriber.c.id,
    subscriber.c.email,
    subscriber.c.name,
    subscriber.c.language,
    subscriber.c.attributes,
)
_BASE: ColumnElement[str] = literal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The arithmetic of one mailing: everybody on the list, less each exclusion, is who gets it."""

    on_list: int
    excluded: dict[str, int]

    @property
    def recipients(self) -> int:
        """How many will receive."""
        return self.on_list - sum(self.excluded.values())


class Corrected(NamedTuple):
    """Whom a correction is for: those who got one revision of a mailing, or may have got it.

    In doubt is who may have it; what was accepted and came back nobody has.
    """

    mailing: MailingId
    revision: int

    def has_it(self) -> ColumnElement[bool]:
        """Whether a subscriber is one of them."""
        sent = delivery.alias()
        arrived = sent.c.seq.not_in(came_back(self.mailing))
        perhaps = sent.c.state.in_([DeliveryState.SENDING, DeliveryState.IN_DOUBT])
        again = (sent.c.state == DeliveryState.QUEUED) & (sent.c.resends > 0)
        return exists().where(
            sent.c.mailing == self.mailing,
            sent.c.subscriber == subscriber.c.id,
            sent.c.revision == self.revision,
            or_((sent.c.state == DeliveryState.ACCEPTED) & arrived, perhaps, again),
        )


def why_not(*, issue_id: ColumnElement[int] | None, now: int) -> ColumnElement[str]:
    """The reason why a subscription joined with its subscriber gets no mail; NULL if it does."""
    reasons: list[tuple[ColumnElement[bool], str]] = [
        (subscription.c.state == SubscriptionState.PENDING, "unconfirmed"),
        (subscription.c.state == SubscriptionState.UNSUBSCRIBED, "unsubscribed"),
        (subscriber.c.email.is_(None), "unsubscribed"),
        (subscriber.c.paused_until > now, "on pause"),
        (
            exists().where(suppression.c.address_key == subscriber.c.address_key),
            "suppressed",
        ),
    ]
    if issue_id is not None:
        got = exists().where(
            delivery.c.address_key == subscriber.c.address_key, delivery.c.issue == issue_id
        )
        told = exists().where(
            received.c.address_key == subscriber.c.address_key, received.c.issue == issue_id
        )
        reasons.append((or_(got, told), "already got this issue"))
    return case(*reasons, else_=null())


def count(
    connection: Connection,
    *,
    list_slug: str,
    issue_slug: str,
    now: int,
    corrects: Corrected | None = None,
) -> Audience:
    """Count who is on the list and why some of them get nothing."""
    source, reason = everybody(list_slug, issue_slug, now, corrects)
    query = select(reason, func.count().label("n")).select_from(source).group_by("why")
    counted: dict[str | None, int] = {row.why: row.n for row in connection.execute(query)}
    return Audience(
        on_list=sum(counted.values()),
        excluded={name: counted.get(name, 0) for name in EXCLUSIONS},
    )


def chosen(
    connection: Connection,
    *,
    list_slug: str,
    issue_slug: str,
    now: int,
    variant: ColumnElement[str] = _BASE,
    corrects: Corrected | None = None,
) -> Iterator[Row[Any]]:
    """Those who will receive and which variant, in claim order, read a page at a time."""
    source, reason = everybody(list_slug, issue_slug, now, corrects)
    person = (*PERSON, variant.label("variant"))
    query = select(*person).select_from(source).where(reason.element.is_(None))
    yield from _paged(connection, query)


def left_out(
    connection: Connection,
    *,
    list_slug: str,
    issue_slug: str,
    now: int,
    corrects: Corrected | None = None,
) -> Iterator[Row[Any]]:
    """Those who will not receive, each with the reason."""
    source, reason = everybody(list_slug, issue_slug, now, corrects)
    query = select(subscriber.c.email, reason).select_from(source)
    yield from _paged(connection, query.where(reason.element.is_not(None)))


def person(
    connection: Connection, address_key: bytes, *, variant: ColumnElement[str] = _BASE
) -> Row[Any] | None:
    """One subscriber's values and variant, for a test copy; the list number is 0."""
    values = (*PERSON[1:], literal(0).label("list"), variant.label("variant"))
    query = select(*values).where(
        subscriber.c.address_key == address_key, subscriber.c.email.is_not(None)
    )
    return connection.execute(query).one_or_none()


def nearest(connection: Connection, address: str) -> str:
    """The subscriber's address that a mistyped one was meant to be; empty if none is near."""
    begins = subscriber.c.email.istartswith(address[:_TYPED_RIGHT], autoescape=True)
    found = connection.scalars(select(subscriber.c.email).where(begins).limit(_CANDIDATES))
    near = difflib.get_close_matches(address, list(found), n=1, cutoff=_NEAR)
    return near[0] if near else ""


def everybody(
    list_slug: str, issue_slug: str, now: int, corrects: Corrected | None = None
) -> tuple[FromClause, Label[str]]:
    """A list's subscriptions joined with their subscribers, and the column that says why not.

    A correction has nothing to do with others than it is for: they are not even counted.
    """
    issue_number = select(issue.c.id).where(issue.c.slug == issue_slug).scalar_subquery()
    members = (
        subscription.c.list == select(list_.c.id).where(list_.c.slug == list_slug).scalar_subquery()
    ) & (subscription.c.subscriber == subscriber.c.id)
    if corrects is not None:
        members &= corrects.has_it()
    reason = why_not(issue_id=issue_number, now=now).label("why")
    return subscription.join(subscriber, members), reason


def _paged(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    # The keyed hash spreads the recipient domains evenly over a mailing.
    ordered = query.order_by(subscriber.c.address_key)
    yield from connection.execution_options(yield_per=PAGE).execute(ordered)
