"""Which relays may carry a delivery, and whose turn it is."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from mailer.config import RelayConfig
from mailer.delivery.routes import Route, Routes, Turns


def relay(label: str, **how: Any) -> RelayConfig:
    return dataclasses.replace(
        RelayConfig(host="relay.test", port=25, security="starttls", label=label), **how
    )


FOUR = (
    relay("one"),
    relay("two"),
    relay("gmail", domains=("gmail.com",)),
    relay("club", lists=("club",)),
)


def test_a_relay_that_names_a_domain_or_a_list_is_for_those_only() -> None:
    routes = Routes(FOUR)
    assert Route((0, 1)) == routes.of("a.test", "weekly")
    assert Route((2,), (0, 1)) == routes.of("gmail.com", "weekly")
    assert Route((3,), (0, 1)) == routes.of("a.test", "club")
    assert Route((2, 3), (0, 1)) == routes.of("gmail.com", "club")


def test_where_one_relay_is_nobody_is_asked() -> None:
    assert Route((0,)) == Routes(FOUR[:1]).of("a.test", "weekly")


def shared(weights: list[int], count: int, *, out: range = range(0)) -> Counter[int]:
    """Who takes how many of the next deliveries; the first one is out for some of them."""
    turns = Turns([relay(str(weight), weight=weight, connections=2) for weight in weights])
    everybody = range(len(weights))
    took: Counter[int] = Counter()
    number = 0
    while number < count:
        able = [place for place in everybody if place or number not in out]
        for place in able:
            if turns.is_due(place, [other for other in able if other != place]):
                turns.take(place)
                took[place] += 1
                number += 1
    return took


def test_turns_go_by_weight_however_often_each_asks() -> None:
    took = shared([3, 1], 400)
    assert 290 <= took[0] <= 310
    assert 0 == max(abs(number - 100) for number in shared([1, 1, 1], 300).values()) // 10


def test_a_relay_that_is_alone_has_every_turn() -> None:
    turns = Turns([relay("a"), relay("b")])
    for _ in range(1000):
        assert turns.is_due(0, [])
        turns.take(0)


def test_who_is_back_does_not_catch_up() -> None:
    """An hour down would otherwise become an hour in which it carries everything."""
    took = shared([1, 1], 1000, out=range(500))
    assert 250 <= took[0] <= 275
