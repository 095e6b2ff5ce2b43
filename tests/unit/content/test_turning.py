"""A block of the other direction turns, and nothing else does; code is never turned."""

from __future__ import annotations

import pytest

from mailer.content.markdown import convert
from mailer.content.script import Direction, direction, direction_of
from mailer.content.web import Web


def html(body: str, *, language: str = "en") -> str:
    web = Web(site="https://e.example")
    return convert(body, title="", file="x.md", body_line=1, web=web, language=language).html


@pytest.mark.parametrize(
    ("expected", "language"),
    [("ltr", "en"), ("rtl", "ar"), ("rtl", "he-IL"), ("ltr", "ar-Latn"), ("rtl", "az_Arab")],
)
def test_a_language_has_a_direction(expected: str, language: str) -> None:
    assert expected == direction(language)


@pytest.mark.parametrize(
    ("expected", "around", "text"),
    [
        ("ltr", "ltr", "English"),
        ("rtl", "ltr", "שלום לכולם"),
        ("rtl", "ltr", "שלום, Vue is here"[:9]),
        ("ltr", "ltr", "The word שלום means peace"),
        ("ltr", "rtl", "English in an Arabic issue"),
        ("rtl", "rtl", "يستخدم Kubernetes Deployments Services"),
        ("rtl", "rtl", "Kubernetes يعمل على كل جهاز"),
        ("rtl", "rtl", "2026 – 42"),
        ("ltr", "ltr", ""),
        ("rtl", "ltr", "𞤀𞤁𞤂"),
    ],
)
def test_a_text_turns_if_its_first_and_most_letters_do(
    expected: Direction, around: Direction, text: str
) -> None:
    assert expected == direction_of(text, around=around)


@pytest.mark.parametrize(
    ("markup", "body", "language"),
    [
        ('<p dir="rtl" align="right">שלום</p>', "שלום", "en"),
        ('<h2 dir="rtl" align="right">שלום</h2>', "## שלום", "en"),
        ('<p dir="ltr" align="left">Hello</p>', "Hello", "he"),
        ("<p>Hello</p>", "Hello", "en"),
        ("<p>שלום</p>", "שלום", "he"),
        ("<p>日本</p>", "日本", "en"),
        ('<p align="center" dir="rtl">שלום</p>', '<p align="center">שלום</p>', "en"),
        ('<p dir="ltr">שלום</p>', '<p dir="ltr">שלום</p>', "en"),
        ('<div dir="rtl" align="right"><ul class="turned">\n<li>שלום</li>', "- שלום\n- לכם", "en"),
        ('<ul>\n<li dir="rtl">שלום</li>\n<li>Hi', "- שלום\n- Hi", "en"),
        ('<td class="quote turned" dir="rtl" align="right"><blockquote>', "> שלום", "en"),
        ('<td class="callout tip" dir="rtl" align="right">', "> [!NOTE] שלום\n> לכם", "en"),
        ('<td dir="rtl" align="left">שלום</td>', "|a|b|\n|-|-|\n|שלום|2|", "en"),
        ('<code dir="ltr">x = 1</code>', "שלום `x = 1`", "en"),
        ('<td class="codebox" dir="ltr"><pre>x</pre>', "```\nx\n```", "ar"),
        ('<td class="codebox"><pre>שלום</pre>', "```\nשלום\n```", "en"),
        ("<p>Hello <code>x</code></p>", "Hello `x`", "en"),
    ],
)
def test_blocks_turn_on_their_own(markup: str, body: str, language: str) -> None:
    """`dir` moves full stops, `align` the lines, and a class the side of bullets and bars."""
    assert markup in html(body, language=language)


@pytest.mark.parametrize("sign", ["\u202e", "\u202d", "\u202b", "\u2067"])
def test_what_overrides_the_direction_does_so_no_further_than_its_text(sign: str) -> None:
    """Case 10: it is kept, said (W152), and isolated from what stands around it."""
    web = Web(site="https://e.example")
    body = f"Text\n\nA **b{sign}c** d{sign}e *f*"
    document = convert(body, title="", file="x.md", body_line=1, web=web)
    assert f"<strong><bdi>b{sign}c</bdi></strong><bdi> d{sign}e </bdi><em>f" in document.html
    assert [("W152", 3)] == [(one.id, one.line) for one in document.findings]


def test_marks_that_are_closed_need_no_word() -> None:
    web = Web(site="https://e.example")
    body = "A \u2067שלום\u2069 b \u200f c"
    assert () == convert(body, title="", file="x.md", body_line=1, web=web).findings
