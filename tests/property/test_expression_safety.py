"""Whatever stands between the braces: a text, a missing name or a clear refusal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.compose.expressions import (
    Expression,
    ExpressionError,
    MissingValueError,
    compile_expression,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "subscriber": st.dictionaries(st.sampled_from(["a", "b", "name"]), SCALARS),
        "list": st.dictionaries(st.sampled_from(["a", "title"]), SCALARS),
        "unsubscribe_url": st.text(max_size=5),
    },
)
WORDS = """subscriber list unsubscribe_url . .a .name | upper default ( ) [ ] 'x' "y" 1 or and
not if else ~ == < in * ** % {{ }} __class__ _ , : = is defined true none - \\"""
PIECES = st.sampled_from(WORDS.split())


def _evaluate(source: str, values: dict[str, object]) -> str | None:
    try:
        expression = compile_expression(source)
        assert isinstance(expression, Expression)
        return expression(values)
    except (ExpressionError, MissingValueError):
        return None


@settings(deadline=None, max_examples=200)
@given(pieces=st.lists(PIECES, max_size=12), values=VALUES)
def test_any_row_of_tokens_is_evaluated_or_refused(
    pieces: list[str], values: dict[str, object]
) -> None:
    """X-4, X-5: nothing but the two documented exceptions, and never an object's insides."""
    result = _evaluate(" ".join(pieces), values)
    assert result is None or "<class" not in result


@settings(deadline=None, max_examples=100)
@given(source=st.text(max_size=40), values=VALUES)
def test_any_text_is_evaluated_or_refused(source: str, values: dict[str, object]) -> None:
    result = _evaluate(source, values)
    assert result is None or isinstance(result, str)


@settings(deadline=None, max_examples=100)
@given(name=st.text(max_size=30))
def test_a_value_comes_out_as_it_went_in(name: str) -> None:
    """Case 12: values are data, whatever they look like."""
    assert name == _evaluate("subscriber.name", {"subscriber": {"name": name}})
    expected = name or "reader"
    assert expected == _evaluate('subscriber.name or "reader"', {"subscriber": {"name": name}})
