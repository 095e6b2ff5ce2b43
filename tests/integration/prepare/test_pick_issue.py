"""Which issue is meant: by name, or the one that waits to be mailed (decisions 15)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mailer import prepare
from mailer.errors import CheckError, NotFoundError
from mailer.ledger.schema import mailing
from mailer.model import Instant, MailingState, instant

if TYPE_CHECKING:
    from tests.samples.newsletter import News

NOW = instant(datetime(2026, 11, 24, 6, 23, tzinfo=UTC))


@pytest.fixture
def shelf(peopled: News) -> News:
    """A newsletter without issues."""
    for path in (peopled.folder / "issues").iterdir():
        path.unlink()
    return peopled


def write(news: News, name: str, *front: str) -> None:
    head = "\n".join(("---", f"subject: {name}", *front, "---"))
    (news.folder / "issues" / f"{name}.md").write_text(f"{head}\n\nSome words.\n")


def picked(news: News, name: str | None = None, *, now: Instant = NOW) -> str:
    with news.ledger() as ledger:
        return prepare.pick_issue(news.config, ledger, name, now=now).id


def mailed(news: News, name: str, state: MailingState = MailingState.SENT) -> None:
    """There is a mailing of this issue in this state."""
    with news.ledger() as ledger:
        issue = prepare.pick_issue(news.config, ledger, name, now=NOW)
        prepared = prepare.prepare(
            news.config, issue, ledger=ledger, list_name=None, when=None, now=NOW
        )
        number = prepare.freeze(prepared, ledger, started_by="test", now=NOW)
        with ledger.write() as connection:
            connection.execute(update(mailing).where(mailing.c.id == number).values(state=state))


def test_the_newest_ready_one_comes_before_newer_ones_that_are_not(shelf: News) -> None:
    write(shelf, "old", "status: ready", "date: 2026-10-01")
    write(shelf, "ready", "status: ready", "date: 2026-11-01")
    write(shelf, "newer", "date: 2026-11-20")
    assert "ready" == picked(shelf)


def test_what_was_sent_is_passed_over_for_the_next_ready_one(shelf: News) -> None:
    write(shelf, "old", "status: ready", "date: 2026-10-01")
    write(shelf, "ready", "status: ready", "date: 2026-11-01")
    mailed(shelf, "ready")
    assert "old" == picked(shelf)


@pytest.mark.parametrize("state", [MailingState.SENDING, MailingState.WAITING, MailingState.PAUSED])
def test_what_stopped_halfway_is_gone_on_with(shelf: News, state: MailingState) -> None:
    """The same command after a crash must not begin another mailing (S-40)."""
    write(shelf, "old", "status: ready", "date: 2026-10-01")
    write(shelf, "ready", "status: ready", "date: 2026-11-01")
    mailed(shelf, "ready", state)
    assert "ready" == picked(shelf)


def test_without_a_ready_one_the_newest_with_a_date_not_in_the_future(shelf: News) -> None:
    write(shelf, "undated")
    write(shelf, "old", "date: 2026-10-01")
    write(shelf, "newest", "date: 2026-11-24")
    write(shelf, "tomorrow", "date: 2026-11-25")
    write(shelf, "draft", "date: 2026-11-23", "draft: true")
    assert "newest" == picked(shelf)


def test_a_second_command_does_not_go_back_in_the_archive(shelf: News) -> None:
    """Principle 5: running a command twice does nothing twice."""
    write(shelf, "old", "date: 2026-10-01")
    write(shelf, "newest", "date: 2026-11-20")
    mailed(shelf, "newest")
    assert "newest" == picked(shelf)


def test_what_the_schedule_will_mail_waits_for_it(shelf: News) -> None:
    write(shelf, "timed", "status: ready", "date: 2026-11-20", "send_at: 2026-11-26 09:00")
    write(shelf, "newest", "date: 2026-11-01")
    assert "newest" == picked(shelf)
    assert "timed" == picked(shelf, now=instant(datetime(2026, 11, 26, 9, 1, tzinfo=UTC)))
    assert "timed" == picked(shelf, "timed")


def test_a_time_that_is_none_does_not_hide_an_issue(shelf: News) -> None:
    write(shelf, "ready", "status: ready", "send_at: soon")
    assert "ready" == picked(shelf)


def test_where_nothing_waits_nothing_is_found(shelf: News) -> None:
    write(shelf, "undated")
    write(shelf, "draft", "status: draft", "date: 2026-11-01")
    with pytest.raises(NotFoundError, match="E901") as refused:
        picked(shelf)
    assert "mailer send ISSUE" in refused.value.next


def test_a_file_that_cannot_be_read_could_be_the_newest(shelf: News) -> None:
    write(shelf, "good", "date: 2026-11-01")
    (shelf.folder / "issues" / "bad.md").write_text("---\nsubject: [\n---\n")
    with pytest.raises(CheckError, match="E101"):
        picked(shelf)
    assert "good" == picked(shelf, "good")


def test_two_files_with_one_id_are_an_error_also_without_a_name(shelf: News) -> None:
    """E106."""
    write(shelf, "a", "date: 2026-11-01")
    write(shelf, "b", "date: 2026-11-01", "id: a")
    with pytest.raises(CheckError, match="E106"):
        picked(shelf)


def test_of_language_siblings_the_one_without_a_suffix_is_meant(shelf: News) -> None:
    write(shelf, "winter", "date: 2026-11-01")
    write(shelf, "winter.de", "date: 2026-11-01")
    with shelf.ledger() as ledger:
        found = prepare.pick_issue(shelf.config, ledger, None, now=NOW)
    assert "issues/winter.md" == found.file


def test_without_a_database_nothing_was_mailed(shelf: News) -> None:
    write(shelf, "ready", "status: ready")
    assert "ready" == prepare.pick_issue(shelf.config, None, None, now=NOW).id
