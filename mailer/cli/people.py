"""People as the verbs print them, and what is said about an address that cannot be one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mailer.address import AddressError
from mailer.errors import NotFoundError, UsageError
from mailer.model import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.ledger.events import Event
    from mailer.ledger.roster import Member, Story, Subscription, Suppression
    from mailer.model import Instant


@contextmanager
def understood(address: str) -> Iterator[None]:
    """What is wrong with an argument, in the shape of interface §2.7.

    Raises:
        UsageError: E501 not an address, E512 a value that cannot be stored.
    """
    try:
        yield
    except AddressError as error:
        raise UsageError(
            "E501",
            f'"{address}" is not an address',
            detail=error.reason,
            next_step="an address is name@example.org",
        ) from error
    except ValueError as error:
        raise UsageError("E512", f"{address} cannot be stored", detail=f"{error}.") from error


def unknown(address: str) -> NotFoundError:
    """The error for an address that nothing is known about."""
    return NotFoundError(
        "E514", f"Nothing is known about {address}", next_step="mailer subscribers list"
    )


def day(at: Instant | None) -> str:
    """The day of an instant in UTC; empty if there is none."""
    return "" if at is None else f"{moment(at):%Y-%m-%d}"


def iso(at: Instant | None) -> str | None:
    """An instant in RFC 3339, to the second."""
    return None if at is None else f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"


def member_data(one: Member) -> dict[str, Any]:
    """A line of `mailer.subscribers/1`."""
    return {
        "email": one.email,
        "name": one.name,
        "language": one.language,
        "attributes": one.attributes,
        "list": one.list,
        "state": one.state,
        "suppressed": one.suppressed,
        "since": iso(one.since),
    }


def suppression_data(one: Suppression) -> dict[str, Any]:
    """A line of `mailer.suppressions/1`; the key names an address that was erased."""
    return {
        "address": one.address,
        "key": one.address_key.hex(),
        "class": one.bounce_class,
        "evidence": one.evidence,
        "source": one.source,
        "at": iso(one.created_at),
    }


def story_data(story: Story) -> dict[str, Any]:
    """`mailer.subscriber/1`: one person's whole story."""
    person = story.subscriber
    return {
        "email": person and person.email,
        "name": person and person.name,
        "language": person and person.language,
        "attributes": person and person.attributes,
        "subscriptions": [_subscription_data(one) for one in story.subscriptions],
        "suppression": story.suppression and suppression_data(story.suppression),
        "events": [_event_data(one) for one in story.events],
    }


def _subscription_data(one: Subscription) -> dict[str, Any]:
    return {
        "list": one.list,
        "state": one.state,
        "source": one.source,
        "reason": one.reason,
        "operator": one.operator,
        "batch": one.import_batch and f"i{one.import_batch}",
        "since": iso(one.created_at),
        "confirmed_at": iso(one.confirmed_at),
        "left_at": iso(one.left_at),
    }


def _event_data(one: Event) -> dict[str, Any]:
    return {"at": iso(one.at), "kind": one.kind, "actor": one.actor, "detail": one.detail}


def story_text(address: str, story: Story) -> str:
    """One person's whole story for people: newest last, as one reads it."""
    person = story.subscriber
    known = [] if person is None else [person.email or "forgotten", person.name, person.language]
    lines = [" · ".join(part for part in known or [address] if part)]
    if person is not None:
        lines += [f"  {name:<12} {value}" for name, value in person.attributes.items()]
    lines += [f"  {one.list:<12} {_subscription_text(one)}" for one in story.subscriptions]
    if story.suppression is not None:
        one = story.suppression
        lines.append(f"  suppressed   {day(one.created_at)} {one.bounce_class} by {one.source}")
        lines += [f"    {said}" for said in one.evidence.splitlines()]
    lines += [
        f"  {moment(one.at):%Y-%m-%d %H:%M}  {one.kind} by {one.actor}"
        for one in reversed(story.events)
    ]
    return "\n".join(lines)


def _subscription_text(one: Subscription) -> str:
    state = f"{one.state} {day(one.left_at or one.confirmed_at or one.created_at)}"
    batch = f"i{one.import_batch}" if one.import_batch else ""
    origin = " ".join(part for part in (one.source, batch) if part)
    by = f"by {one.operator}" if one.operator else ""
    reason = f'"{one.reason}"' if one.reason else ""
    return " · ".join(part for part in (state, origin, by, reason) if part)
