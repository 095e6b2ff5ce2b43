"""The message for nobody in particular: what a place shows that nobody has a value for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer import prepare
from mailer.errors import CheckError
from tests.samples.messages import DATE, body
from tests.samples.studio import Studio, front

if TYPE_CHECKING:
    from pathlib import Path


def text_of(studio: Studio, words: str) -> str:
    message = prepare.sample(studio.prepared(front(words, title="T")), now=DATE)
    return body(message, "plain")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("How is {{ subscriber.city }}?", "How is [city]?"),
        ("How is {{ subscriber.home.city }}?", "How is [home.city]?"),
        ('Dear {{ subscriber.name or "reader" }}.', "Dear reader."),
        ("Dear {{ subscriber.name }}.", "Dear [name]."),
        ("See [there]({{ subscriber.site }}).", "https://example.org/[site]"),
        (
            "See [there](https://example.org/{{ subscriber.site }}).",
            "https://example.org/%5Bsite%5D",
        ),
    ],
)
def test_a_place_shows_its_name_or_an_address_with_it(
    tmp_path: Path, words: str, shown: str
) -> None:
    assert shown in text_of(Studio(tmp_path), words)


def test_a_place_that_no_name_can_fill_is_e140(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with pytest.raises(CheckError, match="E140"):
        text_of(studio, "{{ subscriber.home }} {{ subscriber.home.city }}")
