"""Addresses become absolute and encoded, or say why not (case 18)."""

from __future__ import annotations

import pytest

from mailer.content.markdown import convert
from mailer.content.shape.links import resolve, scheme_of
from mailer.content.web import Web


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://e.example/a", "https://e.example/a"),
        ("HTTPS://E.example/A", "https://E.example/A"),
        ("https:/e.example/a", "https://e.example/a"),
        ("https:e.example", "https://e.example"),
        ("https:///e.example/a", "https://e.example/a"),
        ("https:\\\\e.example/a", "https://e.example/a"),
        ("http://https://e.example/a", "https://e.example/a"),
        ("https://e.example/https://f.example/", "https://e.example/https://f.example/"),
        ("/a/b?c=d#e", "https://site.example/a/b?c=d#e"),
        ("/", "https://site.example/"),
        ("//e.example/a", "https://e.example/a"),
        ("www.e.example/a", "https://www.e.example/a"),
        ("https://e.example/a b", "https://e.example/a%20b"),
        ('https://e.example/?q="x"&y=<z>', "https://e.example/?q=%22x%22&y=%3Cz%3E"),
        ("https://e.example/it's", "https://e.example/it's"),
        ("https://e.example/ü?ß#é", "https://e.example/%C3%BC?%C3%9F#%C3%A9"),
        ("https://e.example/%C3%BC%20", "https://e.example/%C3%BC%20"),
        ("https://e.example/100%", "https://e.example/100%25"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example:8443/", "https://xn--bcher-kva.example:8443/"),
        ("https://user@e.example/", "https://user@e.example/"),
        ("https://[2001:db8::1]:8080/x", "https://[2001:db8::1]:8080/x"),
        ("https://a_b.e.example/", "https://a_b.e.example/"),
        (" https://e.example/a\nb ", "https://e.example/ab"),
        ("mailto:a@b.example?subject=x y", "mailto:a@b.example?subject=x%20y"),
        ("mailto:a@b.example?body=one%0Atwo", "mailto:a@b.example?body=one%0Atwo"),
        ("tel:+4930123", "tel:+4930123"),
        ("tok0123456789s4", "tok0123456789s4"),
        ("tok0123456789s4/x y", "tok0123456789s4/x y"),
    ],
)
def test_what_can_be_followed(written: str, url: str) -> None:
    found = resolve(written, Web(site="https://site.example"))
    assert (found.url, found.problem) == (url, "")


@pytest.mark.parametrize(
    ("written", "problem", "step"),
    [
        ("", "empty", "correct or remove"),
        ("  ", "empty", "correct or remove"),
        ("e.example/a", "now says https://e.example/a", "begin it with https://"),
        ("e.example", "now says https://e.example", "begin it with https://"),
        ("a/b", "now says https://site.example/a/b", "[newsletter] page"),
        ("./a.html", "now says https://site.example/a.html", "[newsletter] page"),
        ("boat.rs", "now says https://site.example/boat.rs", "[newsletter] page"),
        ("docs.rs/x", "now says https://docs.rs/x", "begin it with https://"),
        ("?q=1", "now says https://site.example/?q=1", "[newsletter] page"),
        ("https://", "names no host", "correct"),
        ("https://exa mple.org/", "is no host", "correct"),
        ("https://-/", "is no host", "correct"),
        ("https://e.example:99999/", "cannot be read", "correct"),
        ("https://[::1", "cannot be read", "correct"),
        ("https://\u2488.example/\u200d", "no such host", "correct"),
        ("http://localhost/", "own machine", "correct"),
        ("http://wiki/page", "no name that others can find", "correct"),
        ("https://soon.invalid/", "no name that others can find", "correct"),
        ("mailto:", "names nobody", "correct"),
        ("http://127.0.0.1:8000/", "own machine", "correct"),
        ("http://[::1]/", "own machine", "correct"),
        ("mailto:a@b.example\nBcc: c@d.example", "line break", "correct"),
        ("mailto:a@b.example%0D%0ABcc:c@d.example", "line break", "correct"),
        ("mailto:a@b.example?subject=x%0aBcc:c", "line break", "correct"),
        ("javascript:alert(1)", "no mail can have javascript:", "correct"),
        ("e.example:8080/x", "no mail can have e.example:", "correct"),
    ],
)
def test_what_cannot_be_followed_says_why(written: str, problem: str, step: str) -> None:
    found = resolve(written, Web(site="https://site.example/"))
    assert problem in found.problem
    assert step in found.step


def test_a_site_with_a_path_carries_root_relative_addresses() -> None:
    """`site` is what they are relative to, not its host."""
    assert resolve("/a", Web(site="https://e.example/news/")).url == "https://e.example/news/a"


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        (" JavaScript:x", "javascript"),
        ("java\nscript:x", "javascript"),
        ("\x01javascript:x", "javascript"),
        ("/a:b", ""),
        ("tok0123456789s4:x", ""),
        ("mailto:x", "mailto"),
    ],
)
def test_schemes_are_read_as_browsers_do(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme


def test_a_bare_www_address_is_linked_securely() -> None:
    document = convert(
        "See www.example.org/x", title="T", web=Web(site="https://e.org"), file="f.md", body_line=1
    )
    assert '<a href="https://www.example.org/x">www.example.org/x</a>' in document.html


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        ("harbour.example/2026/tides-and-boats/index", "{}"),
        ("harbour.example/2026/…", "| a |\n|---|\n| {} |"),
    ],
)
def test_a_bare_address_is_shown_shorter_in_a_table(expected: str, body: str) -> None:
    address = "https://harbour.example/2026/tides-and-boats/index"
    web = Web(site="https://e.example")
    body = body.format(address)
    markup = convert(body, title="", file="x.md", body_line=1, web=web).html
    assert f'<a href="{address}">{expected}</a>' in markup
