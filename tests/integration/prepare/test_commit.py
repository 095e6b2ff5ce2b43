"""Which commit a mailing is frozen with."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from mailer import prepare
from mailer.ledger.schema import revision
from mailer.model import instant
from tests.samples.newsletter import ISSUE

if TYPE_CHECKING:
    from mailer.prepare import Prepared
    from tests.samples.newsletter import News

NOW = instant(datetime(2026, 11, 24, 6, 23, tzinfo=UTC))


def git(news: News, *words: str) -> str:
    who = ("-c", "user.name=Editor", "-c", "user.email=editor@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=news.folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def committed(news: News) -> str:
    """Commit everything; the commit's short name."""
    git(news, "init", "-q")
    git(news, "add", "-A")
    git(news, "commit", "-q", "-m", "All")
    return git(news, "rev-parse", "--short", "HEAD")


def prepared(news: News) -> Prepared:
    issue = prepare.pick_issue(news.config, None, "winter", now=NOW)
    return prepare.prepare(news.config, issue, ledger=None, list_name=None, when=None, now=NOW)


def test_a_star_says_that_the_file_was_changed_since_the_commit(peopled: News) -> None:
    head = committed(peopled)
    assert head == prepared(peopled).base.stamped().commit
    peopled.issue(f"{ISSUE}\nMore.\n")
    assert f"{head}*" == prepared(peopled).base.stamped().commit


def test_the_commit_is_frozen_with_the_mailing(peopled: News) -> None:
    head = committed(peopled)
    with peopled.ledger() as ledger:
        prepare.freeze(prepared(peopled), ledger, started_by="test", now=NOW)
        with ledger.read() as connection:
            assert [head] == list(connection.scalars(select(revision.c["commit"])))
