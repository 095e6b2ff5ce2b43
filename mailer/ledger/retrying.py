"""Deliveries that failed or are in doubt are queued again at an operator's word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, or_, select, update

from mailer.ledger import events
from mailer.ledger.mailings import set_state
from mailer.ledger.schema import (
    delivery,
    event,
    mailing,
    subscriber,
    subscription,
    suppression,
)
from mailer.model import (
    HARD,
    BounceClass,
    DeliveryState,
    Instant,
    MailingId,
    MailingState,
    SubscriptionState,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def retry(
    connection: Connection,
    mailing_id: MailingId,
    state: DeliveryState,
    *,
    actor: str,
    now: Instant,
    bounce_class: BounceClass | None = None,
    domain: str = "",
) -> int:
    """Queue doubtful or rejected deliveries again; never those suppressed or gone.

    With the rejected go those that were accepted and have bounced since. Claiming asks again who
    may receive, so that nothing here can overrule a departure, nor the hold of a domain. A mailing
    that was sent is being sent again; one that is paused stays so.

    Args:
        connection: a transaction that writes.
        mailing_id: of this mailing.
        state: rejected or in doubt.
        actor: who asks.
        now: when.
        bounce_class: only those that failed so.
        domain: only those at this one: lower case, an A-label.
    """
    taken_back: Counter[str] = Counter()
    total = 0
    for counter, wanted in _wanted(mailing_id, state, bounce_class).items():
        fit = _fit(mailing_id, wanted, domain)
        taken_back["hard"] += _hard(connection, mailing_id, fit)
        taken_back[counter] = _queue_again(connection, fit, now)
        total += taken_back[counter]
    if total:
        detail = {"state": state, "deliveries": total, "class": bounce_class, "domain": domain}
        events.record(
            connection, kind="retried", actor=actor, at=now, mailing=mailing_id, detail=detail
        )
        _reopen(connection, mailing_id, taken_back, actor=actor, now=now)
    return total


def _wanted(
    mailing_id: MailingId, state: DeliveryState, bounce_class: BounceClass | None
) -> dict[DeliveryState, list[ColumnElement[bool]]]:
    """Which deliveries are meant, by the state that they are in."""
    wanted = {state: [delivery.c.state == state]}
    if bounce_class is not None:
        wanted[state].append(delivery.c.bounce_class == bounce_class)
    if state is DeliveryState.REJECTED:
        wanted[DeliveryState.ACCEPTED] = [
            delivery.c.state == DeliveryState.ACCEPTED,
            delivery.c.seq.in_(came_back(mailing_id, bounce_class)),
        ]
    return wanted


def _reopen(
    connection: Connection,
    mailing_id: MailingId,
    taken_back: Mapping[str, int],
    *,
    actor: str,
    now: Instant,
) -> None:
    """The counters of a mailing go down; one that was sent is being sent again."""
    this = mailing.c.id == mailing_id
    counters = {mailing.c[name]: mailing.c[name] - number for name, number in taken_back.items()}
    connection.execute(update(mailing).where(this).values(counters))
    if connection.scalar(select(mailing.c.state).where(this)) == MailingState.SENT:
        set_state(connection, mailing_id, MailingState.SENDING, actor=actor, now=now)


def _fit(
    mailing_id: MailingId, wanted: list[ColumnElement[bool]], domain: str
) -> list[ColumnElement[bool]]:
    """Those of a mailing who may be sent to again."""
    suppressed = exists().where(suppression.c.address_key == delivery.c.address_key)
    left = exists().where(
        subscription.c.subscriber == delivery.c.subscriber,
        subscription.c.list == mailing.c.list,
        subscription.c.state != SubscriptionState.CONFIRMED,
        mailing.c.id == mailing_id,
    )
    here = [delivery.c.mailing == mailing_id, delivery.c.email.is_not(None)]
    if domain:
        there = subscriber.c.address.endswith(f"@{domain}", autoescape=True)
        here.append(exists().where(subscriber.c.id == delivery.c.subscriber, there))
    return [*here, *wanted, ~suppressed, ~left]


def _hard(connection: Connection, mailing_id: MailingId, fit: list[ColumnElement[bool]]) -> int:
    """How often the guard has counted that there is nobody, of those who are sent to again."""
    refused = select(func.count()).where(
        *fit, delivery.c.state == DeliveryState.REJECTED, delivery.c.bounce_class.in_(HARD)
    )
    since = (event.c.seq == delivery.c.seq) & (event.c.at >= delivery.c.changed_at)
    returned = (
        select(func.count())
        .select_from(delivery.join(event, since))
        .where(
            *fit,
            delivery.c.state == DeliveryState.ACCEPTED,
            event.c.mailing == mailing_id,
            event.c.kind == events.Kind.BOUNCED,
            or_(*[_is_about(one) for one in sorted(HARD)]),
        )
    )
    return sum(connection.scalars(query).one() for query in (refused, returned))


def _queue_again(connection: Connection, fit: list[ColumnElement[bool]], now: Instant) -> int:
    return connection.execute(
        update(delivery)
        .where(*fit)
        .values(
            state=DeliveryState.QUEUED,
            due_at=now,
            batch=None,
            attempts=0,
            aged_from=now,
            # Sent again out of doubt: not by itself a second time (decisions 7).
            resends=case((delivery.c.state == DeliveryState.IN_DOUBT, 1), else_=delivery.c.resends),
            changed_at=now,
        )
    ).rowcount


def came_back(
    mailing_id: MailingId, bounce_class: BounceClass | None = None
) -> Select[tuple[int | None]]:
    """The deliveries of a mailing that came back after they were accepted, the last time."""
    sent = delivery.alias()
    query = (
        select(event.c.seq)
        .join(sent, (sent.c.mailing == event.c.mailing) & (sent.c.seq == event.c.seq))
        .where(
            event.c.mailing == mailing_id,
            event.c.kind == events.Kind.BOUNCED,
            event.c.at >= sent.c.changed_at,
        )
    )
    if bounce_class is None:
        return query
    return query.where(_is_about(bounce_class))


def _is_about(bounce_class: BounceClass) -> ColumnElement[bool]:
    # As `json.dumps` writes it; within the words of a report its quotation marks are escaped.
    return event.c.detail.contains(f'"class": "{bounce_class}"', autoescape=True)
