"""Whatever a file says and whoever is known: verdicts and states are those of a plain model.

The model goes line by line through what `deciding` tabulates; the program goes by batches.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mailer.ledger import audience, importing, reading
from mailer.ledger.entries import Verdict
from mailer.ledger.forgetting import forget
from mailer.ledger.schema import subscriber, subscription
from mailer.model import SubscriptionState
from tests.samples.people import NOW, bring, define, ledger_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.ledger import Ledger
    from mailer.ledger.reading import Line

NUMBERS = itertools.count()
PENDING, CONFIRMED, UNSUBSCRIBED = SubscriptionState
WHO = st.sampled_from("abcdefgh")
STATES = st.sampled_from(list(SubscriptionState))


@dataclass(slots=True)
class Model:
    """What one import after another makes of one list; names of people are letters."""

    states: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def verdicts(self, lines: list[tuple[str, str, str]]) -> list[str]:
        """One import."""
        seen: set[str] = set()
        return [self._line(seen, *line) for line in lines]

    def _line(self, seen: set[str], spelt: str, name: str, asked: str) -> str:
        who = spelt.lower()
        if not who:
            return Verdict.INVALID
        if who in seen:
            return Verdict.DUPLICATE
        seen.add(who)
        if who in self.suppressed:
            return Verdict.SUPPRESSED
        if who in self.forgotten or self.states.get(who) == UNSUBSCRIBED:
            return Verdict.UNSUBSCRIBED
        return self._known(who, name, asked)

    def _known(self, who: str, name: str, asked: str) -> str:
        state, old = self.states.get(who), self.names.get(who, "")
        self.names[who] = name or old
        if state is None or asked == UNSUBSCRIBED or (state, asked) == (PENDING, CONFIRMED):
            self.states[who] = asked
            return Verdict.ADDED if state is None else Verdict.UPDATED
        return Verdict.UNCHANGED if self.names[who] == old else Verdict.UPDATED


LINES = st.lists(
    st.tuples(
        st.one_of(WHO, WHO.map(str.upper), st.just("")),
        st.sampled_from(["", "Ann", " Ben ", "'tis"]),
        STATES,
    ),
    max_size=9,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("import"), LINES),
        st.tuples(st.sampled_from(["suppress", "forget", "elsewhere"]), WHO),
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger for all examples, each of which has its own list and its own domain."""
    ledger = ledger_with(tmp_path_factory.mktemp("one"))
    yield ledger
    ledger.close()


@given(steps=STEPS, last=LINES, size=st.sampled_from([1, 3, 100]))
@settings(max_examples=40, deadline=None)
def test_an_import_says_and_does_what_a_plain_model_does(
    one: Ledger, steps: list[tuple[str, object]], last: list[tuple[str, str, str]], size: int
) -> None:
    slug = f"l{next(NUMBERS)}"
    define(one, slug)
    model = Model()
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(importing, "BATCH", size)
        patch.setattr(reading, "PART", 2)
        file = Path(folder) / "list.csv"
        for step, what in [*steps, ("import", last)]:
            if isinstance(what, list):
                _import(one, model, file, slug, what)
            else:
                _meet(one, model, slug, step, str(what))

    assert (model.states, model.names) == (_states(one, slug), _names(one, slug))


def _import(
    ledger: Ledger, model: Model, file: Path, slug: str, lines: list[tuple[str, str, str]]
) -> None:
    text = "email,name,status\n" + "".join(
        f"{spelt and f'{spelt}@{slug}.test'},{name},{state}\n" for spelt, name, state in lines
    )
    told: list[Line] = []
    bring(ledger, file, text, list_slug=slug, dry_run=True, on_lines=told.extend)
    tried = [str(line.verdict) for line in told]
    told.clear()
    report = bring(ledger, file, text, list_slug=slug, on_lines=told.extend)
    trimmed = [(spelt, name.strip(" "), state) for spelt, name, state in lines]

    assert model.verdicts(trimmed) == tried == [str(line.verdict) for line in told]
    assert list(range(2, len(lines) + 2)) == [line.number for line in told]
    assert len(lines) == report.lines


def _meet(ledger: Ledger, model: Model, slug: str, step: str, who: str) -> None:
    """Somebody is suppressed, comes onto another list, or is forgotten if they are known."""
    address = f"{who}@{slug}.test"
    if step == "suppress":
        model.suppressed.add(who)
        key = ledger.address_key(address)
        with ledger.write() as connection:
            audience.suppress(
                connection,
                key,
                address=address,
                bounce_class="hard:address",
                evidence="550",
                source="m1",
                now=NOW,
            )
    elif step == "elsewhere":
        define(ledger, f"{slug}x")
        added = audience.add(ledger, f"{slug}x", address, source="form", now=NOW)
        if added is Verdict.ADDED:
            model.names.setdefault(who, "")
    elif who in model.names:
        forget(ledger, address, operator="olga", now=NOW)
        model.forgotten.add(who)
        del model.names[who]
        if who in model.states:
            model.states[who] = UNSUBSCRIBED


def _states(ledger: Ledger, slug: str) -> dict[str, str]:
    """Who is on a list, in which state."""
    with ledger.read() as connection:
        number = audience.list_number(connection, slug)
        found = connection.execute(
            select(subscriber.c.address_key, subscription.c.state)
            .join_from(subscription, subscriber)
            .where(subscription.c.list == number)
        )
        return {_letters(ledger, slug)[row.address_key]: row.state for row in found}


def _names(ledger: Ledger, slug: str) -> dict[str, str]:
    """Who is known and was not forgotten, by which name."""
    letters = _letters(ledger, slug)
    with ledger.read() as connection:
        found = connection.execute(
            select(subscriber.c.address_key, subscriber.c.name).where(
                subscriber.c.address_key.in_(letters), subscriber.c.address.is_not(None)
            )
        )
        return {letters[row.address_key]: row.name for row in found}


def _letters(ledger: Ledger, slug: str) -> dict[bytes, str]:
    return {ledger.address_key(f"{who}@{slug}.test"): who for who in "abcdefgh"}
