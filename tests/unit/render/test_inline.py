"""Style sheets into style attributes, and nothing else changes (rule M-27)."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from premailer import Premailer

from mailer.render.inline import inline

PAGE = "<!DOCTYPE html>\n<html lang='en'><head>{}</head><body>{}</body></html>"


def test_rules_become_attributes() -> None:
    html = inline(PAGE.format("", '<p class="x">a</p><b>b</b>'), ".x { color: #123456 }")
    assert '<p class="x" style="color:#123456">a</p><b>b</b>' in html


def test_the_doctype_survives() -> None:
    assert inline(PAGE.format("", "a"), "p { margin: 0 }").startswith("<!DOCTYPE html>")


def test_rules_of_dark_mode_stay_rules_and_important() -> None:
    """Without !important inlined colours would win, and dark mode would do nothing."""
    dark = "@media (prefers-color-scheme: dark) { p { color: #eee !important; } }"
    head = f'<style data-premailer="ignore">{dark}</style>'
    html = inline(PAGE.format(head, "<p>a</p>"), "p { color: #123456 }")
    assert f"<style>{dark}</style>" in html
    assert '<p style="color:#123456">' in html


def test_sizes_and_alignment_of_the_author_stay() -> None:
    image = '<img src="https://e.org/a.png" width="536" height="300" alt="">'
    html = inline(PAGE.format("", image), "img { width: 100%; height: auto }")
    assert 'width="536" height="300"' in html
    assert "bgcolor" not in inline(PAGE.format("", "<p>a</p>"), "p { background-color: #fff }")


def test_conditional_comments_survive_byte_for_byte() -> None:
    comment = '<!--[if mso]><table><tr><td width="600"><![endif]-->'
    assert comment in inline(PAGE.format("", f"{comment}<p>a</p>"), "p { margin: 0 }")


@pytest.mark.parametrize("token", ["tok0123456789s0e", "tok0123456789s10e"])
def test_tokens_survive_in_text_and_attributes(token: str) -> None:
    body = f'<a href="{token}">{token}</a><img alt="{token}" src="https://e.org/?{token}=1">'
    assert inline(PAGE.format("", body), "a { color: #123456 }").count(token) + 1 == 5


def test_nothing_is_fetched_and_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    head = '<link rel="stylesheet" href="http://127.0.0.1:9/none.css">'
    with caplog.at_level(logging.DEBUG):
        inline(PAGE.format(head, "<p>a</p>"), "p { unknown-property: 3 }")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_threads_do_not_disturb_each_other() -> None:
    pages = [PAGE.format("", f"<p>{number}</p>") for number in range(16)]
    css = "p { color: #123456; margin: 0 }"
    with ThreadPoolExecutor(4) as pool:
        assert [inline(page, css) for page in pages] == list(
            pool.map(lambda page: inline(page, css), pages)
        )


def test_a_sheet_that_was_read_before_is_applied_as_at_first() -> None:
    css = "p { color: #123456 } .x p { margin: 0 }"
    pages = [PAGE.format("", f"<p>{n}</p><div class='x'><p>{n}</p></div>") for n in range(3)]
    first, *others = [inline(page, css) for page in pages]
    assert [first.replace("0</p>", f"{n}</p>") for n in (1, 2)] == others
    assert '<p style="color:#654321">' in inline(pages[0], css.replace("123456", "654321"))


@pytest.mark.parametrize(
    "css",
    [
        "p { color: #123456 }",
        ".a { color: #123456 }",
        ".A-1_b { color: #123456 }",
        "div.a.b p { color: #123456 }",
        ".a > p { color: #123456 }",
        ".a p + p { color: #123456 }",
        "p[align=left] { color: #123456 }",
        "h1, .b p { color: #123456 }",
        "html body p { color: #123456 }",
        ".none p { color: #123456 }",
        ".a .a p { color: #123456 }",
        "td { color: #123456 }",
    ],
)
def test_rules_that_are_not_looked_for_would_have_found_nothing(css: str) -> None:
    body = "<DIV CLASS='a b'><p class=A-1_b>a</p><p align=\"left\">b</p></DIV>"
    html = PAGE.format("", body)
    expected = Premailer(html, css_text=[css], keep_style_tags=True, disable_leftover_css=True)
    assert expected.transform(pretty_print=False) == inline(html, css)
