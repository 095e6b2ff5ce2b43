"""`mailer status` and `mailer trace`: what was sent, what is left, what needs a human, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Verb
from mailer.cli.people import iso
from mailer.model import MailingState

if TYPE_CHECKING:
    from mailer.ledger.overview import Overview

# What a person is told to do about a state that does not go on by itself.
NEEDS = {
    MailingState.PAUSED: "mailer resume {name}",
    MailingState.WAITING: "mailer send --due, when the relay is back",
    MailingState.MISSED: "mailer send {issue}",
}


@click.command(cls=Verb)
@click.argument("name", required=False, metavar="[MAILING|ISSUE]")
@click.pass_obj
def status(app: App, name: str | None) -> None:
    """Counts of each mailing, what comes next, and what needs a human.

    \b
    mailer status
    mailer status m42 --json
    """
    from mailer.ledger import overview

    if not _has_ledger(app):
        app.emit("mailer.status/1", {"mailings": []}, "Nothing was mailed yet.")
        return
    with app.ledger.read() as connection:
        shown = [overview.find(connection, name)] if name else list(overview.overviews(connection))
    data = {"mailings": [as_data(one) for one in shown]}
    app.emit("mailer.status/1", data, _table(shown) if shown else "Nothing was mailed yet.")


def as_data(one: Overview) -> dict[str, Any]:
    """A mailing as `mailer.status/1` has it; the counts add up to `recipients`."""
    return {
        "id": one.name,
        "issue": one.issue,
        "list": one.list,
        "state": one.state,
        "reason": one.reason,
        "recipients": one.recipients,
        "counts": one.counts,
        "deferred": one.deferred,
        "next_try_at": iso(one.next_try_at),
        "bounced": one.bounced,
        "resent": one.resent,
        "ever_in_doubt": one.ever_in_doubt,
        "due_at": iso(one.due_at),
        "started_at": iso(one.started_at),
        "finished_at": iso(one.finished_at),
    }


def _table(shown: list[Overview]) -> str:
    lines = []
    for one in shown:
        counts = one.counts
        parts = [f"{key.replace('_', ' ')} {counts[key]:,}" for key in ("accepted", "rejected")]
        parts += [f"in doubt {counts['in_doubt']:,}"]
        optional = {
            "cancelled": counts["cancelled"],
            "deferred": one.deferred,
            "bounced": one.bounced,
            "resent": one.resent,
        }
        parts += [f"{label} {number:,}" for label, number in optional.items() if number]
        lines.append(
            f" {one.name:<4} {one.issue} → {one.list}   {one.state:<9} "
            f"{one.settled:,}/{one.recipients:,}   {' · '.join(parts)}"
        )
        if one.reason:
            lines.append(f"      {one.reason}")
    needs = [
        f" needs you  {one.name}: {NEEDS[one.state].format(name=one.name, issue=one.issue)}"
        for one in shown
        if one.state in NEEDS
    ]
    needs += [
        f" needs you  {one.name}: {one.counts['in_doubt']} in doubt: mailer retry {one.name} "
        "--in-doubt, or leave them"
        for one in shown
        if one.counts["in_doubt"] and one.state is not MailingState.CANCELLED
    ]
    return "\n".join([*lines, *(needs or [" needs you  nothing"])])


@click.command(cls=Verb)
@click.argument("address")
@click.pass_obj
def trace(app: App, address: str) -> None:
    """One person's whole story: subscriptions, every delivery, and why not.

    \b
    mailer trace ann@example.org
    """
    from mailer.cli import people
    from mailer.ledger import overview, roster

    if not _has_ledger(app):
        raise people.unknown(address)
    ledger = app.ledger
    with people.understood(address):
        story = roster.show(ledger, address)
    if story is None:
        raise people.unknown(address)
    with ledger.read() as connection:
        found = list(overview.deliveries_of(connection, ledger.address_key(address)))
    deliveries = [
        {
            "mailing": f"m{row.mailing}",
            "issue": row.issue_slug,
            "state": row.state,
            "attempts": row.attempts,
            "revision": row.revision,
            "reply": row.reply,
            "class": row.bounce_class,
            "due_at": people.iso(row.due_at),
            "changed_at": people.iso(row.changed_at),
        }
        for row in found
    ]
    data = {**people.story_data(story), "deliveries": deliveries}
    lines = [people.story_text(address, story), *map(_delivery_text, deliveries)]
    app.emit("mailer.trace/1", data, "\n".join(lines))


def _delivery_text(one: dict[str, Any]) -> str:
    words = f' "{one["reply"]}"' if one["reply"] else ""
    attempts = f" · attempt {one['attempts']} · r{one['revision']}" if one["attempts"] else ""
    due = f" · next try {one['due_at']}" if one["due_at"] else ""
    when = one["changed_at"] or "not yet"
    return f"  {one['mailing']} {one['issue']}  {when} {one['state']}{words}{attempts}{due}"


def _has_ledger(app: App) -> bool:
    from mailer.ledger.database import exists

    return exists(app.config.database_url)
