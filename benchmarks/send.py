"""Ours: one process, a fresh ledger, one intent and one outcome per delivery; prints messages/s.

Usage: python benchmarks/send.py PORT MESSAGES CONNECTIONS
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, literal, select

from benchmarks.content import rendering
from mailer.compose.dkim import Signer
from mailer.compose.links import Keyring
from mailer.compose.signingkeys import make_key, read_key
from mailer.config import DeliveryConfig, GuardConfig, RelayConfig
from mailer.delivery.dispatch import Dispatcher
from mailer.ledger import Ledger, freezing, liveness, open_ledger, starting
from mailer.ledger.schema import list_, subscriber, subscription
from mailer.model import (
    Instant,
    Mailbox,
    OnDoubt,
    Rendering,
    Revision,
)
from mailer.when import now

KEYS = Keyring((b"k" * 32,))


def filled(folder: Path, people: int) -> Ledger:
    """A ledger with so many confirmed subscribers."""
    ledger = open_ledger(f"sqlite:{folder / 'mailer.db'}")
    with ledger.write() as connection:
        connection.execute(
            insert(list_).values(
                slug="weekly",
                title="The Weekly",
                list_id="weekly.example.org",
                feedback_sender="weekly",
                created_at=0,
            )
        )
        addresses = [f"person{number}@d{number % 50}.test" for number in range(people)]
        connection.execute(
            insert(subscriber),
            [
                {
                    "email": address,
                    "address": address,
                    "address_key": ledger.address_key(address),
                    "name": f"Person {number}",
                    "created_at": 0,
                }
                for number, address in enumerate(addresses)
            ],
        )
        everybody = select(
            literal(1), subscriber.c.id, literal("confirmed"), literal("bench"), literal(0)
        )
        columns = ["list", "subscriber", "state", "source", "created_at"]
        connection.execute(insert(subscription).from_select(columns, everybody))
    return ledger


def signer_of(*kinds: str) -> Signer | None:
    """Signs with a new key of each kind; None without kinds."""
    keys = tuple(read_key(f"s{at}", make_key(kind)) for at, kind in enumerate(kinds))
    return Signer(domain="", keys=keys) if keys else None


def revision_of(content: Rendering, signer: Signer | None = None) -> Revision:
    """The mailing-wide values."""
    sender = Mailbox(name="The Weekly", address="weekly@example.org")
    domain, keys = signer.frozen(sender) if signer else ("", ())
    return Revision(
        issue="bench",
        list="weekly",
        list_title="The Weekly",
        list_id="weekly.example.org",
        feedback_sender="weekly",
        sender=sender,
        reply_to=None,
        url="https://news.example.org",
        bounce_domain="bounces.example.org",
        key_id=KEYS.newest_id,
        digest=freezing.rendering_digest(content),
        signing_domain=domain,
        signing_keys=keys,
    )


def freeze(ledger: Ledger) -> None:
    """Freeze the message for everybody and start it."""
    content = rendering()
    plan = freezing.Plan(
        revision=revision_of(content),
        rendering=content,
        source_digest="",
        started_by="bench",
        due_at=Instant(0),
    )
    freezing.freeze(ledger, plan, now=now())
    with ledger.write() as connection:
        starting.start_due(connection, now=now(), actor="bench")


def rate(port: int, messages: int, connections: int) -> float:
    """Messages per second from the first claim to the last outcome on disk."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = filled(Path(folder), messages)
        freeze(ledger)
        relay = RelayConfig(host="127.0.0.1", port=port, security="none", connections=connections)
        with liveness.hold(ledger) as holder:
            dispatcher = Dispatcher(
                ledger,
                relays=[relay],
                delivery=DeliveryConfig(on_doubt=OnDoubt.RESEND),
                guard=GuardConfig(),
                keyring=KEYS,
                holder=holder,
                helo="bench.example.org",
                clock=now,
                jitter=lambda: 0.0,
                patience=60.0,
            )
            begun = time.perf_counter()
            asyncio.run(dispatcher.run())
            took = time.perf_counter() - begun
        assert dispatcher.finished, "not everything was accepted"
        ledger.close()
    return messages / took


if __name__ == "__main__":
    print(rate(*map(int, sys.argv[1:4])))
