"""When to look: APScheduler and cron only say when; the ledger says what is due."""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from mailer import prepare
from mailer.check.issue import choose_list
from mailer.content.issue import issue_files, read_issue
from mailer.delivery.shift import Shift
from mailer.errors import MailerError, StoppedError
from mailer.ledger import claims, mailings, slots
from mailer.model import Instant, MailingId, MailingState, Release, instant, moment
from mailer.when import When, now, parse_wall

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.compose.links import Keyring
    from mailer.config import Config, ListConfig
    from mailer.ledger import Ledger
    from mailer.model import Issue

log = logging.getLogger("mailer")

EVERY = 5  # seconds between two looks of the daemon


# --- what becomes due ----------------------------------------------------------------------------


def release(config: Config, ledger: Ledger, *, now: Instant) -> None:
    """Freeze the issues whose time has come: `send_at`, or the slot of their list.

    An issue that cannot be mailed is logged and left; the others go out.
    """
    ready = [issue for issue in _read_all(config) if issue.release is Release.READY]
    for issue in ready:
        if issue.send_at:
            _release(config, ledger, issue, now=now)
    for chosen in config.lists.values():
        if chosen.cron and _slot_is_due(ledger, chosen, now=now):
            _fill_slot(config, ledger, chosen, ready, now=now)


def something_to_do(connection: Connection, *, now: Instant) -> set[MailingId]:
    """The mailings that a turn at delivering would move."""
    return mailings.startable(connection, now=now) | claims.claimable(connection, now=now)


def _read_all(config: Config) -> list[Issue]:
    issues = []
    for path in issue_files(config.root):
        try:
            issues.append(read_issue(path, root=config.root))
        except MailerError as error:
            log.warning("%s %s", error, error.where)
    return issues


def _release(config: Config, ledger: Ledger, issue: Issue, *, now: Instant) -> None:
    try:
        chosen = choose_list(issue, config.lists, None)
        when = parse_wall(issue.send_at, zone=chosen.timezone)
        if when.at <= now and not _is_frozen(ledger, issue, chosen):
            _freeze(config, ledger, issue, chosen, when, now=now)
    except MailerError as error:
        log.error("%s is not mailed: %s %s", issue.id, error, error.where)


def _slot_is_due(ledger: Ledger, chosen: ListConfig, *, now: Instant) -> bool:
    """Whether a slot has passed that nobody took; taking it is atomic, several missed are one."""
    trigger = CronTrigger.from_crontab(chosen.cron, timezone=ZoneInfo(chosen.timezone))
    with ledger.write() as connection:
        taken = slots.last_taken(connection, chosen.slug)
        if taken is None:
            # First sight of this slot: only what comes after now counts.
            slots.take(connection, chosen.slug, now)
            return False
        after = moment(taken) + timedelta(microseconds=1)
        due = trigger.get_next_fire_time(None, after)
        if due is None or instant(due) > now:
            return False
        slots.take(connection, chosen.slug, now)
        return True


def _fill_slot(
    config: Config, ledger: Ledger, chosen: ListConfig, ready: list[Issue], *, now: Instant
) -> None:
    """Freeze the oldest ready issue of a list that has no time of its own and was not mailed."""
    for issue in sorted(ready, key=lambda issue: (str(issue.date or ""), issue.id)):
        try:
            mine = choose_list(issue, config.lists, None).slug == chosen.slug
            if mine and not issue.send_at and not _is_frozen(ledger, issue, chosen):
                _freeze(config, ledger, issue, chosen, None, now=now)
                return
        except MailerError as error:
            log.error("%s is not mailed: %s %s", issue.id, error, error.where)
    log.warning("the slot of %s passed and no issue was ready", chosen.slug)


def _is_frozen(ledger: Ledger, issue: Issue, chosen: ListConfig) -> bool:
    with ledger.read() as connection:
        return mailings.was_frozen(connection, issue.id, list_slug=chosen.slug)


def _freeze(
    config: Config,
    ledger: Ledger,
    issue: Issue,
    chosen: ListConfig,
    when: When | None,
    *,
    now: Instant,
) -> None:
    prepared = prepare.prepare(
        config, issue, ledger=ledger, list_name=chosen.slug, when=when, now=now
    )
    prepare.refuse_errors(prepared.errors)
    prepare.refuse_errors(prepare.preflight(prepared, ledger, now=now).findings)
    mailing_id = prepare.freeze(prepared, ledger, started_by="schedule", now=now)
    log.info("m%d: %s → %s is due", mailing_id, issue.id, chosen.slug)


# --- the daemon ----------------------------------------------------------------------------------


class Daemon:
    """Looks every few seconds and delivers what is due, until SIGINT or SIGTERM.

    Args:
        holder: this process's name from `ledger.liveness.hold`, held as long as the daemon lives.
    """

    def __init__(self, config: Config, ledger: Ledger, keyring: Keyring, *, holder: str) -> None:
        self._config = config
        self._ledger = ledger
        self._keyring = keyring
        self._holder = holder
        self._shift: Shift | None = None
        self._looking = asyncio.Lock()
        self._signals: list[int] = []

    async def run(self) -> int | None:
        """Run until told to stop; returns the second signal, if one cut the draining short."""
        self._over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        scheduler = AsyncIOScheduler(timezone="UTC")
        # A look that was late or still runs is simply the next look: nothing is queued up.
        scheduler.add_job(
            self._look,
            "interval",
            seconds=EVERY,
            next_run_time=moment(now()),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler.start()
        try:
            await self._over.wait()
            scheduler.pause()
            async with self._looking:
                pass  # the look that is under way has ended
        finally:
            scheduler.shutdown(wait=False)
        return self._signals[1] if len(self._signals) > 1 else None

    def _on_signal(self, number: int) -> None:
        self._signals.append(number)
        self._over.set()
        if self._shift is not None:
            self._shift.on_signal(number)

    async def _look(self) -> None:
        async with self._looking:
            if self._signals:
                return
            try:
                await self._deliver()
            except StoppedError as error:
                self._give_up(error)
            except MailerError as error:
                log.error("%s %s %s", error, error.where, error.detail)
            finally:
                self._shift = None

    async def _deliver(self) -> None:
        release(self._config, self._ledger, now=now())
        with self._ledger.read() as connection:
            if not something_to_do(connection, now=now()):
                return
        self._shift = Shift(
            self._config,
            self._ledger,
            self._keyring,
            holder=self._holder,
            patience=self._config.relay.max_wait,
        )
        report = await self._shift.run()
        for one in report.recovered:
            log.warning(
                "recovered m%d: %d returned to the queue, %d in doubt",
                one.mailing,
                one.returned,
                one.in_doubt,
            )
        for mailing_id in report.finished:
            log.info("m%d is sent", mailing_id)

    def _give_up(self, error: StoppedError) -> None:
        """The relay was down for `relay.max_wait`: pause what waits for it, and say so."""
        log.error("%s %s %s", error, error.where, error.detail)
        with self._ledger.write() as connection:
            for mailing_id in mailings.waiting(connection):
                mailings.set_state(
                    connection,
                    mailing_id,
                    MailingState.PAUSED,
                    actor="mailer",
                    now=now(),
                    reason=str(error),
                )
