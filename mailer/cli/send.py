"""`mailer send`: mail an issue to a list, show what would happen, or mail test copies."""

from __future__ import annotations

from pathlib import Path

import click

from mailer.cli.context import App, Verb
from mailer.errors import UsageError


@click.command(cls=Verb)
@click.argument("issue", required=False)
@click.option("--list", "list_name", metavar="L", help="The list to mail to.")
@click.option("--dry-run", is_flag=True, help="Show the complete truth; send nothing.")
@click.option("--out", type=click.Path(path_type=Path), help="Samples of a dry run go here.")
@click.option("--to", multiple=True, metavar="ADDRESS|@GROUP", help="Mail a test copy.")
@click.option("--as", "whose", metavar="ADDRESS", help="The test copy as this subscriber gets it.")
@click.option("--at", metavar="TIME", help='Start then: "thu 9:00", "in 2h".')
@click.option("--due", is_flag=True, help="Deliver everything that is due, then exit.")
@click.option("--canary", type=click.IntRange(min=1), metavar="N", help="So many first, then wait.")
@click.option("--canary-wait", metavar="TIME", help="Go on by itself after 15m, if all is well.")
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
    whose: str | None,
    at: str | None,
    due: bool,
    canary: int | None,
    canary_wait: str | None,
    yes: bool,
    expect: int | None,
) -> int:
    """Mail an issue to a list; without ISSUE the newest that waits to be mailed.

    \b
    mailer send winter --dry-run
    mailer send winter --to me@example.org
    mailer send winter --to @editors --as ann@example.org
    mailer send winter --at "thu 9:00"
    mailer send winter --canary 50 --canary-wait 15m
    mailer send --due                          # for cron: silent when nothing is due
    """
    given: dict[str, object] = {"--dry-run": dry_run, "--out": out, "--to": to, "--at": at}
    given |= {"ISSUE": issue, "--list": list_name, "--expect": expect is not None, "--as": whose}
    given |= {"--yes": yes, "--canary": canary, "--canary-wait": canary_wait}
    _refuse_contradictions({name for name, value in given.items() if value}, due=due)
    if due:
        from mailer.cli.due import send_due

        return send_due(app)
    from mailer.cli import mailing, trial

    if to:
        return trial.test_copies(app, issue, list_name, to, whose=whose)
    if dry_run:
        return trial.dry_run(app, issue, list_name, at=at, expect=expect, out=out)
    manner = mailing.Manner(
        canary=canary or 0, canary_wait=None if canary_wait is None else _seconds(canary_wait)
    )
    return mailing.mail(app, issue, list_name, at=at, yes=yes, expect=expect, manner=manner)


def _seconds(text: str) -> float:
    from mailer.config.parse import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(
            "E001",
            f"--canary-wait {error}",
            next_step="mailer send ISSUE --canary 50 --canary-wait 15m",
        ) from error


_ONLY_MAILINGS = {"--dry-run", "--at", "--expect", "--out", "--canary", "--canary-wait"}


def _refuse_contradictions(given: set[str], *, due: bool) -> None:
    """Nothing that was typed is passed over in silence."""
    if due and (others := sorted(given - {"--yes"})):
        raise UsageError(
            "E005",
            "--due stands alone: it delivers what was decided before",
            detail=f"It was given with {', '.join(others)}.",
            next_step="mailer send --due",
        )
    if "--canary-wait" in given and "--canary" not in given:
        raise UsageError(
            "E005",
            "--canary-wait says how long the rest waits behind a canary",
            next_step="mailer send ISSUE --canary 50 --canary-wait 15m",
        )
    if "--to" in given and (others := sorted(given & _ONLY_MAILINGS)):
        raise UsageError(
            "E005",
            f"--to sends test copies now: without {', '.join(others)}",
            next_step="mailer send ISSUE --to ADDRESS",
        )
    if "--as" in given and "--to" not in given:
        raise UsageError(
            "E005",
            "--as says whose version a test copy is",
            next_step="mailer send ISSUE --to ADDRESS --as ADDRESS, or mailer render ISSUE",
        )
    if "--out" in given and "--dry-run" not in given:
        raise UsageError(
            "E005",
            "--out is where the samples of a --dry-run go",
            next_step="mailer send ISSUE --dry-run --out DIR",
        )
