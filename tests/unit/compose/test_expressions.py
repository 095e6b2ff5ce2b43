"""Inline expressions: what authors may write, and what a missing value does (decisions 13)."""

from __future__ import annotations

import time

import pytest

from mailer.compose.expressions import ExpressionError, MissingValueError, compile_expression

ANN = {
    "subscriber": {
        "joined": "2026-11-04",
        "seen": "2026-11-04 23:59:30+01:00",
        "name": "ann o'hara",
        "city": "",
        "age": 41,
        "vip": True,
        "nickname": None,
        "first name": "Ann",
        "home": {"country": "DE"},
        "items": "a field may be called like a method of dict",
        "tags": ["a", "b"],
    },
    "list": {"title": "The Weekly"},
    "unsubscribe_url": "https://news.example.org/u/t",
}


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        ("ann o'hara", "subscriber.name"),
        ("ann o'hara", "  subscriber.name  "),
        ("41", "subscriber.age"),
        ("DE", "subscriber.home.country"),
        ("Ann", 'subscriber["first name"]'),
        ("a field may be called like a method of dict", "subscriber.items"),
        ("The Weekly", "list.title"),
        ("https://news.example.org/u/t", "unsubscribe_url"),
        ("reader", '"reader"'),
        ("Ann O'hara", "subscriber.name | title"),
        ("ANN O'HARA", "subscriber.name | upper"),
        ("ann", '"  ANN " | trim | lower'),
        ("Dear ann o'hara (41)", '"Dear " ~ subscriber.name ~ " (" ~ subscriber.age ~ ")"'),
        ("adult", '"adult" if subscriber.age >= 18 else "child"'),
        ("adult", '"adult" if 18 <= subscriber.age < 65 else "other"'),
        ("yes", '"yes" if "hara" in subscriber.name else "no"'),
        ("no", '"yes" if "c" in subscriber.tags else "no"'),
        ("yes", '"yes" if "c" not in subscriber.tags else "no"'),
        ("no", '"yes" if subscriber.name == "Bob" else "no"'),
        ("yes", '"yes" if subscriber.name != "Bob" and not subscriber.city else "no"'),
    ],
)
def test_an_expression_says_what_jinja_would_say(expected: str, source: str) -> None:
    assert expected == compile_expression(source)(ANN)


@pytest.mark.parametrize(
    ("expected", "language", "source"),
    [
        ("4 November 2026", "en", "subscriber.joined | date"),
        ("4. November 2026", "de", "subscriber.joined | date"),
        ("4 نوفمبر 2026", "ar", "subscriber.joined | date"),
        ("mercredi 4 novembre 2026", "fr", 'subscriber.joined | date("full")'),
        ("4 Nov 2026", "en", 'subscriber.joined | date("medium")'),
        ("04.11.26", "de", 'subscriber.joined | date("short")'),
        ("4 November 2026", "en", "subscriber.seen | date"),
        ("SINCE 4 NOVEMBER 2026", "en", '("since " ~ (subscriber.joined | date)) | upper'),
        ("long ago", "en", 'subscriber.left | date or "long ago"'),
        ("long ago", "en", 'subscriber.city | date | default("long ago")'),
        ("4 November 2026", "en", 'subscriber.left | default("2026-11-04") | date'),
    ],
)
def test_a_date_is_written_in_the_language_of_the_text(
    expected: str, language: str, source: str
) -> None:
    assert expected == compile_expression(source, language=language)(ANN)


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        ("reader", 'subscriber.unknown or "reader"'),
        ("reader", 'subscriber.nickname or "reader"'),
        ("reader", 'subscriber.city or "reader"'),
        ("ann o'hara", 'subscriber.nickname or subscriber.name or "reader"'),
        ("reader", 'subscriber.unknown | default("reader")'),
        ("reader", 'subscriber.nickname | default("reader")'),
        ("", 'subscriber.city | default("reader")'),
        ("reader", 'subscriber.city | default("reader", true)'),
        ("reader", 'subscriber.unknown.deeper | default("reader")'),
        ("READER", 'subscriber.unknown | default("reader") | upper'),
        ("reader", 'subscriber.unknown | title or "reader"'),
        ("no", '"yes" if subscriber.unknown else "no"'),
        ("no", '"yes" if subscriber.unknown and subscriber.name else "no"'),
        ("yes", '"yes" if not subscriber.nickname else "no"'),
    ],
)
def test_a_fallback_takes_the_place_of_a_missing_value(expected: str, source: str) -> None:
    """M-31: absent and None are missing; an empty string is only false."""
    assert expected == compile_expression(source)(ANN)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("subscriber.unknown", "subscriber.unknown"),
        ("subscriber.nickname", "subscriber.nickname"),
        ("subscriber.unknown", "subscriber.unknown | upper"),
        ("subscriber.unknown", "subscriber.unknown | date"),
        ("subscriber.unknown", '"Dear " ~ subscriber.unknown'),
        ("subscriber.unknown", '"yes" if subscriber.unknown == "x" else "no"'),
        ("subscriber.unknown", "subscriber.nickname or subscriber.unknown"),
        ("subscriber.unknown", "subscriber.nickname | default(subscriber.unknown)"),
        ("subscriber.name.first", "subscriber.name.first"),
        ("list.colour", "list.colour"),
    ],
)
def test_a_missing_value_without_a_fallback_is_an_error_that_names_it(
    name: str, source: str
) -> None:
    """M-31, case 14."""
    with pytest.raises(MissingValueError) as caught:
        compile_expression(source)(ANN)
    assert name == caught.value.name


def test_a_recipient_of_whom_nothing_is_known_has_no_values() -> None:
    with pytest.raises(MissingValueError) as caught:
        compile_expression("unsubscribe_url")({})
    assert caught.value.name == "unsubscribe_url"


@pytest.mark.parametrize(
    ("complaint", "source"),
    [
        ("no such page", "view_url"),
        ("no such page", 'preferences_url or "x"'),
        ("page is not known", "page.title"),
        ("name a field", "subscriber"),
        ("name a field", '"x" if list else "y"'),
        ("has no fields", "unsubscribe_url.host"),
        ("begins with _", "subscriber._secret"),
        ("begins with _", "subscriber.name.__class__"),
        ("only subscriber and list", "''.__class__"),
        ("only subscriber and list", "().__class__.__mro__"),
        ("cannot call", "subscriber.name.upper()"),
        ("cannot call", "range(10)"),
        ("cannot calculate", "7*7"),
        ("cannot calculate", '"a"*10**10'),
        ("cannot calculate", '"%1000000000d" % 1'),
        ("not allowed", "[subscriber.name]"),
        ("not allowed", '{"a": 1}'),
        ("not allowed", "-1"),
        ("instead of", "subscriber.name is defined"),
        ("no filter safe", "subscriber.name | safe"),
        ("no filter format", '"%1000000000d" | format(1)'),
        ("takes nothing", 'subscriber.name | trim("x")'),
        ("default takes", "subscriber.name | default"),
        ("default takes", 'subscriber.name | default(default_value="x")'),
        ("one of these words: short, medium, long, full", 'subscriber.joined | date("%d %B")'),
        ("one of these words", "subscriber.joined | date(subscriber.name)"),
        ("one of these words", 'subscriber.joined | date("long", "short")'),
        ("one of these words", 'subscriber.joined | date(style="long")'),
        ("needs an `else`", '"x" if subscriber.vip'),
        ("named by a word", "subscriber.tags[0]"),
        ("named by a word", "subscriber[subscriber.name]"),
        ("nothing may follow", "subscriber.name }} {{ subscriber.name"),
        ("nothing may follow", "subscriber.name, list.title"),
        ("unexpected", ""),
        ("unexpected", "subscriber.name or"),
        ("control character", r'"a\r\nBcc: x"'),
        ("control character", r'"\ud800"'),
        ("not a value", "none"),
        ("longer than", '"' + "x" * 1000 + '"'),
        ("too deeply", "(" * 900),
    ],
)
def test_everything_else_is_refused_with_a_reason(complaint: str, source: str) -> None:
    """X-4, X-5, cases 12 and 13: the attack strings of template languages are no expressions."""
    with pytest.raises(ExpressionError, match=complaint):
        compile_expression(source)


@pytest.mark.parametrize(
    ("complaint", "source"),
    [
        ("different kinds", '"x" if subscriber.name < 3 else "y"'),
        ("different kinds", '"x" if "a" in subscriber.age else "y"'),
        ("a list, not a text", "subscriber.tags"),
        ("is no date", "subscriber.name | date"),
        ("is no date", "subscriber.city | date"),
        ("is no date", "subscriber.age | date"),
        ("is no date", '"2026-02-30" | date'),
        ("a dict, not a text", "subscriber.home"),
    ],
)
def test_values_of_the_wrong_kind_are_an_error_not_a_repr(complaint: str, source: str) -> None:
    with pytest.raises(ExpressionError, match=complaint):
        compile_expression(source)(ANN)


def test_a_value_is_never_rendered_again() -> None:
    """Case 12: template syntax in a person's name is shown, not run."""
    values = {"subscriber": {"name": "{{ 7*7 }}{% raw %}"}}
    assert compile_expression("subscriber.name")(values) == "{{ 7*7 }}{% raw %}"


def test_an_expression_knows_the_names_that_it_uses() -> None:
    source = 'subscriber.a or subscriber["b"] ~ list.title if subscriber.a else unsubscribe_url'
    names = ("subscriber.a", "subscriber.b", "list.title", "unsubscribe_url")
    assert set(names) == set(compile_expression(source).names)
    assert len(names) == len(compile_expression(source).names)


def test_values_cost_about_a_microsecond() -> None:
    """Architecture §6: a message is personalised in microseconds (the bound is for slow CI)."""
    for source in ("subscriber.name", 'subscriber.unknown or "y"'):
        expression = compile_expression(source)
        best = min(_timed(lambda expression=expression: expression(ANN)) for _ in range(5))
        assert best < 5e-6


def _timed(call: object, rounds: int = 2000) -> float:
    assert callable(call)
    start = time.perf_counter()
    for _ in range(rounds):
        call()
    return (time.perf_counter() - start) / rounds
