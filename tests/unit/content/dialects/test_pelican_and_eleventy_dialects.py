"""Pelican's places of a site; Eleventy's Nunjucks, and Handlebars, which nobody runs here."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("![a]({static}/images/b.png)", "![a](/images/b.png)"),
        ("![a]({attach}b.png) ![c](|static|/d.png)", "![a](b.png) ![c](/d.png)"),
        ("[a]({filename}/posts/b.md#c) [d]({filename}e.md)", "[a](/b.md#c) [d](e.md)"),
        ("[a]({index}) [b]({tag}news) [c]({category}Foo)",
         "[a](/) [b](/tag/news.html) [c](/category/foo.html)"),
        ('<img src="{static}/a.png">', '<img src="/a.png">'),
        ("{% youtube abcdefghijk %}",
         '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'),
        ("[TOC]\n\na", "\n\na"),
        ("`{static}/a`", "`{static}/a`"),
    ],
)  # fmt: skip
def test_pelican_becomes_plain(written: str, expected: str) -> None:
    result = translate(written, dialect="pelican")
    assert expected == result.body
    assert () == result.findings


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{% set a = "b" %}{{ a }} {{ title }}', "b T"),
        ('[a]({{ "/b/" | url }})', "[a](/b/)"),
        ('{% image "./a.png", "An A" %}', "![An A](./a.png)"),
        ('{% callout "warning", "Hot" %}\na\n{% endcallout %}', "/// warning | Hot\na\n///"),
        ('{% youtube "abcdefghijk", "T" %}',
         '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'),
        ('{# note #}{{! x }}{% from "a.njk" import b %}a', "a"),
        ("{{{ title }}}", "T"),
    ],
)  # fmt: skip
def test_eleventy_becomes_plain(written: str, expected: str) -> None:
    result = translate(written, dialect="eleventy", fields={"title": "T"})
    assert expected == result.body
    assert () == result.findings


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ('{{#> chat room="k"}}\na\n{{/ chat}}\n{{#> chat}}\nb\n{{/chat}}', "(and 1 more)"),
        ("{{#if a}}b{{else}}c{{/if}}", "{{#if a}}"),
        ('> {{{ cite "A"\n    "b" }}}', "{{{ cite"),
        ("{% for p in collections.posts %}x{% endfor %}", "{% for p in"),
        ("{% macro a() %}b{% endmacro %}", "{% macro a() %}"),
    ],
)
def test_what_would_have_to_be_run_is_refused(written: str, named: str) -> None:
    result = translate(written, dialect="eleventy")
    assert ["E118"] == [each.id for each in result.findings]
    assert named in result.findings[0].message
    assert "{{" not in result.body


def test_a_partial_goes_with_a_warning() -> None:
    result = translate("a\n\n{{> footer }}", dialect="eleventy")
    assert "a\n\n" == result.body
    assert [("W112", 3)] == [(each.id, each.line) for each in result.findings]
