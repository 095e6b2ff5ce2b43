"""What becomes due: issues whose `send_at` has come, and the slots of lists."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mailer.check.issue import choose_list
from mailer.content.families import bases, order
from mailer.content.head import read_head
from mailer.content.shelf import issue_files
from mailer.errors import MailerError
from mailer.ledger import claims, mailings, slots, starting
from mailer.model import Instant, MailingId, Release, instant, moment
from mailer.when import parse_wall

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from mailer.config import Config, ListConfig
    from mailer.content.head import Head
    from mailer.ledger import Ledger
    from mailer.model import Issue
    from mailer.when import When

log = logging.getLogger("mailer")


def something_to_do(connection: Connection, *, now: Instant) -> set[MailingId]:
    """The mailings that a turn at delivering would move."""
    return starting.startable(connection, now=now) | claims.claimable(connection, now=now)


def next_slot(chosen: ListConfig, *, after: Instant) -> Instant | None:
    """The first slot of a list later than an instant; None if there is none any more."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415  few lists have slots

    trigger = CronTrigger.from_crontab(chosen.cron, timezone=ZoneInfo(chosen.timezone))
    found = trigger.get_next_fire_time(None, moment(after) + timedelta(microseconds=1))
    return None if found is None else instant(found)


class Calendar:
    """Freezes issues when their time has come.

    It remembers what it has read and what it has complained about: a file that did not change is
    neither read nor complained about again.
    """

    def __init__(self, config: Config, ledger: Ledger) -> None:
        self._config = config
        self._ledger = ledger
        self._read: dict[Path, tuple[tuple[int, int], Head | None]] = {}
        self._said: set[tuple[str, str]] = set()

    def release(self, *, now: Instant) -> list[MailingId]:
        """Freeze the ready issues whose `send_at` has come, and fill the slots that have passed.

        An issue that cannot be mailed is logged and left; the others go out.
        """
        ready = self._ready()
        frozen = [self._at_its_time(head, now) for head in ready if head.send_at]
        frozen += [
            self._fill_slot(chosen, ready, now)
            for chosen in self._config.lists.values()
            if chosen.cron and self._takes_slot(chosen, now)
        ]
        return [mailing for mailing in frozen if mailing is not None]

    def upcoming(self, *, now: Instant) -> list[Upcoming]:
        """What goes out by itself, the next first; what cannot is left out."""
        ready = self._ready()
        found = [self._announced(head) for head in ready if head.send_at]
        for chosen in self._config.lists.values():
            at = next_slot(chosen, after=now) if chosen.cron else None
            waiting = self._next_for(chosen, ready)
            if at is not None and waiting is not None:
                found.append(Upcoming(issue=waiting.id, list=chosen, at=at))
        return sorted((one for one in found if one is not None), key=lambda one: one.at)

    # --- issues ----------------------------------------------------------------------------------

    def _ready(self) -> list[Head]:
        """What is released to the schedule, by front matter alone: nearly always it is not due."""
        found = [self._head(path) for path in issue_files(self._config.root)]
        heads = bases(self._config, [head for head in found if head is not None])
        return [head for head in heads if head.release is Release.READY]

    def _head(self, path: Path) -> Head | None:
        try:
            status = path.stat()
            stamp = status.st_mtime_ns, status.st_size
            if self._read.get(path, (None, None))[0] != stamp:
                self._read[path] = stamp, None
                self._read[path] = stamp, read_head(path, root=self._config.root)
        except (MailerError, OSError) as error:
            self._complain(path.name, error)
        return self._read.get(path, (None, None))[1]

    def _whole(self, head: Head) -> Issue:
        from mailer.content.issue import read_issue  # noqa: PLC0415  100 ms, for few looks

        root = self._config.root
        return read_issue(root / head.file, root=root, dialect=self._config.newsletter.dialect)

    def _complain(self, name: str, error: Exception) -> None:
        """Say once why something is not mailed."""
        words = str(error)
        if isinstance(error, MailerError):
            words = " · ".join(part for part in (words, error.where, error.detail) if part)
        if (name, words) not in self._said:
            self._said.add((name, words))
            log.error("%s is not mailed: %s", name, " ".join(words.split()))

    # --- times and slots -------------------------------------------------------------------------

    def _at_its_time(self, head: Head, now: Instant) -> MailingId | None:
        try:
            chosen = choose_list(head, self._config.lists, None)
            when = parse_wall(head.send_at, zone=chosen.timezone)
        except MailerError as error:
            self._complain(head.id, error)
            return None
        if when.at > now or self._is_frozen(head, chosen):
            return None
        try:
            return self._freeze(self._whole(head), chosen, when, now)
        except MailerError as error:
            # Another machine may have frozen it meanwhile; whatever that looks like, it is mailed.
            if not self._is_frozen(head, chosen):
                self._complain(head.id, error)
            return None

    def _announced(self, head: Head) -> Upcoming | None:
        try:
            chosen = choose_list(head, self._config.lists, None)
            at = parse_wall(head.send_at, zone=chosen.timezone).at
        except MailerError as error:
            self._complain(head.id, error)
            return None
        if self._is_frozen(head, chosen):
            return None
        return Upcoming(issue=head.id, list=chosen, at=at)

    def _takes_slot(self, chosen: ListConfig, now: Instant) -> bool:
        """Whether a slot has passed that nobody took; several missed ones are one."""
        with self._ledger.read() as connection:
            since = slots.last_taken(connection, chosen.slug)
        if since is not None:
            slot = next_slot(chosen, after=since)
            if slot is None or slot > now:
                return False
        with self._ledger.write() as connection:
            taken = slots.take(connection, chosen.slug, now, since=since)
        # At the first sight of a list's slots, only what comes after now counts.
        return taken and since is not None

    def _fill_slot(self, chosen: ListConfig, ready: list[Head], now: Instant) -> MailingId | None:
        issue = self._next_for(chosen, ready)
        if issue is None:
            log.warning("the slot of %s passed and no issue was ready", chosen.slug)
            return None
        try:
            return self._freeze(issue, chosen, None, now)
        except MailerError as error:
            self._complain(issue.id, error)
            return None

    def _next_for(self, chosen: ListConfig, ready: list[Head]) -> Issue | None:
        """The oldest ready issue of a list that has no time of its own and was not mailed."""
        found = []
        for head in ready:
            try:
                mine = choose_list(head, self._config.lists, None).slug == chosen.slug
                if mine and not head.send_at and not self._is_frozen(head, chosen):
                    found.append(self._whole(head))
            except MailerError as error:
                self._complain(head.id, error)
        return min(found, key=order, default=None)

    def _is_frozen(self, issue: Head, chosen: ListConfig) -> bool:
        with self._ledger.read() as connection:
            return mailings.was_frozen(connection, issue.id, list_slug=chosen.slug)

    def _freeze(
        self, issue: Issue, chosen: ListConfig, when: When | None, now: Instant
    ) -> MailingId:
        """The same path as `mailer send`, but for the question."""
        from mailer import prepare  # noqa: PLC0415  400 ms, for a look that finds nothing to freeze

        prepare.require_unique(self._config, issue)
        prepared = prepare.prepare(
            self._config, issue, ledger=self._ledger, list_name=chosen.slug, when=when, now=now
        )
        prepare.refuse_errors(prepared.errors)
        audience = prepare.count_audience(prepared, self._ledger, now=now)
        prepare.refuse_nobody(prepared, audience)
        prepare.refuse_errors(prepare.preflight(prepared, self._ledger, now=now).findings)
        mailing_id = prepare.freeze(prepared, self._ledger, started_by="schedule", now=now)
        log.info("m%d: %s → %s is due", mailing_id, issue.id, chosen.slug)
        return mailing_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """An issue that goes out by itself, and when."""

    issue: str
    list: ListConfig
    at: Instant
