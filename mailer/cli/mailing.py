"""A mailing begins with the panel and a question, or goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer import prepare
from mailer.check.issue import choose_list
from mailer.cli import delivering, panel, scene
from mailer.cli.account import as_data, stamp, summary
from mailer.cli.confirm import Question, confirm, require_expected
from mailer.cli.control import operator
from mailer.cli.needs import next_steps
from mailer.cli.reckoning import duration_text
from mailer.cli.trial import read_when
from mailer.cli.wrapping import wrapped
from mailer.compose.links import Keyring
from mailer.config import require_secret
from mailer.errors import FAILED_DELIVERIES, MailerError, SafetyError, StoppedError
from mailer.ledger import mailings, overview, standing
from mailer.ledger.database import exists
from mailer.ledger.looking import looking
from mailer.model import MailingState
from mailer.when import describe, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.cli.context import App
    from mailer.config import ListConfig
    from mailer.ledger import Ledger
    from mailer.ledger.choosing import Corrected
    from mailer.ledger.overview import Overview
    from mailer.model import Issue, MailingId
    from mailer.prepare import Prepared
    from mailer.when import When

NOBODY = "E704"
TWIN = "E710"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What is special about how a mailing begins.

    Attributes:
        canary: so many are sent first; 0: all at once.
        canary_wait: seconds after which the rest follows by itself; None: never.
        corrects: whom it is for, if it is a correction.
    """

    canary: int = 0
    canary_wait: float | None = None
    corrects: Corrected | None = None

    def lines(self) -> Iterator[str]:
        """What the panel says of it."""
        if self.corrects:
            number, revision = self.corrects
            yield f" Corrects  m{number} r{revision}: nobody else than who got it is counted"
        if self.canary:
            wait = self.canary_wait
            rest = "until a person decides" if wait is None else duration_text(wait)
            yield f" Canary    {self.canary:,} first, over all domains; then it waits {rest}"

    def refuse_other(self, before: Overview) -> None:
        """Raise if the mailing that is there began in another manner.

        Raises:
            SafetyError: E713 it has no such canary, E720 it is no such correction.
        """
        if self.corrects and before.corrects != "m{} r{}".format(*self.corrects):
            raise SafetyError(
                "E720",
                f"{before.issue} goes to {before.list} as {before.name} already",
                detail="A correction is an issue of its own.",
                next_step='mailer new "Correction", then the same command with that issue',
            )
        if self.canary and before.canary != self.canary:
            raise SafetyError(
                "E713",
                f"{before.issue} goes to {before.list} as {before.name} already ({before.state})",
                detail=f"It has no canary of {self.canary:,}.",
                next_step=f"mailer cancel {before.name}, then the same command again",
            )


WHOLE = Manner()


def mail(
    app: App,
    name: str | None,
    list_name: str | None,
    *,
    at: str | None,
    yes: bool,
    expect: int | None,
    manner: Manner = WHOLE,
) -> int:
    """Begin a mailing or go on with it; returns the exit code."""
    with looking(app.config.database_url, journal=app.config.journal) as ledger:
        issue = prepare.pick_issue(app.config, ledger, name, list_name=list_name, now=now())
        chosen = choose_list(issue, app.config.lists, list_name)
        if ledger is not None:
            standing.refuse(ledger, instance=app.config.instance, now=now())
        when = read_when(app, at, chosen)
        before = None if ledger is None else _mailing_of(ledger, issue, chosen)
    if before is not None:
        return _go_on(app, before, when, manner)
    prepared = replace(_prepare(app, issue, list_name, when), corrects=manner.corrects)
    try:
        mailing_id = _begin(app, prepared, manner, yes=yes, expect=expect)
    except SafetyError as error:
        if error.code not in (TWIN, NOBODY) or not exists(app.config.database_url):
            raise
        # Somebody may have frozen the same issue since we looked: then theirs is the mailing.
        theirs = _mailing_of(app.ledger, issue, chosen)
        if theirs is None:
            raise
        return _go_on(app, theirs, when, manner)
    one = _look(app, mailing_id)
    return _say_scheduled(app, one) if when is not None else _deliver(app, one)


def _mailing_of(ledger: Ledger, issue: Issue, chosen: ListConfig) -> Overview | None:
    with ledger.read() as connection:
        return overview.of_issue(connection, issue_slug=issue.id, list_slug=chosen.slug)


def _ledger(app: App) -> Ledger | None:
    """The ledger to write to; None as long as there is none: nobody would get anything."""
    return app.ledger if exists(app.config.database_url) else None


def _prepare(app: App, issue: Issue, list_name: str | None, when: When | None) -> Prepared:
    return prepare.prepare(
        app.config, issue, ledger=_ledger(app), list_name=list_name, when=when, now=now()
    )


def _look(app: App, mailing_id: MailingId) -> Overview:
    with app.ledger.read() as connection:
        return overview.overviews(connection, only=mailing_id)[0]


# --- a mailing that exists -----------------------------------------------------------------------


def _go_on(app: App, before: Overview, when: When | None, manner: Manner) -> int:
    """What a second command does: nothing twice."""
    manner.refuse_other(before)
    if before.state is MailingState.SENT:
        text = f"sent as {before.name} on {stamp(before.finished_at)}, nothing to do"
        app.emit("mailer.send/1", {"mailing": as_data(before)}, text)
        return 0
    if before.state is MailingState.PAUSED:
        raise StoppedError(
            "E712",
            f"{before.name} is paused",
            detail=before.reason,
            next_step=f"mailer resume {before.name}",
        )
    waits = before.state is MailingState.SCHEDULED and before.due_at > now()
    if when is not None and not (waits and when.at == before.due_at):
        raise SafetyError(
            "E713",
            f"{before.issue} goes to {before.list} as {before.name} already ({before.state})",
            detail=f"It is due {describe(before.due_at, zone=before.zone, now=now())}.",
            next_step=f"mailer cancel {before.name}, then the same command again",
        )
    return _say_scheduled(app, before) if waits else _deliver(app, before)


# --- a mailing that begins -----------------------------------------------------------------------


def _begin(
    app: App, prepared: Prepared, manner: Manner, *, yes: bool, expect: int | None
) -> MailingId:
    """Check, ask, freeze.

    Raises:
        CheckError: something is wrong with the issue, for everybody or for somebody.
        SafetyError: a draft, nobody to mail to, or not confirmed.
    """
    ledger = _ledger(app)
    prepare.refuse_draft(prepared.issue)
    prepare.refuse_errors(prepared.errors)
    audience = prepare.count_audience(prepared, ledger, now=now())
    prepare.refuse_nobody(prepared, audience)
    composed = prepare.preflight(prepared, ledger, now=now())
    prepare.refuse_errors(composed.findings)
    truth = panel.Truth(
        prepared=prepared,
        audience=audience,
        composed=composed,
        ways=scene.known_ways(app.config, ledger),
    )
    app.say("\n".join([panel.short(truth, now=now()), *manner.lines()]))
    for line in prepare.never_imported(app.config, ledger, prepared.list.slug):
        app.say(f"▲ {line}")
    with app.ledger.read() as connection:
        last = mailings.last_size(connection, prepared.list.slug)
    question = Question(recipients=audience.recipients, last=last, warnings=len(prepared.warnings))
    confirm(app, question, yes=yes, expect=expect)
    mailing_id = prepare.freeze(
        prepared,
        app.ledger,
        started_by=operator(),
        now=now(),
        canary=manner.canary,
        canary_wait=manner.canary_wait,
    )
    _require_confirmed(app, mailing_id, audience.recipients)
    return mailing_id


def _require_confirmed(app: App, mailing_id: MailingId, confirmed: int) -> None:
    """What was confirmed is what leaves: an import may have ended while the question stood."""
    try:
        require_expected(_look(app, mailing_id).recipients, confirmed)
    except MailerError:
        with app.ledger.write() as connection:
            mailings.cancel(connection, mailing_id, actor="mailer", now=now())
        raise


def _say_scheduled(app: App, one: Overview) -> int:
    text = (
        f"{one.name} is frozen for {one.recipients:,} and starts "
        f"{describe(one.due_at, zone=one.zone, now=now())}\n"
        f"mailer run or mailer send --due will send it; mailer cancel {one.name} undoes it"
    )
    app.emit("mailer.send/1", {"mailing": as_data(one)}, text)
    return 0


def _say_older(app: App, one: Overview) -> None:
    """What else is on its way goes first, as it began first."""
    with app.ledger.read() as connection:
        others = overview.overviews(connection)
    for other in reversed(others):
        left = other.counts["queued"] + other.counts["claimed"] - other.deferred - other.held
        moves = other.state in (MailingState.SENDING, MailingState.WAITING)
        if moves and left > 0 and other.id < one.id:
            app.say(f"{other.name} is finished first: {left:,} left of {other.issue}")


def _deliver(app: App, one: Overview) -> int:
    keyring = Keyring(require_secret(app.config))
    _say_older(app, one)
    one = delivering.deliver(app, one.id, keyring)
    text = "\n".join([summary(one), *(wrapped(f"→ {step}", 2) for step in next_steps(one))])
    app.emit("mailer.send/1", {"type": "result", "mailing": as_data(one)}, text)
    if one.state is not MailingState.SENT:
        return StoppedError.exit
    failed = one.counts["rejected"] > app.config.delivery.fail_ratio * one.recipients
    return FAILED_DELIVERIES if failed else 0
