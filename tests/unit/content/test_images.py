"""Images have an address, words, and a size that every client can keep (M-27, rendering §3)."""

from __future__ import annotations

import re

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web


def made(body: str) -> Document:
    return convert(body, title="", file="x.md", body_line=1, web=Web(site="https://e.example"))


def image(body: str, number: int = 0) -> str:
    tag = re.findall(r"<img[^>]*>", made(body).html)[number]
    return " ".join(re.sub(r"<img|>|(?:src|alt)=\"[^\"]*\"", "", tag).split())


@pytest.mark.parametrize(
    "body",
    [
        "Built ![a](/b.png) today",
        "![a](/b.png) built",
        "Built ![a](/b.png)",
        "[![a](/b.png)](/x) [![c](/d.png)](/y)",
        "**![a](/b.png)** is it",
        "Text\n![a](/b.png) more",
    ],
)
def test_an_image_among_words_is_as_large_as_it_is(body: str) -> None:
    """A badge is not blown up to the width of the column."""
    assert image(body) == 'width="120" class="inline"'


@pytest.mark.parametrize(
    "body",
    [
        "![a](/b.png)",
        "Text\n![a](/b.png)\nText",
        "Text<br>![a](/b.png)<br>Text",
        "[![a](/b.png)](/x)",
        "- ![a](/b.png)\n- b",
    ],
)
def test_an_image_alone_on_its_line_fills_the_column(body: str) -> None:
    assert image(body) in ('width="536" class="wide"', 'width="512" class="wide"')


def test_an_author_decides_about_the_width() -> None:
    assert image('Text <img src="/b.png" alt="a" width="48" height="48"> text') == (
        'width="48" height="48"'
    )


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("b.png", '<img data-src="/b.png" src="/dot.gif" alt="a">'),
        ("b.png", '<img srcset="/b.png 1x, /c.png 2x" alt="a">'),
        ("d.png", '<img srcset="/b.png 1x" src="/d.png" alt="a">'),
        ("d.png", '<picture><source srcset="/b.webp"><img src="/d.png" alt="a"></picture>'),
    ],
)
def test_what_a_page_would_load_later_is_shown_at_once(address: str, body: str) -> None:
    document = made(body)
    assert f'src="https://e.example/{address}"' in document.html
    assert "srcset" not in document.html
    assert "data-src" not in document.html


@pytest.mark.parametrize(
    ("findings", "body"),
    [
        (["W131"], "![](/b.png)"),
        (["W131"], '<img src="/b.png">'),
        ([], '<img src="/b.png" alt="">'),
        ([], "<img alt='' src='/b.png'>"),
        ([], "![a](/b.png)"),
    ],
)
def test_a_decoration_says_that_it_is_one(findings: list[str], body: str) -> None:
    """An empty `alt` in HTML is meant; Markdown has no way to mean it."""
    assert findings == [one.id for one in made(body).findings]
