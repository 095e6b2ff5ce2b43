"""`mailer relays`: where mail goes, how fast, and an operator's word about that."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Noun
from mailer.errors import NotFoundError, UsageError
from mailer.when import now

if TYPE_CHECKING:
    from mailer.cli.reckoning import Way


@click.group(cls=Noun, invoke_without_command=True)
@click.pass_context
def relays(context: click.Context) -> None:
    """Where mail is handed to, and how fast."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@relays.command("list")
@click.pass_obj
def list_(app: App) -> None:
    """Each relay: its rate, how much of its quota is used, and whether it is used now.

    \b
    mailer relays list
    mailer relays list --json
    """
    from mailer.cli import scene

    known = _ways(app)
    rows = [f" {way.relay.name:<24} {scene.relay_text(way)}" for way in known]
    app.emit("mailer.relays/1", {"relays": scene.relays_data(known)}, "\n".join(rows))


@relays.command()
@click.argument("name")
@click.argument("speed", required=False, metavar="RATE")
@click.option("--reset", is_flag=True, help="Back to the configured rate.")
@click.pass_obj
def rate(app: App, name: str, speed: str | None, *, reset: bool) -> None:
    """Overrule a relay's configured rate for every process, from the next message on.

    \b
    mailer relays rate eu 5/s
    mailer relays rate smtp.example.org:587 --reset
    """
    from mailer.cli import scene
    from mailer.cli.control import operator
    from mailer.ledger import pacing

    _require_one(speed, reset=reset)
    _require_known(app, name)
    with app.ledger.write() as connection:
        try:
            pacing.set_rate(connection, name, speed, now(), operator())
        except ValueError as error:
            raise UsageError(
                "E012", f"RATE {error}", next_step=f"mailer relays rate {name} 5/s"
            ) from error
    (way,) = [one for one in _ways(app) if one.relay.name == name]
    text = f"{name}: {scene.relay_text(way)}"
    app.emit("mailer.relays/1", {"relays": scene.relays_data([way])}, text)


def _require_one(speed: str | None, *, reset: bool) -> None:
    if (speed is None) is not reset:
        raise UsageError(
            "E012",
            "Say a RATE or --reset, one of them",
            next_step="mailer relays rate NAME 5/s, or mailer relays rate NAME --reset",
        )


def _require_known(app: App, name: str) -> None:
    names = [relay.name for relay in app.config.relays]
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    raise NotFoundError(
        "E916",
        f"There is no relay {name}",
        detail=f"Relays: {', '.join(names)}",
        next_step=f"did you mean {near[0]}?" if near else "mailer relays list",
    )


def _ways(app: App) -> tuple[Way, ...]:
    """The configured relays, with what the ledger knows if there is one."""
    from mailer.cli import scene
    from mailer.ledger.looking import looking

    with looking(app.config.database_url) as ledger:
        return scene.known_ways(app.config, ledger)
