"""Which issue is meant where a command names one, or names none."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailer.content.families import bases, language_of, order
from mailer.content.identity import for_everybody
from mailer.content.issue import read_issue
from mailer.content.shelf import find_issue, issue_files, sibling_files
from mailer.errors import CheckError, MailerError, NotFoundError, UsageError
from mailer.ledger import overview
from mailer.model import MailingState, Release, instant
from mailer.when import parse_wall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.model import Instant, Issue


def pick_issue(
    config: Config,
    ledger: Ledger | None,
    name: str | None,
    *,
    now: Instant,
    list_name: str | None = None,
) -> Issue:
    """The issue of that name; without one the issue that waits to be mailed (decisions 15).

    Of several variants it is the one for everybody; a variant that is named by its file is itself.

    That is the newest `status: ready` one that was not sent yet, but for those whose `send_at` is
    still to come; else the newest that is no draft and has a date not in the future. If that one
    was sent already, it is still the answer: saying so is safer than going back in an archive.

    Raises:
        NotFoundError: E115, no such issue; E901, none that waits to be mailed.
        CheckError: an issue cannot be read, or E106, another file has the same id.
    """
    if name is not None:
        return _read(config, file_of(config, name, list_name))
    issues = [one for one in read_issues(config) if one.release is not Release.DRAFT]
    due = [one for one in issues if not _is_to_come(one, config, now)]
    sent = _sent(ledger)
    ready = [one for one in due if one.release is Release.READY and one.id not in sent]
    dated = [one for one in due if one.date and not _is_dated_later(one.date, config, now)]
    for candidates in (ready, dated):
        if candidates:
            newest = max(candidates, key=order)
            return require_unique(config, newest)
    raise NotFoundError(
        "E901",
        "There is no issue that waits to be mailed",
        where=str(config.root / "issues"),
        detail="Without a name: the newest with status: ready, or with a date not in the future.",
        next_step='mailer new "Title", or name one: mailer send ISSUE',
    )


def file_of(config: Config, name: str, list_name: str | None = None) -> Path:
    """The file of the issue that is named; see `find_issue`."""
    return find_issue(name, root=config.root, language=language_of(config, list_name))


def newest(config: Config, paths: Sequence[Path]) -> Path:
    """The newest of some files; one that cannot be read is the oldest."""
    return max(paths, key=lambda path: (_order_of(config, path), path))


def _order_of(config: Config, path: Path) -> tuple[str, str]:
    try:
        return order(_read(config, path))
    except CheckError:
        return "", ""


def read_issues(config: Config) -> list[Issue]:
    """Every issue of the newsletter; of several variants, the one for everybody.

    Raises:
        CheckError: one of them cannot be read.
    """
    return bases(config, [_read(config, path) for path in issue_files(config.root)])


def siblings(
    config: Config, issue: Issue, known: Mapping[Path, Sequence[Path]] | None = None
) -> list[Issue]:
    """The other variants of an issue.

    Args:
        config: whose issue.
        issue: one of the variants.
        known: what `sibling_files` said, where many issues are asked after.

    Raises:
        CheckError: one of them cannot be read.
    """
    known = sibling_files(config.root) if known is None else known
    paths = known.get((config.root / issue.file).resolve(), ())
    return [_read(config, path) for path in paths]


def _read(config: Config, path: Path) -> Issue:
    return read_issue(path, root=config.root, dialect=config.newsletter.dialect)


def require_unique(config: Config, issue: Issue) -> Issue:
    """The issue, if its id names no other file but variants of it, and it is clear whose they are.

    Raises:
        CheckError: E106.
        UsageError: E116, none of the variants is for everybody.
    """
    find_issue(str(config.root / issue.file), root=config.root)
    family = [issue, *siblings(config, issue)]
    language = language_of(config, issue.list)
    if len(family) > 1 and for_everybody(family, language) is None:
        raise UsageError(
            "E116",
            f"None of the {len(family)} files of {issue.id} is for everybody",
            detail="\n".join(sorted(one.file for one in family)),
            next_step=f"write it in {language}, or name one by its file",
        )
    return issue


def _sent(ledger: Ledger | None) -> set[str]:
    """What needs nothing more; a mailing that stopped halfway is gone on with."""
    if ledger is None:
        return set()
    with ledger.read() as connection:
        return overview.issues_in(connection, MailingState.SENT)


def _is_to_come(issue: Issue, config: Config, now: Instant) -> bool:
    """Whether the schedule will mail it at a time of its own; a time that is none is a finding."""
    if issue.release is not Release.READY or not issue.send_at:
        return False
    chosen = config.lists.get(issue.list)
    zone = chosen.timezone if chosen else config.newsletter.timezone
    try:
        return parse_wall(issue.send_at, zone=zone).at > now
    except MailerError:
        return False


def _is_dated_later(date: datetime, config: Config, now: Instant) -> bool:
    aware = date if date.tzinfo else date.replace(tzinfo=ZoneInfo(config.newsletter.timezone))
    return instant(aware) > now
