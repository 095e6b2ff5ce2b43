"""`mailer pause`, `resume`, `cancel` and `retry`: an operator's word, which dispatchers obey."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Verb
from mailer.cli.status import as_data, next_steps
from mailer.errors import SafetyError, UsageError
from mailer.model import DeliveryState, MailingState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview


def operator() -> str:
    """Who gives this command, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "operator"


@click.command(cls=Verb)
@click.argument("mailing")
@click.pass_obj
def pause(app: App, mailing: str) -> None:
    """Stop a mailing for now, within one message per connection.

    \b
    mailer pause m42
    """
    from mailer.ledger import mailings, overview

    with _ledger(app, mailing).write() as connection:
        before = overview.find(connection, mailing)
        if before.state is not MailingState.PAUSED:
            _require(before, mailings.OPEN, "be paused")
            mailings.set_state(
                connection,
                before.id,
                MailingState.PAUSED,
                actor=operator(),
                now=now(),
                reason=f"paused by {operator()}",
            )
    _show(app, before.name)


@click.command(cls=Verb)
@click.argument("mailing")
@click.pass_obj
def resume(app: App, mailing: str) -> None:
    """Let a paused mailing go on; `mailer run` or `mailer send --due` delivers it.

    \b
    mailer resume m42
    """
    from mailer.ledger import mailings, overview

    with _ledger(app, mailing).write() as connection:
        before = overview.find(connection, mailing)
        _require(before, (MailingState.PAUSED,), "be resumed")
        # One that had not begun goes back to waiting for its time.
        started = before.started_at is not None
        state = MailingState.SENDING if started else MailingState.SCHEDULED
        mailings.set_state(connection, before.id, state, actor=operator(), now=now())
    _show(app, before.name)


@click.command(cls=Verb)
@click.argument("mailing")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def cancel(app: App, mailing: str, *, yes: bool) -> None:
    """End a mailing for good; who has it already keeps it.

    \b
    mailer cancel m42
    """
    from mailer.ledger import mailings, overview

    ledger = _ledger(app, mailing)
    with ledger.read() as connection:
        before = overview.find(connection, mailing)
    if before.state is not MailingState.CANCELLED:
        _require(before, mailings.OPEN, "be cancelled")
        if before.started_at is not None:
            left = before.counts["queued"] + before.counts["claimed"]
            app.confirm(f"Cancel {before.name}? {left:,} will not get it.", yes=yes)
        with ledger.write() as connection:
            _require(overview.find(connection, before.name), mailings.OPEN, "be cancelled")
            mailings.cancel(connection, before.id, actor=operator(), now=now())
    _show(app, before.name)


@click.command(cls=Verb)
@click.argument("mailing")
@click.option("--failed", is_flag=True, help="Rejected, or accepted and since bounced.")
@click.option("--in-doubt", is_flag=True, help="Those whose fate is unknown.")
@click.pass_obj
def retry(app: App, mailing: str, *, failed: bool, in_doubt: bool) -> None:
    """Queue failed or doubtful deliveries again; never those suppressed or gone.

    \b
    mailer retry m42 --failed
    mailer retry m42 --in-doubt
    """
    from mailer.ledger import mailings, overview, retrying

    if failed == in_doubt:
        raise UsageError(
            "E006",
            "Say which: --failed or --in-doubt",
            next_step=f"mailer status {mailing} shows how many there are",
        )
    kind = DeliveryState.REJECTED if failed else DeliveryState.IN_DOUBT
    with _ledger(app, mailing).write() as connection:
        before = overview.find(connection, mailing)
        _require(before, (*mailings.OPEN, MailingState.SENT), "be tried again")
        again = retrying.retry(connection, before.id, kind, actor=operator(), now=now())
    app.say(f"{before.name}: {again:,} queued again")
    _show(app, before.name)


def _ledger(app: App, name: str) -> Ledger:
    """The ledger, which is not made for the sake of a mailing that cannot be in it."""
    from mailer.ledger.database import exists
    from mailer.ledger.overview import unknown

    if not exists(app.config.database_url):
        raise unknown(name)
    return app.ledger


def _require(before: Overview, allowed: tuple[MailingState, ...], what: str) -> None:
    if before.state not in allowed:
        raise SafetyError(
            "E711",
            f"{before.name} is {before.state}",
            detail=f"Only a mailing that is {_either(allowed)} can {what}.",
            next_step=f"mailer status {before.name}",
        )


def _either(states: tuple[MailingState, ...]) -> str:
    *others, last = states
    return f"{', '.join(others)} or {last}" if others else str(last)


def _show(app: App, name: str) -> None:
    from mailer.ledger import overview

    with app.ledger.read() as connection:
        after = overview.find(connection, name)
    counts = after.counts
    text = (
        f"{after.name} {after.state}: {counts['accepted']:,} accepted · "
        f"{counts['queued'] + counts['claimed']:,} queued · {counts['sending']:,} on the way · "
        f"{counts['in_doubt']:,} in doubt"
    )
    text = "\n".join([text, *(f"→ {step}" for step in next_steps(after))])
    app.emit("mailer.status/1", {"mailings": [as_data(after)]}, text)
