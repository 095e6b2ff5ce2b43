"""The database compares attributes as Python shows them, for any attribute."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, insert, select

from mailer.compose.expressions import ExpressionError, MissingValueError, compile_expression
from mailer.ledger import variants
from mailer.ledger.entries import dump
from mailer.ledger.schema import subscriber

SHOWN = compile_expression("subscriber.plan")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(["true", "True", "1", "1.0", "-0", "1e+21", "null", '"', "\\", "%", "_", "'"]),
)
VALUES = st.one_of(
    TEXTS,
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    made = create_engine("sqlite://")
    subscriber.create(made)
    return made


def shown(value: object) -> str | None:
    """What `{{ subscriber.plan }}` prints; None if it prints nothing."""
    try:
        return SHOWN({"subscriber": {"plan": value}})
    except (MissingValueError, ExpressionError):
        return None


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=VALUES, other=TEXTS)
@pytest.mark.parametrize("write", [dump, json.dumps])
def test_a_condition_holds_exactly_where_a_mail_shows_its_text(
    engine: Engine, write: object, value: object, other: str
) -> None:
    assert callable(write)
    for wanted in {other, shown(value) or other, str(value)[:50]} - {""}:
        name = variants.name_of({"plan": wanted})
        with engine.begin() as connection:
            row = {"address_key": b"k", "attributes": write({"plan": value}), "created_at": 0}
            connection.execute(insert(subscriber).values(row))
            which = variants.chosen(connection, ["", name], base_language="en")
            found = connection.scalar(select(which).select_from(subscriber))
            connection.rollback()
        assert (name if shown(value) == wanted else "") == found


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), TEXTS.filter(bool)))
def test_a_variants_name_says_its_conditions(conditions: dict[str, str]) -> None:
    assert conditions == variants.conditions_of(variants.name_of(conditions))
