"""Arguments and tags, in the many ways in which template languages write them."""

from __future__ import annotations

import pytest

from mailer.content.dialects.arguments import balanced, read_arguments, tags


@pytest.mark.parametrize(
    ("written", "positional", "named"),
    [
        ('"a b" c', ("a b", "c"), {}),
        ('src="a" ALT=\'b "c"\'', (), {"src": "a", "alt": 'b "c"'}),
        ('(id="a", n = 3)', (), {"id": "a", "n": "3"}),
        ('"a", "b", [1, 2], x: \'y\'', ("a", "b", "[1, 2]"), {"x": "y"}),
        ("src=`a b`", (), {"src": "a b"}),
        (r'"a \"b\" c"', ('a "b" c',), {}),
        ("https://e.example/?a=b", ("https://e.example/?a=b",), {}),
        ('a="" b', ("b",), {"a": ""}),
        ('a="x\ny"\n  b="z"', (), {"a": "x\ny", "b": "z"}),
        ("", (), {}),
    ],
)
def test_arguments(written: str, positional: tuple[str, ...], named: dict[str, str]) -> None:
    found = read_arguments(written)
    assert (positional, named) == (found.positional, found.named)


def test_a_word_without_quotes_may_be_a_variable() -> None:
    found = read_arguments('"a", b')
    assert ["a"] == found.spoken()
    assert ("b",) == found.without_first().positional


@pytest.mark.parametrize(
    ("written", "attributes"),
    [
        ('<A b="c > d" e={f > g} h/>', {"b": "c > d", "e": "{f > g}", "h": "true"}),
        ("<A b={{c: '}'}} {...d}>", {"b": "{{c: '}'}}"}),
        ("<A\n  :b='c'\n  @d=\"e\"\n>", {":b": "c", "@d": "e"}),
        ("<A b=c>", {"b": "c"}),
    ],
)
def test_tags_of_components(written: str, attributes: dict[str, str]) -> None:
    (tag,) = tags(written)
    assert attributes == tag.attributes
    assert written == written[tag.start : tag.end]


@pytest.mark.parametrize(
    "written", ["a < b", "<3", '<A b="c>', "<A b={c", "<https://e.example>", "<A"]
)
def test_what_is_no_tag_is_none(written: str) -> None:
    assert [] == list(tags(written))


def test_a_brace_is_closed_by_its_own() -> None:
    assert len("{a{b}'}'}") == balanced("{a{b}'}'} c", 0)
    assert balanced("{a", 0) == -1
