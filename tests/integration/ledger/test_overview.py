"""What people see of a mailing, and how they name it (interface §1.2, §2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from mailer.errors import NotFoundError, UsageError
from mailer.ledger import Ledger, claims, freezing, mailings, overview
from mailer.ledger.schema import delivery
from mailer.model import HolderId, Instant, MailingState
from tests.samples.mailings import EARLY, addresses, enlist, frozen, look, new_ledger, plan

LATER = Instant(2_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    enlist(opened, *addresses(7))
    yield opened
    opened.close()


def found(ledger: Ledger, name: str) -> str:
    with ledger.read() as connection:
        return overview.find(connection, name).name


@pytest.mark.parametrize(
    "name",
    ["m1", "1", "2026-11-24-winter", "winter", "WINTER", "11-24", "issues/2026-11-24-winter.md"],
)
def test_a_mailing_is_named_by_number_or_by_its_issue(ledger: Ledger, name: str) -> None:
    frozen(ledger, issue="2026-11-24-winter")
    assert "m1" == found(ledger, name)


def test_an_issue_names_its_newest_mailing(ledger: Ledger) -> None:
    first = frozen(ledger, issue="winter")
    with ledger.write() as connection:
        mailings.cancel(connection, first, actor="ann", now=LATER)
    frozen(ledger, issue="winter")
    assert "m2" == found(ledger, "winter")


def test_an_exact_id_wins_over_a_part(ledger: Ledger) -> None:
    frozen(ledger, issue="winter-2")
    with ledger.write() as connection:
        mailings.cancel(connection, overview.find(connection, "m1").id, actor="ann", now=LATER)
    frozen(ledger, issue="winter")
    assert ("m2", "m1") == (found(ledger, "winter"), found(ledger, "winter-2"))


def test_a_part_that_fits_several_is_an_error_that_names_them(ledger: Ledger) -> None:
    frozen(ledger, issue="winter-a")
    with ledger.write() as connection:
        mailings.cancel(connection, overview.find(connection, "m1").id, actor="ann", now=LATER)
    frozen(ledger, issue="winter-b")
    with pytest.raises(UsageError, match="E911") as refused:
        found(ledger, "winter")
    assert "winter-a\nwinter-b" == refused.value.detail


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("wintre", "did you mean winter?"), ("m99", "mailer status"), ("", "mailer status")],
)
def test_what_is_not_there_is_not_found(ledger: Ledger, name: str, suggestion: str) -> None:
    frozen(ledger, issue="winter")
    with pytest.raises(NotFoundError, match="E910") as refused:
        found(ledger, name)
    assert suggestion == refused.value.next


@pytest.mark.parametrize("name", ["m" + "9" * 30, "9" * 19, "m-1", "m١", "%", "_", "m1; DROP"])
def test_a_name_that_cannot_be_one_is_not_found(ledger: Ledger, name: str) -> None:
    frozen(ledger, issue="winter")
    with pytest.raises(NotFoundError, match="E910"):
        found(ledger, name)


def test_counts_add_up_while_batches_are_leased_and_rows_wait(ledger: Ledger) -> None:
    """Decisions 5: `claimed` is a queued row whose batch is leased."""
    mailing = frozen(ledger)
    with ledger.write() as connection:
        connection.execute(update(delivery).where(delivery.c.seq == 3).values(due_at=LATER))
        claims.claim(connection, holder=HolderId(1), now=EARLY)
    seen = look(ledger, mailing)
    assert (1, 6, 7) == (seen.counts["queued"], seen.counts["claimed"], seen.recipients)
    assert (1, LATER, 0) == (seen.deferred, seen.next_try_at, seen.settled)


def test_the_issues_in_a_state_are_known(ledger: Ledger) -> None:
    frozen(ledger, issue="winter")
    with ledger.write() as connection:
        assert {"winter"} == overview.issues_in(connection, MailingState.SENDING)
        mailings.cancel(connection, overview.find(connection, "m1").id, actor="ann", now=LATER)
        assert set() == overview.issues_in(connection, MailingState.CANCELLED)


def test_the_mailing_of_an_issue_is_the_one_that_was_not_cancelled(ledger: Ledger) -> None:
    freezing.freeze(ledger, plan(), now=EARLY)
    with ledger.write() as connection:
        one = overview.of_issue(connection, issue_slug="winter", list_slug="weekly")
        assert one is not None
        mailings.cancel(connection, one.id, actor="ann", now=LATER)
        assert overview.of_issue(connection, issue_slug="winter", list_slug="weekly") is None
