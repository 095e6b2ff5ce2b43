"""Lists, coming and leaving, suppressions (L-6, L-9, B-20 to B-23, decisions 19)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailer.address import AddressError
from mailer.config import Config, DeliveryConfig, ListConfig, Newsletter, RelayConfig
from mailer.errors import NotFoundError
from mailer.ledger import audience, events, roster
from mailer.ledger.entries import Verdict
from mailer.model import Instant, ListId, Mailbox, OnDoubt, SubscriberId, SubscriptionState
from tests.samples.people import NOW, changes, define, happened, people, states

if TYPE_CHECKING:
    from mailer.ledger import Ledger

ANN = "ann@example.org"
LATER = Instant(NOW + 1_000_000)
SENDER = Mailbox(name="The Weekly", address="weekly@Example.org")
WEEKLY = ListConfig(slug="weekly", title="The Weekly", sender=SENDER, language="en", timezone="UTC")
CONFIG = Config(
    root=Path(),
    newsletter=Newsletter(
        name="The Weekly",
        sender=SENDER,
        reply_to=None,
        url="https://news.example.org",
        site="https://example.org",
        address="1 Street",
    ),
    lists={"weekly": WEEKLY},
    groups={},
    relays=(RelayConfig(host="127.0.0.1", port=25, security="none"),),
    bounce_address="bounces@example.org",
    database_url="sqlite:mailer.db",
    delivery=DeliveryConfig(on_doubt=OnDoubt.RESEND),
)


def join(ledger: Ledger, address: str = ANN) -> SubscriberId:
    """Somebody on the list weekly."""
    assert audience.add(ledger, "weekly", address, source="add", now=NOW) == Verdict.ADDED
    with ledger.read() as connection:
        person = roster.find(connection, ledger.address_key(address))
    assert person is not None
    return person.id


def suppress(ledger: Ledger, evidence: str = "550 5.1.1 no such user") -> bool:
    """Ann is suppressed."""
    with ledger.write() as connection:
        return audience.suppress(
            connection,
            ledger.address_key(ANN),
            address=ANN,
            bounce_class="hard:address",
            evidence=evidence,
            source="m1",
            now=NOW,
        )


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sender"),
    [
        ("The Weekly", "theweekly"),
        ("This Week in Exampleton and Beyond", "thisweekinexamp"),
        ("NYT", "nytnewsletter"),
        ("週刊", "newsletter"),
    ],
)
def test_l_13_the_feedback_sender_has_5_to_15_characters(name: str, sender: str) -> None:
    config = replace(CONFIG, newsletter=replace(CONFIG.newsletter, name=name))

    assert audience.list_identity(config, WEEKLY) == ("weekly.example.org", sender)


def test_decisions_19_a_list_keeps_its_identity_and_takes_a_new_title(ledger: Ledger) -> None:
    renamed = replace(CONFIG, newsletter=replace(CONFIG.newsletter, name="Another name"))
    moved = replace(
        WEEKLY, slug="new", title="Renamed", sender=Mailbox(name="", address="a@b.test")
    )
    with ledger.write() as connection:
        first = audience.define_list(connection, CONFIG, replace(WEEKLY, slug="new"), now=NOW)
        again = audience.define_list(connection, renamed, moved, now=LATER)

        assert first == again
        assert audience.identity_of(connection, "new") == ("new.example.org", "theweekly")


def test_a_list_that_was_never_used_has_no_identity(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert audience.identity_of(connection, "yearly") is None
        with pytest.raises(NotFoundError, match="E507"):
            audience.list_number(connection, "yearly")


# --- coming --------------------------------------------------------------------------------------


def test_b_22_the_same_mailbox_spelt_differently_is_one_person(ledger: Ledger) -> None:
    join(ledger, "Ann@Bücher.example")
    spelt = "aNN@xn--bcher-kva.EXAMPLE"

    assert audience.add(ledger, "weekly", spelt, source="add", now=NOW) == Verdict.UNCHANGED
    assert people(ledger) == 1


def test_the_address_is_kept_as_it_was_given(ledger: Ledger) -> None:
    join(ledger, "Ann.Smith@Example.ORG")

    with ledger.read() as connection:
        (one,) = roster.members(connection)
    assert one.email == "Ann.Smith@Example.ORG"


def test_x_8_what_is_no_address_is_not_added(ledger: Ledger) -> None:
    with pytest.raises(AddressError):
        audience.add(ledger, "weekly", "ann@example,org", source="add", now=NOW)

    assert people(ledger) == 0


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "a\x85b", "a\u2028", "a\ud800", "\ta", "\x7f"])
def test_case_3_values_with_control_characters_are_refused(ledger: Ledger, value: str) -> None:
    for values in ({"name": value}, {"language": value}, {"attributes": {"city": value}}):
        with pytest.raises(ValueError, match="control character"):
            audience.add(ledger, "weekly", ANN, source="add", now=NOW, **values)

    assert people(ledger) == 0


# --- leaving -------------------------------------------------------------------------------------


def test_l_9_unsubscribing_ends_the_subscription_and_dispatchers_look_again(
    ledger: Ledger,
) -> None:
    ann = join(ledger)
    before = changes(ledger)

    assert audience.unsubscribe(ledger, ann, define(ledger), via="one-click", now=LATER)
    assert states(ledger, ANN) == {"weekly": "unsubscribed"}
    assert changes(ledger) == before + 1
    story = roster.show(ledger, ANN)
    assert story is not None
    assert story.subscriptions[0].left_at == LATER
    assert (story.events[0].actor, story.events[0].detail["via"]) == ("subscriber", "one-click")


def test_l_6_unsubscribing_twice_is_no_new_event(ledger: Ledger) -> None:
    ann = join(ledger)
    audience.unsubscribe(ledger, ann, define(ledger), via="one-click", now=LATER)
    before = changes(ledger)

    assert not audience.unsubscribe(ledger, ann, define(ledger), via="page", now=LATER)
    assert happened(ledger, ANN) == ["subscribed", "unsubscribed"]
    assert changes(ledger) == before


def test_unsubscribing_from_one_list_leaves_the_others(ledger: Ledger) -> None:
    ann = join(ledger)
    audience.add(ledger, "monthly", ANN, source="add", now=NOW)

    audience.unsubscribe(ledger, ann, define(ledger), via="page", now=LATER)
    assert states(ledger, ANN) == {"monthly": "confirmed", "weekly": "unsubscribed"}


def test_unsubscribing_somebody_unknown_changes_nothing(ledger: Ledger) -> None:
    assert not audience.unsubscribe(ledger, SubscriberId(99), ListId(1), via="page", now=NOW)


def test_a_person_can_take_a_departure_back(ledger: Ledger) -> None:
    ann = join(ledger)
    weekly = define(ledger)
    audience.unsubscribe(ledger, ann, weekly, via="page", now=LATER)

    assert audience.resubscribe(ledger, ann, weekly, via="page", now=LATER)
    assert not audience.resubscribe(ledger, ann, weekly, via="page", now=LATER)
    assert states(ledger, ANN) == {"weekly": "confirmed"}
    assert happened(ledger, ANN) == ["subscribed", "unsubscribed", "resubscribed"]


def test_only_a_departure_can_be_taken_back(ledger: Ledger) -> None:
    audience.add(ledger, "weekly", ANN, source="form", now=NOW, state=SubscriptionState.PENDING)

    assert not audience.resubscribe(ledger, SubscriberId(1), ListId(1), via="page", now=NOW)
    assert states(ledger, ANN) == {"weekly": "pending"}


# --- suppressions --------------------------------------------------------------------------------


def test_b_20_a_suppression_holds_for_every_list(ledger: Ledger) -> None:
    join(ledger)
    before = changes(ledger)

    assert suppress(ledger)
    assert audience.add(ledger, "monthly", ANN, source="add", now=NOW) == Verdict.SUPPRESSED
    assert changes(ledger) == before + 1
    assert happened(ledger, ANN) == ["subscribed", "suppressed"]


def test_b_20_a_suppression_is_no_departure(ledger: Ledger) -> None:
    join(ledger)
    suppress(ledger)

    assert states(ledger, ANN) == {"weekly": "confirmed"}


def test_b_23_the_first_evidence_is_kept(ledger: Ledger) -> None:
    assert suppress(ledger, "first")
    assert not suppress(ledger, "second")

    story = roster.show(ledger, ANN)
    assert story is not None
    assert story.suppression == roster.Suppression(
        address_key=ledger.address_key(ANN),
        address=ANN,
        bounce_class="hard:address",
        evidence="first",
        source="m1",
        created_at=NOW,
    )
    assert happened(ledger, ANN) == ["suppressed"]


def test_b_23_evidence_is_kept_up_to_2_kb_of_whole_characters(ledger: Ledger) -> None:
    suppress(ledger, "ü" * 3000)

    with ledger.read() as connection:
        (one,) = roster.suppressions(connection)
    assert one.evidence == "ü" * 1024


def test_b_23_a_lone_surrogate_in_evidence_cannot_stop_a_suppression(ledger: Ledger) -> None:
    assert suppress(ledger, "550 \udcff")


def test_b_21_lifting_leaves_an_audit_entry_with_what_was_lifted(ledger: Ledger) -> None:
    suppress(ledger)
    key = ledger.address_key(ANN)
    with ledger.write() as connection:
        assert audience.unsuppress(connection, key, operator="olga", reason="works", now=LATER)
        assert not audience.unsuppress(connection, key, operator="olga", reason="", now=LATER)

        (newest, _) = events.history(connection, address_key=key)
    assert (newest.kind, newest.actor) == ("unsuppressed", "olga")
    assert newest.detail == {
        "reason": "works",
        "class": "hard:address",
        "evidence": "550 5.1.1 no such user",
        "source": "m1",
        "since": NOW,
    }
    assert audience.add(ledger, "weekly", ANN, source="add", now=NOW) == Verdict.ADDED
