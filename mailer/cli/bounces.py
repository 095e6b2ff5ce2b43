"""`mailer bounces`: take reports in, and show what came back with its evidence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Noun
from mailer.errors import TRY_AGAIN_LATER, NotFoundError
from mailer.when import now

if TYPE_CHECKING:
    from mailer.ledger.events import Event
    from mailer.model import MailingId


@click.group(cls=Noun)
def bounces() -> None:
    """What came back.

    \b
    mailer bounces list
    """


@bounces.command()
@click.argument("recipient", default="")
@click.pass_obj
def ingest(app: App, recipient: str) -> int:
    """Take one report in from stdin; RECIPIENT is the address that it came to.

    Exits 0 for anything stored, recognised or not, and 75 if it must be handed over again.

    \b
    mailer bounces ingest "$RECIPIENT" < report.eml
    |/usr/bin/mailer -C /srv/news bounces ingest ${recipient}      # Postfix, pipe(8)
    """
    from sqlalchemy.exc import OperationalError

    from mailer.bounces import dsn
    from mailer.bounces.classify import suppresses
    from mailer.bounces.intake import read_report
    from mailer.compose.links import Keyring
    from mailer.config import require_secret
    from mailer.errors import LedgerError
    from mailer.ledger import returns

    raw = read_report(sys.stdin.buffer)
    try:
        found = dsn.parse(
            raw, envelope_recipient=recipient, keyring=Keyring(require_secret(app.config))
        )
        entries = [
            (one, one.bounce_class is not None and suppresses(one.bounce_class, one.status))
            for one in found or ()
        ]
        new = returns.record(app.ledger, entries, now=now())
    except (OperationalError, LedgerError) as error:
        click.echo(f"✖ E810 The report could not be stored: {error}", err=True)
        return TRY_AGAIN_LATER
    stored = [
        {
            "mailing": one.mailing and f"m{one.mailing}",
            "action": one.action,
            "status": one.status,
            "class": one.bounce_class,
            "new": is_new,
        }
        for (one, _), is_new in zip(entries, new, strict=True)
    ]
    text = "\n".join(
        f"{one['mailing'] or 'not identified'} {one['action']} {one['status']} "
        f"{one['class'] or ''}{'' if one['new'] else ' (known already)'}"
        for one in stored
    )
    app.emit("mailer.bounces-ingest/1", {"entries": stored}, text or "not a report; nothing stored")
    return 0


@bounces.command(name="list")
@click.option("--mailing", metavar="MAILING", help="Only of this mailing.")
@click.pass_obj
def list_(app: App, mailing: str | None) -> None:
    """The newest returns: reports, and permanent refusals at SMTP time."""
    from mailer.ledger import overview, returns

    with app.ledger.read() as connection:
        only: MailingId | None = overview.find(connection, mailing).id if mailing else None
        found = returns.returned(connection, mailing=only)
    data = [_data(one, email) for one, email in found]
    lines = [
        f" b{one['id']:<6} {one['at']}  {one['mailing'] or '-':<4} {one['email'] or '-'}  "
        f"{one['class'] or one['kind']}: {one['words']}"
        for one in data
    ]
    app.emit("mailer.bounces/1", {"bounces": data}, "\n".join(lines) or "Nothing came back.")


@bounces.command()
@click.argument("number")
@click.pass_obj
def show(app: App, number: str) -> None:
    """One return with all its evidence: mailer bounces show b17."""
    from mailer.ledger import returns

    digits = number.removeprefix("b")
    with app.ledger.read() as connection:
        found = returns.one_return(connection, int(digits)) if digits.isdecimal() else None
    if found is None:
        raise NotFoundError("E913", f"There is no return {number}", next_step="mailer bounces list")
    data = _data(*found)
    lines = [f" {key:<10} {value}" for key, value in data.items() if key != "evidence"]
    lines += ["", *str(data["evidence"]).splitlines()]
    app.emit("mailer.bounce/1", data, "\n".join(lines))


def _data(one: Event, email: str | None) -> dict[str, Any]:
    from mailer.cli.people import iso

    detail = one.detail
    return {
        "id": one.id,
        "at": iso(one.at),
        "kind": one.kind,
        "mailing": one.mailing and f"m{one.mailing}",
        "email": email,
        "class": detail.get("class"),
        "status": detail.get("status"),
        "words": detail.get("reply") or detail.get("diagnostic") or "",
        "evidence": detail.get("evidence") or detail.get("reply") or "",
    }
