"""`mailer status`: what was sent, what is left, what comes next, and what needs a human."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import scene
from mailer.cli.account import as_data
from mailer.cli.context import App, Verb
from mailer.cli.needs import next_steps
from mailer.cli.people import iso
from mailer.cli.reckoning import carriers, end, end_text
from mailer.cli.wrapping import wrapped
from mailer.ledger import overview, standing
from mailer.ledger.looking import looking
from mailer.ledger.variants import label
from mailer.model import MailingState
from mailer.schedule.due import Calendar
from mailer.when import describe, now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailer.cli.scene import Scene
    from mailer.errors import MailerError
    from mailer.ledger.overview import Overview
    from mailer.schedule.due import Upcoming

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
    seen = _look(app, name)
    data: dict[str, Any] = {"mailings": [as_data(one) for one in seen.mailings]}
    # Not None: nothing at all will be sent.
    data["refused"] = None if seen.refused is None else seen.refused.code
    if not name:
        data["upcoming"] = [_upcoming_data(one) for one in seen.coming]
    if seen.around is not None:
        data |= scene.as_data(seen.around)
    app.emit("mailer.status/1", data, _table(seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What there is to tell, at one moment.

    Attributes:
        mailings: the newest first.
        coming: what goes out by itself next.
        around: what surrounds them; None without a database.
        refused: why nothing is sent from this database; None if something may be.
    """

    mailings: Sequence[Overview] = ()
    coming: Sequence[Upcoming] = ()
    around: Scene | None = None
    refused: MailerError | None = None


def _look(app: App, name: str | None) -> _Seen:
    with looking(app.config.database_url, journal=app.config.journal) as ledger:
        if ledger is None:
            if name:
                raise overview.unknown(name)
            return _Seen()
        with ledger.read() as connection:
            one = [overview.find(connection, name)] if name else None
            found = one or overview.overviews(connection)
            around = scene.look(app.config, ledger, connection)
        return _Seen(
            mailings=found,
            coming=[] if name else Calendar(app.config, ledger).upcoming(now=now()),
            around=around,
            refused=standing.trouble(ledger, instance=app.config.instance, now=now()),
        )


# --- for programs --------------------------------------------------------------------------------


def _upcoming_data(one: Upcoming) -> dict[str, Any]:
    return {"issue": one.issue, "list": one.list.slug, "at": iso(one.at)}


# --- for people ----------------------------------------------------------------------------------


def _shares(variants: Mapping[str, int]) -> str:
    """How many get which variant: base 120 · language=de 40."""
    return " · ".join(f"{label(name)} {number:,}" for name, number in variants.items())


def _table(seen: _Seen) -> str:
    lines = [line for one in seen.mailings[:SHOWN] for line in _lines(one, seen.around)]
    if len(seen.mailings) > SHOWN:
        lines.append(f" …     {len(seen.mailings) - SHOWN:,} older ones: mailer status --json")
    lines = lines or [" Nothing was mailed yet."]
    for one in seen.coming:
        at = describe(one.at, zone=one.list.timezone, now=now())
        lines.append(f" next  {one.issue} → {one.list.slug}   ready   {at}")
    trouble = [] if seen.around is None else scene.trouble(seen.around)
    lines += [wrapped(f" {line}", STEPS) for line in trouble]
    asked = (wrapped(f" needs you   {need}", STEPS) for need in [*_needs(seen)] or ["nothing"])
    return "\n".join([*lines, *asked])


def _needs(seen: _Seen) -> Iterator[str]:
    if seen.refused is not None:
        step = " ".join(seen.refused.next.partition("\n")[0].split())
        yield f"{seen.refused}: {step}"
    delivering = seen.around is not None and seen.around.processes > 0
    for one in seen.mailings:
        for step in next_steps(one, delivering=delivering):
            yield f"{one.name}: {step}"


def _ends(one: Overview, around: Scene | None) -> str:
    """When it will have ended, where rates and quotas tell; none as long as nobody delivers."""
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
        lines.append(f"       variants {_shares(one.variants)}")
    if one.revisions:
        each = (f"r{number} {count:,}" for number, count in one.revisions.items())
        lines.append(f"       revisions {' · '.join(each)}")
    if one.corrects:
        lines.append(f"       corrects {one.corrects}")
    if one.state is MailingState.SCHEDULED:
        lines.append(f"       starts {describe(one.due_at, zone=one.zone, now=now())}")
    return lines
