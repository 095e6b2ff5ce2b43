"""`mailer pause`, `resume`, `cancel` and `retry`: an operator's word, which dispatchers obey."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Verb
from mailer.cli.status import as_data
from mailer.errors import SafetyError, UsageError
from mailer.model import DeliveryState, MailingState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.ledger.overview import Overview


def operator() -> str:
    """Who gives this command, for the history."""
    return getpass.getuser()


@click.command(cls=Verb)
@click.argument("mailing")
@click.pass_obj
def pause(app: App, mailing: str) -> None:
    """Stop a mailing for now, within one message per connection.

    \b
    mailer pause m42
    """
    _move(
        app,
        mailing,
        MailingState.PAUSED,
        allowed=(MailingState.SENDING, MailingState.WAITING, MailingState.SCHEDULED),
    )


@click.command(cls=Verb)
@click.argument("mailing")
@click.pass_obj
def resume(app: App, mailing: str) -> None:
    """Let a paused mailing go on; `mailer send --due` or `mailer run` delivers it.

    \b
    mailer resume m42
    """
    _move(app, mailing, MailingState.SENDING, allowed=(MailingState.PAUSED,))


def _move(app: App, name: str, state: MailingState, *, allowed: tuple[MailingState, ...]) -> None:
    from mailer.ledger import mailings, overview

    with app.ledger.write() as connection:
        before = overview.find(connection, name)
        if before.state is not state:
            _require(before, allowed)
            mailings.set_state(
                connection, before.id, state, actor=operator(), now=now(), reason=_reason(state)
            )
    _show(app, before.name)


def _reason(state: MailingState) -> str:
    return f"paused by {operator()}" if state is MailingState.PAUSED else ""


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

    with app.ledger.read() as connection:
        before = overview.find(connection, mailing)
    if before.state is not MailingState.CANCELLED:
        _require(before, mailings.OPEN)
        if before.started_at is not None:
            left = before.counts["queued"] + before.counts["claimed"]
            app.confirm(f"Cancel {before.name}? {left:,} will not get it.", yes=yes)
        with app.ledger.write() as connection:
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
    mailer retry m42 --in-doubt
    """
    from mailer.ledger import mailings, overview

    if failed == in_doubt:
        raise UsageError("E201", "Say which: --failed or --in-doubt")
    kind = DeliveryState.REJECTED if failed else DeliveryState.IN_DOUBT
    with app.ledger.write() as connection:
        before = overview.find(connection, mailing)
        if before.state is MailingState.CANCELLED:
            raise _refused(before)
        again = mailings.retry(connection, before.id, kind, actor=operator(), now=now())
    app.say(f"{before.name}: {again:,} queued again")
    _show(app, before.name)


def _require(before: Overview, allowed: tuple[MailingState, ...]) -> None:
    if before.state not in allowed:
        raise _refused(before)


def _refused(before: Overview) -> SafetyError:
    return SafetyError(
        "E711", f"{before.name} is {before.state}: this does not apply", next_step="mailer status"
    )


def _show(app: App, name: str) -> None:
    from mailer.ledger import overview

    with app.ledger.read() as connection:
        after = overview.find(connection, name)
    counts = after.counts
    text = (
        f"{after.name} {after.state}: {counts['accepted']:,} accepted · "
        f"{counts['queued'] + counts['claimed']:,} queued · {counts['sending']} on the way · "
        f"{counts['in_doubt']} in doubt"
    )
    app.emit("mailer.status/1", {"mailings": [as_data(after)]}, text)
