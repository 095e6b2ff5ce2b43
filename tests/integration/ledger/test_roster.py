"""Looking people up, listing and exporting them (X-3, X-16, decisions 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.ledger import audience, roster
from mailer.ledger.forgetting import forget
from mailer.model import SubscriptionState
from tests.samples.people import NOW, define

if TYPE_CHECKING:
    from mailer.ledger import Ledger


def add(ledger: Ledger, address: str, list_slug: str = "weekly", **values: object) -> None:
    """Somebody on a list."""
    audience.add(ledger, list_slug, address, source="add", now=NOW, **values)  # type: ignore[arg-type]


def listed(ledger: Ledger, **only: object) -> list[tuple[str, str, str]]:
    """Address, list and state of members."""
    with ledger.read() as connection:
        found = roster.members(connection, **only)  # type: ignore[arg-type]
        return [(one.email, one.list, str(one.state)) for one in found]


def exported(ledger: Ledger) -> list[list[str]]:
    """The list weekly as rows."""
    with ledger.read() as connection:
        return list(roster.export(connection, "weekly"))


def test_members_are_filtered_by_list_and_state(ledger: Ledger) -> None:
    add(ledger, "b@x.test")
    add(ledger, "a@x.test", state=SubscriptionState.PENDING)
    add(ledger, "b@x.test", "monthly")

    everybody = [
        ("b@x.test", "weekly", "confirmed"),
        ("b@x.test", "monthly", "confirmed"),
        ("a@x.test", "weekly", "pending"),
    ]
    assert everybody == listed(ledger)
    assert everybody[1:2] == listed(ledger, list_slug="monthly")
    assert everybody[2:] == listed(ledger, state=SubscriptionState.PENDING)


def test_members_stream_past_one_fetch(ledger: Ledger) -> None:
    for number in range(5):
        add(ledger, f"p{number}@x.test")

    with ledger.read() as connection:
        found = roster.members(connection)
        assert next(found).email == "p0@x.test"
        assert len(list(found)) == 4


def test_a_suppressed_member_is_marked(ledger: Ledger) -> None:
    add(ledger, "a@x.test")
    add(ledger, "b@x.test")
    with ledger.write() as connection:
        audience.suppress(
            connection,
            ledger.address_key("b@x.test"),
            address="b@x.test",
            bounce_class="manual",
            evidence="asked",
            source="olga",
            now=NOW,
        )

    with ledger.read() as connection:
        assert [one.suppressed for one in roster.members(connection)] == [False, True]


def test_who_was_forgotten_is_on_no_list(ledger: Ledger) -> None:
    add(ledger, "a@x.test")
    forget(ledger, "a@x.test", operator="olga", now=NOW)

    assert listed(ledger) == []
    assert exported(ledger) == [["email", "name", "language", "status"]]


def test_an_export_has_a_column_for_every_attribute(ledger: Ledger) -> None:
    add(ledger, "a@x.test", name="Ann", language="en", attributes={"city": "Rome"})
    add(ledger, "b@x.test", attributes={"age": "7"}, state=SubscriptionState.UNSUBSCRIBED)

    assert exported(ledger) == [
        ["email", "name", "language", "status", "age", "city"],
        ["a@x.test", "Ann", "en", "confirmed", "", "Rome"],
        ["b@x.test", "", "", "unsubscribed", "7", ""],
    ]


def test_x_3_an_export_holds_no_formula(ledger: Ledger) -> None:
    add(ledger, "=cmd@x.test", name="=HYPERLINK(1)", attributes={"phone": "+49"})

    assert exported(ledger)[1] == ["'=cmd@x.test", "'=HYPERLINK(1)", "", "confirmed", "'+49"]


def test_somebody_unknown_has_no_story(ledger: Ledger) -> None:
    define(ledger)

    assert roster.show(ledger, "a@x.test") is None


def test_decisions_3_a_forgotten_person_is_found_by_the_address(ledger: Ledger) -> None:
    add(ledger, "a@x.test", name="Ann")
    forget(ledger, "a@x.test", operator="olga", now=NOW)

    story = roster.show(ledger, "A@x.test")
    assert story is not None
    assert story.subscriber is not None
    assert (story.subscriber.email, story.subscriber.name) == (None, "")
