"""Contrast, sizes, targets (interface §4: W160, W162; WCAG 1.4.3, 2.5.8)."""

from __future__ import annotations

import pytest

from mailer.check import legible, paint
from mailer.check.colours import parse
from tests.samples.proofs import PAGE, proof

DARK = "@media (prefers-color-scheme: dark) {{ {} }}"


def found(body: str, css: str = "") -> list[str]:
    """Ids and messages of what is hard to read."""
    made = proof("Some words.", html=PAGE.format(css=css, body=body))
    return [f"{one.id} {one.message}" for one in legible.check_legible(made)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<p style="color:#999">Some words</p>', "#999999 on #fffffe is 2.8:1, 4.5:1"),
        ('<p style="color:#777;font-size:18px">Some words</p>', "4.5:1 is the least"),
        ('<p style="color:#aaa;font-size:30px">Some words</p>', "2.3:1, 3:1 is the least"),
        ('<table><tr><td bgcolor="#333333">Some words</td></tr></table>', "on #333333"),
        ('<p style="background:#222 none">Some words</p>', "on #222222"),
        ('<p style="color:rgba(0, 0, 0, .3)">Some words</p>', "#b2b2b2 on #fffffe"),
        ('<p style="background-color:#24292f">Some <b>words</b></p>', "1.0:1"),
        ('<p style="background-color:#08a"><a href="https://x.net">Some words</a></p>', "#0000ee"),
    ],
)
def test_w160_colours_that_are_too_alike(body: str, said: str) -> None:
    (one,) = found(body)
    assert one.startswith("W160")
    assert said in one


@pytest.mark.parametrize(
    "body",
    [
        '<p style="color:#595959">Some words</p>',
        '<p style="color:#888;font-size:24px">Some words</p>',
        '<p style="color:#888;font-size:19px;font-weight:700">Some words</p>',
        '<h2 style="color:#888;font-size:20px">Some words</h2>',
        '<p style="color:#999;display:none">Some words</p>',
        '<div style="color:#999;max-height:0;overflow:hidden">Some words</div>',
        '<p style="background-image:url(/a.png);color:#fffffe">Some words</p>',
        '<p style="color:#999"> </p>',
        '<p style="color:chartreuse">Some words</p>',
    ],
)
def test_w160_what_can_be_read_or_is_not_shown_or_not_known_is_none(body: str) -> None:
    assert [] == found(body)


def test_w160_the_dark_is_judged_where_it_is_declared() -> None:
    css = DARK.format("p { color: #333 !important } .content { background: #181c20 !important }")
    (one,) = found('<p style="color:#24292f">Some words</p>', css)
    assert '"Some words" is hard to read in the dark: #333333 on #181c20' in one
    assert [] == found("<p>Some words</p>", css.replace("#333", "#d3d9df"))


def test_a_rule_of_the_dark_that_is_not_important_loses_against_a_style_attribute() -> None:
    css = DARK.format("p { color: #eee } .content { background: #181c20 !important }")
    (one,) = found('<p style="color:#24292f">Some words</p>', css)
    assert "#24292f on #181c20" in one


def test_rules_for_other_media_do_not_count() -> None:
    assert [] == found("<p>Some words</p>", "@media print { p { color: #fffffe !important } }")


@pytest.mark.parametrize("colour", ["#000", "#ffffff", "black"])
def test_w160_pure_black_or_white_that_the_dark_leaves(colour: str) -> None:
    css = DARK.format(".content { background: #777 !important }")
    body = f'<p style="color:{colour};background:#777">Some words</p>'
    assert any("in the dark, too" in one for one in found(body, css))


def test_w160_white_upon_a_coloured_button_is_fine() -> None:
    css = DARK.format(".content { background: #181c20 !important; color: #eee !important }")
    assert [] == found('<p style="color:#fff;background:#0a58ca">Some words</p>', css)
    assert [] == found('<p style="color:#000">Some words</p>')  # nothing is declared


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<p style="font-size:13px">Some words</p>', "13 px small"),
        ('<p style="font-size:75%">Some words</p>', "12 px small"),
        ('<p style="font:10pt/1 Arial">Some words</p>', "13.3 px small"),
        ('<p style="font-size:12px"><small>Some words</small></p>', "10 px small"),
        ("<pre style='font-size:11px'>Some words</pre>", "11 px small"),
    ],
)
def test_w162_text_that_is_too_small(body: str, said: str) -> None:
    (one,) = found(body)
    assert one == f'W162 "Some words" is {said}'


@pytest.mark.parametrize(
    "body",
    [
        '<p style="font-size:14px">Some words</p>',
        '<pre style="font-size:13px"><span>Some words</span></pre>',
        '<p>Some<sup style="font-size:12px">1</sup> words</p>',
        '</div><div style="font-size:13px"><p>Some words</p>',
    ],
)
def test_w162_code_notes_and_the_footer_may_be_smaller(body: str) -> None:
    assert [] == found(body)


LOW = '<p style="line-height:20px;margin:0"><a href="https://x.net" style="color:#00f">{}</a></p>'


def test_w162_low_links_one_below_the_other() -> None:
    """WCAG 2.5.8: a small target is fine where no other is near."""
    (one,) = found(LOW.format("One") + LOW.format("Two"))
    assert 'the link "Two" is 20 px high' in one
    assert [] == found(LOW.format("One") + "<p>Words</p>" + LOW.format("Two"))
    roomy = LOW.replace("margin:0", "margin:0 0 8px")
    assert [] == found(roomy.format("One") + roomy.format("Two"))
    assert [] == found(f"<p>See {LOW.format('One')} and</p>".replace("<p style", "<span style"))


def test_a_long_list_is_looked_at_once() -> None:
    item = '<li><a href="https://x.net/{}" style="color:#00f">Some words</a></li>'
    made = proof(html=PAGE.format(css="", body="".join(map(item.format, range(500)))))
    assert 2 == len(paint.runs(paint.thinned(made.mail)))
    assert 500 == len(paint.runs(made.mail))


def test_w162_justified_text() -> None:
    assert ['W162 "Some words" is justified'] == found('<p align="justify">Some words</p>')
    assert [] == found('<p style="text-align:justify"><span style="text-align:left">a</span></p>')


def test_a_finding_stands_where_the_issue_has_the_words() -> None:
    html = PAGE.format(css="", body='<p style="color:#999">Some words</p>')
    (one,) = legible.check_legible(proof("Hello.\n\nSome *words*\n", html=html))
    assert 3 == one.line


@pytest.mark.parametrize(
    ("value", "of", "pixels"),
    [("16px", 0, 16), ("1.5em", 10, 15), ("50%", 20, 10), ("12pt", 0, 16), ("2rem", 0, 32)],
)
def test_lengths_in_pixels(value: str, of: float, pixels: float) -> None:
    assert pixels == paint.pixels(value, of=of)


@pytest.mark.parametrize("value", ["", "auto", "1.6", "calc(1px + 2px)", "large", "3vw"])
def test_what_is_no_length(value: str) -> None:
    assert paint.pixels(value, of=16) is None


@pytest.mark.parametrize(
    ("value", "colour"),
    [
        ("#abc", (170, 187, 204)),
        ("#a1b2c3", (161, 178, 195)),
        ("#00000080", (127, 127, 127)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("rgb(0 0 0 / 50%)", (128, 128, 128)),
        ("rgba(300,0,0,1)", (255, 0, 0)),
        ("url(red.png) navy no-repeat", (0, 0, 128)),
        ("var(--x)", None),
        ("hsl(0 0% 0%)", None),
    ],
)
def test_colours_as_style_sheets_write_them(
    value: str, colour: tuple[int, int, int] | None
) -> None:
    assert colour == parse(value, upon=(255, 255, 255))
