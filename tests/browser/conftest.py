"""One browser for all tests that look: starting one takes longer than most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.wire.chromium import Page, browser

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def only_browser() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def page(only_browser: Page) -> Iterator[Page]:
    """The browser's tab; what one test has set is gone in the next."""
    yield only_browser
    only_browser.images(None)
    only_browser.requests.clear()
    only_browser.blocked.clear()
