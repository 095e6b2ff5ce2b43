"""How well a colour is read upon another."""

from __future__ import annotations

import pytest

from mailer.contrast import is_colour, ratio


@pytest.mark.parametrize(
    ("expected", "text", "ground"),
    [
        (21.0, "#000000", "#ffffff"),
        (21.0, "#FFF", "#000"),
        (1.0, "#0a58ca", "#0a58ca"),
        (4.54, "#767676", "#ffffff"),  # the lightest grey that WCAG allows on white
        (5.25, "#f00", "#000"),
    ],
)
def test_the_ratio_is_that_of_wcag_in_either_order(expected: float, text: str, ground: str) -> None:
    assert expected == pytest.approx(ratio(text, ground), abs=0.01)
    assert expected == pytest.approx(ratio(ground, text), abs=0.01)


@pytest.mark.parametrize("text", ["", "red", "#ffff", "#fffffff", "fff", "#ggg", "#fff;", "#fff\n"])
def test_other_ways_to_write_a_colour_are_none(text: str) -> None:
    assert not is_colour(text)
    with pytest.raises(ValueError, match="is no colour"):
        ratio(text, "#fff")
