"""The history: appended to, read newest first, bounded (B-9, X-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer.ledger import audience, events, roster
from mailer.ledger.schema import event
from mailer.model import Instant, MailingId, SubscriberId
from tests.samples.people import NOW, happened

if TYPE_CHECKING:
    from mailer.ledger import Ledger

KEY = b"k" * 16


def test_an_event_comes_back_as_it_was_written(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert events.record(
            connection,
            kind=events.Kind.BOUNCED,
            actor="relay",
            at=NOW,
            mailing=MailingId(42),
            seq=7,
            subscriber=SubscriberId(3),
            address_key=KEY,
            detail={"reply": "550 größer", "class": None},
        )
        (one,) = events.history(connection)

    assert one == events.Event(
        id=one.id,
        at=NOW,
        kind="bounced",
        actor="relay",
        mailing=MailingId(42),
        seq=7,
        subscriber=SubscriberId(3),
        address_key=KEY,
        detail={"reply": "550 größer", "class": None},
    )


def test_b_9_what_happens_once_is_stored_once(ledger: Ledger) -> None:
    with ledger.write() as connection:
        stored = [
            events.record(connection, kind="bounced", actor="relay", at=NOW, once=once)
            for once in ("m1:7", "m1:7", "m1:8", None, None)
        ]
        assert stored == [True, False, True, True, True]
        assert len(events.history(connection)) == 4


def test_x_16_history_is_read_in_pages_newest_first(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for number in range(5):
            events.record(connection, kind="sent", actor="mailer", at=Instant(number))

        first = events.history(connection, limit=2)
        second = events.history(connection, limit=2, before=first[-1].id)
    assert [one.at for one in first] == [4, 3]
    assert [one.at for one in second] == [2, 1]


def test_history_is_filtered_by_address_mailing_and_kind(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for kind, mailing, key in (("a", 1, KEY), ("b", 1, None), ("a", 2, KEY)):
            events.record(
                connection,
                kind=kind,
                actor="x",
                at=NOW,
                mailing=MailingId(mailing),
                address_key=key,
            )

        assert len(events.history(connection, address_key=KEY)) == 2
        assert len(events.history(connection, mailing=MailingId(1))) == 2
        assert len(events.history(connection, mailing=MailingId(1), kinds=["a"])) == 1


def test_a_delivery_that_bounced_twice_counts_once(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for seq, kind in ((1, "bounced"), (1, "bounced"), (2, "bounced"), (3, "accepted")):
            events.record(
                connection, kind=kind, actor="relay", at=NOW, mailing=MailingId(1), seq=seq
            )

        assert events.count_bounced(connection, MailingId(1)) == 2
        assert events.count_bounced(connection, MailingId(2)) == 0


def test_a_person_has_the_events_of_deliveries_and_of_before_joining(ledger: Ledger) -> None:
    key = ledger.address_key("ann@example.org")
    with ledger.write() as connection:
        events.record(connection, kind="suppressed", actor="x", at=NOW, address_key=key)
    audience.add(ledger, "weekly", "ben@example.org", source="add", now=NOW)
    with ledger.write() as connection:
        audience.unsuppress(connection, key, operator="x", reason="", now=NOW)
    audience.add(ledger, "weekly", "ann@example.org", source="add", now=NOW)
    with ledger.write() as connection:
        ann = roster.find(connection, key)
        assert ann is not None
        events.record(connection, kind="rejected", actor="relay", at=NOW, seq=1, subscriber=ann.id)

    assert happened(ledger, "ann@example.org") == ["suppressed", "subscribed", "rejected"]


def test_the_history_of_a_person_is_found_by_indexes(ledger: Ledger) -> None:
    query = select(event.c.id).where(events.about(KEY))
    compiled = query.compile(ledger.engine, compile_kwargs={"literal_binds": True})
    with ledger.read() as connection:
        if ledger.path is None:  # its planner reads few rows without an index
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if ledger.path is None else "EXPLAIN QUERY PLAN"
        rows = connection.exec_driver_sql(f"{explain} {compiled}")
        plan = " ".join(row[-1] for row in rows)

    assert "event_subscriber" in plan
    assert "event_address" in plan
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan
