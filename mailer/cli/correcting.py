"""`mailer correct`: a short issue to those who got a revision that was wrong (interface §1.6 B)."""

from __future__ import annotations

import re

import click

from mailer.cli.context import App, Verb
from mailer.errors import NotFoundError, UsageError

_REVISION = re.compile(r"r?([0-9]{1,9})").fullmatch


@click.command(cls=Verb)
@click.argument("mailing")
@click.argument("issue")
@click.option("--revision", required=True, metavar="R", help="The revision that they got: r1.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expect", type=int, metavar="N", help="Refuse unless about N people get it.")
@click.pass_obj
def correct(
    app: App, mailing: str, issue: str, *, revision: str, yes: bool, expect: int | None
) -> int:
    """Mail an issue only to those who got a revision of a mailing, or may have got it.

    Who is in doubt may have it and is among them; who left since, is suppressed, or whose mail came
    back is not.

    \b
    mailer correct m42 winter-correction --revision r1
    """
    from mailer.cli.control import ledger_of
    from mailer.cli.mailing import Manner, mail
    from mailer.ledger import overview, revising
    from mailer.ledger.choosing import Corrected

    with ledger_of(app, mailing).read() as connection:
        before = overview.find(connection, mailing)
        number = _number(revision, newest=before.revision, name=before.name)
        coming = revising.still_to_come(connection, before.id, number)
    if coming:
        app.say(f"▲ {coming:,} will still get r{number} and no correction: it is sent now")
    manner = Manner(corrects=Corrected(before.id, number))
    return mail(app, issue, before.list, at=None, yes=yes, expect=expect, manner=manner)


def _number(text: str, *, newest: int, name: str) -> int:
    found = _REVISION(text)
    if found is None:
        raise UsageError(
            "E001", f'"{text}" is no revision', next_step=f"r1, r2 …: mailer status {name}"
        )
    number = int(found[1])
    if not 1 <= number <= newest:
        raise NotFoundError(
            "E721",
            f"{name} has no r{number}",
            detail=f"It has r1 to r{newest}." if newest > 1 else "It has r1 only.",
            next_step=f"mailer status {name}",
        )
    return number
