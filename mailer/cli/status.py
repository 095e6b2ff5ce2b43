"""`mailer status` and `mailer trace`: what was sent, what is left, what needs a human, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Verb
from mailer.errors import NotFoundError
from mailer.model import MailingState, moment

if TYPE_CHECKING:
    from mailer.ledger.overview import Overview
    from mailer.model import Instant

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


def iso(at: Instant | None) -> str | None:
    """An instant in RFC 3339, to the second."""
    return None if at is None else f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"


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
    from mailer.ledger import overview

    if not _has_ledger(app):
        raise _unknown(address)
    ledger = app.ledger
    with ledger.read() as connection:
        key = ledger.address_key(address)
        person = overview.person(connection, key)
        if person is None:
            raise _unknown(address)
        deliveries = list(overview.deliveries_of(connection, key))
    data = {
        "address": address,
        "subscriptions": person.subscriptions,
        "suppression": person.suppression,
        "deliveries": [
            {
                "mailing": f"m{row.mailing}",
                "issue": row.issue_slug,
                "state": row.state,
                "attempts": row.attempts,
                "revision": row.revision,
                "reply": row.reply,
                "class": row.bounce_class,
                "due_at": iso(row.due_at),
                "changed_at": iso(row.changed_at),
            }
            for row in deliveries
        ],
        "events": person.events,
    }
    app.emit("mailer.trace/1", data, _story(data))


def _story(data: dict[str, Any]) -> str:
    lines = [f" {data['address']}"]
    lines += [
        f"   {one['list']}: {one['state']} since {one['since']} ({one['source']})"
        for one in data["subscriptions"]
    ]
    if data["suppression"]:
        one = data["suppression"]
        lines.append(f"   suppressed {one['since']}: {one['class']} ({one['evidence']})")
    for one in data["deliveries"]:
        when = one["changed_at"] or "not yet"
        words = f' "{one["reply"]}"' if one["reply"] else ""
        attempts = f" · attempt {one['attempts']}" if one["attempts"] else ""
        lines.append(f" {one['mailing']} {one['issue']}   {when} {one['state']}{words}{attempts}")
    lines += [
        f" {one['at']}   {one['kind']} by {one['actor']} {_detail(one['detail'])}".rstrip()
        for one in data["events"]
    ]
    return "\n".join(lines)


def _detail(detail: dict[str, Any]) -> str:
    return json.dumps(detail, ensure_ascii=False) if detail else ""


def _has_ledger(app: App) -> bool:
    from mailer.ledger.database import exists

    return exists(app.config.database_url)


def _unknown(address: str) -> NotFoundError:
    return NotFoundError(
        "E911", f"{address} is not known here", next_step=f"mailer subscribers add {address}"
    )
