"""`mailer watch`: how a mailing goes on, whoever delivers it, from any terminal."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Verb
from mailer.errors import NotFoundError, StoppedError
from mailer.model import MailingState

if TYPE_CHECKING:
    from mailer.ledger.overview import Overview

SCHEMA = "mailer.watch/1"


@click.command(cls=Verb)
@click.argument("name", required=False, metavar="[MAILING|ISSUE]")
@click.pass_obj
def watch(app: App, name: str | None) -> int:
    """The live picture of a mailing until it is over or paused; without MAILING the one under way.

    It only looks: Ctrl-C ends the picture, not the mailing.

    \b
    mailer watch
    mailer watch m42 --json
    """
    from mailer.cli.account import as_data, summary
    from mailer.cli.delivering import OVER, WATCHES, look
    from mailer.cli.display import Display
    from mailer.cli.needs import next_steps

    chosen = _chosen(app, name)
    display = Display(app, keys=WATCHES, schema=SCHEMA, at_once=True)
    try:
        one, scene = look(app, chosen.id)
        while one.state not in OVER:
            display.show(one, scene)
            time.sleep(display.pause)
            one, scene = look(app, chosen.id)
    except KeyboardInterrupt:
        app.say(f"Stopped watching; {chosen.name} goes on: mailer watch {chosen.name}")
        raise click.exceptions.Exit(128 + signal.SIGINT) from None
    display.show(one, scene, last=True)
    text = "\n".join([summary(one), *(f"→ {step}" for step in next_steps(one))])
    app.emit(SCHEMA, {"type": "result", "mailing": as_data(one)}, text)
    done = one.state in (MailingState.SENT, MailingState.CANCELLED)
    return 0 if done else StoppedError.exit


def _chosen(app: App, name: str | None) -> Overview:
    """The mailing of that name, or the newest that is under way.

    Raises:
        NotFoundError: E910 no such mailing, E915 none is under way.
    """
    from mailer.ledger import overview
    from mailer.ledger.database import exists
    from mailer.ledger.mailings import LIVE

    if not exists(app.config.database_url):
        raise overview.unknown(name) if name else _nothing()
    with app.ledger.read() as connection:
        if name:
            return overview.find(connection, name)
        under_way = [one for one in overview.overviews(connection) if one.state in LIVE]
    if not under_way:
        raise _nothing()
    return under_way[0]


def _nothing() -> NotFoundError:
    return NotFoundError(
        "E915",
        "Nothing is being sent",
        next_step="mailer status shows what was sent and what comes next",
    )
