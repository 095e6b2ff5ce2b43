"""`mailer suppressions`: who must never be mailed, on any list."""

from __future__ import annotations

import click

from mailer.cli.context import App, Noun
from mailer.cli.control import operator
from mailer.cli.people import day, suppression_data, understood
from mailer.errors import NotFoundError
from mailer.model import BounceClass
from mailer.when import now

POLICY = "policy"
"""What people call the class of refusals that are about us."""


@click.group(cls=Noun)
def suppressions() -> None:
    """Who must never be mailed, on any list.

    \b
    mailer suppressions list
    mailer suppressions add ann@example.org --reason "asked by telephone"
    mailer suppressions remove ann@example.org --reason "mailbox works again"
    mailer suppressions undo --mailing m42 --class hard:address
    """


@suppressions.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """Every suppressed address with the evidence, oldest first.

    \b
    mailer suppressions list --json
    """
    from mailer.ledger import roster

    with app.ledger.read() as connection:
        found = roster.suppressions(connection)
        if app.as_json:
            data = {"suppressions": [suppression_data(one) for one in found]}
            app.emit("mailer.suppressions/1", data, "")
            return
        for one in found:
            said = " ".join(one.evidence.split())[:60]
            address = one.address or f"(erased) {one.address_key.hex()[:8]}"
            click.echo(f"{day(one.created_at)}  {address:<32} {one.bounce_class:<13} {said}")


@suppressions.command("add")
@click.argument("address")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept as the evidence.")
@click.pass_obj
def add(app: App, address: str, reason: str) -> None:
    """Never mail an address again, from the next message on.

    \b
    mailer suppressions add ann@example.org --reason "asked by telephone"
    """
    from mailer.ledger import audience

    with understood(address):
        key = app.ledger.address_key(address)
    with app.ledger.write() as connection:
        new = audience.suppress(
            connection,
            key,
            address=address,
            bounce_class="manual",
            evidence=reason or "by hand",
            source=operator(),
            now=now(),
        )
    text = f"✔ suppressed: {address}" if new else f"{address} was suppressed already"
    app.emit("mailer.suppressions.add/1", {"address": address, "added": new}, text)


@suppressions.command("remove")
@click.argument("address")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the history.")
@click.pass_obj
def remove(app: App, address: str, reason: str) -> None:
    """Allow an address again; the history keeps what was lifted, by whom and why.

    \b
    mailer suppressions remove ann@example.org --reason "mailbox works again"
    """
    from mailer.ledger import audience

    with understood(address):
        key = app.ledger.address_key(address)
    with app.ledger.write() as connection:
        lifted = audience.unsuppress(connection, key, operator=operator(), reason=reason, now=now())
    if not lifted:
        raise NotFoundError(
            "E515", f"{address} is not suppressed", next_step="mailer suppressions list"
        )
    data = {"address": address, "removed": True}
    app.emit("mailer.suppressions.remove/1", data, f"✔ no longer suppressed: {address}")


@suppressions.command("undo")
@click.option("--mailing", required=True, metavar="MAILING", help="Those that it caused.")
@click.option(
    "--class",
    "class_name",
    required=True,
    type=click.Choice([*map(str, BounceClass), POLICY]),
    help="Those of this class.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def undo(app: App, mailing: str, class_name: str, *, yes: bool) -> None:
    """Take back at once what a mailing suppressed for a reason that turned out to be wrong.

    Each address keeps an entry in its history. To mail them again: mailer retry MAILING --failed.

    \b
    mailer suppressions undo --mailing m42 --class hard:address
    """
    from mailer.ledger import audience, overview, roster

    bounce_class = BounceClass.SENDER_FAULT if class_name == POLICY else BounceClass(class_name)
    with app.ledger.read() as connection:
        one = overview.find(connection, mailing)
        found = list(roster.suppressions(connection, source=one.name, bounce_class=bounce_class))
    if not found:
        raise NotFoundError(
            "E516",
            f"{one.name} suppressed no address as {class_name}",
            next_step=f"mailer bounces list --mailing {one.name}",
        )
    app.confirm(f"Allow {len(found):,} addresses again that {one.name} suppressed?", yes=yes)
    reason = f"undone: {one.name} as {class_name}"
    with app.ledger.write() as connection:
        lifted = sum(
            audience.unsuppress(
                connection, each.address_key, operator=operator(), reason=reason, now=now()
            )
            for each in found
        )
    data = {"mailing": one.name, "class": class_name, "removed": lifted}
    text = f"✔ {lifted:,} addresses are no longer suppressed\n→ mailer retry {one.name} --failed"
    app.emit("mailer.suppressions.undo/1", data, text)
