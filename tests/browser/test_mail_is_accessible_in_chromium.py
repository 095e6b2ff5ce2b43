"""axe-core finds nothing wrong, in mails as in public pages, in light and dark (WCAG 2.2 AA)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pytest

from mailer.catch.store import Store
from tests.samples.studio import TEMPLATES, Studio, showcase
from tests.wire.public_site import Site, caught, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.wire.chromium import Page

AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
FOUND: Final = """
axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.flatMap(
  one => one.nodes.map(node => [one.id, node.target.join(' '), node.failureSummary])
))
"""


def _violations(page: Page) -> list[Any]:
    page.ask(AXE + "; 0")
    found: list[Any] = page.ask(FOUND)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.ledger.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_mails(page: Page, tmp_path: Path, template: str, language: str, scheme: str) -> None:
    text = showcase(template=template, language=language)
    html = Studio(tmp_path).html(text)
    for width in (600, 375):
        page.show(width=width, scheme=scheme).write(html)
        assert [] == _violations(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_public_pages(page: Page, site: Site, scheme: str) -> None:
    """The question, the answer, the way back, and a link that is none."""
    with served(site) as port:
        page.show(width=375, scheme=scheme).open(f"http://127.0.0.1:{port}/u/{site.token}")
        assert [] == _violations(page)
        for after in ("Unsubscribed from", "Subscribed to"):
            page.ask("document.querySelector('button').click()")
            page.until(f"document.title.startsWith('{after}')")
            assert [] == _violations(page)
        page.open(f"http://127.0.0.1:{port}/nothing")
        assert [] == _violations(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inbox_of_the_catcher(page: Page, tmp_path: Path, scheme: str) -> None:
    """Empty, with a mail, and the mail."""
    store = Store(tmp_path)
    with caught(store) as port:
        page.show(width=375, scheme=scheme).open(f"http://127.0.0.1:{port}/")
        assert [] == _violations(page)
        name = store.add("a@example.org", ["ann@example.org"], b"Subject: hello\r\n\r\nHello\r\n")
        for path in ("/", f"/m/{name}"):
            page.open(f"http://127.0.0.1:{port}{path}")
            assert [] == _violations(page)


def test_a_violation_would_be_found(page: Page) -> None:
    page.show(width=600).write(
        "<html lang='en'><title>x</title><main><h1>x</h1><p style='color: #bbb'>pale</p></main>"
    )
    assert ["color-contrast"] == [rule for rule, _, _ in _violations(page)]
