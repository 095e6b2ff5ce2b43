"""What nobody closed ends with its block, and marks no more of the mail."""

from __future__ import annotations

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web


def made(body: str) -> Document:
    return convert(body, title="", file="x.md", body_line=1, web=Web(site="https://e.example"))


@pytest.mark.parametrize(
    ("markup", "body"),
    [
        ("<p>a <b>b</b></p>\n<p>c</p>", "a <b>b\n\nc"),
        ("<p>a <i><b>b</b></i></p>\n<p>c</p>", "a <i><b>b\n\nc"),
        ("<li>a <em>b</em></li>\n<li>c</li>", "- a <em>b\n- c"),
        ("<p>a <b>b</b> c</p>\n<p><b>d</b></p>", "a <b>b</b> c\n\n<b>d"),
        ('<a href="https://e.example/x">a</a></p>\n<p>b</p>', '<a href="/x">a\n\nb'),
        ("<p>a <b>b</b></p>", "a <b>b<b>"),
    ],
)
def test_it_ends_with_its_block(markup: str, body: str) -> None:
    document = made(body)
    assert markup in document.html.replace("<b></b>", "")
    assert "W113" in {one.id for one in document.findings}


def test_it_is_said_where_it_stands() -> None:
    (finding,) = made("<b>a</b>\n\n`<b>` and\n\nb <b>c\n\nd").findings
    assert (finding.line, finding.message) == (5, "<b> is never closed and ends with its paragraph")


@pytest.mark.parametrize(
    "body",
    [
        "a <b>b\nc</b> d",
        "a <b>b <i>c</b> d</i> e",
        '<a href="/x">\n\n## a\n\nb\n\n</a>',
        "<b>\n\na\n\n</b>",
    ],
)
def test_what_is_closed_says_nothing(body: str) -> None:
    assert made(body).findings == ()


def test_a_link_may_hold_several_blocks() -> None:
    document = made('<a href="/x">\n\n## a\n\n![b](/c.png)\n\n</a>\n\nd')
    assert document.html.count('href="https://e.example/x"') >= 1
    assert document.html.endswith("<p>d</p>")


def test_what_is_bold_around_blocks_leaves_them_blocks() -> None:
    document = made("<div><b><p>a</p><p>b</p></b></div>")
    assert document.text == "a\n\nb\n"


def test_a_comparison_is_no_tag() -> None:
    document = made("If a<b and a>c\n\nthen d")
    assert document.text == "If a<b and a>c\n\nthen d\n"
    assert "<b" not in document.html
