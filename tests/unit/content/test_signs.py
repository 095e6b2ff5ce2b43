"""Characters that a mail cannot hold, or that do more to it than they show (case 10, W152)."""

from __future__ import annotations

import pytest

from mailer.content.markdown import convert
from mailer.content.signs import odd, printable, without_data
from mailer.content.web import Web
from mailer.errors import CheckError


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ("ab", "a\x00\x01\x1fb"),
        ("a b c", "a\x0bb\x0cc"),
        ("a\ufffdb", "a\ud800b"),
        ("a\n\tb\u202ec\u0301\ufffe", "a\n\tb\u202ec\u0301\ufffe"),
    ],
)
def test_what_no_mail_can_hold_goes(kept: str, text: str) -> None:
    assert kept == printable(text)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("control character U+0000 removed", "a\x00"),
        ("half a character (U+D83D) replaced", "a\ud83d"),
        ("U+202E reverses what follows it on its line", "a\u202eb\u202c"),
        ("U+2067 turns what follows it and is never closed", "a\u2067b\nc\u2069"),
        ("more combining marks than any letter has, from U+0301 on", "a" + "\u0301" * 20),
        ("", "a\u2067b\u2069 \u200f e\u0301\u0323 \t"),
    ],
)
def test_what_is_odd_is_said(message: str, text: str) -> None:
    assert [message] * bool(message) == [said for _, said in odd(text)]


def test_half_a_character_is_no_crash() -> None:
    web = Web(site="https://e.example")
    document = convert("a\ud800b", title="\udfff", file="x.md", body_line=1, web=web)
    assert "<p>a\ufffdb</p>" in document.html


def test_images_in_the_text_are_not_read_but_in_code() -> None:
    data = "data:image/png;base64," + "QUJD" * 1000
    assert f"![a](data:image/) `{data}`" == without_data(f"![a]({data}) `{data}`")
    assert "data:image/svg+xml;utf8,x" == without_data("data:image/svg+xml;utf8,x")


def test_an_issue_of_a_megabyte_of_pictures_is_its_words() -> None:
    data = "data:image/png;base64," + "QUJD" * 500_000
    web = Web(site="https://e.example")
    document = convert(f"a\n\n![b]({data}) c", title="", file="x.md", body_line=1, web=web)
    assert "<p>b c</p>" in document.html
    assert [("W135", 3)] == [(one.id, one.line) for one in document.findings]


def test_an_issue_that_can_never_be_a_mail_is_refused_at_once() -> None:
    """M-28: 5 MB of text would take minutes."""
    with pytest.raises(CheckError) as caught:
        convert("word " * 1_000_000, title="", file="x.md", body_line=1, web=Web(site="https://e"))
    assert caught.value.code == "E150"
