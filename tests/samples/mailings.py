"""Small ledgers with people, a frozen mailing, and a dispatcher for it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from mailer.compose.links import Keyring
from mailer.config import DeliveryConfig, GuardConfig, RelayConfig
from mailer.delivery.dispatch import Dispatcher
from mailer.delivery.pace import Patience
from mailer.ledger import freezing, open_ledger, overview, starting
from mailer.ledger.schema import delivery, list_, subscriber, subscription
from mailer.model import (
    HolderId,
    Instant,
    Mailbox,
    MailingId,
    OnDoubt,
    Place,
    Rendering,
    Revision,
    Slot,
    SubscriptionState,
)
from mailer.when import now
from tests.wire.courier import relay_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview

KEYS = Keyring((b"k" * 32,))
EARLY = Instant(1_000_000)
NAME = 'subscriber.name or "reader"'


SERVER = "postgresql.url"
"""A file in a test's folder that says where its ledger is, if that is not the embedded one."""


def new_ledger(folder: Path) -> Ledger:
    """The ledger of a folder; a fresh one is a copy: migrating takes longer than tests."""
    if (folder / SERVER).exists():
        return open_ledger((folder / SERVER).read_text())
    path = folder / "mailer.db"
    if not path.exists():
        path.write_bytes(_migrated())
    return open_ledger(f"sqlite:{path}")


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mailer.db"
        open_ledger(f"sqlite:{path}").close()
        return path.read_bytes()


def enlist(
    ledger: Ledger,
    *addresses: str,
    list_slug: str = "weekly",
    state: SubscriptionState = SubscriptionState.CONFIRMED,
    **values: Any,
) -> list[int]:
    """Put people onto a list, which is made if need be; returns their numbers."""
    with ledger.write() as connection:
        number = connection.scalar(select(list_.c.id).where(list_.c.slug == list_slug))
        if number is None:
            number = connection.scalars(
                insert(list_)
                .values(
                    slug=list_slug,
                    title=list_slug.title(),
                    list_id=f"{list_slug}.example.org",
                    feedback_sender="weekly",
                    created_at=0,
                )
                .returning(list_.c.id)
            ).one()
        people = []
        for address in addresses:
            known = connection.scalar(
                select(subscriber.c.id).where(subscriber.c.address == address.lower())
            )
            person = (
                known
                or connection.scalars(
                    insert(subscriber)
                    .values(
                        email=address,
                        address=address.lower(),
                        address_key=ledger.address_key(address),
                        created_at=0,
                        **values,
                    )
                    .returning(subscriber.c.id)
                ).one()
            )
            connection.execute(
                insert(subscription).values(
                    list=number, subscriber=person, state=state, source="test", created_at=0
                )
            )
            people.append(person)
    return people


def addresses(count: int, *, domains: int = 5) -> list[str]:
    """So many addresses, spread over some domains."""
    return [f"person{number}@d{number % domains}.test" for number in range(count)]


def rendering(*, words: int = 20) -> Rendering:
    """A small issue with a greeting and a way out in both parts."""
    body = "Some words about the winter, one after the other. " * words
    return Rendering(
        language="en",
        subject=("Winter",),
        html=(
            "<p>Dear ",
            Slot(expression=NAME, place=Place.HTML),
            f"</p><p>{body}</p><a href=",
            '"',
            Slot(expression="unsubscribe_url", place=Place.URL),
            '">Leave</a>',
        ),
        text=(
            "Dear ",
            Slot(expression=NAME, place=Place.TEXT),
            "\n\nLeave: ",
            Slot(expression="unsubscribe_url", place=Place.TEXT),
            "\n",
        ),
    )


def plan(
    *,
    issue: str = "winter",
    list_slug: str = "weekly",
    due_at: int = 0,
    content: Rendering | None = None,
    variants: Mapping[str, Rendering] | None = None,
) -> freezing.Plan:
    """What would be frozen; `variants` are renderings by the names of those who get them."""
    content = content or rendering()
    revision = Revision(
        issue=issue,
        list=list_slug,
        list_title=list_slug.title(),
        list_id=f"{list_slug}.example.org",
        feedback_sender="weekly",
        sender=Mailbox(name="The Weekly", address="weekly@example.org"),
        reply_to=None,
        url="https://news.example.org",
        bounce_domain="bounces.example.org",
        key_id=KEYS.newest_id,
        digest=freezing.rendering_digest(content),
    )
    return freezing.Plan(
        revision=revision,
        rendering=content,
        source_digest="0" * 64,
        started_by="test",
        due_at=Instant(due_at),
        variants=tuple(
            _version(revision, dataclasses.replace(other, variant=name))
            for name, other in (variants or {}).items()
        ),
    )


def _version(base: Revision, content: Rendering) -> freezing.Version:
    digest = freezing.rendering_digest(content)
    return freezing.Version(
        revision=dataclasses.replace(base, digest=digest),
        rendering=content,
        source_digest="0" * 64,
    )


def frozen(ledger: Ledger, **how: Any) -> MailingId:
    """A mailing that is frozen and started."""
    mailing = freezing.freeze(ledger, plan(**how), now=EARLY)
    with ledger.write() as connection:
        starting.start_due(connection, now=EARLY, actor="test")
    return mailing


def look(ledger: Ledger, mailing: MailingId) -> Overview:
    """A mailing as people see it; fails if its counts do not add up."""
    with ledger.read() as connection:
        seen = overview.overviews(connection, only=mailing)[0]
        states = list(
            connection.scalars(select(delivery.c.state).where(delivery.c.mailing == mailing))
        )
    assert seen.recipients == sum(seen.counts.values()) == len(states)
    for state in ("sending", "accepted", "rejected", "in_doubt", "cancelled"):
        assert states.count(state) == seen.counts[state], state
    return seen


def rows(ledger: Ledger, mailing: MailingId) -> list[Any]:
    """The deliveries of a mailing in claim order."""
    with ledger.read() as connection:
        query = select(delivery).where(delivery.c.mailing == mailing).order_by(delivery.c.seq)
        return list(connection.execute(query))


_holders = itertools.count(1)


def dispatcher(
    ledger: Ledger,
    port: int = 0,
    *,
    relays: Sequence[RelayConfig] = (),
    connections: int = 3,
    rate: float | None = None,
    on_doubt: OnDoubt = OnDoubt.RESEND,
    patience: float = 5.0,
    quota_wait: float = math.inf,
    max_age: float = 48 * 3600,
    domains: Mapping[str, float] | None = None,
    guard: GuardConfig = GuardConfig(),  # noqa: B008  frozen
    clock: Callable[[], Instant] = now,
) -> Dispatcher:
    """A dispatcher for a relay on loopback, or for several."""
    relay = dataclasses.replace(relay_at(port), connections=connections, rate=rate)
    return Dispatcher(
        ledger,
        relays=relays or [relay],
        delivery=DeliveryConfig(on_doubt=on_doubt, max_age=max_age, domains=domains or {}),
        guard=guard,
        keyring=KEYS,
        holder=HolderId(next(_holders)),
        helo="client.test",
        clock=clock,
        jitter=lambda: 0.0,
        patience=Patience(trouble=patience, quota=quota_wait),
    )
