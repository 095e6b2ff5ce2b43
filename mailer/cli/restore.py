"""`mailer restore reconcile`: after a database was restored or moved, go on without harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Noun
from mailer.errors import SafetyError, UsageError
from mailer.when import now

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from mailer.ledger import Ledger
    from mailer.ledger.standing import Forgotten
    from mailer.model import MailingId

MISSING = "E618"
ANOTHER = "E619"
READY = "Sending can go on: mailer run or mailer send --due"


@click.group(cls=Noun)
def restore() -> None:
    """After the database was restored from a backup, or the newsletter moved to another machine.

    \b
    mailer restore reconcile
    """


@restore.command()
@click.option("--accept-loss", is_flag=True, help="Go on without what the journal knows.")
@click.option("--adopt", is_flag=True, help="Send from here from now on, and nowhere else.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reconcile(app: App, *, accept_loss: bool, adopt: bool, yes: bool) -> None:
    """Write into a restored database what its journal knows, so that nobody is mailed twice.

    Deliveries that were accepted, departures and suppressions are replayed from mailer.journal;
    scheduled mailings whose time has passed are missed, not sent. Doing it again does no harm.

    \b
    mailer restore reconcile
    mailer restore reconcile --accept-loss
    mailer restore reconcile --adopt          # the newsletter moved to this machine
    """
    from mailer.ledger import liveness, standing

    if accept_loss and adopt:
        raise UsageError(
            "E005",
            "--accept-loss and --adopt are two decisions",
            next_step="mailer restore reconcile --adopt, then with --accept-loss if need be",
        )
    with liveness.hold(app.ledger):
        moved = _require_home(app, adopt=adopt, yes=yes)
        lost = standing.forgotten(app.ledger, now=now())
        did: dict[str, object] = {"adopted": moved}
        if lost is not None:
            did |= _go_on_without(app, lost, yes=yes) if accept_loss else _replay(app)
        elif _was_restored(app.ledger):
            did |= _replay(app)
        else:
            did |= _begin_journal(app, accept_loss=accept_loss, yes=yes)
        if moved:
            _adopt(app.ledger, standing.name_of(app.ledger, app.config.instance))
        standing.admit(app.ledger, instance=app.config.instance, now=now())
    app.emit("mailer.restore-reconcile/1", did, _text(did))


def _require_home(app: App, *, adopt: bool, yes: bool) -> bool:
    """Whether the ledger was last used elsewhere, and it is right to use it here.

    Raises:
        SafetyError: E620, without `--adopt`; E701 or E702, not confirmed.
    """
    from mailer.ledger import standing

    with app.ledger.read() as connection:
        stored = standing.instance_of(connection)
    if stored is None or stored == standing.name_of(app.ledger, app.config.instance):
        return False
    if not adopt:
        raise standing.elsewhere(app.ledger, stored)
    app.confirm(f'Does "{stored}" send from this database, or a copy of it, no more?', yes=yes)
    return True


def _was_restored(ledger: Ledger) -> bool:
    """Whether another machine has replayed its journal: this one's knows something, too."""
    from mailer.ledger import standing

    with ledger.read() as connection:
        return standing.restored(connection) is not None


def _adopt(ledger: Ledger, me: str) -> None:
    from mailer.ledger import standing

    with ledger.write() as connection:
        standing.name(connection, me)


def _replay(app: App) -> Mapping[str, object]:
    from mailer.ledger import audience, replay

    with app.ledger.write() as connection:
        for chosen in app.config.lists.values():  # who left a list must find it there
            audience.define_list(connection, app.config, chosen, now=now())
    done = replay.replay(app.ledger, now=now())
    return {"replayed": dict(done.written), "missed": _names(done.missed)}


def _go_on_without(app: App, lost: Forgotten, *, yes: bool) -> Mapping[str, object]:
    """Let the database stand as it is: whoever got an issue since may get it again.

    Raises:
        SafetyError: E701 nobody to ask, E702 another number was typed.
    """
    from mailer.ledger import replay
    from mailer.ledger.standing import many

    if not yes:
        if not app.asks:
            raise SafetyError(
                "E701",
                f"{_deliveries(lost.deliveries)} would be forgotten, and there is nobody to ask",
                next_step="mailer restore reconcile replays them; to forget them add --yes",
            )
        app.say(
            f"▲ {_deliveries(lost.deliveries)}, {many(lost.unsubscribes, 'unsubscribe')} and "
            f"{many(lost.suppressions, 'suppression')} will be forgotten: "
            "people may get an issue twice, and who left is mailed again."
        )
        asked = f"Type {lost.deliveries} to forget them"
        typed: str = click.prompt(asked, default="", show_default=False, err=True)
        if typed.replace(",", "").strip() != str(lost.deliveries):
            raise SafetyError("E702", "Not confirmed; nothing was done")
    missed = replay.accept_loss(app.ledger, now=now())
    return {"lost": lost.deliveries, "missed": _names(missed)}


def _begin_journal(app: App, *, accept_loss: bool, yes: bool) -> Mapping[str, object]:
    """Begin a new journal with what the database knows, if the old one is lost.

    Raises:
        SafetyError: E618 without `--accept-loss`, E619, E701 or E702.
    """
    from mailer.ledger import snapshot, standing

    error = standing.unaccounted(app.ledger)
    if error is None:
        return {}
    if error.code != MISSING or not accept_loss:
        raise error
    app.confirm(
        "Is this the newest database that there is? Without its journal nobody can tell.", yes=yes
    )
    app.ledger.journal.begin()
    return {"begun": snapshot.append(app.ledger)}


def _names(missed: list[MailingId]) -> list[str]:
    return [f"m{number}" for number in missed]


# --- for people ----------------------------------------------------------------------------------


def _deliveries(number: int) -> str:
    from mailer.ledger.standing import many

    return many(number, "delivery", "deliveries")


def _text(did: Mapping[str, object]) -> str:
    lines = []
    match did:
        case {"replayed": dict(written)}:
            lines += _replayed(written)
        case {"lost": int(number)}:
            lines.append(f"{_deliveries(number)} forgotten; the database stands as it is.")
        case {"begun": int(number)}:
            lines.append(f"A new journal was begun with {number:,} lines.")
    match did:
        case {"missed": [*names]} if names:
            lines.append(f"missed, not sent: {', '.join(map(str, names))}")
    if did["adopted"]:
        lines.append("This installation sends from now on.")
    return "\n".join([*lines, READY]) if lines else "Nothing to reconcile."


_SAID = (
    ("accepted", "{:,} marked as accepted"),
    ("in doubt", "{:,} in doubt: a person decides"),
    ("remembered", "{:,} remembered, of mailings that the database does not know"),
    ("unsubscribed", "{:,} unsubscribed"),
    ("resubscribed", "{:,} subscribed again"),
    ("suppressed", "{:,} suppressed"),
    ("unsuppressed", "{:,} suppressions taken back"),
    ("forgotten", "{:,} erased"),
)


def _replayed(written: Counter[str] | dict[str, int]) -> list[str]:
    said = [words.format(written[name]) for name, words in _SAID if written.get(name)]
    return [
        "Replayed from the journal:",
        *(f"  {line}" for line in said or ["nothing was missing"]),
    ]
