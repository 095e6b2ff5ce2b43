"""`mailer send`: mail an issue to a list, show what would happen, or mail test copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Verb
from mailer.errors import FAILED_DELIVERIES, NotFoundError, SafetyError, StoppedError, UsageError
from mailer.model import MailingState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview
    from mailer.model import MailingId
    from mailer.prepare import Prepared


@click.command(cls=Verb)
@click.argument("issue", required=False)
@click.option("--list", "list_name", metavar="L", help="The list to mail to.")
@click.option("--dry-run", is_flag=True, help="Show the complete truth; send nothing.")
@click.option("--out", type=click.Path(path_type=Path), help="Samples of a dry run go here.")
@click.option("--to", multiple=True, metavar="ADDRESS|@GROUP", help="Mail a test copy.")
@click.option("--at", metavar="TIME", help='Start then: "thu 9:00", "in 2h".')
@click.option("--due", is_flag=True, help="Deliver everything that is due, then exit.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expect", type=int, metavar="N", help="Refuse unless about N people get it.")
@click.pass_obj
def send(
    app: App,
    issue: str | None,
    list_name: str | None,
    *,
    dry_run: bool,
    out: Path | None,
    to: tuple[str, ...],
    at: str | None,
    due: bool,
    yes: bool,
    expect: int | None,
) -> int:
    """Mail an issue to a list; without ISSUE the newest that waits to be mailed.

    \b
    mailer send winter --dry-run
    mailer send winter --to me@example.org
    mailer send winter --at "thu 9:00"
    mailer send --due                          # for cron: silent when nothing is due
    """
    _refuse_contradictions(issue=issue, dry_run=dry_run, to=to, at=at, due=due, out=out)
    if due:
        return _send_due(app)
    prepared = _prepare(app, issue, list_name, at, test=bool(to))
    if dry_run:
        return _dry_run(app, prepared, out)
    if to:
        return _test_copies(app, prepared, to)
    return _mail(app, prepared, yes=yes, expect=expect)


def _refuse_contradictions(
    *,
    issue: str | None,
    dry_run: bool,
    to: tuple[str, ...],
    at: str | None,
    due: bool,
    out: Path | None,
) -> None:
    if due and (issue or dry_run or to or at):
        raise UsageError("E203", "--due stands alone: it delivers what was decided before")
    if to and (dry_run or at):
        raise UsageError("E203", "--to sends test copies now: without --dry-run and --at")
    if out and not dry_run:
        raise UsageError("E203", "--out is where the samples of a --dry-run go")


def _prepare(
    app: App, name: str | None, list_name: str | None, at: str | None, *, test: bool
) -> Prepared:
    from mailer import prepare
    from mailer.check.issue import choose_list
    from mailer.when import parse_when

    ledger = existing_ledger(app)
    issue = prepare.pick_issue(app.config, ledger, name)
    zone = choose_list(issue, app.config.lists, list_name).timezone
    when = parse_when(at, zone=zone, now=now()) if at else None
    if when is not None and when.twice:
        app.say(f"▲ {when.wall} exists twice in {when.zone}; the first one is meant")
    return prepare.prepare(
        app.config, issue, ledger=ledger, list_name=list_name, when=when, now=now(), test=test
    )


def existing_ledger(app: App) -> Ledger | None:
    """The ledger for reading only; None if there is no database yet: nothing is created."""
    from mailer.ledger import open_ledger

    try:
        return open_ledger(app.config.database_url, read_only=True)
    except NotFoundError:
        return None


# --- dry run -------------------------------------------------------------------------------------


def _dry_run(app: App, prepared: Prepared, out: Path | None) -> int:
    from mailer import prepare
    from mailer.cli import panel

    ledger = existing_ledger(app)
    folder = out or app.config.root / "out" / prepared.issue.id
    audience = prepare.count_audience(prepared, ledger, now=now())
    composed = prepare.preflight(prepared, ledger, now=now(), samples=prepare.SAMPLES)
    for number, (_, message) in enumerate(composed.samples, start=1):
        prepare.write_parts(folder, f"sample-{number}", message)
    prepare.write_excluded(folder / "excluded.csv", prepared, ledger, now=now())
    truth = panel.Truth(
        prepared=prepared,
        audience=audience,
        composed=composed,
        domains=prepare.domains(ledger, prepared, now=now()),
        relay=app.config.relay,
        folder=folder,
    )
    app.emit("mailer.dry-run/1", panel.as_data(truth, now=now()), panel.as_text(truth, now=now()))
    return 3 if truth.errors else 0


# --- test copies ---------------------------------------------------------------------------------


def _test_copies(app: App, prepared: Prepared, to: tuple[str, ...]) -> int:
    import asyncio

    from mailer import prepare
    from mailer.delivery import direct

    prepare.refuse_errors(prepared.errors)
    addresses = _addresses(app.config, to)
    messages = prepare.test_copies(prepared, existing_ledger(app), addresses, now=now())
    results = asyncio.run(direct.hand_over(app.config.relay, messages))
    copies = [
        {"address": message.rcpt_to, "accepted": accepted, "reply": said}
        for message, accepted, said in results
    ]
    lines = [
        f"test copy to {copy['address']} "
        f"{'accepted' if copy['accepted'] else 'refused'} by {app.config.relay.name}: "
        f"{copy['reply']}"
        for copy in copies
    ]
    app.emit("mailer.test-copies/1", {"copies": copies}, "\n".join(lines))
    return 0 if all(copy["accepted"] for copy in copies) else 1


def _addresses(config: Config, to: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for one in to:
        if not one.startswith("@"):
            found.append(one)
        elif one[1:] in config.groups:
            found.extend(config.groups[one[1:]])
        else:
            raise NotFoundError(
                "E912",
                f"There is no group {one}",
                detail=f"Groups: {', '.join(config.groups) or 'none'}",
                next_step=f'[groups] {one[1:]} = ["me@example.org"] in mailer.toml',
            )
    return tuple(dict.fromkeys(found))


# --- the mailing ---------------------------------------------------------------------------------


def _mail(app: App, prepared: Prepared, *, yes: bool, expect: int | None) -> int:
    from mailer.ledger import overview

    with app.ledger.read() as connection:
        before = overview.of_issue(
            connection, issue_slug=prepared.issue.id, list_slug=prepared.list.slug
        )
    mailing_id = _begin(app, prepared, yes=yes, expect=expect) if before is None else before.id
    if before is not None and not _continues(app, before):
        return 0
    if prepared.when is not None and before is None:
        _say_scheduled(app, mailing_id)
        return 0
    return _deliver(app, mailing_id, prepared)


def _continues(app: App, before: Overview) -> bool:
    """Whether an issue that was mailed before has a mailing to go on with."""
    from mailer.cli.people import iso
    from mailer.cli.status import as_data

    if before.state is MailingState.PAUSED:
        raise StoppedError(
            "E712",
            f"{before.name} is paused",
            detail=before.reason,
            next_step=f"mailer resume {before.name}",
        )
    if before.state in (MailingState.SENDING, MailingState.WAITING):
        return True
    if before.state is MailingState.SCHEDULED:
        if before.due_at <= now():
            return True
        text = f"{before.name} is scheduled for {iso(before.due_at)}"
    else:
        text = f"sent as {before.name} on {iso(before.finished_at)}, nothing to do"
    app.emit("mailer.send/1", {"mailing": as_data(before)}, text)
    return False


def _begin(app: App, prepared: Prepared, *, yes: bool, expect: int | None) -> MailingId:
    from mailer import prepare
    from mailer.cli import panel
    from mailer.cli.confirm import Question, confirm
    from mailer.cli.control import operator
    from mailer.ledger import mailings

    prepare.refuse_errors(prepared.errors)
    prepare.refuse_draft(prepared.issue)
    audience = prepare.count_audience(prepared, app.ledger, now=now())
    composed = prepare.preflight(prepared, app.ledger, now=now())
    prepare.refuse_errors(composed.findings)
    if not audience.recipients:
        raise SafetyError(
            "E704",
            f"Nobody on {prepared.list.slug} would get it",
            detail=panel.arithmetic(audience),
            next_step="mailer subscribers import, or mailer subscribers add ADDRESS",
        )
    app.say(panel.short(prepared, audience, composed, app.config.relay, now=now()))
    for line in prepare.never_imported(app.config, app.ledger, prepared.list.slug):
        app.say(f"▲ {line}")
    with app.ledger.read() as connection:
        last = mailings.last_size(connection, prepared.list.slug)
    question = Question(recipients=audience.recipients, last=last, warnings=len(prepared.warnings))
    confirm(app, question, yes=yes, expect=expect)
    return prepare.freeze(prepared, app.ledger, started_by=operator(), now=now())


def _say_scheduled(app: App, mailing_id: MailingId) -> None:
    from mailer.cli.status import as_data
    from mailer.ledger import overview
    from mailer.when import describe

    with app.ledger.read() as connection:
        one = overview.overviews(connection, only=mailing_id)[0]
    text = (
        f"{one.name} is frozen for {one.recipients:,} and starts "
        f"{describe(one.due_at, zone=one.zone, now=now())}\n"
        f"mailer run or mailer send --due will send it; mailer cancel {one.name} undoes it"
    )
    app.emit("mailer.send/1", {"mailing": as_data(one)}, text)


def _deliver(app: App, mailing_id: MailingId, prepared: Prepared) -> int:
    from mailer.cli import delivering

    one = delivering.deliver(app, mailing_id, prepared.keyring)
    return _result(app, one)


def _result(app: App, one: Overview) -> int:
    from mailer.cli.people import iso
    from mailer.cli.status import as_data

    counts = one.counts
    text = (
        f"{one.name} {one.state}: {counts['accepted']:,} accepted · {counts['rejected']:,} rejected"
        f" · {counts['cancelled']:,} cancelled · {counts['in_doubt']:,} in doubt"
    )
    if one.deferred:
        text += (
            f"\n{one.deferred:,} deferred, next try {iso(one.next_try_at)} "
            "by mailer run or mailer send --due"
        )
    app.emit("mailer.send/1", {"mailing": as_data(one)}, text)
    if one.state is not MailingState.SENT:
        return StoppedError.exit
    failed = counts["rejected"] > app.config.delivery.fail_ratio * one.recipients
    return FAILED_DELIVERIES if failed else 0


def _send_due(app: App) -> int:
    from mailer.cli import delivering

    done: list[dict[str, Any]] = delivering.deliver_due(app)
    if app.as_json:
        app.emit("mailer.send-due/1", {"mailings": done}, "")
    return 0
