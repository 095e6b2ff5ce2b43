"""When a canary is over, as the ledger sees it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from mailer.ledger import canary, claims, freezing, pacing, starting
from mailer.model import HolderId, Instant
from tests.samples.mailings import EARLY, addresses, enlist, new_ledger, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.ledger import Ledger

SOON = Instant(EARLY + 60_000_000)
LATER = Instant(EARLY + 3_600_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


@pytest.mark.parametrize(("due_at", "over"), [(SOON, []), (LATER, [1])])
def test_what_was_put_off_for_its_domains_pace_is_waited_for_if_that_is_not_long(
    ledger: Ledger, due_at: Instant, over: list[int]
) -> None:
    """It had no outcome: a canary that ends without it says nothing about that domain."""
    enlist(ledger, *addresses(9, domains=3))
    freezing.freeze(ledger, dataclasses.replace(plan(), canary=3), now=EARLY)
    with ledger.write() as connection:
        starting.start_due(connection, now=EARLY, actor="test")
        lease = claims.claim(connection, holder=HolderId(1), now=EARLY)
        assert lease is not None
        pacing.put_off(connection, [(*one.key, due_at) for one in lease.deliveries])
        claims.close_batch(connection, lease.id)
        assert over == canary.end(connection, now=EARLY)
