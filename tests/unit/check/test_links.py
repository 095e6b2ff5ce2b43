"""Links as readers see them, nothing fetched (interface §4: W123, W124, W126)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.check import hosts, links
from tests.samples.proofs import NEWSLETTER, proof


def found(check: str, body: str) -> list[tuple[int, str]]:
    """Lines and messages of a check's findings."""
    findings = (*links.check_hosts(proof(body)), *links.check_texts(proof(body)))
    return [(one.line, one.message) for one in findings if one.id == check]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("[the plan](https://bit.ly/3x)", "bit.ly hides where the link leads"),
        ("[the plan](https://www.t.co/3x)", "t.co hides where the link leads"),
        ("[https://bank.com](https://evil.net/x)", "the text says bank.com"),
        ("[www.bank.com/login](https://evil.net)", "the text says bank.com"),
        ("[bank.com](https://evil.net)", "the text says bank.com"),
        ("[bank.de/konto.](https://evil.net)", "the text says bank.de"),
        ("[docs.rs/x](https://github.com/x)", "the text says docs.rs"),
    ],
)
def test_w123_a_link_that_hides_where_it_leads(link: str, said: str) -> None:
    ((line, message),) = found("W123", f"Hello.\n\nSee {link} now.\n")
    assert (3, True) == (line, said in message), message


@pytest.mark.parametrize(
    "link",
    [
        "[the plan](https://shop.dev/plan)",
        "[https://shop.dev](https://shop.dev/plan)",
        "[www.shop.dev](https://news.shop.dev/plan)",
        "<https://shop.dev/plan>",
        "[bbc.co.uk](https://news.bbc.co.uk/x)",
        "[socket.io](https://github.com/socketio/socket.io)",
        "[lobste.rs](https://github.com/lobsters/lobsters)",
        "[session.flash](https://shop.dev/session)",
        "[Node.js](https://nodejs.org)",
        "[a plan for bank.com](https://shop.dev)",
        "`[bank.com](https://evil.net)`",
        "[mail](mailto:ann@bank.com)",
    ],
)
def test_w123_what_says_where_it_leads_is_none(link: str) -> None:
    assert [] == found("W123", f"See {link} now.\n")


@pytest.mark.parametrize(
    "text",
    ["click here", "Here", "here!", "this link", "hier klicken", "ici", "aquí", "هنا", "Mehr…"],
)
def test_w124_a_text_that_says_nothing(text: str) -> None:
    ((line, message),) = found("W124", f"Hello.\n\nRead it [{text}](https://shop.dev/a).\n")
    assert (3, True) == (line, "says nothing to people who hear the page" in message)


def test_w124_many_of_them_are_one_finding() -> None:
    body = "[here](https://shop.dev/a)\n\n[here](https://shop.dev/b)\n"
    assert [(1, '"here" says nothing to people who hear the page, 2 times')] == found("W124", body)


def test_w124_an_image_in_a_link_speaks_by_its_alt_text() -> None:
    assert [(1, '"here" says nothing to people who hear the page')] == found(
        "W124", "[![here](/a.png)](https://shop.dev/a)\n"
    )


def test_w124_one_text_for_several_targets() -> None:
    body = "# News\n\n- [Read on](https://shop.dev/a)\n- [Read on](https://shop.dev/b)\n"
    assert [(3, '"Read on" leads to 2 different pages')] == found("W124", body)


@pytest.mark.parametrize(
    "body",
    [
        "- [Read on](https://shop.dev/a)\n- [Read on](https://shop.dev/a#end)\n",
        "- fixed [a bug](https://shop.dev/a)\n- made [a bug](https://shop.dev/b)\n",
        "## A\n\n[Read on](https://shop.dev/a)\n\n## B\n\n[Read on](https://shop.dev/b)\n",
        "- Oslo\n    - [Meetup](https://shop.dev/a)\n- Rome\n    - [Meetup](https://shop.dev/b)\n",
        "[Read about winter](https://shop.dev/a)\n",
    ],
)
def test_w124_what_the_words_around_tell_apart_is_none(body: str) -> None:
    """WCAG 2.4.4: the purpose of a link, in its context."""
    assert [] == found("W124", body)


@pytest.mark.parametrize(
    "host", ["example.com", "www.example.org", "shop.example", "yourdomain.com", "a.test"]
)
def test_w126_a_host_that_stands_for_another(host: str) -> None:
    ((line, message),) = found("W126", f"Hello.\n\n[our page](https://{host}/a)\n")
    assert (3, True) == (line, "only stands for a host" in message)


def test_w126_not_in_code_and_not_for_who_is_one_himself() -> None:
    assert [] == found("W126", "`https://example.com`, [our page](https://shop.dev)\n")
    for site in ("https://example.org", "http://127.0.0.1:8000", "https://news.test"):
        mine = replace(NEWSLETTER, site=site)
        body = "[our page](https://example.com/a)"
        assert [] == list(links.check_hosts(proof(body, newsletter=mine)))


def test_links_that_are_filled_for_each_reader_are_left_alone() -> None:
    body = 'See [your page](https://bit.ly/{{ subscriber.number or "1" }}).'
    assert [] == list(links.check_hosts(proof(body)))


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("www.shop.dev", "shop.dev"),
        ("a.b.bbc.co.uk", "bbc.co.uk"),
        ("shop.com.au", "shop.com.au"),
        ("a.shop.de", "shop.de"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
    ],
)
def test_the_owner_of_a_host(host: str, owner: str) -> None:
    assert owner == hosts.owner(host)
