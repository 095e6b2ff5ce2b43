"""The unsubscribe pages and the catcher's inbox in a real browser (interface §3.3, WCAG 2.2 AA)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.catch.store import Store
from tests.wire.public_site import Site, caught, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.wire.chromium import Page

WIDTHS = [320, 375, 1200]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.ledger.close()


def test_opening_the_page_changes_nothing_even_where_scripts_run(site: Site, page: Page) -> None:
    """L-7, X-13: a scanner with a whole browser."""
    before = site.dump()
    with served(site) as port:
        page.open(f"http://127.0.0.1:{port}/u/{site.token}")
        assert page.ask("document.forms.length") == 1
        assert page.ask("document.forms[0].method") == "post"
        assert page.ask("document.scripts.length") == 0
    assert before == site.dump()


def test_the_whole_way_by_keyboard_alone(site: Site, page: Page) -> None:
    """WCAG 2.1.1, 2.4.3, 2.4.7, 2.4.2, 4.1.3: ask, leave, come back."""
    with served(site) as port:
        page.show(width=375).open(f"http://127.0.0.1:{port}/u/{site.token}")
        page.press("Tab")
        assert page.ask("document.activeElement.textContent") == "Unsubscribe"
        ring = "getComputedStyle(document.activeElement)"
        assert page.ask(f"{ring}.outlineStyle + ' ' + {ring}.outlineWidth") == "solid 3px"
        page.press("Enter")
        page.until("document.title.startsWith('Unsubscribed from')")
        assert page.ask("document.querySelector('[role=status] h1').textContent").startswith("Done")
        assert site.events()[-1] == "unsubscribed"
        page.press("Tab")
        assert page.ask("document.activeElement.textContent") == "Undo"
        page.press("Enter")
        page.until("document.title.startsWith('Subscribed to')")
        assert site.events()[-1] == "resubscribed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_nothing_comes_from_elsewhere(
    site: Site, page: Page, width: int, scheme: str
) -> None:
    """WCAG 1.4.10, 2.5.8: no sideways scrolling, targets of 44 and 24 px; no third party."""
    with served(site) as port:
        page.requests.clear()
        page.show(width=width, scheme=scheme).open(f"http://127.0.0.1:{port}/u/{site.token}")
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.ask("document.querySelector('button').offsetHeight") >= 44
        assert page.ask("document.querySelector('footer a').offsetHeight") >= 24
        background = page.ask("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(244, 241, 234)", "dark": "rgb(22, 24, 27)"}[scheme]
        assert {f"127.0.0.1:{port}"} == {url.split("/")[2] for url in page.requests}
        assert page.cookies() == []


def test_text_spacing_and_double_size_hide_nothing(site: Site, page: Page) -> None:
    """WCAG 1.4.4, 1.4.12."""
    with served(site) as port:
        page.show(width=640).open(f"http://127.0.0.1:{port}/u/{site.token}")
        page.ask(
            "[...document.querySelectorAll('*')].forEach(e => {"
            "e.style.lineHeight = '1.5'; e.style.letterSpacing = '.12em';"
            "e.style.wordSpacing = '.16em'}); document.documentElement.style.fontSize = '200%'"
        )
        assert page.ask("document.documentElement.scrollWidth") <= 640
        assert page.ask("document.querySelector('button').scrollWidth") <= page.ask(
            "document.querySelector('button').offsetWidth"
        )


HOSTILE = (
    b"Subject: hello\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head></head><body><h1>Hi</h1><script>top.document.title = 'pwned'</script>"
    b"<img src='http://tracker.invalid/x.png' onerror=\"top.document.title='pwned'\">"
    b"<form action='http://tracker.invalid/'><button>x</button></form></body></html>\r\n"
)


def test_a_caught_message_can_do_nothing(tmp_path: Path, page: Page) -> None:
    """X-15: it runs no script and loads nothing from anywhere."""
    store = Store(tmp_path)
    name = store.add("a@example.org", ["ann@example.org"], HOSTILE)
    with caught(store) as port:
        page.requests.clear()
        page.show(width=1200).open(f"http://127.0.0.1:{port}/")
        assert page.ask("document.querySelector('.mails strong').textContent") == "hello"
        page.open(f"http://127.0.0.1:{port}/m/{name}")
        page.until("document.querySelector('iframe') !== null")
        assert page.ask("document.title") == "hello – mailer catch"
        assert page.ask("document.querySelector('iframe').contentDocument") is None
        shown = [url for url in page.requests if url.endswith("/html")]
        assert shown == [f"http://127.0.0.1:{port}/m/{name}/html"]
        assert page.blocked == {"http://tracker.invalid/x.png": "csp"}
        page.blocked.clear()
        page.open(f"http://127.0.0.1:{port}/m/{name}?images")
        assert page.requests[-1] == "http://tracker.invalid/x.png"
        assert page.blocked == {}
        assert page.ask("document.title") == "hello – mailer catch"
