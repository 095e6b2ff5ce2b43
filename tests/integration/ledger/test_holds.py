"""Domains that a mailing leaves alone: held, put aside as they are met, released (decisions 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.ledger import Ledger, audience, claims, forgetting, holds, mailings, recovery
from mailer.model import HolderId, Instant, MailingState, OnDoubt
from tests.samples.mailings import enlist, frozen, look, new_ledger, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.ledger.claims import Claimed
    from mailer.model import MailingId

NOW = Instant(5_000_000)
WHY = "E314 10 equal replies are about us"
PEOPLE = ("ann@A.test", "bob@b.test", "cid@sub.a.test", "dan@a.test")


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def claim(ledger: Ledger, now: int = NOW) -> list[Claimed]:
    with ledger.write() as connection:
        found = claims.claim(connection, holder=HolderId(1), now=Instant(now))
    return found.deliveries if found else []


def hold(ledger: Ledger, mailing: MailingId, domain: str = "a.test") -> bool:
    with ledger.write() as connection:
        return holds.hold(connection, mailing, domain, WHY, NOW)


def release(ledger: Ledger, mailing: MailingId, domain: str = "a.test") -> bool:
    with ledger.write() as connection:
        return holds.release(connection, mailing, domain, "ann", NOW)


def emails(claimed: list[Claimed]) -> list[str]:
    return sorted(one.recipient.email for one in claimed)


def test_a_claim_leaves_out_a_domain_that_is_held(ledger: Ledger) -> None:
    """Its deliveries stay queued, and those of other domains, subdomains too, go on."""
    enlist(ledger, *PEOPLE)
    mailing = frozen(ledger)
    assert hold(ledger, mailing)
    assert emails(claim(ledger)) == ["bob@b.test", "cid@sub.a.test"]
    seen = look(ledger, mailing)
    assert (seen.held, seen.deferred, seen.next_try_at) == (2, 0, None)
    assert seen.counts["queued"] == 2
    assert dict(seen.holds) == {"a.test": WHY}


def test_what_is_claimed_already_is_put_aside_at_the_next_look(ledger: Ledger) -> None:
    """The hold shows in the change counter, so every dispatcher looks before its next MAIL FROM."""
    enlist(ledger, *PEOPLE)
    mailing = frozen(ledger)
    claimed = claim(ledger)
    with ledger.read() as connection:
        before = claims.changes(connection)
    hold(ledger, mailing)
    with ledger.write() as connection:
        assert before != claims.changes(connection)
        standing = claims.recheck(connection, claimed, now=NOW)
    allowed = [one for one in claimed if standing.allows(one)]
    assert emails(allowed) == ["bob@b.test", "cid@sub.a.test"]
    assert look(ledger, mailing).held == 2


def test_nothing_that_is_held_is_claimable_and_the_mailing_is_not_over(ledger: Ledger) -> None:
    """With only held rows left a mailing is being sent, and nobody has anything to do for it."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    hold(ledger, mailing)
    much_later = Instant(2**60)
    assert claim(ledger) == []
    with ledger.write() as connection:
        assert recovery.finish(connection, on_doubt=OnDoubt.RESEND, now=NOW) == []
        assert claims.claimable(connection, now=much_later) == set()
    assert claim(ledger, now=much_later) == []
    assert look(ledger, mailing).state is MailingState.SENDING


def test_release_makes_due_what_waited_for_that_domain(ledger: Ledger) -> None:
    enlist(ledger, *PEOPLE, "eve@c.test")
    mailing = frozen(ledger)
    hold(ledger, mailing, "a.test")
    hold(ledger, mailing, "c.test")
    claim(ledger)
    assert release(ledger, mailing, "a.test")
    assert emails(claim(ledger)) == ["ann@A.test", "dan@a.test"]
    assert dict(look(ledger, mailing).holds) == {"c.test": WHY}
    assert look(ledger, mailing).held == 1


def test_a_domain_is_held_once_and_released_once(ledger: Ledger) -> None:
    enlist(ledger, *PEOPLE)
    mailing = frozen(ledger)
    assert [hold(ledger, mailing), hold(ledger, mailing)] == [True, False]
    assert [release(ledger, mailing), release(ledger, mailing)] == [True, False]


def test_a_hold_knows_a_domain_in_unicode(ledger: Ledger) -> None:
    """Domains are compared as A-labels (B-22)."""
    with ledger.write() as connection:
        audience.ensure_list(
            connection,
            slug="weekly",
            title="Weekly",
            list_id="weekly.example.org",
            feedback_sender="weekly",
            now=NOW,
        )
    audience.add(ledger, "weekly", "jo@Exämple.test", source="test", now=NOW)
    mailing = frozen(ledger)
    (one,) = claim(ledger)
    assert one.domain == "xn--exmple-cua.test"
    hold(ledger, mailing, one.domain)
    with ledger.write() as connection:
        claims.release(connection, HolderId(1))
    assert claim(ledger) == []
    release(ledger, mailing, one.domain)
    assert emails(claim(ledger)) == ["jo@Exämple.test"]


def test_who_was_forgotten_while_held_does_not_keep_the_mailing_open(ledger: Ledger) -> None:
    """Released, they are due; the claim cancels them, as it does with everybody who left."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    hold(ledger, mailing)
    claim(ledger)
    assert forgetting.forget(ledger, "ann@a.test", operator="op", now=NOW)
    release(ledger, mailing)
    assert claim(ledger) == []
    assert look(ledger, mailing).counts["cancelled"] == 1


def test_a_mailing_with_held_rows_can_be_cancelled(ledger: Ledger) -> None:
    enlist(ledger, *PEOPLE)
    mailing = frozen(ledger)
    hold(ledger, mailing)
    claim(ledger)
    with ledger.write() as connection:
        mailings.cancel(connection, mailing, actor="op", now=NOW)
    assert {row.due_at for row in rows(ledger, mailing)} == {None}
    assert look(ledger, mailing).held == 0
