"""`mailer bounces`: take reports in, and show what came back with its evidence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import App, Noun
from mailer.errors import TRY_AGAIN_LATER, MailerError, NotFoundError
from mailer.when import now

if TYPE_CHECKING:
    from mailer.delivery.verdicts import Stop
    from mailer.ledger.events import Event
    from mailer.model import Bounce

DIGITS = 18  # of a number that both databases can hold


@click.group(cls=Noun)
def bounces() -> None:
    """What came back.

    \b
    mailer bounces list
    """


@bounces.command()
@click.argument("recipient", default="")
@click.pass_obj
def ingest(app: App, recipient: str) -> None:
    """Take one report in from stdin; RECIPIENT is the address that it came to.

    Exits 0 for anything stored, recognised or not, and 75 if it must be handed over again.

    \b
    mailer bounces ingest "$RECIPIENT" < report.eml
    mailer -C /srv/news bounces ingest ${original_recipient}   # argv= of a Postfix pipe
    """
    from sqlalchemy.exc import DatabaseError

    try:
        stored = _take_in(app, recipient)
        for stop in _weigh(app, [one for one, _ in stored]):
            app.say(f"▲ {stop.error}")
    except (DatabaseError, MailerError) as error:
        # Also a broken configuration: the mail server keeps the report until it is mended.
        said = error.orig if isinstance(error, DatabaseError) else error
        where = error.where if isinstance(error, MailerError) else ""
        refusal = MailerError(
            "E810",
            "The report could not be stored",
            where=where,
            detail=str(said),
            next_step="mend that; the mail server hands the report over again",
        )
        refusal.exit = TRY_AGAIN_LATER
        raise refusal from error
    entries = [_entry(one, is_new=is_new) for one, is_new in stored]
    app.emit("mailer.bounces-ingest/1", {"entries": entries}, "\n".join(map(_line, entries)))


def _take_in(app: App, recipient: str) -> list[tuple[Bounce, bool]]:
    """Each entry of the report on stdin, and whether it was new."""
    import hashlib

    from mailer.bounces import dsn
    from mailer.bounces.classify import suppresses
    from mailer.bounces.intake import read_report
    from mailer.compose.links import Keyring
    from mailer.config import require_secret
    from mailer.ledger import open_ledger, returns

    keyring = Keyring(require_secret(app.config))
    # A report is about a mailing: where there is no database, we look in the wrong place.
    ledger = open_ledger(app.config.database_url, create=False, journal=app.config.journal)
    raw = read_report(sys.stdin.buffer)
    found = dsn.parse(raw, envelope_recipient=recipient, keyring=keyring)
    entries = [
        (one, one.bounce_class is not None and suppresses(one.bounce_class, one.status))
        for one in found or [returns.unrecognised(raw)]
    ]
    digest = hashlib.sha256(raw).hexdigest()
    new = returns.record(ledger, entries, digest=digest, now=now())
    return [(one, is_new) for (one, _), is_new in zip(entries, new, strict=True)]


def _weigh(app: App, stored: list[Bounce]) -> list[Stop]:
    """The mailings that are paused now because of these reports (S-33)."""
    from mailer.model import HARD

    if not any(one.bounce_class in HARD for one in stored):
        return []
    from mailer.delivery.breaker import weigh_returns

    return weigh_returns(app.ledger, stored, app.config.guard, now=now())


def _entry(one: Bounce, *, is_new: bool) -> dict[str, Any]:
    return {
        "mailing": one.mailing and f"m{one.mailing}",
        "action": one.action,
        "status": one.status,
        "class": one.bounce_class,
        "new": is_new,
    }


def _line(entry: dict[str, Any]) -> str:
    known = "" if entry["new"] else "(known already)"
    parts = (
        entry["mailing"] or "not identified",
        entry["action"],
        entry["status"],
        entry["class"],
        known,
    )
    return " ".join(part for part in parts if part)


@bounces.command(name="list")
@click.option("--mailing", metavar="MAILING", help="Only of this mailing.")
@click.pass_obj
def list_(app: App, mailing: str | None) -> None:
    """The newest returns: reports, and permanent refusals at SMTP time.

    \b
    mailer bounces list --mailing m42
    """
    from mailer.ledger import overview, returns
    from mailer.ledger.looking import looking

    found: list[tuple[Event, str | None]] = []
    with looking(app.config.database_url) as ledger:
        if ledger is None and mailing:
            raise overview.unknown(mailing)
        if ledger is not None:
            with ledger.read() as connection:
                only = overview.find(connection, mailing).id if mailing else None
                found = returns.returned(connection, mailing=only)
    data = [_data(one, email) for one, email in found]
    app.emit("mailer.bounces/1", {"bounces": data}, _table(data) or "Nothing came back.")


def _table(data: list[dict[str, Any]]) -> str:
    width = max((len(one["email"] or "-") for one in data), default=0)
    return "\n".join(
        f" b{one['id']:<5} {one['at']}  {one['mailing'] or '-':<4} {one['email'] or '-':<{width}}  "
        f"{one['class'] or one['action'] or one['kind']}: {one['words']}".rstrip(" :")
        for one in data
    )


@bounces.command()
@click.argument("number")
@click.pass_obj
def show(app: App, number: str) -> None:
    """One return with all its evidence.

    \b
    mailer bounces show b17
    """
    from mailer.ledger import returns
    from mailer.ledger.looking import looking

    digits = number.removeprefix("b")
    found = None
    with looking(app.config.database_url) as ledger:
        if ledger is not None and digits.isdecimal() and len(digits) <= DIGITS:
            with ledger.read() as connection:
                found = returns.one_return(connection, int(digits))
    if found is None:
        raise NotFoundError("E913", f"There is no return {number}", next_step="mailer bounces list")
    data = _data(*found)
    lines = [f" {key:<8} {value}" for key, value in data.items() if key != "evidence" and value]
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
        "action": detail.get("action"),
        "class": detail.get("class"),
        "status": detail.get("status"),
        "words": detail.get("reply") or detail.get("diagnostic") or "",
        "evidence": detail.get("evidence") or detail.get("reply") or "",
    }
