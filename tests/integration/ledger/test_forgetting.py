"""Erasing a person: what names them goes, the key stays (B-21, decisions 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from mailer.ledger import audience, events, roster
from mailer.ledger.entries import Verdict
from mailer.ledger.forgetting import forget
from mailer.ledger.schema import delivery, metadata
from tests.samples.mailings import frozen
from tests.samples.people import NOW, changes, define, happened, states

if TYPE_CHECKING:
    from mailer.ledger import Ledger

ANN = "Ann.Smith@Example.org"


def everything(ledger: Ledger) -> str:
    """Every value of every table, as one text."""
    with ledger.read() as connection:
        rows = [
            row for table in metadata.sorted_tables for row in connection.execute(select(table))
        ]
    return repr(rows).lower()


def join(ledger: Ledger) -> None:
    """Ann, with everything that can name her."""
    attributes = {"city": "Exampleton"}
    audience.add(
        ledger, "weekly", ANN, source="add", now=NOW, name="Ann Smith", attributes=attributes
    )


def test_nothing_names_a_forgotten_person(ledger: Ledger) -> None:
    join(ledger)
    mailing = frozen(ledger)
    with ledger.write() as connection:
        connection.execute(
            text(
                'UPDATE delivery SET "values" = \'["Ann Smith"]\','
                " reply = '550 5.1.1 <ann.smith@EXAMPLE.org>: unknown'"
            )
        )
        key = ledger.address_key(ANN)
        audience.suppress(
            connection,
            key,
            address=ANN,
            bounce_class="hard:address",
            evidence=f"550 5.1.1 <{ANN}>: unknown",
            source="m1",
            now=NOW,
        )
        events.record(
            connection,
            kind="bounced",
            actor="relay",
            at=NOW,
            mailing=mailing,
            seq=1,
            address_key=key,
            detail={"reply": f"550 <{ANN.lower()}> unknown"},
        )

    assert forget(ledger, ANN, operator="olga", now=NOW)

    stored = everything(ledger)
    assert "ann.smith" not in stored
    assert "ann smith" not in stored
    assert "exampleton" not in stored
    assert "550 5.1.1 <[erased]>: unknown" in stored


def test_b_21_who_is_forgotten_stays_away_from_every_list(ledger: Ledger) -> None:
    join(ledger)
    before = changes(ledger)
    forget(ledger, ANN.upper(), operator="olga", now=NOW)

    assert states(ledger, ANN) == {"weekly": "unsubscribed"}
    assert changes(ledger) == before + 1
    assert happened(ledger, ANN) == ["subscribed", "forgotten"]
    assert audience.add(ledger, "weekly", ANN, source="add", now=NOW) == Verdict.UNSUBSCRIBED
    assert audience.add(ledger, "monthly", ANN, source="add", now=NOW) == Verdict.UNSUBSCRIBED


def test_b_21_who_was_suppressed_stays_so_by_the_key(ledger: Ledger) -> None:
    with ledger.write() as connection:
        audience.suppress(
            connection,
            ledger.address_key(ANN),
            address=ANN,
            bounce_class="manual",
            evidence="asked",
            source="olga",
            now=NOW,
        )

    assert forget(ledger, ANN, operator="olga", now=NOW)
    assert audience.add(ledger, "weekly", ANN, source="add", now=NOW) == Verdict.SUPPRESSED
    with ledger.read() as connection:
        assert [one.address for one in roster.suppressions(connection)] == [None]


def test_a_forgotten_person_cannot_be_resubscribed_by_an_old_link(ledger: Ledger) -> None:
    join(ledger)
    story = roster.show(ledger, ANN)
    assert story is not None
    assert story.subscriber is not None
    forget(ledger, ANN, operator="olga", now=NOW)

    weekly = define(ledger)
    assert not audience.resubscribe(ledger, story.subscriber.id, weekly, via="page", now=NOW)
    assert states(ledger, ANN) == {"weekly": "unsubscribed"}


def test_the_deliveries_of_others_keep_their_addresses(ledger: Ledger) -> None:
    join(ledger)
    audience.add(ledger, "weekly", "ben@example.org", source="add", now=NOW)
    frozen(ledger)
    forget(ledger, ANN, operator="olga", now=NOW)

    with ledger.read() as connection:
        kept = set(connection.scalars(select(delivery.c.email)))
    assert kept == {None, "ben@example.org"}


def test_who_is_unknown_cannot_be_forgotten(ledger: Ledger) -> None:
    assert not forget(ledger, ANN, operator="olga", now=NOW)
