"""What raw HTML loses, and how little of its words (M-27, case 11, W113)."""

from __future__ import annotations

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web


def made(body: str) -> Document:
    return convert(body, title="", file="x.md", body_line=1, web=Web(site="https://e.example"))


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ("A boat", "<svg width=1><title>A boat</title><path d='M0'/></svg>"),
        ("A boat sails", "<svg><text>A boat</text><text>sails</text></svg>"),
        ("x < 1", "<math><mi>x</mi><mo>&lt;</mo><mn>1</mn></math>"),
        (
            r"\frac{1}{2}",
            r"<math><mn>1</mn><annotation encoding='x-tex'>\frac{1}{2}</annotation></math>",
        ),
    ],
)
def test_a_drawing_leaves_its_words(words: str, body: str) -> None:
    document = made(f"See {body} here.")
    assert document.text == f"See {words} here.\n"
    assert [one.id for one in document.findings] == ["W113"]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (
            "Head\n\ntext\n\nart",
            "<section><header>Head</header>text<article>art</article></section>",
        ),
        ("a\n\nb", "<main>a<aside>b</aside></main>"),
        ("Label go", "<form><label>Label</label> <button>go</button></form>"),
    ],
)
def test_words_of_sections_stay_apart(lines: str, body: str) -> None:
    assert made(body).text == f"{lines}\n"


@pytest.mark.parametrize(
    "body",
    [
        "<!--[if mso]><table><tr><td>mso</td></tr></table><![endif]-->after",
        "<div><![if !mso]>after<![endif]></div>",
        "<base href='https://evil.example/'>after",
        "<meta http-equiv='refresh' content='0; url=https://evil.example/'>after",
        "<link rel='stylesheet' href='https://evil.example/x.css'>after",
        "<style>@import url(https://evil.example/x.css);</style>after",
        "<img src='https://e.example/a.png' srcset='javascript:x' alt=''>after",
        "<a href='j&#x0A;avascript:x'>after</a>",
        "<a href='JaVaScRiPt&colon;x'>after</a>",
        "<a href=' &#14;  javascript:x'>after</a>",
        "<a href='vbscript:x'>after</a>",
        "<p background='https://evil.example/x.png'>after</p>",
        "<p style='background:url(https://evil.example/x.png)'>after</p>",
        "<p style='position:fixed;text-align:expression(x)'>after</p>",
    ],
)
def test_nothing_that_acts_or_loads_survives(body: str) -> None:
    document = made(body)
    markup = document.html.lower()
    for danger in ("evil", "script:", "style=", "expression", "mso", "[if", "srcset", "@import"):
        assert danger not in markup
    assert "after" in document.text


def test_names_that_collide_lead_to_the_first() -> None:
    document = made('<a name="x"></a>one\n\n## Two {#x}\n\n[go](#x)')
    assert document.html.count('name="x"') == 1
    assert '<a name="x"></a>one' in document.html
    assert " id=" not in document.html


@pytest.mark.parametrize("address", ["ssh://host/x", "s3://bucket", "git://host/x.git", "vscode:x"])
def test_an_address_that_is_its_own_text_only_loses_its_link(address: str) -> None:
    document = made(f"Fetch <{address}> now.")
    assert document.text == f"Fetch {address} now.\n"
    assert document.findings == ()
    assert "<a" not in document.html


def test_no_mail_can_have_such_an_address_behind_other_words() -> None:
    assert ["E120"] == [one.id for one in made("[Fetch](ssh://host/x)").findings]


@pytest.mark.parametrize(
    "address", ["https://e.example:port/", "https://e.example:99999/", "http://"]
)
def test_an_address_that_nobody_can_read_is_an_error(address: str) -> None:
    """E120: the parser that makes HTML safe drops it, and the words would go without their link."""
    for body in (f"See [the words]({address}) there", f'See <a href="{address}">it</a>'):
        (found,) = made(f"\n\n{body}\n").findings
        assert ("E120", 3, True) == (found.id, found.line, address in found.message)
    assert ["E120"] == [one.id for one in made(f"words ![alt]({address})").findings]
