"""Delivering in the foreground: signals, the live display, and watching another process do it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from mailer.cli import scene
from mailer.cli.account import summary
from mailer.cli.display import Display
from mailer.cli.ears import listening
from mailer.cli.logs import warnings_above
from mailer.cli.needs import DELIVERERS, next_steps
from mailer.delivery.shift import Shift
from mailer.errors import LockedError
from mailer.ledger import liveness, overview
from mailer.ledger.starting import Verdict
from mailer.model import MailingState, moment
from mailer.when import now

if TYPE_CHECKING:
    from mailer.cli.context import App
    from mailer.cli.ears import Ears
    from mailer.cli.scene import Scene
    from mailer.compose.links import Keyring
    from mailer.delivery.shift import Report
    from mailer.ledger.overview import Overview
    from mailer.model import HolderId, MailingId

OVER = (MailingState.SENT, MailingState.CANCELLED, MailingState.PAUSED, MailingState.MISSED)
DRAINS = "^C drains · again ^C stops now"
WATCHES = "^C stops watching only"
WAITS = "^C stops waiting only"


def deliver(app: App, mailing_id: MailingId, keyring: Keyring) -> Overview:
    """Deliver until every row is settled or deferred; while another process does it, watch it.

    Raises:
        MailerError: what stopped the run.
        click.exceptions.Exit: 130 or 143, a second signal stopped it at once; 130, Ctrl-C while
            watching, which the other process does not notice.
    """
    try:
        return _deliver(app, mailing_id, keyring)
    except KeyboardInterrupt:  # while it delivers itself, signals are its own affair
        app.say("Stopped watching; the other process goes on: mailer status")
        raise click.exceptions.Exit(128 + signal.SIGINT) from None


def _deliver(app: App, mailing_id: MailingId, keyring: Keyring) -> Overview:
    watching: Display | None = None
    while True:
        if watching is not None and _is_over(app, mailing_id, watching):
            return look(app, mailing_id)[0]
        try:
            with liveness.hold(app.ledger) as holder:
                report = turn(app, keyring, holder, mailing_id)
        except LockedError as error:
            if watching is None:
                app.say(f"{error.detail} is delivering; watching it.")
                watching = Display(app, keys=WATCHES)
            time.sleep(watching.pause)
        else:
            tell(app, report)
            one = look(app, mailing_id)[0]
            if report.drained or one.resume_at is None:
                return one
            _wait_for_canary(app, one)


def _wait_for_canary(app: App, one: Overview) -> None:
    """Until the rest may follow, or somebody else decides."""
    app.say("\n".join(f"→ {step}" for step in next_steps(one)))
    display = Display(app, keys=WAITS)
    try:
        while one.resume_at is not None and one.resume_at > now():
            time.sleep(display.pause)
            one, around = look(app, one.id)
            display.show(one, around)
    except KeyboardInterrupt:
        app.say(f"Stopped waiting; the rest follows by {DELIVERERS}")
        raise click.exceptions.Exit(128 + signal.SIGINT) from None


def turn(app: App, keyring: Keyring, holder: HolderId, shown: MailingId | None = None) -> Report:
    """Deliver everything that is due, and show how one mailing goes on, while signals are heard."""
    with listening() as ears:
        report = asyncio.run(_work(app, keyring, holder, shown, ears))
    # Also what was asked while the last picture was drawn: nobody waits for a canary then.
    return replace(report, drained=ears.have_heard)


async def _work(
    app: App, keyring: Keyring, holder: HolderId, shown: MailingId | None, ears: Ears
) -> Report:
    loop = asyncio.get_running_loop()
    shift = Shift(app.config, app.ledger, keyring, holder=holder)
    ears.tell(loop, shift.on_signal)
    display = Display(app, keys=DRAINS)
    with warnings_above(app, display.clear):
        if shown is None:
            return await shift.run()
        picture = loop.create_task(_follow(app, shown, display))
        try:
            return await shift.run()
        finally:
            picture.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await picture


async def _follow(app: App, mailing_id: MailingId, display: Display) -> None:
    try:
        while True:
            display.show(*look(app, mailing_id))
            await asyncio.sleep(display.pause)
    finally:
        display.show(*look(app, mailing_id), last=True)


def tell(app: App, report: Report) -> None:
    """What a turn did besides what the counts say."""
    for one in report.recovered:
        app.say(
            f"recovered m{one.mailing}: {one.returned:,} returned to the queue, "
            f"{one.in_doubt:,} in doubt"
        )
    for start in report.started:
        if start.verdict is not Verdict.START:
            app.say(f"▲ m{start.mailing}: {start}")
    if report.quota_until is not None:
        until = f"{moment(report.quota_until):%d %b %H:%M} UTC"
        app.say(f"▲ quota used up until {until}: {DELIVERERS} goes on then")
    if report.signal is not None:
        with app.ledger.read() as connection:
            left = [one for one in overview.overviews(connection) if one.state not in OVER]
        for stopped in left:
            # §2.1: what may arrive twice is told, also if it stands in the queue again already.
            again = f" · {stopped.resent:,} were in doubt and go again" if stopped.resent else ""
            app.say(f"stopped at once: {summary(stopped)}{again}")
        raise click.exceptions.Exit(128 + report.signal)


def _is_over(app: App, mailing_id: MailingId, watching: Display) -> bool:
    """Show what another process does; whether nothing is left to do now."""
    one, around = look(app, mailing_id)
    watching.show(one, around)
    waits = one.state in (MailingState.SCHEDULED, MailingState.WAITING)
    over = one.state in OVER and one.resume_at is None
    return over or (not waits and not _moves(one))


def _moves(one: Overview) -> bool:
    """Whether something is left that does not wait for its next try."""
    counts = one.counts
    return counts["sending"] + counts["claimed"] + counts["queued"] > one.deferred + one.held


def look(app: App, mailing_id: MailingId) -> tuple[Overview, Scene]:
    """A mailing and what surrounds it, at one moment."""
    with app.ledger.read() as connection:
        (one,) = overview.overviews(connection, only=mailing_id)
        return one, scene.look(app.config, app.ledger, connection)
