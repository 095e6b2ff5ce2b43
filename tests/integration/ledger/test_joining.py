"""The decision table of `joining`, a test per row (B-21, case 23, decisions 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailer.ledger import audience, events, roster
from mailer.ledger.entries import Consent, Entry, Verdict
from mailer.ledger.forgetting import forget
from mailer.ledger.joining import join
from mailer.ledger.schema import event
from mailer.model import ListId, SubscriberId, SubscriptionState
from tests.samples.people import NOW, changes, define, happened, people, states

if TYPE_CHECKING:
    from mailer.ledger import Ledger

PENDING, CONFIRMED, UNSUBSCRIBED = SubscriptionState
ANN = "ann@example.org"


def entry(ledger: Ledger, address: str = ANN, **values: str) -> Entry:
    """Somebody as asked for."""
    key = ledger.address_key(address)
    return Entry(given=address, normalised=address.lower(), key=key, **values)


def ask(ledger: Ledger, *entries: Entry, batch: int | None = None) -> list[Verdict]:
    """Put people onto the list weekly."""
    number = define(ledger)
    consent = Consent(source="import", operator="olga", at=NOW, reason="fair", batch=batch)
    with ledger.write() as connection:
        return join(connection, number, entries, consent)


def known(ledger: Ledger) -> roster.Story:
    """What the ledger says about Ann."""
    story = roster.show(ledger, ANN)
    assert story is not None
    return story


def leave(ledger: Ledger) -> None:
    """Ann unsubscribes from weekly."""
    person = known(ledger).subscriber
    assert person is not None
    audience.unsubscribe(ledger, person.id, define(ledger), via="one-click", now=NOW)


@pytest.mark.parametrize("state", [PENDING, CONFIRMED, UNSUBSCRIBED])
def test_somebody_new_is_added_in_any_state(ledger: Ledger, state: SubscriptionState) -> None:
    assert ask(ledger, entry(ledger, name="Ann", state=state), batch=7) == [Verdict.ADDED]

    (place,) = known(ledger).subscriptions
    assert place == roster.Subscription(
        list="weekly",
        state=state,
        source="import",
        reason="fair",
        operator="olga",
        import_batch=7,
        created_at=NOW,
        confirmed_at=NOW if state == CONFIRMED else None,
        left_at=NOW if state == UNSUBSCRIBED else None,
    )
    expected = {CONFIRMED: "subscribed", PENDING: "signed up", UNSUBSCRIBED: "unsubscribed"}
    assert [expected[state]] == happened(ledger, ANN)


def test_decisions_11_the_event_tells_who_gave_which_reason(ledger: Ledger) -> None:
    ask(ledger, entry(ledger), batch=7)

    (one,) = known(ledger).events
    assert (one.actor, one.at) == ("olga", NOW)
    assert one.detail == {"list": 1, "source": "import", "reason": "fair", "batch": 7}


def test_people_come_in_the_order_in_which_they_were_asked_for(ledger: Ledger) -> None:
    asked = [f"{letter}@example.org" for letter in "qzamx"]
    ask(ledger, *(entry(ledger, address) for address in asked))

    with ledger.read() as connection:
        assert asked == [one.email for one in roster.members(connection)]


def test_b_21_who_is_suppressed_is_not_added(ledger: Ledger) -> None:
    with ledger.write() as connection:
        audience.suppress(
            connection,
            ledger.address_key(ANN),
            address=ANN,
            bounce_class="hard:address",
            evidence="550 5.1.1",
            source="m1",
            now=NOW,
        )

    assert ask(ledger, entry(ledger)) == [Verdict.SUPPRESSED]
    assert people(ledger) == 0


@pytest.mark.parametrize("state", [PENDING, CONFIRMED, UNSUBSCRIBED])
def test_case_23_who_left_is_never_added_again(ledger: Ledger, state: SubscriptionState) -> None:
    ask(ledger, entry(ledger, name="Ann"))
    leave(ledger)
    before = known(ledger)

    assert ask(ledger, entry(ledger, name="Anna", state=state), batch=9) == [Verdict.UNSUBSCRIBED]
    assert before == known(ledger)


def test_who_was_forgotten_is_not_added_to_any_list(ledger: Ledger) -> None:
    define(ledger, "monthly")
    audience.add(ledger, "monthly", ANN, source="add", now=NOW)
    forget(ledger, ANN, operator="olga", now=NOW)

    assert ask(ledger, entry(ledger)) == [Verdict.UNSUBSCRIBED]
    assert states(ledger, ANN) == {"monthly": "unsubscribed"}


def test_who_left_another_list_may_join_this_one(ledger: Ledger) -> None:
    ask(ledger, entry(ledger))
    leave(ledger)

    assert audience.add(ledger, "monthly", ANN, source="add", now=NOW) == Verdict.ADDED
    assert states(ledger, ANN) == {"monthly": "confirmed", "weekly": "unsubscribed"}


def test_a_pending_person_is_confirmed_with_the_new_consent(ledger: Ledger) -> None:
    ask(ledger, entry(ledger, state=PENDING), batch=1)

    assert ask(ledger, entry(ledger), batch=2) == [Verdict.UPDATED]
    (place,) = known(ledger).subscriptions
    assert (place.state, place.import_batch, place.confirmed_at) == (CONFIRMED, 2, NOW)
    assert happened(ledger, ANN) == ["signed up", "subscribed"]


def test_a_confirmed_person_never_becomes_pending(ledger: Ledger) -> None:
    ask(ledger, entry(ledger))

    assert ask(ledger, entry(ledger, state=PENDING)) == [Verdict.UNCHANGED]
    assert states(ledger, ANN) == {"weekly": "confirmed"}


def test_a_departure_that_a_file_tells_of_is_obeyed_and_dispatchers_look_again(
    ledger: Ledger,
) -> None:
    ask(ledger, entry(ledger))
    before = changes(ledger)

    assert ask(ledger, entry(ledger, state=UNSUBSCRIBED)) == [Verdict.UPDATED]
    assert states(ledger, ANN) == {"weekly": "unsubscribed"}
    assert happened(ledger, ANN) == ["subscribed", "unsubscribed"]
    assert changes(ledger) == before + 1


def test_what_differs_is_updated_and_what_is_left_empty_stays(ledger: Ledger) -> None:
    first = entry(ledger, name="Ann", language="en", attributes='{"city":"Rome","age":"7"}')
    ask(ledger, first)

    second = entry(ledger, attributes='{"city":"Oslo"}')
    assert ask(ledger, second) == [Verdict.UPDATED]
    person = known(ledger).subscriber
    assert person is not None
    assert (person.name, person.language) == ("Ann", "en")
    assert person.attributes == {"city": "Oslo", "age": "7"}
    assert happened(ledger, ANN) == ["subscribed", "changed"]


def test_the_same_again_changes_nothing_and_writes_no_event(ledger: Ledger) -> None:
    asked = entry(ledger, name="Ann", language="en", attributes='{"b":"1","a":"2"}')
    ask(ledger, asked)

    again = asked._replace(attributes='{"a":"2","b":"1"}')
    assert ask(ledger, again) == [Verdict.UNCHANGED]
    assert happened(ledger, ANN) == ["subscribed"]


def test_case_24_one_address_on_two_lists_is_one_person(ledger: Ledger) -> None:
    audience.add(ledger, "weekly", "Ann@Example.ORG", source="add", now=NOW)
    audience.add(ledger, "monthly", ANN, source="add", now=NOW)

    assert people(ledger) == 1
    assert states(ledger, ANN) == {"monthly": "confirmed", "weekly": "confirmed"}


def test_a_batch_of_all_kinds_gets_its_verdicts_in_order(ledger: Ledger) -> None:
    ask(ledger, entry(ledger), entry(ledger, "left@example.org"), entry(ledger, "p@example.org"))
    with ledger.write() as connection:
        left = roster.find(connection, ledger.address_key("left@example.org"))
    assert left is not None
    audience.unsubscribe(ledger, left.id, ListId(1), via="page", now=NOW)

    assert ask(
        ledger,
        entry(ledger, "new1@example.org"),
        entry(ledger, "left@example.org"),
        entry(ledger, name="Ann"),
        entry(ledger, "p@example.org"),
        entry(ledger, "new2@example.org"),
    ) == [
        Verdict.ADDED,
        Verdict.UNSUBSCRIBED,
        Verdict.UPDATED,
        Verdict.UNCHANGED,
        Verdict.ADDED,
    ]
    assert people(ledger) == 5


def test_nothing_asked_for_is_nothing_done(ledger: Ledger) -> None:
    assert ask(ledger) == []


def test_every_event_of_a_batch_names_its_own_person(ledger: Ledger) -> None:
    ask(ledger, *(entry(ledger, f"p{n}@example.org") for n in range(5)))

    with ledger.read() as connection:
        for row in connection.execute(select(event)):
            person = roster.find(connection, row.address_key)
            assert person is not None
            assert person.id == SubscriberId(row.subscriber)
        assert len(events.history(connection, kinds=["subscribed"])) == 5
