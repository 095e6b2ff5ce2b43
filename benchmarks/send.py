"""Ours: a fresh ledger with its journal, one intent and one outcome per delivery; messages/s.

Usage: python benchmarks/send.py PORT MESSAGES CONNECTIONS [--processes N] [--dkim]

The whole turn of `mailer send` is measured: recovering, starting, claiming, delivering, finishing.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, literal, select

from benchmarks.content import rendering
from mailer.compose.dkim import Signer
from mailer.compose.links import Keyring
from mailer.compose.signingkeys import make_key, read_key
from mailer.config import Config, load_config
from mailer.delivery import signing
from mailer.delivery.shift import Shift
from mailer.ledger import Ledger, freezing, liveness, open_ledger
from mailer.ledger.schema import list_, subscriber, subscription
from mailer.model import (
    Instant,
    Mailbox,
    Rendering,
    Revision,
)
from mailer.when import now

SECRET = "bcdfghjklmnpqrstvwxzBCDFGHJKLMNP"  # noqa: S105  of a ledger that lives for a minute
KEYS = Keyring((SECRET.encode(),))


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


def configured(folder: Path, port: int, *, connections: int, processes: int, dkim: bool) -> Config:
    """A newsletter's folder that hands mail to this port."""
    text = (
        '[newsletter]\nname = "The Weekly"\nfrom = "The Weekly <weekly@example.org>"\n'
        'url = "https://news.example.org"\naddress = "1 Example Street, Exampleton"\n'
        '[lists.weekly]\ntitle = "The Weekly"\n'
        '[bounces]\naddress = "bounces@bounces.example.org"\n'
        f'[relay]\nurl = "smtp://127.0.0.1:{port}"\nconnections = {connections}\n'
        f'[delivery]\nprocesses = {processes}\n[database]\nurl = "sqlite:mailer.db"\n'
    )
    if dkim:
        file = folder / "key.pem"
        file.touch(0o600)
        file.write_bytes(make_key("rsa"))
        text += '[dkim.keys]\nbench = "key.pem"\n'
    (folder / "mailer.toml").write_text(text)
    return load_config(folder, None, environ={"MAILER_SECRET_KEY": SECRET})


def plan_of(signer: Signer | None) -> freezing.Plan:
    """The mailing; it is due."""
    content = rendering()
    return freezing.Plan(
        revision=revision_of(content, signer),
        rendering=content,
        source_digest="",
        started_by="bench",
        due_at=Instant(0),
    )


def rate(port: int, messages: int, connections: int, *, processes: int, dkim: bool) -> float:
    """Messages per second from the first claim to the last outcome on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = configured(folder, port, connections=connections, processes=processes, dkim=dkim)
        ledger = filled(folder, messages)
        freezing.freeze(ledger, plan_of(signing.signer_of(config)), now=now())
        with liveness.hold(ledger) as holder:
            shift = Shift(config, ledger, KEYS, holder=holder)
            begun = time.perf_counter()
            report = asyncio.run(shift.run())
            took = time.perf_counter() - begun
        assert report.finished, "not everything was accepted"
        ledger.close()
    return messages / took


def main() -> None:
    """Print messages/s."""
    reader = argparse.ArgumentParser()
    for name in ("port", "messages", "connections"):
        reader.add_argument(name, type=int)
    reader.add_argument("--processes", type=int, default=1)
    reader.add_argument("--dkim", action="store_true", help="sign with RSA-2048")
    print(rate(**vars(reader.parse_args())))


if __name__ == "__main__":  # not in the processes that are started: they import this, too
    main()
