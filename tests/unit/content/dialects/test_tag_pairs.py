"""Which tags belong together."""

from __future__ import annotations

import pytest

from mailer.content.dialects.arguments import Arguments
from mailer.content.dialects.calls import Call, pairs_of


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ([("a", None), ("b", None)], "a b"),
        ([("a", 1)], "a /a"),
        ([("a", 4), ("b", None), ("a", 3)], "a b a /a /a"),
        ([("a", None), ("b", 1)], "a /b"),
        ([("a", 3), ("b", 2)], "a b / /"),
        ([("a", 2), ("b", None), ("b", 3)], "a b /a /b"),
    ],
)
def test_an_end_closes_the_innermost_of_its_name(
    expected: list[tuple[str, int | None]], names: str
) -> None:
    calls = [
        Call(
            name=name.removeprefix("/"),
            start=place,
            end=place,
            arguments=Arguments(positional=(), named={}),
            shown=name,
            closing=name.startswith("/"),
        )
        for place, name in enumerate(names.split())
    ]
    found = pairs_of(calls)
    assert expected == [(each.opening.name, each.closing and each.closing.start) for each in found]
