"""What leaves the ledger as it is: the dry run, and test copies."""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING

from mailer import prepare
from mailer.address import parse as parse_address
from mailer.check.issue import choose_list
from mailer.cli import panel, scene
from mailer.cli.confirm import require_expected
from mailer.cli.people import understood
from mailer.delivery import direct
from mailer.errors import CheckError, MailerError, NotFoundError
from mailer.ledger import mailings
from mailer.ledger.looking import looking
from mailer.when import now, parse_when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mailer.cli.context import App
    from mailer.config import Config, ListConfig
    from mailer.ledger import Ledger
    from mailer.ledger.choosing import Audience
    from mailer.prepare import Prepared
    from mailer.when import When

NOBODY = "E704"


def read_when(app: App, text: str | None, chosen: ListConfig) -> When | None:
    """The time of `--at`, in the list's zone unless it names another."""
    if text is None:
        return None
    when = parse_when(text, zone=chosen.timezone, now=now())
    if when.twice:
        app.say(f"▲ {when.wall} exists twice in {when.zone}; the first one is meant")
    return when


# --- dry run -------------------------------------------------------------------------------------


def dry_run(
    app: App,
    name: str | None,
    list_name: str | None,
    *,
    at: str | None,
    expect: int | None,
    out: Path | None,
) -> int:
    """The same path as a mailing with the last step left out; returns the exit code."""
    with looking(app.config.database_url) as ledger:
        issue = prepare.pick_issue(app.config, ledger, name, list_name=list_name, now=now())
        when = read_when(app, at, choose_list(issue, app.config.lists, list_name))
        prepared = prepare.prepare(
            app.config, issue, ledger=ledger, list_name=list_name, when=when, now=now()
        )
        folder = out or app.config.root / "out" / issue.id
        truth = _truth(app, prepared, ledger, expect=expect)
        prepare.write_samples(folder, [message for _, message in truth.composed.samples])
        prepare.write_excluded(folder, prepared, ledger, now=now())
        not_imported = prepare.never_imported(app.config, ledger, prepared.list.slug)
    for line in not_imported:
        app.say(f"▲ {line}")
    data = panel.as_data(truth, folder=folder, now=now())
    app.emit("mailer.dry-run/1", data, panel.as_text(truth, folder=folder, now=now()))
    if truth.errors or any(error.code == NOBODY for error in truth.refusals):
        return CheckError.exit
    return truth.refusals[0].exit if truth.refusals else 0


def _truth(
    app: App, prepared: Prepared, ledger: Ledger | None, *, expect: int | None
) -> panel.Truth:
    audience = prepare.count_audience(prepared, ledger, now=now())
    return panel.Truth(
        prepared=prepared,
        audience=audience,
        composed=prepare.preflight(prepared, ledger, now=now(), samples=prepare.SAMPLES),
        ways=scene.known_ways(app.config, ledger),
        refusals=tuple(_refusals(prepared, audience, ledger, expect)),
    )


def _refusals(
    prepared: Prepared, audience: Audience, ledger: Ledger | None, expect: int | None
) -> Iterator[MailerError]:
    """What `mailer send` would stop at besides the checks; nothing once it was mailed (I107)."""
    if ledger is not None and _was_mailed(prepared, ledger):
        return
    rules: tuple[Callable[[], None], ...] = (
        lambda: prepare.refuse_draft(prepared.issue),
        lambda: prepare.refuse_nobody(prepared, audience),
        lambda: require_expected(audience.recipients, expect),
    )
    for refuse in rules:
        try:
            refuse()
        except MailerError as error:
            yield error


def _was_mailed(prepared: Prepared, ledger: Ledger) -> bool:
    with ledger.read() as connection:
        return mailings.was_frozen(connection, prepared.issue.id, list_slug=prepared.list.slug)


# --- test copies ---------------------------------------------------------------------------------


def test_copies(
    app: App,
    name: str | None,
    list_name: str | None,
    to: tuple[str, ...],
    *,
    whose: str | None,
) -> int:
    """Mail an issue to some addresses outside the ledger; returns the exit code."""
    addresses = _addresses(app.config, to)
    if whose is not None:
        with understood(whose):
            parse_address(whose)
    with looking(app.config.database_url) as ledger:
        issue = prepare.pick_issue(app.config, ledger, name, list_name=list_name, now=now())
        prepared = prepare.prepare(
            app.config, issue, ledger=ledger, list_name=list_name, when=None, now=now(), test=True
        )
        prepare.refuse_errors(prepared.errors)
        messages = prepare.test_copies(prepared, ledger, addresses, whose=whose, now=now())
    results = asyncio.run(direct.hand_over(app.config.relay, messages))
    copies = [
        {"address": message.rcpt_to, "accepted": accepted, "reply": said}
        for message, accepted, said in results
    ]
    lines = [
        f"{'✔' if copy['accepted'] else '✖'} test copy of {issue.id} to {copy['address']} "
        f"{'accepted' if copy['accepted'] else 'not accepted'} by {app.config.relay.name}: "
        f"{copy['reply']}"
        for copy in copies
    ]
    app.emit("mailer.test-copies/1", {"copies": copies}, "\n".join(lines))
    return 0 if all(copy["accepted"] for copy in copies) else MailerError.exit


def _addresses(config: Config, to: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and the members of groups, each once."""
    found: list[str] = []
    for one in to:
        if one.startswith("@"):
            found.extend(_group(config, one[1:]))
        else:
            with understood(one):
                parse_address(one)
            found.append(one)
    return tuple(dict.fromkeys(found))


def _group(config: Config, name: str) -> tuple[str, ...]:
    if name in config.groups:
        return config.groups[name]
    near = difflib.get_close_matches(name, config.groups, n=1)
    raise NotFoundError(
        "E912",
        f"There is no group @{name}",
        detail=f"Groups: {', '.join(config.groups) or 'none'}",
        next_step=f"did you mean @{near[0]}?"
        if near
        else f'[groups] {name or "editors"} = ["me@example.org"] in mailer.toml',
    )
