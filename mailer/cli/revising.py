"""`mailer resume --revision`: the corrected issue for those who are left (interface §1.6 B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer import prepare
from mailer.cli import findings
from mailer.errors import SafetyError
from mailer.ledger import revising, starting
from mailer.when import now

if TYPE_CHECKING:
    from mailer.cli.context import App
    from mailer.ledger.overview import Overview
    from mailer.prepare import Revised

_SIGNS = {"+": "green", "-": "red", "@": "cyan"}


def revise(app: App, before: Overview, ref: str, *, yes: bool, operator: str) -> None:
    """Show what changes, ask, freeze the next revision and let the paused mailing go on.

    Raises:
        CheckError: something is wrong with the issue, for everybody or for somebody who is left.
        SafetyError: E703 it is a draft, E718 nothing changes, E719 nobody is left, or it is not as
            it was any more; or not confirmed.
    """
    revised = prepare.revise(app.config, app.ledger, before, ref, now=now())
    prepare.refuse_draft(revised.prepared.issue)
    prepare.refuse_errors(revised.prepared.errors)
    prepare.refuse_errors(revised.composed.findings)
    _refuse_needless(before, revised)
    app.say(_shown(before, revised))
    left = f"{revised.composed.recipients:,}"
    app.confirm(f"Send r{revised.number} of {before.name} to the {left} who are left?", yes=yes)
    with app.ledger.write() as connection:
        revising.add_revision(
            connection,
            before.id,
            revised.prepared.versions,
            after=before.revision,
            now=now(),
            actor=operator,
        )
        starting.resume(connection, before.id, actor=operator, now=now())


def _refuse_needless(before: Overview, revised: Revised) -> None:
    if not revised.changes:
        raise SafetyError(
            "E718",
            f"Nobody would get anything else than r{before.revision} of {before.name}",
            where=revised.prepared.issue.file,
            detail="The issue is the same. Nothing was changed; the mailing is still paused.",
            next_step=f"save or commit what you mended, or mailer resume {before.name}",
        )
    if not revised.composed.recipients:
        raise SafetyError(
            "E719",
            f"Nobody is left who would get r{revised.number} of {before.name}",
            detail=f"{revised.tried_again:,} are tried again with what they began with.",
            next_step=f"mailer correct {before.name} ISSUE --revision r{before.revision}",
        )


def _shown(before: Overview, revised: Revised) -> str:
    prepared = revised.prepared
    commit = prepared.commit or prepared.base.stamped().commit
    head = f" {before.name} {before.issue} → {before.list}   r{before.revision} → r{revised.number}"
    lines = [head + (f" @ {commit}" if commit else ""), ""]
    changed = [_coloured(line) for line in revised.diff()]
    lines += changed or [" The text part is the same; the HTML part or the headers differ."]
    found = (*prepared.findings, *revised.composed.findings)
    left = f" {revised.composed.recipients:,} left"
    if revised.tried_again:
        left += f" · {revised.tried_again:,} are tried again with what they began with"
    return "\n".join([*lines, "", left, *findings.blocks(found, file=prepared.issue.file)])


def _coloured(line: str) -> str:
    return click.style(line, fg=_SIGNS.get(line[:1])) if line[:1] in _SIGNS else line
