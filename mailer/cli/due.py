"""`mailer send --due`: everything that is due, once.

Cron asks every minute and nearly always in vain: what delivers is imported when something is due.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from mailer.config import require_secret
from mailer.errors import LockedError, StoppedError
from mailer.ledger import liveness, overview, standing
from mailer.ledger.database import exists
from mailer.schedule.due import Calendar, something_to_do
from mailer.when import now

if TYPE_CHECKING:
    from mailer.cli.context import App
    from mailer.ledger.overview import Overview
    from mailer.model import HolderId, MailingId


def send_due(app: App) -> int:
    """Everything that is due, once; silent when nothing is, or when another process delivers.

    Returns:
        The exit code.
    """
    require_secret(app.config)
    moved: list[Overview] = []
    drained = False
    if exists(app.config.database_url):
        with contextlib.suppress(LockedError), liveness.hold(app.ledger) as holder:
            if busy := _busy(app):
                moved, drained = _deliver(app, holder, busy)
    _say(app, moved)
    return StoppedError.exit if drained else 0


def _busy(app: App) -> set[MailingId]:
    standing.admit(app.ledger, instance=app.config.instance, now=now())
    Calendar(app.config, app.ledger).release(now=now())
    with app.ledger.read() as connection:
        return something_to_do(connection, now=now())


def _deliver(app: App, holder: HolderId, busy: set[MailingId]) -> tuple[list[Overview], bool]:
    from mailer.cli import delivering
    from mailer.compose.links import Keyring

    report = delivering.turn(app, Keyring(require_secret(app.config)), holder)
    delivering.tell(app, report)
    with app.ledger.read() as connection:
        moved = [one for one in overview.overviews(connection) if one.id in busy]
    return moved, report.drained


def _say(app: App, moved: list[Overview]) -> None:
    if not (moved or app.as_json):
        return
    from mailer.cli.account import as_data, summary
    from mailer.cli.needs import next_steps

    for one in moved:
        app.say("\n".join([summary(one), *(f"→ {step}" for step in next_steps(one))]))
    if app.as_json:
        app.emit("mailer.send-due/1", {"mailings": [as_data(one) for one in moved]}, "")
