"""Whatever people are called, a list survives its export (X-3, case 22)."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.ledger import roster
from mailer.ledger.columns import attribute_name
from mailer.ledger.entries import CONTROL, Consent, Entry, Verdict, dump
from mailer.ledger.importing import import_csv
from mailer.ledger.joining import join
from mailer.ledger.sheets import plain_cell, safe_cell
from mailer.model import SubscriptionState
from tests.samples.people import NOW, define, ledger_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.ledger import Ledger

NUMBERS = itertools.count()
# What import keeps: no controls, no blanks at the ends.
VALUES = (
    st.text(
        alphabet=st.one_of(st.sampled_from("'=+-@,;\t|\"＝＋－＠ äß山{}<>"), st.characters()),
        max_size=12,
    )
    .filter(lambda text: not CONTROL.search(text))
    .map(lambda text: text.strip(" \u00a0"))
)
NAMES = st.sampled_from(["city", "phone", "note_2", "vorname"])
PEOPLE = st.lists(
    st.tuples(
        st.from_regex(r"[a-z=+-][a-z0-9+'-]{0,8}", fullmatch=True),
        VALUES,
        st.sampled_from(["", "en", "pt-BR"]),
        st.dictionaries(NAMES, VALUES.filter(bool), max_size=3),
        st.sampled_from(list(SubscriptionState)),
    ),
    unique_by=lambda person: person[0],
    max_size=6,
)


@given(VALUES)
@example("'")
@example("''=1")
def test_x_3_guarding_has_an_exact_inverse(value: str) -> None:
    guarded = safe_cell(value)

    assert value == plain_cell(guarded)
    assert not guarded or guarded[0] not in "=+-@\t\r\n＝＋－＠"


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Ledger]]:
    """Two ledgers for all examples, each of which has its own list and its own domain."""
    first = ledger_with(tmp_path_factory.mktemp("first"))
    second = ledger_with(tmp_path_factory.mktemp("second"))
    yield first, second
    first.close()
    second.close()


@given(people=PEOPLE)
@settings(max_examples=40, deadline=None)
def test_an_export_imports_into_the_same_list(
    ledgers: tuple[Ledger, Ledger],
    people: list[tuple[str, str, str, dict[str, str], SubscriptionState]],
) -> None:
    first, second = ledgers
    slug = f"l{next(NUMBERS)}"
    define(second, slug)
    list_id = define(first, slug)
    with first.write() as connection:
        asked = [
            _entry(first, f"{local}@{slug}.test", name, language, attributes, state)
            for local, name, language, attributes, state in people
        ]
        join(connection, list_id, asked, Consent(source="form", operator="", at=NOW))
        exported = list(roster.export(connection, slug))
    with NamedTemporaryFile("w", newline="", encoding="utf-8", suffix=".csv") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(exported)
        file.flush()
        report = import_csv(second, Path(file.name), list_slug=slug, operator="olga", now=NOW)

    assert report.counts == ({Verdict.ADDED: len(people)} if people else {})
    with second.read() as connection:
        assert exported == list(roster.export(connection, slug))


def _entry(
    ledger: Ledger,
    address: str,
    name: str,
    language: str,
    attributes: dict[str, str],
    state: SubscriptionState,
) -> Entry:
    key = ledger.address_key(address)
    return Entry(address, address, key, name, language, dump(attributes), state)


@given(st.text(max_size=30), st.integers(min_value=0, max_value=99))
@settings(max_examples=200, deadline=None)
def test_every_header_becomes_a_name_that_templates_can_say(header: str, position: int) -> None:
    name = attribute_name(header, position)

    assert name.isidentifier()
    assert not name.startswith("_")


@given(value=st.text(max_size=40).filter(lambda text: not CONTROL.search(text)))
@example('"\\/\b'.replace("\b", ""))
@settings(max_examples=60, deadline=None)
def test_an_attribute_comes_back_as_it_was_in_the_file(
    ledgers: tuple[Ledger, Ledger], value: str
) -> None:
    first, _ = ledgers
    slug = f"l{next(NUMBERS)}"
    define(first, slug)
    with NamedTemporaryFile("w", newline="", encoding="utf-8", suffix=".csv") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["email", "city"], [f"ann@{slug}.test", safe_cell(value)]])
        file.flush()
        import_csv(first, Path(file.name), list_slug=slug, operator="olga", now=NOW)
    with first.read() as connection:
        person = roster.find(connection, first.address_key(f"ann@{slug}.test"))

    assert person is not None
    assert person.attributes.get("city", "") == value.strip(" \u00a0")
