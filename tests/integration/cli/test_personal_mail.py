"""What is personal arrives, in subject, preheader, text and links, and is never more than words."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import html5lib
import pytest

from tests.wire.fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from xml.etree.ElementTree import Element

    from tests.samples.newsletter import News

ISSUE = """\
---
subject: '{{ subscriber.first_name or "Reader" }}, {{ subscriber.city | title }} opens'
preheader: 'For {{ subscriber.first_name or "you" }} & all of {{ subscriber.city }}'
date: 2026-11-20
---

Dear {{ subscriber.first_name | default("reader") | upper }}, how is {{ subscriber.city }}?

{{ "Thank you for your support" if subscriber.plan == "pro" else "Join us" }}.

{{ "Welcome back" if subscriber.since else "Welcome" }}!

[Your page](https://example.org/p/{{ subscriber.number }}?city={{ subscriber.city }})
and [your site]({{ subscriber.site }}), {{ subscriber.email | lower }}.
"""
HEADER = "email,first_name,city,plan,since,number,site"


@pytest.fixture
def relay(news: News) -> Iterator[FaultServer]:
    with FaultServer() as server:
        news.relay(server.port)
        yield server
    assert server.violations == []


def mails(server: FaultServer) -> dict[str, EmailMessage]:
    parsed = [message_from_bytes(one.content, policy=policy.default) for one in server.messages]
    return {str(one["To"]): one for one in parsed}


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def tree(message: EmailMessage) -> Element:
    parsed: Element = html5lib.parse(part(message, "html"), namespaceHTMLElements=False)
    return parsed


def words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def test_attributes_conditionals_and_filters_work_in_every_place(
    news: News, relay: FaultServer
) -> None:
    news.issue(ISSUE)
    news.people(
        "Ann@A.test,Ann,bern,pro,2019,7/8,https://ann.example/",
        "bob@a.test,,basel,free,,9,https://bob.example/?a=1&b=2",
        header=HEADER,
    )
    done = news.run("send", "winter", "--yes")
    assert 0 == done.code, done
    ann, bob = (mails(relay)[name] for name in ("Ann@a.test", "bob@a.test"))
    assert ["Ann, Bern opens", "Reader, Basel opens"] == [str(one["Subject"]) for one in (ann, bob)]
    for shown in (words(tree(ann)), " ".join(part(ann, "plain").split())):
        assert "Dear ANN, how is bern?" in shown
        assert "Thank you for your support." in shown
        assert "Welcome back!" in shown
        assert "ann@a.test." in shown
    for shown in (words(tree(bob)), " ".join(part(bob, "plain").split())):
        assert "Dear READER, how is basel?" in shown
        assert "Join us." in shown
        assert "Welcome!" in shown
    assert "For Ann & all of bern" in words(tree(ann))
    assert "For you & all of basel" in words(tree(bob))
    assert {"https://example.org/p/7%2F8?city=bern", "https://ann.example/"} <= links(ann)
    assert {"https://example.org/p/9?city=basel", "https://bob.example/?a=1&b=2"} <= links(bob)

    assert "<https://example.org/p/7%2F8?city=bern>" in part(ann, "plain")


def links(message: EmailMessage) -> set[str]:
    return {link.get("href", "") for link in tree(message).iter("a")}


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<b>bold</b>",
    "{{ 7*7 }}",
    "{{ subscriber.email }}",
    "{% raw %}",
    "&lt;i&gt;",
    "a\"b'c",
    "%%X%%",
    "-->]]>",
    "=?utf-8?q?x=0D=0ABcc=3A_v=40e.org?=",
    "\u202ertl",
    ".",
    "From me",
    "tok3f9ac01b22s0e",
]


def test_case_12_whatever_a_value_holds_it_is_words(news: News, relay: FaultServer) -> None:
    """X-4: in the subject as they are, in HTML as text, in a link as a part of it."""
    news.issue(ISSUE.replace("| title ", "").replace("| upper ", ""))
    quoted = ['"{}"'.format(value.replace('"', '""')) for value in HOSTILE]
    news.people(
        *(
            f"p{number}@a.test,{value},{value},{value},{value},{value},https://a.example/{number}"
            for number, value in enumerate(quoted)
        ),
        header=HEADER,
    )
    done = news.run("send", "winter", "--yes")
    assert 0 == done.code, done
    found = mails(relay)
    clean = shape(tree(found["p6@a.test"]))
    for number, value in enumerate(HOSTILE):
        message = found[f"p{number}@a.test"]
        assert f"{value}, {value} opens" == str(message["Subject"])
        assert 14 == len(message.keys())
        for text in (words(tree(message)), part(message, "plain")):
            assert f"Dear {value}, how is {value}?" in " ".join(text.split())
        assert f"For {value} & all of {value}" in words(tree(message))
        assert clean == shape(tree(message)), value


def shape(element: Element) -> list[tuple[str, list[str]]]:
    """Every element with the names of its attributes: what no value may change."""
    return [(str(one.tag), sorted(one.keys())) for one in element.iter()]


@pytest.mark.parametrize(
    "site",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil.example/",
        "https://a.example/ b",
        "x",
    ],
)
def test_a_value_that_is_no_address_stops_the_mailing(
    news: News, relay: FaultServer, site: str
) -> None:
    """X-4: a whole link goes to https:, http: or mailto: and nowhere else; E140 names somebody."""
    news.issue(ISSUE)
    news.people(
        "ann@a.test,Ann,bern,pro,,7,https://ann.example/",
        f'bob@a.test,Bob,bern,pro,,7,"{site}"',
        header=HEADER,
    )
    done = news.run("send", "winter", "--yes")
    assert (3, True) == (done.code, "E140" in done.err), done
    assert re.search(r"bob@a\.test", done.err)
    assert [] == relay.connections
