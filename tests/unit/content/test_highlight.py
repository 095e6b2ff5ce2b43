"""Code has five roles for its colours and loses no character (rendering §0.8)."""

from __future__ import annotations

import re
from html import unescape

import pytest

from mailer.content.markdown import convert
from mailer.content.web import Web


def code(language: str, source: str) -> str:
    body = f"````{language}\n{source}\n````\n"
    document = convert(
        body, title="", web=Web(site="https://example.org"), file="x.md", body_line=1
    )
    match = re.search(r"<pre>(.*?)</pre>", document.html, re.DOTALL)
    assert match is not None
    return match[1]


@pytest.mark.parametrize(
    ("language", "source", "expected"),
    [
        (
            "python",
            'def f(x):  # why\n    return "a" + 1',
            (
                '<span class="k">def</span> <span class="f">f</span>(x):  '
                '<span class="c"># why</span>\n    <span class="k">return</span> '
                '<span class="s">"a"</span> + <span class="n">1</span>'
            ),
        ),
        ("sh", "# only a comment", '<span class="c"># only a comment</span>'),
        ("diff", "-a\n+b", '<span class="k">-a</span>\n<span class="s">+b</span>'),
        ("nonsense", "a < b", "a &lt; b"),
        ("", "a < b", "a &lt; b"),
        ("PYTHON", "pass", '<span class="k">pass</span>'),
    ],
)
def test_roles(language: str, source: str, expected: str) -> None:
    assert code(language, source) == expected


@pytest.mark.parametrize("language", ["python", "rust", "html", "json", "console", "toml", "c++"])
@pytest.mark.parametrize(
    "source",
    [
        "a\n\n\n  b  \n",
        "\n\n  x = '''\n y",
        'fn main() { "ü" }',
        "<a b=\"c\">\n\n{ d: 'e' }",
        "$ ls # x",
    ],
)
def test_no_character_of_code_is_lost(language: str, source: str) -> None:
    plain = code("", source)
    assert unescape(re.sub(r"</?span[^>]*>", "", code(language, source))) == unescape(plain)


def test_a_huge_block_stays_plain() -> None:
    assert "<span" not in code("python", "x = 1\n" * 4000)


def test_odd_characters_in_code_are_no_problem() -> None:
    assert "\ufffe" in code("python", 'x = "\ufffe"')
