"""The corrected issue of a mailing that is under way: prepared as any other, and compared."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailer.errors import NotFoundError
from mailer.ledger import revising
from mailer.ledger.variants import label
from mailer.model import Slot
from mailer.prepare.audience import preflight_left
from mailer.prepare.finding import pick_issue
from mailer.prepare.git import checkout
from mailer.prepare.preparing import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailer.check.everybody import Composed
    from mailer.config import Config
    from mailer.ledger import Ledger
    from mailer.ledger.overview import Overview
    from mailer.model import Instant, Rendering, Revision, Template
    from mailer.prepare.preparing import Prepared

HERE = "."
"""The name of the folder as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """A revision that could follow.

    Attributes:
        before: what was frozen last, by the names of the variants.
        composed: for everybody who would get it.
        tried_again: so many are queued that keep what they began with.
    """

    number: int
    prepared: Prepared
    before: Mapping[str, tuple[Revision, Rendering]]
    composed: Composed
    tried_again: int

    @property
    def changes(self) -> bool:
        """Whether anybody would get anything else."""
        after = {
            name: _essence(variant.revision) for name, variant in self.prepared.variants.items()
        }
        return after != {name: _essence(frozen) for name, (frozen, _) in self.before.items()}

    def diff(self) -> Iterator[str]:
        """What changes in subject and text part, line by line, each variant's."""
        old = {name: content for name, (_, content) in self.before.items()}
        new = {name: one.rendering for name, one in self.prepared.variants.items()}
        for name in sorted({*old, *new}):
            which = f" {label(name)}" if len({*old, *new}) > 1 else ""
            yield from difflib.unified_diff(
                _lines(old.get(name)),
                _lines(new.get(name)),
                f"r{self.number - 1}{which}",
                f"r{self.number}{which}",
                lineterm="",
            )


def revise(config: Config, ledger: Ledger, mailing: Overview, ref: str, *, now: Instant) -> Revised:
    """Prepare the issue of a mailing anew, as its files are in the folder or at a commit.

    From a commit come issues, templates and images; mailer.toml is what it is now. An absent date
    stays that of the first revision.

    Raises:
        NotFoundError: E115, the issue is not there any more.
        CheckError: it cannot be rendered.
        UsageError: E011, git knows no such commit.
    """
    if ref == HERE:
        prepared = _prepare(config, ledger, mailing)
    else:
        with checkout(config.root, ref) as (root, commit):
            at_commit = replace(config, root=root)
            prepared = replace(_prepare(at_commit, ledger, mailing), commit=commit)
    with ledger.read() as connection:
        before = revising.newest(connection, mailing.id)
        tried_again = revising.tried_again(connection, mailing.id)
    return Revised(
        number=mailing.revision + 1,
        prepared=prepared,
        before=before,
        composed=preflight_left(prepared, ledger, mailing.id, now=now),
        tried_again=tried_again,
    )


def _prepare(config: Config, ledger: Ledger, mailing: Overview) -> Prepared:
    planned = mailing.due_at
    issue = pick_issue(config, ledger, mailing.issue, now=planned, list_name=mailing.list)
    if issue.id != mailing.issue:  # a part of another id
        raise NotFoundError(
            "E115",
            f"The issue {mailing.issue} is not there any more",
            where=str(config.root / "issues"),
            next_step="its id is that of the file's name, or `id:` in its front matter",
        )
    prepared = prepare(config, issue, ledger=ledger, list_name=mailing.list, when=None, now=planned)
    # That it was mailed is why it is corrected.
    findings = tuple(one for one in prepared.findings if one.id != "I107")
    return replace(prepared, findings=findings)


def _essence(frozen: Revision) -> Revision:
    """What the recipients see of it."""
    return replace(frozen, number=0, key_id=0, commit="")


def _lines(content: Rendering | None) -> list[str]:
    if content is None:
        return []
    return [f"Subject: {_shown(content.subject)}", "", *_shown(content.text).splitlines()]


def _shown(pieces: Template) -> str:
    """As it is, with the places of personal values."""
    return "".join(
        f"{{{{ {piece.expression} }}}}" if isinstance(piece, Slot) else piece for piece in pieces
    )
