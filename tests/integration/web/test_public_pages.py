"""The unsubscribe pages, asked in-process (interface §3.3)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from mailer.compose.links import Keyring
from mailer.ledger import audience
from mailer.ledger.schema import subscriber
from mailer.model import Instant, ListId, SubscriberId
from mailer.web.public import application
from mailer.web.standing import masked
from tests.wire.public_site import FORM, NEW_KEY, OLD_KEY, ONE_CLICK, Answer, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.ledger.close()


def title(answer: Answer) -> str:
    return answer.text.partition("<title>")[2].partition("</title>")[0]


def test_get_shows_a_button_and_the_masked_address(site: Site) -> None:
    answer = site.ask("GET", f"/u/{site.token}")
    assert answer.status == 200
    assert title(answer) == "Stop The Weekly &amp; Friends? – The Weekly"
    assert "a•••@example.org" in answer.text
    assert "ann@" not in answer.text
    assert len(re.findall("<form", answer.text)) == 1
    assert '<form method="post">' in answer.text
    assert '<button name="action" value="unsubscribe">' in answer.text


def test_the_page_says_nothing_that_runs_by_itself(site: Site) -> None:
    """L-7: no script, no refresh, nothing from elsewhere; scanners run JavaScript."""
    pages = [
        site.ask("GET", f"/u/{site.token}"),
        site.ask("POST", f"/u/{site.token}", b"action=unsubscribe"),
        site.ask("GET", f"/u/{site.token}"),
        site.ask("POST", f"/u/{site.token}", b"action=undo"),
        site.ask("GET", f"/u/{site.keyring.test_token()}"),
        site.ask("GET", "/u/wrong"),
        site.ask("POST", f"/u/{site.token}", b"nothing=known"),
    ]
    for page in pages:
        assert not re.search(r"<script|http-equiv|\son\w+=|<img|<link|@import|url\(", page.text)
        assert not re.search(r"""(?:src|href|action)=["'](?!mailto:)""", page.text)


def test_every_page_is_made_for_people(site: Site) -> None:
    """WCAG 3.1.1, 2.4.2, 4.1.3, 3.2.6: language, one heading, status, the sender's contact."""
    asked = site.ask("GET", f"/u/{site.token}")
    done = site.ask("POST", f"/u/{site.token}", b"action=unsubscribe")
    missing = site.ask("GET", "/u/wrong")
    for page in (asked, done, missing):
        assert '<html lang="en" dir="ltr">' in page.text
        assert len(re.findall("<h1>", page.text)) == 1
        assert re.search(r"<footer>.*mailto:hello@example\.org.*</footer>", page.text, re.DOTALL)
        assert "1 Example Street, Exampleton" in page.text
    assert 'role="status"' in done.text
    assert title(done) == "Unsubscribed from The Weekly &amp; Friends – The Weekly"


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_suffices_in_light_and_dark(site: Site) -> None:
    """WCAG 1.4.3 and 1.4.11: text 4.5:1, controls and focus 3:1."""
    style = site.ask("GET", "/u/wrong").text
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 2
    pairs = [
        ("ink", "card", 4.5),
        ("soft", "card", 4.5),
        ("soft", "paper", 4.5),
        ("on-button", "button", 4.5),
        ("button", "card", 4.5),
        ("ring", "card", 3),
        ("ring", "paper", 3),
    ]
    for colours in schemes:
        for front, back, least in pairs:
            high, low = sorted((_luminance(colours[front]), _luminance(colours[back])))[::-1]
            assert (high + 0.05) / (low + 0.05) >= least, (front, back)


def test_every_answer_carries_the_headers_of_a_token_page(site: Site) -> None:
    """L-7, X-16: not stored, no referrer, not indexed, strict policy; never a cookie."""
    for method, path in (
        ("GET", f"/u/{site.token}"),
        ("HEAD", f"/u/{site.token}"),
        ("POST", f"/u/{site.token}"),
        ("GET", "/u/wrong"),
        ("GET", "/nowhere"),
        ("PUT", f"/u/{site.token}"),
        ("GET", "/health"),
    ):
        headers = site.ask(method, path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha")
        assert "set-cookie" not in headers
        assert "location" not in headers


def test_the_policy_allows_the_style_that_is_there(site: Site) -> None:
    answer = site.ask("GET", f"/u/{site.token}")
    style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "style=" not in answer.text


def test_the_button_unsubscribes_and_offers_to_undo(site: Site) -> None:
    answer = site.ask("POST", f"/u/{site.token}", b"action=unsubscribe")
    assert answer.status == 200
    assert "Done: you are unsubscribed." in answer.text
    assert '<button class="quiet" name="action" value="undo">Undo</button>' in answer.text
    assert site.events() == ["subscribed", "unsubscribed"]
    again = site.ask("GET", f"/u/{site.token}")
    assert title(again).startswith("Not subscribed to")
    assert "Subscribe again" in again.text


def test_undo_takes_it_back(site: Site) -> None:
    site.ask("POST", f"/u/{site.token}", ONE_CLICK)
    answer = site.ask("POST", f"/u/{site.token}", b"action=undo")
    assert title(answer).startswith("Subscribed to The Weekly &amp; Friends again")
    assert site.events() == ["subscribed", "unsubscribed", "resubscribed"]
    assert title(site.ask("GET", f"/u/{site.token}")).startswith("Stop")


def test_one_click_is_idempotent_and_its_answer_tiny(site: Site) -> None:
    """L-6: 200, one line, no redirect, no cookie; the second time changes nothing."""
    first = site.ask("POST", f"/u/{site.token}", ONE_CLICK)
    after = site.dump()
    second = site.ask("POST", f"/u/{site.token}", ONE_CLICK)
    assert first == second
    assert (first.status, first.body) == (200, b"Unsubscribed.\n")
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert after == site.dump()
    assert site.events() == ["subscribed", "unsubscribed"]


def test_one_click_of_somebody_long_gone_is_answered_alike(site: Site) -> None:
    """L-6: also for those who were forgotten, or whose list row is not there."""
    gone = site.keyring.unsubscribe_token(SubscriberId(999), site.list_number)
    elsewhere = site.keyring.unsubscribe_token(site.subscriber, ListId(999))
    before = site.dump()
    for token in (gone, elsewhere):
        assert site.ask("POST", f"/u/{token}", ONE_CLICK).status == 200
        assert site.ask("POST", f"/u/{token}", b"action=undo").status == 200
        assert "You get no more issues of" in site.ask("GET", f"/u/{token}").text
    assert before == site.dump()


def test_who_was_forgotten_is_offered_no_way_back(site: Site) -> None:
    with site.ledger.write() as connection:
        connection.execute(update(subscriber).values(email=None, address=None))
    audience.unsubscribe(site.ledger, site.subscriber, site.list_number, via="page", now=Instant(3))
    for answer in (
        site.ask("GET", f"/u/{site.token}"),
        site.ask("POST", f"/u/{site.token}", b"action=undo"),
    ):
        assert answer.status == 200
        assert "<button" not in answer.text
        assert "•••" not in answer.text


def test_a_token_of_a_rotated_key_goes_on_working(site: Site) -> None:
    """L-8, X-1: sign with the newest, verify with all."""
    token = Keyring((OLD_KEY,)).unsubscribe_token(site.subscriber, site.list_number)
    assert site.ask("POST", f"/u/{token}", ONE_CLICK).status == 200
    assert site.events()[-1] == "unsubscribed"
    retired = application(site.ledger, Keyring((NEW_KEY,)), site.config)
    site.app = retired
    assert site.ask("GET", f"/u/{token}").status == 404


def test_a_test_copys_token_shows_a_page_and_unsubscribes_nobody(site: Site) -> None:
    before = site.dump()
    token = site.keyring.test_token()
    assert title(site.ask("GET", f"/u/{token}")).startswith("A test copy")
    assert site.ask("POST", f"/u/{token}", b"action=unsubscribe").status == 200
    one_click = site.ask("POST", f"/u/{token}", ONE_CLICK)
    assert (one_click.status, one_click.body) == (200, b"A test copy: nobody was unsubscribed.\n")
    assert before == site.dump()


@pytest.mark.parametrize("body", [b"", b"x=1", b"List-Unsubscribe=Two-Click", b"action=delete"])
def test_a_post_that_says_nothing_known_changes_nothing(site: Site, body: bytes) -> None:
    before = site.dump()
    answer = site.ask("POST", f"/u/{site.token}", body)
    assert answer.status == 400
    assert before == site.dump()


MULTIPART = (
    b'--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--xyz--\r\n"
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/x-www-form-urlencoded", ONE_CLICK),
        (b"application/x-www-form-urlencoded; charset=UTF-8", b"list-unsubscribe=one-click&"),
        (b"multipart/form-data; boundary=xyz", MULTIPART),
        (b"multipart/form-data", MULTIPART),
        (b"text/plain", ONE_CLICK),
        (b"", ONE_CLICK),
    ],
)
def test_both_encodings_and_neither_are_understood(
    site: Site, content_type: bytes, body: bytes
) -> None:
    """L-6, RFC 8058 §3.2; some providers forget the Content-Type or its boundary."""
    headers = [(b"host", b"news.example.org")]
    headers += [(b"content-type", content_type)] if content_type else []
    answer = site.ask("POST", f"/u/{site.token}", body, headers)
    assert (answer.status, answer.body) == (200, b"Unsubscribed.\n")
    assert site.events()[-1] == "unsubscribed"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"news.example.org", 200),
        (b"NEWS.example.org:443", 200),
        (b"news.example.org.", 200),
        (b"127.0.0.1:8000", 200),
        (b"localhost", 200),
        (b"[::1]:8000", 200),
        (b"evil.example", 400),
        (b"news.example.org.evil.example", 400),
        (b"news.example.org@evil.example", 400),
        (b"evil.example#news.example.org", 400),
        (b"[::1", 400),
        (b"\xff", 400),
        (b"", 400),
    ],
)
def test_only_our_own_host_is_answered(site: Site, host: bytes, status: int) -> None:
    """Case 51, X-16: the Host header decides nothing but this, and is never repeated."""
    answer = site.ask("GET", f"/u/{site.token}", b"", [(b"host", host)])
    assert answer.status == status
    assert "evil" not in answer.text
    before = site.dump()
    if status == 400:
        assert site.ask("POST", f"/u/{site.token}", ONE_CLICK, [(b"host", host)]).status == 400
        assert before == site.dump()


def test_two_host_headers_are_one_too_many(site: Site) -> None:
    both = [(b"host", b"news.example.org"), (b"host", b"evil.example")]
    assert site.ask("GET", f"/u/{site.token}", b"", both).status == 400


def test_pages_stand_below_the_path_of_the_public_url(tmp_path: Path) -> None:
    """A proxy may strip that path or not: both reach the page."""
    site = Site(tmp_path, url="https://news.example.org/letters/weekly")
    for path in (f"/letters/weekly/u/{site.token}", f"/u/{site.token}", "/letters/weekly/health"):
        assert site.ask("GET", path).status == 200
    assert site.ask("GET", f"/letters/u/{site.token}").status == 404
    site.ledger.close()


def test_health_needs_a_database_of_the_right_schema(site: Site) -> None:
    assert site.ask("GET", "/health").body == b"ok\n"
    with site.ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    answer = site.ask("GET", "/health")
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")


def test_a_database_that_fails_is_503_and_never_a_false_success(site: Site) -> None:
    with site.ledger.write() as connection:
        connection.execute(text("DROP TABLE subscription"))
    for method, body in (("GET", b""), ("POST", ONE_CLICK), ("POST", b"action=undo")):
        answer = site.ask(method, f"/u/{site.token}", body)
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")
        assert "subscription" not in answer.text


def test_a_long_body_is_refused(site: Site) -> None:
    """Case 53: 64 KB is more than any form of ours."""
    padded = ONE_CLICK + b"&x=" + b"y" * 65536
    before = site.dump()
    assert site.ask("POST", f"/u/{site.token}", padded).status == 413
    lying = [(b"host", b"localhost"), FORM, (b"content-length", b"999999999")]
    assert site.ask("POST", f"/u/{site.token}", b"", lying).status == 413
    nonsense = [(b"host", b"localhost"), FORM, (b"content-length", b"many")]
    assert site.ask("POST", f"/u/{site.token}", b"", nonsense).status == 400
    assert before == site.dump()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ann@example.org", "a•••@example.org"),
        ("a@example.org", "a•••@example.org"),
        ("ü@example.org", "ü•••@example.org"),
        ("", ""),
    ],
)
def test_a_masked_address_does_not_tell_its_length(address: str, expected: str) -> None:
    assert expected == masked(address)


def test_who_leaves_has_left_though_the_journal_cannot_be_written(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Case 44: the person sees what they always see, the log says what the operator must mend."""
    journal = site.ledger.journal.path
    assert journal is not None
    journal.mkdir()
    answer = site.ask("POST", f"/u/{site.token}", ONE_CLICK)
    assert (200, "unsubscribed") == (answer.status, site.events()[-1])
    assert "E621 The journal cannot be written" in caplog.text
    assert [1] == [row[0] for row in site.dump()["owed"]]
    journal.rmdir()
    site.ask("POST", f"/u/{site.token_of('bob@example.org')}", ONE_CLICK)
    assert [1, 2] == [line.n for line in site.ledger.journal.lines(after=0)]
    assert [] == site.dump()["owed"]
