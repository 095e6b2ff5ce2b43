"""Blocks become what every mail client shows alike (rendering §0.8, §3, §6)."""

from __future__ import annotations

import re

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web

BOX = (
    '<table role="presentation" class="box" width="100%" cellpadding="0" cellspacing="0" '
    'border="0"><tr><td class="'
)
GAP = '<!--[if mso]><p class="gap">\xa0</p><![endif]-->'
"""Below a box in Word, which knows no margin of tables."""


def made(body: str, *, language: str = "en") -> Document:
    web = Web(site="https://e.example")
    return convert(body, title="", file="x.md", body_line=1, web=web, language=language)


def html(body: str, *, language: str = "en") -> str:
    """On one line, boxes named by their cells alone."""
    markup = made(body, language=language).html.replace(GAP, "").replace(BOX, "<box ")
    return re.sub(r"\n\s*", "", markup.replace("</td></tr></table>", "</box>")).replace('"', "'")


# --- call-outs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "title", "sign"),
    [
        ("tip", "Note", "NOTE"),
        ("tip", "Tip", "tip"),
        ("tip", "Important", "Important"),
        ("warning", "Warning", "WARNING"),
        ("danger", "Caution", "CAUTION"),
    ],
)
def test_githubs_alerts_are_callouts(kind: str, title: str, sign: str) -> None:
    document = made(f"> [!{sign}]\n> Mind **this**.")
    assert f'{BOX}callout {kind}">\n<p class="title">{title}</p>' in document.html
    assert '<p class="last">Mind <strong>this</strong>.</p>' in document.html
    assert "<blockquote" not in document.html
    assert document.text == f"| {title}\n| Mind this.\n"


@pytest.mark.parametrize(
    ("title", "below", "quote"),
    [
        ("Mind <em>the</em> step", "<p class='last'>Text</p>", "> [!NOTE] Mind *the* step\n> Text"),
        ("Note", "<p class='last'>Text</p>", "> [!note]-\n> Text"),
        ("Mind", "<p class='last'>Text</p>", "> [!NOTE] Mind\n>\n> Text"),
        ("Note", "<ul class='last'>", "> [!NOTE]\n>\n> - a"),
        ("<code>x</code>", "<p class='last'>Text</p>", "> [!NOTE] `x`\n> Text"),
        ("a <code>x</code> b", "<p class='last'>c</p>", "> [!NOTE] a `x` b\n> c"),
    ],
)
def test_the_first_line_of_an_alert_is_its_title(title: str, below: str, quote: str) -> None:
    assert f"<box callout tip'><p class='title'>{title}</p>{below}" in html(quote)


def test_an_alert_of_a_title_alone_is_one() -> None:
    assert "<box callout tip'><p class='title last'>Mind</p></box>" in html("> [!NOTE] Mind")


def test_a_quote_that_is_no_alert_stays_one() -> None:
    assert "<box quote'><blockquote><p class='last'>[!ODD]" in html("> [!ODD]\n> Text")
    assert "<box quote'><blockquote><p class='last'>See [!NOTE]" in html("> See [!NOTE]")


@pytest.mark.parametrize(
    ("language", "title"),
    [("de", "Warnung"), ("fr-CA", "Avertissement"), ("es", "Advertencia"), ("ar", "تحذير"),
     ("en", "Warning"), ("ja", "Warning")],
)  # fmt: skip
def test_a_title_that_nobody_wrote_speaks_the_language_of_the_issue(
    language: str, title: str
) -> None:
    assert f">{title}</p>" in html("> [!WARNING]\n> x", language=language)
    admonition = '<div class="admonition warning"><p class="admonition-title">{}</p><p>x</p></div>'
    assert f">{title}</p>" in html(admonition.format("Warning"), language=language)
    assert ">Mine</p>" in html(admonition.format("Mine"), language=language)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("tip", "note"), ("tip", "info"), ("tip", "unheard-of"), ("warning", "caution"),
     ("danger", "danger"), ("danger", "error")],
)  # fmt: skip
def test_admonitions_of_the_engine_are_callouts(kind: str, name: str) -> None:
    markup = html(f'<div class="admonition {name}"><p>x</p></div>')
    assert f"<box callout {kind}'><p class='last'>x</p></box>" in markup


def test_details_are_unfolded_in_a_box() -> None:
    body = "<details><summary>More <b>of</b> it</summary><p>Hidden</p></details>"
    assert html(body) == (
        "<box details'><p class='title'>More <b>of</b> it</p><p class='last'>Hidden</p></box>"
    )
    assert made(body).text == "| More of it\n| Hidden\n"


def test_a_summary_that_is_a_heading_stays_one() -> None:
    markup = html("<details><summary><h2>More</h2></summary><p>Hidden</p></details>")
    assert "<box details'><h2>More</h2><p class='last'>Hidden</p></box>" in markup


def test_details_without_a_title_speak_the_language_of_the_issue() -> None:
    body = "<details><summary>Details</summary><p>x</p></details>"
    assert "<p class='title'>Detalles</p>" in html(body, language="es")


def test_what_follows_a_box_keeps_its_distance_in_word() -> None:
    markup = made("```\na\n```\n\n> b\n>\n> > c\n\nd").html
    assert [2, 2] == [markup.count(GAP), len(re.findall(rf"</table>{re.escape(GAP)}\n", markup))]


# --- the end of a block --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "body"),
    [
        ("<blockquote><p>a</p><p class='last'>b</p></blockquote>", "> a\n>\n> b"),
        ("<ul class='last'><li>b</li><li class='last'>c</li></ul>", "> a\n>\n> - b\n> - c"),
        ("<li><p>a</p><p class='last'>b</p></li>", "- a\n\n    b"),
        ("<td><p class='last'>a</p></td>", "<table><tr><td><p>a</p></td></tr></table>"),
        ("<dd><p class='last'>a</p></dd>", "<dl><dt>t</dt><dd><p>a</p></dd></dl>"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
    ],
)  # fmt: skip
def test_the_last_block_inside_another_is_marked(markup: str, body: str) -> None:
    assert markup in html(body)


def test_a_box_that_ends_another_is_marked_at_its_table() -> None:
    document = made("> a\n>\n> > b\n\n- c\n\n    ```\n    d\n    ```\n")
    assert document.html.count('class="box last"') == 2


@pytest.mark.parametrize(
    "body", ["<p></p>", "<p>&nbsp;</p>", "<p><span></span></p>", "<p><br></p>"]
)
def test_a_paragraph_that_says_nothing_takes_no_room(body: str) -> None:
    assert "<p>a</p><p>b</p>" in html(f"<div><p>a</p>{body}<p>b</p></div>")


@pytest.mark.parametrize(
    ("rules", "body"),
    [
        (1, "a\n\n---\n\n---\n\nb"),
        (1, "a\n\n---\n\n<p></p>\n\n---\n\nb"),
        (0, "a\n\n---\n"),
        (1, "a[^1]\n\n---\n\n[^1]: note"),
        (2, "a\n\n---\n\nb\n\n---\n\nc"),
        (1, "> a\n>\n> ---\n\nb"),
    ],
)
def test_a_rule_parts_two_things(rules: int, body: str) -> None:
    assert rules == html(body).count("<hr>")


# --- figures, tables, old elements ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "body"),
    [
        ("alt='a' width='40'><p class='caption'>On <em>it</em></p></div>",
         "<figure><img src=/a.png alt=a width=40><figcaption>On <em>it</em></figcaption></figure>"),
        ("<p class='caption'>x</p>", "<figure>y<figcaption><p>x</p></figcaption></figure>"),
        ("<div class='caption'><p>x</p><p>y</p></div>",
         "<figure>z<figcaption><p>x</p><p>y</p></figcaption></figure>"),
        ("<div class='figure'>y</div>", "<figure>y<figcaption></figcaption></figure>"),
        ("<s>a</s> <code>b</code>", "<strike>a</strike> <tt>b</tt>"),
        ("漢(かん)字", "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字"),
        ("漢(かん)字", "<ruby>漢<rt>かん</rt></ruby>字"),
        ("<ul><li>a</li></ul>", "<menu><li>a</li></menu>"),
        ("<p align='right'>a</p>", "<p style='text-align: right'>a</p>"),
        ("<div align='center'>a</div>", "<div style='color: red; text-align:center'>a</div>"),
    ],
)  # fmt: skip
def test_elements_that_clients_do_not_know_become_others(markup: str, body: str) -> None:
    assert markup in html(body)


def test_the_picture_and_the_caption_stand_together_in_the_text() -> None:
    body = "<figure><img src=/a.png alt=Boats><figcaption>At rest</figcaption></figure>"
    assert made(body).text == "[Image: Boats] <https://e.example/a.png>\nAt rest\n"


@pytest.mark.parametrize(
    ("markup", "body", "language"),
    [
        ("<tr><th align='left'>a</th><th align='right'>b</th></tr></thead><tbody><tr><td>1</td>",
         "|a|b|\n|-|-:|\n|1|2|", "en"),
        ("<th align='right'>أ</th>", "|أ|ب|\n|-|:-:|\n|1|2|", "ar"),
        ("<table class='data' role='presentation'><tbody><tr><td>1</td><td>2</td></tr>",
         "| | |\n|-|-|\n|1|2|", "en"),
        ("<table class='data'><caption>c</caption><tbody><tr><th align='left'>",
         "<table><caption>c</caption><tr><th>a</th><td>1</td></tr></table>", "en"),
        ("<table role='presentation'><tbody><tr><td>a</td>",
         "<table width=600 bgcolor=red><tr><td style='padding:9px'>a</td></tr></table>", "en"),
    ],
)  # fmt: skip
def test_tables_say_whether_they_hold_data(markup: str, body: str, language: str) -> None:
    assert markup in html(body, language=language)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("> Boat  Crew\n> ----  ----\n> Ark   8\n", "> | Boat | Crew |\n> |--|--|\n> | Ark | 8 |"),
        ("- Boat  Crew\n  ----  ----\n  Ark   8\n", "- | Boat | Crew |\n  |--|--|\n  | Ark | 8 |"),
    ],
)
def test_tables_stand_in_quotes_and_lists(text: str, body: str) -> None:
    document = made(body)
    assert '<table class="data">' in document.html
    assert text == document.text
