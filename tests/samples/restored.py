"""Copies of an embedded ledger, put back later as an operator puts a backup back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mailer.ledger import claims
from mailer.ledger.settling import Begin, Outcome, record
from mailer.model import DeliveryState, HolderId, Instant, OnDoubt

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.ledger import Ledger
    from mailer.ledger.claims import Claimed
    from mailer.ledger.lines import Line

HOLDER = HolderId(1)
NOW = Instant(1_764_000_000_000_000)


def backup(folder: Path) -> Path:
    """A copy of the closed database of a folder, without its journal."""
    copy = folder / "backup"
    shutil.copy(folder / "mailer.db", copy)
    return copy


def restore(folder: Path, copy: Path) -> None:
    """Put a copy in the database's place; the journal stays as it is."""
    for path in folder.glob("mailer.db*"):
        path.unlink()
    shutil.copy(copy, folder / "mailer.db")


def deliver(
    ledger: Ledger, count: int, state: DeliveryState = DeliveryState.ACCEPTED
) -> list[bytes]:
    """Begin and settle so many deliveries, as a dispatcher does; returns whose they were."""
    with ledger.write() as connection:
        batch = claims.claim(connection, holder=HOLDER, now=NOW)
        assert batch is not None
        chosen = batch.deliveries[:count]
        begins = [Begin(claimed=one, date=NOW, values=None) for one in chosen]
        record(connection, (), begins, on_doubt=OnDoubt.HOLD, now=NOW)
    with ledger.write() as connection:
        outcomes = [_outcome(one, state) for one in chosen]
        record(connection, outcomes, (), on_doubt=OnDoubt.HOLD, now=NOW)
        claims.release(connection, HOLDER)
    return [one.address_key for one in chosen]


def _outcome(one: Claimed, state: DeliveryState) -> Outcome:
    return Outcome(
        mailing=one.recipient.mailing,
        seq=one.recipient.seq,
        subscriber=one.recipient.subscriber,
        address_key=one.address_key,
        resends=0,
        state=state,
        was=DeliveryState.SENDING,
        reply="250 2.0.0 Ok",
    )


def lines_of(ledger: Ledger) -> list[Line]:
    """What the journal says."""
    return list(ledger.journal.lines(after=0))
