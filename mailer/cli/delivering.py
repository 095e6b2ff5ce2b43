"""Delivering in the foreground: signals, the live display, and watching another process do it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import click

from mailer.delivery.shift import Shift
from mailer.errors import LockedError
from mailer.ledger import liveness, overview
from mailer.model import MailingState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.cli.context import App
    from mailer.compose.links import Keyring
    from mailer.delivery.shift import Report
    from mailer.ledger.overview import Overview
    from mailer.model import MailingId

TERMINAL = 0.25  # seconds between two pictures on a terminal
LINES = 10.0  # seconds between two lines elsewhere
OVER = (MailingState.SENT, MailingState.CANCELLED, MailingState.PAUSED, MailingState.MISSED)
BAR = 24
WINDOW = 60.0  # seconds over which the rate is taken


def deliver(app: App, mailing_id: MailingId, keyring: Keyring) -> Overview:
    """Deliver until every row is settled or deferred; if a daemon delivers, watch it.

    Raises:
        MailerError: what stopped the run.
        click.exceptions.Exit: 130 or 143, a second signal stopped it at once.
    """
    display = Display(app, mailing_id)
    try:
        with liveness.hold(app.ledger) as holder:
            report = asyncio.run(_work(app, keyring, holder, display))
    except LockedError as error:
        app.say(f"{error.detail} is delivering; watching. Ctrl-C only stops watching.")
        _watch(app, mailing_id, display)
    else:
        _tell(app, report)
    return _look(app, mailing_id)


def deliver_due(app: App) -> list[dict[str, Any]]:
    """Everything that is due, once; says nothing when nothing is, or when another delivers."""
    from mailer import schedule
    from mailer.cli.status import as_data
    from mailer.compose.links import Keyring
    from mailer.config import require_secret

    keyring = Keyring(require_secret(app.config))
    try:
        with liveness.hold(app.ledger) as holder:
            schedule.release(app.config, app.ledger, now=now())
            with app.ledger.read() as connection:
                busy = schedule.something_to_do(connection, now=now())
            if not busy:
                return []
            _tell(app, asyncio.run(_work(app, keyring, holder, None)))
    except LockedError:
        return []
    with app.ledger.read() as connection:
        return [as_data(one) for one in overview.overviews(connection) if one.id in busy]


async def _work(app: App, keyring: Keyring, holder: str, display: Display | None) -> Report:
    loop = asyncio.get_running_loop()
    shift = Shift(app.config, app.ledger, keyring, holder=holder)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, shift.on_signal, number)
    if display is None:
        return await shift.run()
    picture = loop.create_task(display.follow())
    try:
        return await shift.run()
    finally:
        picture.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await picture


def _tell(app: App, report: Report) -> None:
    for one in report.recovered:
        app.say(
            f"recovered m{one.mailing}: {one.returned:,} returned to the queue, "
            f"{one.in_doubt:,} in doubt"
        )
    if report.signal is not None:
        raise click.exceptions.Exit(128 + report.signal)


def _watch(app: App, mailing_id: MailingId, display: Display) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while liveness.is_held(app.ledger):
            one = _look(app, mailing_id)
            display.show(one)
            if one.state in OVER or one.counts["queued"] == one.deferred:
                return
            time.sleep(display.pause)


def _look(app: App, mailing_id: MailingId) -> Overview:
    with app.ledger.read() as connection:
        return overview.overviews(connection, only=mailing_id)[0]


class Display:
    """What people see while it runs: a picture on a terminal, a line every 10 s elsewhere."""

    def __init__(self, app: App, mailing_id: MailingId) -> None:
        self._app = app
        self._mailing = mailing_id
        self._terminal = sys.stderr.isatty() and not app.quiet and not app.as_json
        self._seen: deque[tuple[float, int]] = deque()
        self._lines = 0
        self.pause = TERMINAL if self._terminal else LINES

    async def follow(self) -> None:
        """Show the mailing until cancelled."""
        try:
            while True:
                self.show(_look(self._app, self._mailing))
                await asyncio.sleep(self.pause)
        finally:
            self.show(_look(self._app, self._mailing))

    def show(self, one: Overview) -> None:
        """Show one picture or line."""
        moment, counts = time.monotonic(), one.counts
        self._seen.append((moment, one.settled))
        while moment - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        if not self._terminal:
            if len(self._seen) > 1:
                self._app.say(f"{one.name} {one.settled:,}/{one.recipients:,} {_counts(counts)}")
            return
        waiting = counts["queued"] + counts["claimed"]
        lines = [
            f" {one.name} {one.subject} → {one.list}   ^C drains · again ^C stops now",
            f" {_bar(one)}  {one.settled:,}/{one.recipients:,}{self._pace(one)}",
            f" {_counts(counts)}",
            f" queued {waiting:,} ({one.deferred:,} deferred)   {one.state}",
        ]
        up = f"\x1b[{self._lines}F" if self._lines else ""
        shown = [line[: shutil.get_terminal_size().columns] for line in lines]
        click.echo(up + "\n".join(f"\x1b[2K{line}" for line in shown), err=True, color=True)
        self._lines = len(lines)

    def _pace(self, one: Overview) -> str:
        (since, before), (moment, after) = self._seen[0], self._seen[-1]
        if moment - since < 1 or after <= before:
            return ""
        rate = (after - before) / (moment - since)
        left = round((one.recipients - one.settled) / rate)
        return f"  {rate:,.1f}/s  left {left // 60}:{left % 60:02}"


def _bar(one: Overview) -> str:
    done = round(BAR * one.settled / one.recipients) if one.recipients else BAR
    percent = 100 * one.settled // one.recipients if one.recipients else 100
    return "━" * done + "─" * (BAR - done) + f" {percent:3} %"


def _counts(counts: dict[str, int]) -> str:
    return (
        f"accepted {counts['accepted']:,} · rejected {counts['rejected']:,} · "
        f"cancelled {counts['cancelled']:,} · in doubt {counts['in_doubt']:,}"
    )
