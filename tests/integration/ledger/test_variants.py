"""Which variant somebody gets: the table of `ledger.variants`, and what the freeze makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from mailer.ledger import Ledger, choosing, freezing, starting, variants
from mailer.ledger.forgetting import forget
from mailer.ledger.schema import revision, subscriber
from mailer.model import Instant
from tests.samples.mailings import EARLY, addresses, enlist, frozen, look, plan, rendering, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

LATER = Instant(2_000_000)
GERMAN = replace(rendering(), language="de", subject=("Winterzeiten",))
PRO = replace(rendering(), subject=("For you",))
BOTH = {"language=de": GERMAN, "plan=pro": PRO}


def choice(
    ledger: Ledger, *names: str, base: str = "en", language: str = "", **attributes: object
) -> str:
    """The variant of one person."""
    with ledger.write() as connection:
        connection.execute(
            insert(subscriber).values(
                email="ann@a.test",
                address_key=b"ann",
                language=language,
                attributes=json.dumps(attributes, ensure_ascii=False),
                created_at=0,
            )
        )
        which = variants.chosen(connection, names, base_language=base)
        found: str | None = connection.scalar(select(which).select_from(subscriber))
        connection.rollback()
    assert found is not None
    return found


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "name", "label"),
    [
        ({}, "", "base"),
        ({"language": "de"}, "language=de", "language=de"),
        ({"plan": "pro", "language": "de"}, "language=de&plan=pro", "language=de plan=pro"),
        ({"city": "Zürich & Bern"}, "city=Z%C3%BCrich+%26+Bern", "city=Zürich & Bern"),
    ],
)
def test_a_name_says_to_whom_a_variant_speaks(
    conditions: Mapping[str, str], name: str, label: str
) -> None:
    assert (name, label) == (variants.name_of(conditions), variants.label(name))
    assert conditions == variants.conditions_of(name)


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "language=de"),
        ("de-AT", "language=de"),
        ("DE-at", "language=de"),
        ("deu", ""),
        ("d", ""),
        ("en", ""),
        ("", ""),
        ("fr", ""),
    ],
)
def test_a_language_holds_for_all_its_regions(ledger: Ledger, language: str, expected: str) -> None:
    assert expected == choice(ledger, "", "language=de", language=language)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("pt-BR", "language=pt-BR"),
        ("pt-PT", "language=pt-PT"),
        ("pt", "language=pt-BR"),
        ("pt-AO", "language=pt-BR"),
        ("zh-Hant-TW", "language=zh-Hant"),
        ("zh-TW", "language=zh-Hans"),
        ("es", ""),
    ],
)
def test_a_region_of_ones_own_comes_first_and_any_before_another_language(
    ledger: Ledger, language: str, expected: str
) -> None:
    names = ("", "language=pt-BR", "language=pt-PT", "language=zh-Hans", "language=zh-Hant")
    assert expected == choice(ledger, *names, language=language)


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en-GB", "language=en-GB"), ("en-US", ""), ("en", ""), ("", "")],
)
def test_a_region_of_the_bases_language_is_for_that_region_alone(
    ledger: Ledger, language: str, expected: str
) -> None:
    assert expected == choice(ledger, "", "language=en-GB", language=language)


@pytest.mark.parametrize(
    ("language", "expected"), [("de-CH", ""), ("de-CH-1996", ""), ("de", "language=de"), ("", "")]
)
def test_a_base_for_a_region_keeps_its_region(ledger: Ledger, language: str, expected: str) -> None:
    assert expected == choice(ledger, "", "language=de", base="de-CH", language=language)


@pytest.mark.parametrize(
    ("language", "plan", "expected"),
    [
        ("de", "pro", "language=de&plan=pro"),
        ("de", "free", "language=de"),
        ("fr", "pro", "plan=pro"),
        ("en", "pro", "plan=pro"),
        ("fr", "free", ""),
    ],
)
def test_the_most_specific_variant_whose_conditions_all_hold(
    ledger: Ledger, language: str, plan: str, expected: str
) -> None:
    names = ("", "plan=pro", "language=de", "language=de&plan=pro")
    assert expected == choice(ledger, *names, language=language, plan=plan)


def test_of_equally_many_conditions_the_language_decides(ledger: Ledger) -> None:
    """Who cannot read it has nothing of the rest."""
    names = ("", "city=Bern", "language=de")
    assert "language=de" == choice(ledger, *names, language="de", city="Bern")
    assert "city=Bern" == choice(ledger, *names, language="fr", city="Bern")
    assert "city=Bern" == choice(ledger, "", "plan=pro", "city=Bern", city="Bern", plan="pro")


@pytest.mark.parametrize(
    ("value", "wanted", "holds"),
    [
        ("pro", "pro", True),
        ("Pro", "pro", False),
        ("pro ", "pro", False),
        ("", "pro", False),
        (None, "None", False),
        (3, "3", True),
        ("3", "3", True),
        (3, "3.0", False),
        (3.0, "3.0", True),
        (1e21, "1e+21", True),
        (12345678901234567890123, "12345678901234567890123", True),
        (True, "True", True),
        (True, "true", False),
        ("true", "true", True),
        (False, "False", True),
        (True, "1", False),
        ("null", "null", True),
        (["pro"], '["pro"]', False),
        ({"pro": 1}, '{"pro":1}', False),
        ('"', '"', True),
        ("\\u0041", "A", False),
        ("Größe 漢", "Größe 漢", True),
        ("a' OR 1=1 --", "a' OR 1=1 --", True),
        ("%", "x", False),
    ],
)
def test_an_attribute_is_compared_as_a_mail_shows_it(
    ledger: Ledger,
    value: object,
    wanted: str,
    holds: bool,  # noqa: FBT001  the expected value
) -> None:
    name = variants.name_of({"plan": wanted})
    assert (name if holds else "") == choice(ledger, "", name, plan=value)


def test_who_has_no_such_attribute_gets_the_base(ledger: Ledger) -> None:
    size = variants.name_of({"größe": "42"})
    assert "" == choice(ledger, "", size)
    assert size == choice(ledger, "", size, größe="42")


# --- the freeze ----------------------------------------------------------------------------------


def people(ledger: Ledger) -> None:
    enlist(ledger, *addresses(6))
    enlist(ledger, "ada@a.test", "at@a.test", language="de-AT")
    enlist(ledger, "pia@a.test", attributes='{"plan":"pro"}')
    enlist(ledger, "dora@a.test", language="de", attributes='{"plan":"pro"}')


def got(ledger: Ledger, mailing: Any) -> dict[str, str]:
    return {row.email: row.variant for row in rows(ledger, mailing) if row.variant}


def recipients(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return {row.variant: row.recipients for row in connection.execute(select(revision))}


def test_each_delivery_knows_its_variant_and_each_variant_its_number(ledger: Ledger) -> None:
    people(ledger)
    mailing = frozen(ledger, variants=BOTH)
    assert {
        "ada@a.test": "language=de",
        "at@a.test": "language=de",
        "dora@a.test": "language=de",
        "pia@a.test": "plan=pro",
    } == got(ledger, mailing)
    assert {"": 6, "language=de": 3, "plan=pro": 1} == recipients(ledger)
    assert 10 == look(ledger, mailing).recipients


def test_each_variant_is_frozen_and_read_back(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    wanted = plan(variants=BOTH)
    mailing = freezing.freeze(ledger, wanted, now=EARLY)
    with ledger.read() as connection:
        for version in (wanted, *wanted.variants):
            name = version.rendering.variant
            stored = freezing.load_revision(connection, mailing, 1, name)
            assert (version.revision, version.rendering) == stored


def test_without_variants_everybody_gets_the_base(ledger: Ledger) -> None:
    people(ledger)
    mailing = frozen(ledger)
    assert {} == got(ledger, mailing)
    assert {"": 10} == recipients(ledger)


def test_who_joins_before_a_scheduled_start_gets_their_variant(ledger: Ledger) -> None:
    """By the variants as they were frozen; a change since the freeze changes nothing."""
    people(ledger)
    mailing = freezing.freeze(ledger, plan(due_at=LATER, variants=BOTH), now=EARLY)
    with ledger.write() as connection:
        connection.execute(
            update(subscriber).where(subscriber.c.email == "ada@a.test").values(language="fr")
        )
    enlist(ledger, "late@a.test", language="de")
    enlist(ledger, "later@a.test", language="fr")
    with ledger.write() as connection:
        starting.start_due(connection, now=LATER, actor="test")
    found = got(ledger, mailing)
    assert ("language=de", "language=de") == (found["ada@a.test"], found["late@a.test"])
    assert "later@a.test" not in found
    assert {"": 7, "language=de": 4, "plan=pro": 1} == recipients(ledger)


def test_looking_and_freezing_choose_alike(ledger: Ledger) -> None:
    """What the dry run composes is what leaves."""
    people(ledger)
    with ledger.read() as connection:
        which = variants.chosen(connection, ["", *BOTH], base_language="en")
        seen = {
            row.email: row.variant
            for row in choosing.chosen(
                connection, list_slug="weekly", issue_slug="winter", now=EARLY, variant=which
            )
        }
        one = choosing.person(connection, ledger.address_key("dora@a.test"), variant=which)
    mailing = frozen(ledger, variants=BOTH)
    assert {row.email: row.variant for row in rows(ledger, mailing)} == seen
    assert one is not None
    assert "language=de" == one.variant


def test_nothing_says_what_a_forgotten_person_got(ledger: Ledger) -> None:
    people(ledger)
    mailing = frozen(ledger, variants=BOTH)
    forget(ledger, "pia@a.test", operator="olga", now=LATER)
    assert "plan=pro" not in got(ledger, mailing).values()
