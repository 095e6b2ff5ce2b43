"""`mailer pause`, `resume`, `cancel` and `retry`: an operator's word, which dispatchers obey."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Final

import click

from mailer.address import domain_of
from mailer.cli.account import as_data
from mailer.cli.context import App, Verb
from mailer.cli.needs import next_steps
from mailer.cli.people import understood
from mailer.cli.wrapping import wrapped
from mailer.errors import NotFoundError, SafetyError, UsageError
from mailer.model import BounceClass, DeliveryState, MailingState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview


ANSWERS: Final = 5.0
"""Seconds that `pause` waits for the answers to what is on its way: its counts are exact then."""

LOOK: Final = 0.1
"""Seconds between two looks."""

CLASSES: Final = {
    "address": BounceClass.HARD_ADDRESS,
    "domain": BounceClass.HARD_DOMAIN,
    "inactive": BounceClass.INACTIVE,
    "full": BounceClass.MAILBOX_FULL,
    "sender": BounceClass.SENDER_FAULT,
    "network": BounceClass.NETWORK,
    "protocol": BounceClass.PROTOCOL,
    **{str(known): known for known in BounceClass},
}
"""What a person types for a class of failures, besides the name that `trace` shows."""


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

    with ledger_of(app, mailing).write() as connection:
        before = overview.find(connection, mailing)
        # One that would go on by itself behind its canary does so no more.
        if before.state is not MailingState.PAUSED or before.resume_at is not None:
            _require(before, mailings.OPEN, "be paused")
            mailings.set_state(
                connection,
                before.id,
                MailingState.PAUSED,
                actor=operator(),
                now=now(),
                reason=f"paused by {operator()}",
            )
    _wait_for_answers(app, before.name)
    _show(app, before.name)


def _wait_for_answers(app: App, name: str) -> None:
    """What is on its way has its answer within a round trip; who delivers may also be dead."""
    from mailer.ledger import overview

    until = time.monotonic() + ANSWERS
    while time.monotonic() < until:
        with app.ledger.read() as connection:
            if not overview.find(connection, name).counts["sending"]:
                return
        time.sleep(LOOK)


@click.command(cls=Verb)
@click.argument("mailing")
@click.option("--revision", "ref", metavar="REF", help="With the issue corrected: . or a commit.")
@click.option("--domain", metavar="D", default="", help="Only go on with a domain that is held.")
@click.option("--yes", is_flag=True, help="Do not ask about a revision.")
@click.pass_obj
def resume(app: App, mailing: str, *, ref: str | None, domain: str, yes: bool) -> None:
    """Let a paused mailing go on; `mailer run` or `mailer send --due` delivers it.

    With --revision, those who are left get the issue as its files are now (.) or were at a commit;
    what changes is shown first. With --domain, a mailing that holds a domain mails it again.

    \b
    mailer resume m42
    mailer resume m42 --domain gmail.com
    mailer resume m42 --revision HEAD
    """
    from mailer.ledger import overview, starting

    ledger = ledger_of(app, mailing)
    if domain:
        if ref is not None:
            raise UsageError(
                "E013",
                "--domain goes on with one domain, --revision with everybody who is left",
                next_step="one after the other",
            )
        before = _release(ledger, mailing, _a_label(domain))
    elif ref is not None:
        from mailer.cli.revising import revise

        with ledger.read() as connection:
            before = overview.find(connection, mailing)
        runs = before.state in (MailingState.SENDING, MailingState.WAITING)
        step = f"mailer pause {before.name}, then the same command again" if runs else ""
        _require(before, (MailingState.PAUSED,), "be given a revision", step)
        revise(app, before, ref, yes=yes, operator=operator())
    else:
        with ledger.write() as connection:
            before = overview.find(connection, mailing)
            _require(before, (MailingState.PAUSED,), "be resumed")
            starting.resume(connection, before.id, actor=operator(), now=now())
    _show(app, before.name)


def _release(ledger: Ledger, name: str, domain: str) -> Overview:
    from mailer.ledger import holds, mailings, overview

    with ledger.write() as connection:
        before = overview.find(connection, name)
        _require(before, mailings.OPEN, "mail a domain again")
        if not holds.release(connection, before.id, domain, operator(), now()):
            raise NotFoundError(
                "E914",
                f"{before.name} does not hold {domain}",
                detail=f"It holds {', '.join(before.holds) or 'no domain'}.",
                next_step=f"mailer status {before.name}",
            )
        return before


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

    endable = (*mailings.OPEN, MailingState.MISSED)
    ledger = ledger_of(app, mailing)
    with ledger.read() as connection:
        before = overview.find(connection, mailing)
    if before.state is not MailingState.CANCELLED:
        _require(before, endable, "be cancelled")
        if before.started_at is not None:
            left = before.counts["queued"] + before.counts["claimed"]
            app.confirm(f"Cancel {before.name}? {left:,} will not get it.", yes=yes)
        with ledger.write() as connection:
            _require(overview.find(connection, before.name), endable, "be cancelled")
            mailings.cancel(connection, before.id, actor=operator(), now=now())
    _show(app, before.name)


@click.command(cls=Verb)
@click.argument("mailing")
@click.option("--failed", is_flag=True, help="Rejected, or accepted and since bounced.")
@click.option("--in-doubt", is_flag=True, help="Those whose fate is unknown.")
@click.option(
    "--class", "class_name", type=click.Choice(list(CLASSES)), help="Only those that failed so."
)
@click.option("--domain", metavar="D", default="", help="Only those at this domain.")
@click.pass_obj
def retry(
    app: App, mailing: str, *, failed: bool, in_doubt: bool, class_name: str | None, domain: str
) -> None:
    """Queue failed or doubtful deliveries again; never those suppressed or gone.

    \b
    mailer retry m42 --failed
    mailer retry m42 --failed --class full --domain example.org
    mailer retry m42 --in-doubt
    """
    from mailer.ledger import mailings, overview, retrying

    if failed == in_doubt:
        raise UsageError(
            "E006",
            "Say which: --failed or --in-doubt",
            next_step=f"mailer status {mailing} shows how many there are",
        )
    if in_doubt and class_name:
        raise UsageError(
            "E006",
            "--class says how deliveries failed; of those in doubt nobody knows whether they did",
            next_step=f"mailer retry {mailing} --in-doubt",
        )
    kind = DeliveryState.REJECTED if failed else DeliveryState.IN_DOUBT
    with ledger_of(app, mailing).write() as connection:
        before = overview.find(connection, mailing)
        _require(before, (*mailings.OPEN, MailingState.SENT), "be tried again")
        again = retrying.retry(
            connection,
            before.id,
            kind,
            actor=operator(),
            now=now(),
            bounce_class=CLASSES[class_name] if class_name else None,
            domain=_a_label(domain) if domain else "",
        )
    app.say(f"{before.name}: {again:,} queued again")
    _show(app, before.name)


def _a_label(typed: str) -> str:
    """A domain as deliveries have it: lower case, in ASCII, whether an @ was typed or not."""
    with understood(typed):
        return domain_of(f"@{typed.removeprefix('@')}")


def ledger_of(app: App, name: str) -> Ledger:
    """The ledger, which is not made for the sake of a mailing that cannot be in it."""
    from mailer.ledger.database import exists
    from mailer.ledger.overview import unknown

    if not exists(app.config.database_url):
        raise unknown(name)
    return app.ledger


def _require(
    before: Overview, allowed: tuple[MailingState, ...], what: str, step: str = ""
) -> None:
    if before.state not in allowed:
        raise SafetyError(
            "E711",
            f"{before.name} is {before.state}",
            detail=f"Only a mailing that is {_either(allowed)} can {what}.",
            next_step=step or f"mailer status {before.name}",
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
    text = "\n".join([text, *(wrapped(f"→ {step}", 2) for step in next_steps(after))])
    app.emit("mailer.status/1", {"mailings": [as_data(after)]}, text)
