"""The colours of the theme: complete, and none hard to read upon another."""

from __future__ import annotations

import pytest

from mailer.config.look import DARK, LIGHT, NAMES, TOKENS
from mailer.contrast import ENOUGH, is_colour, ratio

PAIRS = [
    pytest.param(colours[token.name], colours[ground], id=f"{scheme} {token.name} upon {ground}")
    for scheme, colours in (("light", LIGHT), ("dark", DARK))
    for token in TOKENS
    for ground in token.upon
]


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_no_pair_is_hard_to_read(text: str, ground: str) -> None:
    """W160: 4.5:1 in light and dark, for small text as for large."""
    assert ratio(text, ground) >= ENOUGH


@pytest.mark.parametrize("text", ["#000000", "#ffffff", "#000", "#fff"])
def test_no_text_is_black_or_white(text: str) -> None:
    """Clients that invert colours leave pure black and white, or turn them into glare."""
    read = {token.name for token in TOKENS if token.upon}
    assert text not in {colours[name] for colours in (LIGHT, DARK) for name in read}


def test_every_token_is_a_colour_and_is_named_once() -> None:
    assert all(is_colour(colour) for colour in (*LIGHT.values(), *DARK.values()))
    assert len(set(NAMES)) == len(NAMES) == len(LIGHT) == len(DARK)
