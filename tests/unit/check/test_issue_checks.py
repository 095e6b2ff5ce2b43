"""What is wrong with an issue before it is rendered (interface §4: E104, E105, I107, E117)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from mailer.check import issue as check
from mailer.content.issue import read_issue
from mailer.errors import CheckError
from mailer.ledger import freezing
from mailer.model import Instant, Level
from tests.samples.mailings import EARLY, enlist, new_ledger, plan

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.config import ListConfig
    from mailer.model import Issue
    from tests.samples.newsletter import News


@pytest.fixture
def issue(news: News) -> Issue:
    return read_issue(news.issue(), root=news.folder)


@pytest.fixture
def lists(news: News) -> dict[str, ListConfig]:
    news.configure('[lists.monthly]\ntitle = "The Monthly"')
    return dict(news.config.lists)


@pytest.mark.parametrize(
    ("written", "named", "chosen"),
    [("", "monthly", "monthly"), ("weekly", None, "weekly"), ("weekly", "monthly", "monthly")],
)
def test_a_list_is_named_by_flag_else_by_the_issue(
    issue: Issue, lists: dict[str, ListConfig], written: str, named: str | None, chosen: str
) -> None:
    mine = dataclasses.replace(issue, list=written)
    assert chosen == check.choose_list(mine, lists, named).slug


def test_the_only_list_needs_no_name(issue: Issue, lists: dict[str, ListConfig]) -> None:
    assert "weekly" == check.choose_list(issue, {"weekly": lists["weekly"]}, None).slug


@pytest.mark.parametrize(
    ("written", "named", "message"),
    [
        ("", None, "Several lists are configured and none is named"),
        ("weakly", None, "There is no list weakly"),
        ("weekly", "nope", "There is no list nope"),
    ],
)
def test_e105_no_list_or_several_is_an_error_that_names_them(
    issue: Issue, lists: dict[str, ListConfig], written: str, named: str | None, message: str
) -> None:
    with pytest.raises(CheckError, match=f"E105 {message}") as refused:
        check.choose_list(dataclasses.replace(issue, list=written), lists, named)
    assert "Lists: weekly, monthly" == refused.value.detail


@pytest.mark.parametrize("send_at", ["soon", "2026-11-26 09:00 Europe/Berlim", "2027-03-28 02:30"])
def test_e104_a_send_at_that_is_no_time(issue: Issue, send_at: str) -> None:
    found = check.check_times(dataclasses.replace(issue, send_at=send_at), zone="Europe/Berlin")
    assert ["E104"] == [one.id for one in found]
    assert () == check.check_times(issue, zone="Europe/Berlin")


@pytest.mark.parametrize("reply_to", ["ann@example.org", "Ann <ann@example.org>", ""])
def test_a_mailbox_may_take_answers(issue: Issue, reply_to: str) -> None:
    assert () == check.check_reply_to(dataclasses.replace(issue, reply_to=reply_to))


@pytest.mark.parametrize(
    "reply_to", ["ann", "ann@example.org, bob@example.org", "a@b.org\nBcc: c@d.org", "Ann <ann@>"]
)
def test_e117_what_is_no_mailbox_may_not(issue: Issue, reply_to: str) -> None:
    """M-7, M-11."""
    (found,) = check.check_reply_to(dataclasses.replace(issue, reply_to=reply_to))
    assert ("E117", Level.ERROR, issue.file) == (found.id, found.level, found.file)


def test_i107_says_that_it_was_mailed_to_this_list(issue: Issue, tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path)
    enlist(ledger, "ann@a.test")
    assert () == check.check_mailed(issue, ledger, list_slug="weekly")
    assert () == check.check_mailed(issue, None, list_slug="weekly")
    freezing.freeze(ledger, plan(issue=issue.id, due_at=Instant(0)), now=EARLY)
    (found,) = check.check_mailed(issue, ledger, list_slug="weekly")
    assert ("I107", Level.INFO) == (found.id, found.level)
    assert "as m1 (scheduled," in found.message
    assert () == check.check_mailed(issue, ledger, list_slug="monthly")
    ledger.close()
