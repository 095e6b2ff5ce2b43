"""`mailer status` and `mailer trace`: what was sent, what is left, what needs a human, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Verb
from mailer.cli.people import iso
from mailer.cli.wrapping import wrapped
from mailer.ledger.variants import label
from mailer.model import MailingState, moment
from mailer.when import describe, now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.cli.scene import Scene
    from mailer.errors import MailerError
    from mailer.ledger.overview import Overview
    from mailer.model import Instant
    from mailer.schedule.due import Upcoming

ENDED = (MailingState.SENT, MailingState.CANCELLED, MailingState.MISSED)
DELIVERERS = "mailer run or mailer send --due"
STEPS = 13  # columns before what is needed
SHOWN = 10
"""So many mailings are listed for people; programs get them all."""


@click.command(cls=Verb)
@click.argument("name", required=False, metavar="[MAILING|ISSUE]")
@click.pass_obj
def status(app: App, name: str | None) -> None:
    """Counts of each mailing, what comes next, and what needs a human.

    \b
    mailer status
    mailer status m42 --json
    """
    from mailer.cli import scene
    from mailer.ledger import overview, standing
    from mailer.ledger.looking import looking
    from mailer.schedule.due import Calendar

    coming: list[Upcoming] = []
    around: Scene | None = None
    refused: MailerError | None = None
    with looking(app.config.database_url, journal=app.config.journal) as ledger:
        if ledger is None:
            shown = []
            if name:
                raise overview.unknown(name)
        else:
            with ledger.read() as connection:
                shown = (
                    [overview.find(connection, name)] if name else overview.overviews(connection)
                )
                around = scene.look(app.config, ledger, connection)
            refused = standing.trouble(ledger, instance=app.config.instance, now=now())
            coming = [] if name else Calendar(app.config, ledger).upcoming(now=now())
    data: dict[str, Any] = {"mailings": [as_data(one) for one in shown]}
    data["refused"] = None if refused is None else refused.code  # nothing at all will be sent
    if not name:
        data["upcoming"] = [_upcoming_data(one) for one in coming]
    if around is not None:
        data |= scene.as_data(around)
    needs = [
        f"{one.name}: {step}"
        for one in shown
        for step in next_steps(one, delivering=around is not None and around.processes > 0)
    ]
    app.emit("mailer.status/1", data, _table(shown, coming, needs, around, refused))


# --- for programs --------------------------------------------------------------------------------


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
        "held": one.held,
        "holds": dict(one.holds),
        "next_try_at": iso(one.next_try_at),
        "bounced": one.bounced,
        "resent": one.resent,
        "ever_in_doubt": one.ever_in_doubt,
        "reconciled": one.reconciled,
        "due_at": iso(one.due_at),
        "started_at": iso(one.started_at),
        "finished_at": iso(one.finished_at),
        "variants": {label(name): number for name, number in one.variants.items()},
        "revisions": {
            f"r{number}": count
            for number, count in (one.revisions or {one.revision: one.recipients}).items()
        },
        "canary": one.canary,
        "resume_at": iso(one.resume_at),
        "corrects": one.corrects,
    }


def _upcoming_data(one: Upcoming) -> dict[str, Any]:
    return {"issue": one.issue, "list": one.list.slug, "at": iso(one.at)}


# --- for people ----------------------------------------------------------------------------------


def stamp(at: Instant | None) -> str:
    """An instant to the minute."""
    return "" if at is None else f"{moment(at):%Y-%m-%d %H:%M} UTC"


def summary(one: Overview) -> str:
    """One mailing in one line."""
    counts = one.counts
    shown = {
        "accepted": counts["accepted"],
        "rejected": counts["rejected"],
        "cancelled": counts["cancelled"],
        "in doubt": counts["in_doubt"],
    }
    return f"{one.name} {one.state}: " + " · ".join(
        f"{number:,} {label}" for label, number in shown.items()
    )


def shares(variants: Mapping[str, int]) -> str:
    """How many get which variant: base 120 · language=de 40."""
    return " · ".join(f"{label(name)} {number:,}" for name, number in variants.items())


def next_steps(one: Overview, *, delivering: bool = False) -> list[str]:
    """What a mailing needs that does not go on by itself, as while somebody is delivering."""
    waiting = one.counts["queued"] + one.counts["claimed"]
    moving = waiting - one.deferred - one.held
    steps = [] if one.state in ENDED else list(_held(one))
    if one.state is MailingState.PAUSED:
        steps.append(_paused(one))
    elif one.state is MailingState.WAITING:
        why = f" ({one.reason})" if one.reason else ""
        steps.append(f"{waiting:,} wait for the relay{why}: {DELIVERERS}")
    elif one.state is MailingState.MISSED:
        again = f"mailer cancel {one.name}, then mailer send {one.issue}"
        steps.append(f"missed: {one.reason}: {again}")
    elif one.state is MailingState.SENDING and moving > 0 and not delivering:
        steps.append(f"{moving:,} left: {DELIVERERS}")
    if one.state is not MailingState.PAUSED and one.deferred and one.next_try_at is not None:
        at = now()
        again = describe(one.next_try_at, zone=one.zone, now=at) if one.next_try_at > at else "now"
        steps.append(f"{one.deferred:,} deferred, next try {again} by {DELIVERERS}")
    if one.counts["in_doubt"] and one.state is not MailingState.CANCELLED:
        number = one.counts["in_doubt"]
        steps.append(f"{number:,} in doubt: mailer retry {one.name} --in-doubt, or leave them")
    return steps


def _paused(one: Overview) -> str:
    from mailer.ledger import tally

    resume = f"mailer resume {one.name}"
    if one.resume_at is not None:
        again = describe(one.resume_at, zone=one.zone, now=now())
        by = f"goes on {again} by {DELIVERERS}, or now: {resume}"
        resume = f"{by}; not at all: mailer pause {one.name}"
    if one.reason.startswith(tally.SHARES):
        resume = tally.guard_steps(one.id)
    return f"paused: {one.reason or 'by an operator'}: {_mend(one.reason)}{resume}"


def _held(one: Overview) -> Iterator[str]:
    """The domains that wait for a person (decisions 16)."""
    for domain, reason in one.holds.items():
        yield (
            f"holds {domain}: {reason}: {_mend(reason)}mailer resume {one.name} --domain {domain}"
        )


def _mend(reason: str) -> str:
    """What to do first, where a provider's own code says what is wrong (standards §2.2)."""
    from mailer.bounces import providers

    hint = providers.find(reason)
    return "" if hint is None else f"{hint.mend}, then "


def _table(
    shown: list[Overview],
    coming: list[Upcoming],
    needs: list[str],
    around: Scene | None,
    refused: MailerError | None,
) -> str:
    from mailer.cli import scene

    trouble = [] if around is None else scene.trouble(around)
    lines = [line for one in shown[:SHOWN] for line in _lines(one, around)]
    if len(shown) > SHOWN:
        lines.append(f" …     {len(shown) - SHOWN:,} older ones: mailer status --json")
    lines = lines or [" Nothing was mailed yet."]
    for one in coming:
        at = describe(one.at, zone=one.list.timezone, now=now())
        lines.append(f" next  {one.issue} → {one.list.slug}   ready   {at}")
    if refused is not None:
        step = " ".join(refused.next.partition("\n")[0].split())
        needs = [f"{refused}: {step}", *needs]
    lines += [wrapped(f" {line}", STEPS) for line in trouble]
    asked = (wrapped(f" needs you   {need}", STEPS) for need in needs or ["nothing"])
    return "\n".join([*lines, *asked])


def _ends(one: Overview, around: Scene | None) -> str:
    """When it will have ended, where rates and quotas tell; none as long as nobody delivers."""
    from mailer.cli.reckoning import carriers, end, end_text

    if around is None or not around.processes or one.state is not MailingState.SENDING:
        return ""
    left = one.recipients - one.settled - one.held
    found = end(left, carriers(around.ways, one.list))
    if not left or found.seconds is None:
        return ""
    return f"   ends {end_text(found.seconds, now=around.at, zone=None)}"


def _lines(one: Overview, around: Scene | None) -> list[str]:
    counts = one.counts
    parts = [
        f"accepted {counts['accepted']:,}",
        f"rejected {counts['rejected']:,}",
        f"in doubt {counts['in_doubt']:,}",
    ]
    optional = {
        "cancelled": counts["cancelled"],
        "deferred": one.deferred,
        "held": one.held,
        "bounced": one.bounced,
        "resent": one.resent,
        "ever in doubt": one.ever_in_doubt,
        "reconciled": one.reconciled,
    }
    parts += [f"{label} {number:,}" for label, number in optional.items() if number]
    done = f"{one.settled:,}/{one.recipients:,}"
    if not one.revision:
        # A replay made it for its number (interface §1.6 D); who has it is kept with its issue.
        return [f" {one.name:<5} {one.issue} → {one.list}   {one.reason}"]
    lines = [
        f" {one.name:<5} {one.issue} → {one.list}   {one.state}   {done}{_ends(one, around)}",
        f"       {' · '.join(parts)}",
    ]
    if one.variants:
        lines.append(f"       variants {shares(one.variants)}")
    if one.revisions:
        each = (f"r{number} {count:,}" for number, count in one.revisions.items())
        lines.append(f"       revisions {' · '.join(each)}")
    if one.corrects:
        lines.append(f"       corrects {one.corrects}")
    if one.state is MailingState.SCHEDULED:
        lines.append(f"       starts {describe(one.due_at, zone=one.zone, now=now())}")
    return lines


# --- trace ---------------------------------------------------------------------------------------


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
    from mailer.ledger.holds import HELD
    from mailer.ledger.looking import looking

    with people.understood(address), looking(app.config.database_url) as ledger:
        story = None if ledger is None else roster.show(ledger, address)
        if story is None or ledger is None:
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
            "variant": label(row.variant) if row.variant else "",
            "reply": row.reply,
            "class": row.bounce_class,
            "due_at": None if row.due_at == HELD else people.iso(row.due_at),
            "held": row.due_at == HELD,
            # S-31: who was put off for as long as a delivery may be is rejected by a 4yz.
            "expired": row.state == "rejected" and (row.reply or "").startswith("4"),
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
    variant = f" · {one['variant']}" if one["variant"] else ""
    due = f" · next try {one['due_at']}" if one["due_at"] else ""
    due = " · held: its domain waits for a person" if one["held"] else due
    expired = " as expired" if one["expired"] else ""
    when = f"{one['changed_at']} " if one["changed_at"] else ""
    return (
        f"  {one['mailing']} {one['issue']}  {when}{one['state']}{expired}{words}{variant}"
        f"{attempts}{due}"
    )
