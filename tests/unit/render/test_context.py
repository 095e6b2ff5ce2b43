"""The names that templates know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mailer.config import ListConfig, Newsletter, ThemeConfig
from mailer.model import Byline, Issue, Mailbox
from mailer.render.context import names
from tests.samples import issues

SENDER = Mailbox(name="The Weekly", address="weekly@example.org")
NEWSLETTER = Newsletter(
    name="The Weekly",
    sender=SENDER,
    reply_to=None,
    url="https://news.example.org",
    site="https://example.org",
    address="1 Example Street, Exampleton",
)
READERS = ListConfig(
    slug="weekly", title="Readers", sender=SENDER, language="en", timezone="Europe/Berlin"
)
ISSUE = issues.issue("", template="default", meta={"colour": "blue"})


def _issue(planned: datetime = datetime(2026, 11, 24, 9, tzinfo=UTC), **changes: Any) -> Any:
    issue = replace(ISSUE, **changes)
    return _names(issue, planned=planned)["issue"]


def _names(issue: Issue, *, planned: datetime, **changes: Any) -> Any:
    known = {"newsletter": NEWSLETTER, "list_": READERS, "look": ThemeConfig(), "page": ""}
    return names(issue, planned=planned, **{**known, **changes})


@pytest.mark.parametrize(
    ("expected", "language"),
    [("4 August 2023", "en"), ("4. August 2023", "de"), ("4 أغسطس 2023", "ar"), ("2023-08-04", "")],
)
def test_dates_are_written_in_the_language_of_the_issue(expected: str, language: str) -> None:
    readers = replace(READERS, language=language)
    newsletter = replace(NEWSLETTER, language=language)
    issue = replace(ISSUE, date=datetime(2023, 8, 4), language=language)  # noqa: DTZ001  as written
    planned = datetime(2026, 1, 1, tzinfo=UTC)
    known = _names(issue, planned=planned, newsletter=newsletter, list_=readers)
    assert expected == known["issue"]["date"]


def test_an_absent_date_is_the_planned_start_where_the_readers_are() -> None:
    """Decisions 12: half past eleven at night in UTC is the next day in Berlin."""
    assert _issue(datetime(2026, 11, 24, 23, 30, tzinfo=UTC))["date"] == "25 November 2026"


def test_the_language_is_the_issues_else_the_lists() -> None:
    assert _issue()["language"] == "en"
    assert _issue(language="de")["language"] == "de"


def test_a_byline_shows_the_host_of_its_site() -> None:
    byline = Byline(author="Ann", site="https://www.ann.example.org/about", image="")
    assert _issue(byline=byline)["byline"] == {
        "author": "Ann",
        "site": "https://www.ann.example.org/about",
        "host": "ann.example.org",
        "image": "",
    }
    assert _issue()["byline"] is None


def test_every_key_of_the_front_matter_reaches_the_theme() -> None:
    assert _issue()["meta"] == {"colour": "blue"}


def test_the_language_decides_the_direction() -> None:
    assert ("ltr", "rtl") == (_issue()["direction"], _issue(language="ar")["direction"])


@pytest.mark.parametrize(
    ("expected", "meta"),
    [
        ("12", {"number": 12}),
        ("146", {"issue": "#146"}),
        ("7", {"number": "7", "issue": 8}),
        ("8", {"number": "seven", "issue": 8}),
        ("", {}),
        ("", {"number": True}),
        ("", {"issue": "Winter"}),
        ("", {"number": -1}),
        ("", {"number": 1.5}),
        ("", {"number": ["1"]}),
        ("", {"number": "1234567"}),
    ],
)
def test_the_number_of_an_issue_is_what_its_front_matter_counts(
    expected: str, meta: dict[str, object]
) -> None:
    assert expected == _issue(meta=meta)["number"]


def test_the_page_of_the_issue_reaches_the_theme() -> None:
    planned = datetime(2026, 11, 24, tzinfo=UTC)
    page = "https://example.org/posts/x/"
    assert page == _names(ISSUE, planned=planned, page=page)["issue"]["page"]


def test_the_look_reaches_the_theme() -> None:
    look = ThemeConfig(width=640, logo="https://example.org/logo.png", logo_width=120)
    theme = _names(ISSUE, planned=datetime(2026, 11, 24, tzinfo=UTC), look=look)["theme"]
    assert (640, "https://example.org/logo.png", 120) == (
        theme["width"],
        theme["logo"],
        theme["logo_width"],
    )
    assert (look.light, look.dark, look.font) == (theme["light"], theme["dark"], theme["font"])
