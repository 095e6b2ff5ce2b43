"""`mailer subscribers`: who receives mail."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.address import parse
from mailer.cli.context import App, Noun
from mailer.cli.control import operator
from mailer.cli.people import member_data, story_data, story_text, understood, unknown
from mailer.cli.suppressions import suppressions
from mailer.errors import NotFoundError, SafetyError, UsageError
from mailer.model import SubscriptionState
from mailer.when import now

if TYPE_CHECKING:
    from mailer.config import ListConfig

__all__ = ["subscribers", "suppressions"]


@click.group(cls=Noun)
def subscribers() -> None:
    """Who receives mail.

    \b
    mailer subscribers import                     every subscribers/*.csv
    mailer subscribers add me@example.org --reason owner
    mailer subscribers show ann@example.org
    """


@subscribers.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE…]")
@click.option("--list", "list_name", metavar="L", help="The list; a file's stem if left out.")
@click.option("--reason", default="", metavar="TEXT", help="Why these people may be mailed.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each line; store nothing.")
@click.option("--report", type=click.Path(path_type=Path), help="A CSV file: a verdict per line.")
@click.pass_obj
def import_(
    app: App,
    files: tuple[Path, ...],
    list_name: str | None,
    *,
    reason: str,
    dry_run: bool,
    report: Path | None,
) -> None:
    """Put the people of CSV files onto lists, which states that they agreed.

    \b
    mailer subscribers import
    mailer subscribers import fair.csv --list weekly --reason "signed up at the fair"
    mailer subscribers import fair.csv --list weekly --dry-run --report verdicts.csv

    Encodings, delimiters and the names of columns are recognised. Nobody is added twice, and nobody
    who left or is suppressed is added again. Without FILE: every subscribers/*.csv.
    """
    from mailer.cli.importing import import_files

    found = files or tuple(sorted((app.config.root / "subscribers").glob("*.csv")))
    if not found:
        raise NotFoundError(
            "E511",
            "There is no file to import",
            where=str(app.config.root / "subscribers"),
            next_step="put weekly.csv there, with a column email; its name names the list",
        )
    chosen = [(file, _configured(app, list_name or file.stem, named_by=file)) for file in found]
    import_files(app, chosen, reason=reason, dry_run=dry_run, report=report)


@subscribers.command("add")
@click.argument("address")
@click.option("--list", "list_name", metavar="L", help="The list; not needed if there is one.")
@click.option("--name", default="", metavar="N", help="What the person is called.")
@click.option("--reason", default="", metavar="TEXT", help="Why this person may be mailed.")
@click.pass_obj
def add(app: App, address: str, list_name: str | None, name: str, reason: str) -> None:
    """Put one person onto a list, which states that they agreed.

    \b
    mailer subscribers add me@example.org --reason owner
    """
    from mailer.ledger import audience

    chosen = _configured(app, list_name or _only_list(app))
    at = now()
    with understood(address):
        parse(address)
    with app.ledger.write() as connection:
        audience.define_list(connection, app.config, chosen, now=at)
    with understood(address):
        verdict = audience.add(
            app.ledger,
            chosen.slug,
            address,
            name=name,
            source="add",
            reason=reason,
            operator=operator(),
            now=at,
        )
    _refuse_skipped(verdict, address, chosen.slug)
    data = {"address": address, "list": chosen.slug, "verdict": verdict}
    app.emit("mailer.subscribers.add/1", data, f"✔ {verdict}: {address} · {chosen.slug}")


def _refuse_skipped(verdict: str, address: str, slug: str) -> None:
    if verdict == "unsubscribed":
        raise SafetyError(
            "E509",
            f"{address} left {slug}; who left is not added again",
            detail="People come back by their own act only: Undo on the page that they left by.",
            next_step=f"mailer subscribers show {address}",
        )
    if verdict == "suppressed":
        raise SafetyError(
            "E510",
            f"{address} is suppressed and was not added",
            detail=f"mailer subscribers show {address} says why.",
            next_step=f"mailer suppressions remove {address}",
        )


@subscribers.command("list")
@click.option("--list", "list_name", metavar="L", help="Only this list.")
@click.option(
    "--state", type=click.Choice([one.value for one in SubscriptionState]), help="Only this state."
)
@click.pass_obj
def list_(app: App, list_name: str | None, state: str | None) -> None:
    """Everybody on the lists, in the order in which they came.

    \b
    mailer subscribers list --state confirmed
    mailer subscribers list --list weekly --json
    """
    from mailer.ledger import audience, roster

    wanted = None if state is None else SubscriptionState(state)
    with app.ledger.read() as connection:
        if list_name is not None:
            audience.list_number(connection, list_name)
        found = roster.members(connection, list_slug=list_name, state=wanted)
        if app.as_json:
            app.emit(
                "mailer.subscribers/1", {"subscribers": [member_data(one) for one in found]}, ""
            )
            return
        count = 0
        for count, one in enumerate(found, start=1):  # noqa: B007  counted for the last line
            suppressed = " suppressed" if one.suppressed else ""
            click.echo(f"{one.email:<32} {one.state + suppressed:<13} {one.list:<12} {one.name}")
    app.say(f"{count:,} in all")


@subscribers.command("show")
@click.argument("address")
@click.pass_obj
def show(app: App, address: str) -> None:
    """One person: place in every list, evidence of consent, suppression, history.

    \b
    mailer subscribers show ann@example.org
    """
    from mailer.ledger import roster

    with understood(address):
        story = roster.show(app.ledger, address)
    if story is None:
        raise unknown(address)
    app.emit("mailer.subscriber/1", story_data(story), story_text(address, story))


@subscribers.command("export")
@click.option("--list", "list_name", metavar="L", help="The list; not needed if there is one.")
@click.pass_obj
def export(app: App, list_name: str | None) -> None:
    """A list as CSV on stdout, which `import` reads back.

    \b
    mailer subscribers export --list weekly > weekly.csv
    """
    from mailer.ledger import audience, roster

    slug = list_name or _only_list(app)
    with app.ledger.read() as connection:
        audience.list_number(connection, slug)
        if app.as_json:
            found = roster.members(connection, list_slug=slug)
            app.emit(
                "mailer.subscribers/1", {"subscribers": [member_data(one) for one in found]}, ""
            )
            return
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(roster.export(connection, slug))


@subscribers.command("forget")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(app: App, address: str, *, yes: bool) -> None:
    """Erase a person: address, name, attributes. A keyed hash stays, so that they stay away.

    \b
    mailer subscribers forget ann@example.org
    """
    from mailer.ledger import forgetting, roster

    with understood(address):
        known = roster.show(app.ledger, address)
    if known is None:
        raise unknown(address)
    app.confirm(f"Erase everything about {address}? This cannot be undone.", yes=yes)
    forgetting.forget(app.ledger, address, operator=operator(), now=now())
    app.say("Files in subscribers/ and their history in git are yours to clean.")
    app.emit("mailer.subscribers.forget/1", {"forgotten": True}, f"✔ forgotten: {address}")


# --- lists ----------------------------------------------------------------------------------------


def _configured(app: App, slug: str, *, named_by: Path | None = None) -> ListConfig:
    lists = app.config.lists
    if slug not in lists:
        raise NotFoundError(
            "E507",
            f"There is no list {slug}",
            where=str(named_by or ""),
            detail=f"Configured: {', '.join(lists) or 'none'}.",
            next_step=f"add [lists.{slug}] to mailer.toml, or name another: --list L",
        )
    return lists[slug]


def _only_list(app: App) -> str:
    lists = list(app.config.lists)
    if len(lists) != 1:
        raise UsageError(
            "E513", "Which list?", detail=f"Configured: {', '.join(lists)}.", next_step="--list L"
        )
    return lists[0]
