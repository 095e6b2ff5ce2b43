"""What becomes due: `status: ready` with `send_at`, and the slots of lists (interface §1.3)."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailer.config import ListConfig
from mailer.ledger import mailings, overview, slots
from mailer.model import Instant, Mailbox, MailingId, MailingState, instant
from mailer.schedule.due import Calendar, next_slot, something_to_do

if TYPE_CHECKING:
    from mailer.ledger import Ledger
    from tests.samples.newsletter import News

MONDAY_9 = instant(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
MINUTE = 60 * 1_000_000
DAY = 24 * 60 * MINUTE


def at(microseconds: int) -> Instant:
    return Instant(MONDAY_9 + microseconds)


def ready(news: News, name: str, *, more: str = "", body: str = "Some words.") -> None:
    """A released issue; `more` is further front matter."""
    path = news.folder / "issues" / f"{name}.md"
    path.write_text(f"---\nsubject: {name}\nstatus: ready\n{more}\n---\n\n# {name}\n\n{body}\n")


def look(news: News, *moments: Instant) -> list[str]:
    """What is frozen by looks at these moments, each by a process of its own."""
    with news.ledger() as ledger:
        looks = [Calendar(news.config, ledger).release(now=moment) for moment in moments]
        return [name_of(ledger, mailing) for frozen in looks for mailing in frozen]


def name_of(ledger: Ledger, mailing: int) -> str:
    with ledger.read() as connection:
        return overview.find(connection, f"m{mailing}").issue


# --- send_at -------------------------------------------------------------------------------------


def test_a_ready_issue_is_frozen_when_its_time_has_come(peopled: News) -> None:
    ready(peopled, "a", more="send_at: 2026-11-30 09:00")
    assert [] == look(peopled, at(-1))
    assert ["a"] == look(peopled, at(0))
    (seen,) = peopled.mailings()
    assert (MailingState.SCHEDULED, 8) == (seen.state, seen.recipients)
    assert (MONDAY_9, "UTC") == (seen.due_at, seen.zone)
    assert [] == look(peopled, at(0), at(MINUTE))


def test_send_at_is_meant_in_the_zone_that_it_names(peopled: News) -> None:
    ready(peopled, "a", more="send_at: 2026-11-30 10:00 Europe/Berlin")
    assert ([], ["a"]) == (look(peopled, at(-1)), look(peopled, at(0)))


@pytest.mark.parametrize(
    "more", ["send_at: 2026-11-30 09:00\ndraft: true", "send_at: 2026-11-30 09:00\nstatus: ''"]
)
def test_send_at_alone_releases_nothing_and_draft_wins(peopled: News, more: str) -> None:
    """Interface §1.0, W108."""
    text = f"---\nsubject: a\n{more}\n---\n\nSome words.\n"
    (peopled.folder / "issues" / "a.md").write_text(text)
    assert [] == look(peopled, at(DAY))


def test_an_issue_without_a_time_waits_for_a_slot_or_a_hand(peopled: News) -> None:
    ready(peopled, "a")
    assert [] == look(peopled, at(0), at(DAY))


@pytest.mark.parametrize(
    ("more", "body", "code"),
    [
        ("send_at: soon", "Some words.", "E104"),
        ("send_at: 2026-11-30 09:00\nlist: nope", "Some words.", "E105"),
        ("send_at: 2026-11-30 09:00", "{{ subscriber.height }}", "E140"),
        ("send_at: 2026-11-30 09:00", "", "E114"),
        ("send_at: 2026-11-30 09:00\nreply_to: nobody", "Some words.", "E117"),
    ],
)
def test_what_cannot_be_mailed_is_logged_once_and_the_others_go_out(
    peopled: News, caplog: pytest.LogCaptureFixture, more: str, body: str, code: str
) -> None:
    ready(peopled, "bad", more=more, body=body)
    if code == "E114":
        (peopled.folder / "issues/bad.md").write_text(
            f"---\nsubject: b\nstatus: ready\n{more}\n---\n"
        )
    ready(peopled, "good", more="send_at: 2026-11-30 09:00")
    with peopled.ledger() as ledger, caplog.at_level(logging.INFO):
        calendar = Calendar(peopled.config, ledger)
        assert 1 == len(calendar.release(now=at(0)))
        assert [] == calendar.release(now=at(MINUTE))
    complaints = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    (said,) = complaints
    assert said.startswith(f"bad is not mailed: {code} ")
    assert "\n" not in said


def test_a_file_that_was_mended_goes_out_at_the_next_look(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    path = peopled.folder / "issues" / "a.md"
    path.write_text("---\nsubject: [\n---\n\nWords.\n")
    with peopled.ledger() as ledger:
        calendar = Calendar(peopled.config, ledger)
        assert [] == calendar.release(now=at(0))
        assert [] == calendar.release(now=at(0))
        ready(peopled, "a", more="send_at: 2026-11-30 09:00")
        assert 1 == len(calendar.release(now=at(0)))
    assert 1 == sum("E101" in one.getMessage() for one in caplog.records)


def test_two_files_with_one_id_are_not_mailed(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    """E106."""
    ready(peopled, "a", more="send_at: 2026-11-30 09:00")
    ready(peopled, "b", more="id: a\nsend_at: 2026-11-30 09:00")
    assert [] == look(peopled, at(0))
    assert all("E106" in one.getMessage() for one in caplog.records)


def test_a_translation_beside_an_issue_is_no_issue_of_its_own(peopled: News) -> None:
    ready(peopled, "a", more="send_at: 2026-11-30 09:00")
    ready(peopled, "a.de", more="send_at: 2026-11-30 09:00")
    assert ["a"] == look(peopled, at(0), at(MINUTE))


def test_an_issue_is_not_used_up_on_an_empty_list(
    news: News, caplog: pytest.LogCaptureFixture
) -> None:
    """E704: a mailing to nobody would take the place of the real one (decisions 6)."""
    ready(news, "a", more="send_at: 2026-11-30 09:00")
    assert [] == look(news, at(0))
    assert "E704" in caplog.text
    news.people("ann@example.org")
    assert ["a"] == look(news, at(0))


# --- slots ---------------------------------------------------------------------------------------


def with_slot(news: News, cron: str = "0 9 * * MON", *, zone: str = "UTC") -> None:
    path = news.folder / "mailer.toml"
    line = f'[lists.weekly]\ncron = "{cron}"\ntimezone = "{zone}"'
    path.write_text(path.read_text().replace("[lists.weekly]", line))


def test_a_slot_sends_the_oldest_ready_issue_that_was_not_mailed(peopled: News) -> None:
    with_slot(peopled)
    ready(peopled, "b", more="date: 2026-11-02")
    ready(peopled, "a", more="date: 2026-11-09")
    ready(peopled, "timed", more="date: 2026-11-01\nsend_at: 2099-01-01 09:00")
    assert [] == look(peopled, at(-DAY))  # the first look; slots before it do not count
    assert [] == look(peopled, at(-1))
    assert ["b"] == look(peopled, at(0))
    assert [] == look(peopled, at(1), at(DAY))
    assert ["a"] == look(peopled, at(7 * DAY + MINUTE))
    assert [] == look(peopled, at(14 * DAY))


def test_several_missed_slots_are_one(peopled: News) -> None:
    with_slot(peopled)
    ready(peopled, "a")
    ready(peopled, "b")
    look(peopled, at(-DAY))
    assert ["a"] == look(peopled, at(30 * DAY), at(30 * DAY + MINUTE))


def test_a_slot_is_taken_once_even_with_two_lookers(peopled: News) -> None:
    with_slot(peopled)
    ready(peopled, "a")
    ready(peopled, "b")
    look(peopled, at(-DAY))
    with peopled.ledger() as one, peopled.ledger() as other:
        first, second = Calendar(peopled.config, one), Calendar(peopled.config, other)
        # Both saw that the slot is free; only one of them may act on it.
        (weekly,) = peopled.config.lists.values()
        with other.read() as connection:
            since = slots.last_taken(connection, "weekly")
        assert 1 == len(first.release(now=at(0)))
        with other.write() as connection:
            assert not slots.take(connection, weekly.slug, at(1), since=since)
        assert [] == second.release(now=at(1))
    assert 1 == len(peopled.mailings())


def test_two_daemons_freeze_a_due_issue_once(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    """On two machines at the same moment: one mailing, and nothing to complain about."""
    ready(peopled, "a", more="send_at: 2026-11-30 09:00")
    both = threading.Barrier(2)

    def machine() -> list[MailingId]:
        with peopled.ledger() as ledger:
            calendar = Calendar(peopled.config, ledger)
            both.wait(30)
            return calendar.release(now=at(0))

    with ThreadPoolExecutor() as machines:
        looks = [machines.submit(machine) for _ in range(2)]
        frozen = [mailing for one in looks for mailing in one.result(60)]
    assert [MailingId(1)] == frozen
    assert 1 == len(peopled.mailings())
    assert [] == [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_slot_without_a_ready_issue_passes_with_a_warning(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    with_slot(peopled)
    assert [] == look(peopled, at(-DAY), at(0), at(1))
    assert ["the slot of weekly passed and no issue was ready"] == [
        one.getMessage() for one in caplog.records
    ]
    ready(peopled, "a")
    assert [] == look(peopled, at(DAY))


def test_a_slot_whose_issue_cannot_be_mailed_sends_no_other_instead(
    peopled: News, caplog: pytest.LogCaptureFixture
) -> None:
    with_slot(peopled)
    ready(peopled, "a", more="date: 2026-11-02", body="{{ subscriber.height }}")
    ready(peopled, "b", more="date: 2026-11-09")
    assert [] == look(peopled, at(-DAY), at(0), at(1))
    assert "a is not mailed: E140" in caplog.text


@pytest.mark.parametrize(
    ("cron", "zone", "after", "utc"),
    [
        ("0 9 * * MON", "UTC", datetime(2026, 11, 30, 8, 59, tzinfo=UTC), "2026-11-30 09:00"),
        ("0 9 * * MON", "UTC", datetime(2026, 11, 30, 9, 0, tzinfo=UTC), "2026-12-07 09:00"),
        ("0 9 * * MON", "Europe/Berlin", datetime(2026, 11, 29, tzinfo=UTC), "2026-11-30 08:00"),
        ("0 9 * * MON", "Europe/Berlin", datetime(2027, 3, 29, tzinfo=UTC), "2027-03-29 07:00"),
        ("0 0 30 2 *", "UTC", datetime(2026, 11, 29, tzinfo=UTC), "None"),
    ],
)
def test_the_next_slot_is_wall_time_in_the_lists_zone(
    cron: str, zone: str, after: datetime, utc: str
) -> None:
    """Case 45: nine o'clock stays nine o'clock when clocks change."""
    chosen = ListConfig(
        slug="weekly",
        title="Weekly",
        sender=Mailbox(name="", address="weekly@example.org"),
        language="en",
        timezone=zone,
        cron=cron,
    )
    found = next_slot(chosen, after=instant(after))
    shown = (
        "None" if found is None else f"{datetime.fromtimestamp(found / 1e6, UTC):%Y-%m-%d %H:%M}"
    )
    assert utc == shown


# --- what a look finds ---------------------------------------------------------------------------


def test_only_what_a_turn_would_move_is_something_to_do(peopled: News) -> None:
    ready(peopled, "a", more="send_at: 2026-11-30 09:00")
    with peopled.ledger() as ledger:
        (mailing,) = Calendar(peopled.config, ledger).release(now=at(0))
        with ledger.write() as connection:
            assert {mailing} == something_to_do(connection, now=at(0))
            assert set() == something_to_do(connection, now=at(-1))
            mailings.set_state(connection, mailing, MailingState.PAUSED, actor="ann", now=at(0))
            assert set() == something_to_do(connection, now=at(DAY))


def test_what_is_to_come_is_announced_the_next_first(peopled: News) -> None:
    """Interface §2.5: `next  spring → weekly  ready  Thu 3 Dec …`."""
    with_slot(peopled)
    ready(peopled, "slotted")
    ready(peopled, "timed", more="send_at: 2026-11-29 09:00")
    ready(peopled, "broken", more="send_at: soon")
    with peopled.ledger() as ledger:
        coming = Calendar(peopled.config, ledger).upcoming(now=at(-DAY - 1))
    assert [("timed", at(-DAY)), ("slotted", at(0))] == [(one.issue, one.at) for one in coming]


def test_an_announced_issue_is_forgotten_once_it_is_frozen(peopled: News) -> None:
    ready(peopled, "timed", more="send_at: 2026-11-30 09:00")
    with peopled.ledger() as ledger:
        calendar = Calendar(peopled.config, ledger)
        assert 1 == len(calendar.upcoming(now=at(0)))
        calendar.release(now=at(0))
        assert [] == calendar.upcoming(now=at(0))
