"""Who may be mailed: lists, coming and leaving, suppressions; files are read elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select, update

from mailer import address as addresses
from mailer.errors import NotFoundError
from mailer.ledger import events, lines, noting
from mailer.ledger.database import bump_changes
from mailer.ledger.dialect import insert_new
from mailer.ledger.engines import Lock
from mailer.ledger.entries import CONTROL, Consent, Entry, Verdict, dump
from mailer.ledger.events import Kind
from mailer.ledger.joining import join
from mailer.ledger.schema import list_, subscriber, subscription, suppression
from mailer.model import Instant, ListId, SubscriberId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.config import Config, ListConfig
    from mailer.ledger.database import Ledger

EVIDENCE = 2048
"""Octets of a report or reply that are kept to show why (B-23)."""

_SENDER = (5, 15)  # characters of Feedback-ID's SenderId (L-13)


# --- lists ---------------------------------------------------------------------------------------


def list_identity(config: Config, chosen: ListConfig) -> tuple[str, str]:
    """List-Id and Feedback-ID sender that a list gets at its first use (decisions 19)."""
    domain = addresses.parse(chosen.sender.address).domain
    shortest, longest = _SENDER
    sender = re.sub(r"[^a-z0-9]", "", config.newsletter.name.lower())
    if len(sender) < shortest:
        sender += "newsletter"
    return f"{chosen.slug}.{domain}", sender[:longest]


def identity_of(connection: Connection, slug: str) -> tuple[str, str] | None:
    """List-Id and Feedback-ID sender that a list keeps; None before its first use."""
    row = connection.execute(
        select(list_.c.list_id, list_.c.feedback_sender).where(list_.c.slug == slug)
    ).one_or_none()
    return None if row is None else (row.list_id, row.feedback_sender)


def ensure_list(
    connection: Connection,
    *,
    slug: str,
    title: str,
    list_id: str,
    feedback_sender: str,
    now: Instant,
) -> ListId:
    """The number of a list, which is created at its first use; only its title follows the file."""
    connection.execute(
        insert_new(connection, list_).values(
            slug=slug,
            title=title,
            list_id=list_id,
            feedback_sender=feedback_sender,
            created_at=now,
        )
    )
    connection.execute(
        update(list_).where(list_.c.slug == slug, list_.c.title != title).values(title=title)
    )
    return list_number(connection, slug)


def define_list(
    connection: Connection, config: Config, chosen: ListConfig, *, now: Instant
) -> ListId:
    """`ensure_list` for a list as it is configured."""
    list_id, feedback_sender = list_identity(config, chosen)
    return ensure_list(
        connection,
        slug=chosen.slug,
        title=chosen.title,
        list_id=list_id,
        feedback_sender=feedback_sender,
        now=now,
    )


def list_number(connection: Connection, slug: str) -> ListId:
    """The number of a list in the ledger.

    Raises:
        NotFoundError: E507, it was never used.
    """
    number = connection.scalar(select(list_.c.id).where(list_.c.slug == slug))
    if number is None:
        raise NotFoundError(
            "E507",
            f"Nobody ever joined the list {slug}",
            next_step=f"mailer subscribers import --list {slug} FILE",
        )
    return ListId(number)


# --- coming and leaving --------------------------------------------------------------------------


def add(
    ledger: Ledger,
    list_slug: str,
    address: str,
    *,
    source: str,
    now: Instant,
    name: str = "",
    language: str = "",
    attributes: Mapping[str, str] | None = None,
    reason: str = "",
    operator: str = "",
    state: SubscriptionState = SubscriptionState.CONFIRMED,
) -> Verdict:
    """Put one person onto a list; who left or is suppressed stays away (B-21, case 23).

    Raises:
        AddressError: the text is not an address.
        ValueError: a name or attribute holds a control character (M-11).
        NotFoundError: E507, no such list.
    """
    parsed = addresses.parse(address)
    for value in (name, language, *(attributes or {}).values()):
        if CONTROL.search(value):
            raise ValueError(f"{value!r} holds a control character")
    entry = Entry(
        given=parsed.given,
        normalised=parsed.normalised,
        key=ledger.normalised_key(parsed.normalised),
        name=name,
        language=language,
        attributes=dump(dict(attributes or {})),
        state=state,
    )
    consent = Consent(source=source, operator=operator, reason=reason, at=now)
    with ledger.write(Lock.PEOPLE) as connection:
        return join(connection, list_number(connection, list_slug), [entry], consent)[0]


def unsubscribe(
    ledger: Ledger, subscriber_id: SubscriberId, list_id: ListId, *, via: str, now: Instant
) -> bool:
    """Take a person off a list, before the next MAIL FROM (L-9); `via` is "one-click", "page" ….

    Returns:
        Whether anything changed: the second time it does not, and writes no event (L-6).
    """
    with ledger.write(None) as connection:
        left = connection.execute(
            update(subscription)
            .where(
                subscription.c.list == list_id,
                subscription.c.subscriber == subscriber_id,
                subscription.c.state != SubscriptionState.UNSUBSCRIBED,
            )
            .values(state=SubscriptionState.UNSUBSCRIBED, left_at=now)
        ).rowcount
        if left:
            bump_changes(connection)
            _by_subscriber(connection, Kind.UNSUBSCRIBED, subscriber_id, list_id, via, now)
    return bool(left)


def resubscribe(
    ledger: Ledger, subscriber_id: SubscriberId, list_id: ListId, *, via: str, now: Instant
) -> bool:
    """Take back a departure by the person's own act; False if there is none to take back.

    A suppression stays, and who was forgotten stays so: there is no address any more.
    """
    with ledger.write(None) as connection:
        known = select(subscriber.c.id).where(
            subscriber.c.id == subscriber_id, subscriber.c.address.is_not(None)
        )
        back = connection.execute(
            update(subscription)
            .where(
                subscription.c.list == list_id,
                subscription.c.subscriber.in_(known),
                subscription.c.state == SubscriptionState.UNSUBSCRIBED,
            )
            .values(
                state=SubscriptionState.CONFIRMED,
                source=via,
                reason="",
                operator="",
                confirmed_at=now,
                left_at=None,
            )
        ).rowcount
        if back:
            _by_subscriber(connection, Kind.RESUBSCRIBED, subscriber_id, list_id, via, now)
    return bool(back)


def _by_subscriber(
    connection: Connection,
    kind: Kind,
    subscriber_id: SubscriberId,
    list_id: ListId,
    via: str,
    now: Instant,
) -> None:
    key: bytes = connection.scalars(
        select(subscriber.c.address_key).where(subscriber.c.id == subscriber_id)
    ).one()
    noting.note(connection, _NOTED[kind], key, at=now, list_id=list_id)
    events.record(
        connection,
        kind=kind,
        actor="subscriber",
        at=now,
        subscriber=subscriber_id,
        address_key=key,
        detail={"list": list_id, "via": via},
    )


_NOTED = {
    Kind.UNSUBSCRIBED: lines.Kind.UNSUBSCRIBED,
    Kind.RESUBSCRIBED: lines.Kind.RESUBSCRIBED,
}


# --- suppressions --------------------------------------------------------------------------------


def suppress(
    connection: Connection,
    address_key: bytes,
    *,
    address: str | None,
    bounce_class: str,
    evidence: str,
    source: str,
    now: Instant,
) -> bool:
    """Never mail an address again, on any list (B-20); the first evidence is kept (B-23).

    Returns:
        False if it was suppressed already.
    """
    kept = evidence.encode("utf-8", "replace")[:EVIDENCE].decode("utf-8", "ignore")
    new = connection.execute(
        insert_new(connection, suppression).values(
            address_key=address_key,
            address=address,
            bounce_class=bounce_class,
            evidence=kept,
            source=source,
            created_at=now,
        )
    ).rowcount
    if new:
        bump_changes(connection)
        noting.note(
            connection, lines.Kind.SUPPRESSED, address_key, at=now, bounce_class=bounce_class
        )
        events.record(
            connection,
            kind=Kind.SUPPRESSED,
            actor=source,
            at=now,
            subscriber=_subscriber_of(connection, address_key),
            address_key=address_key,
            detail={"class": bounce_class},
        )
    return bool(new)


def unsuppress(
    connection: Connection, address_key: bytes, *, operator: str, reason: str, now: Instant
) -> bool:
    """Allow an address again; the event keeps what was lifted and by whom (B-21).

    Returns:
        False if it was not suppressed.
    """
    row = connection.execute(
        select(suppression).where(suppression.c.address_key == address_key)
    ).one_or_none()
    if row is None:
        return False
    connection.execute(delete(suppression).where(suppression.c.address_key == address_key))
    noting.note(connection, lines.Kind.UNSUPPRESSED, address_key, at=now)
    events.record(
        connection,
        kind=Kind.UNSUPPRESSED,
        actor=operator,
        at=now,
        subscriber=_subscriber_of(connection, address_key),
        address_key=address_key,
        detail={
            "reason": reason,
            "class": row.bounce_class,
            "evidence": row.evidence,
            "source": row.source,
            "since": row.created_at,
        },
    )
    return True


def _subscriber_of(connection: Connection, address_key: bytes) -> SubscriberId | None:
    number = connection.scalar(
        select(subscriber.c.id).where(subscriber.c.address_key == address_key)
    )
    return None if number is None else SubscriberId(number)
