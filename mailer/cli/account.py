"""One mailing as it is told everywhere: in one line for people, and as data for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailer.cli.people import iso
from mailer.ledger.variants import label
from mailer.model import moment

if TYPE_CHECKING:
    from mailer.ledger.overview import Overview
    from mailer.model import Instant


def as_data(one: Overview) -> dict[str, Any]:
    """A mailing as `mailer.status/1` has it; the counts add up to `recipients`."""
    return {
        "id": one.name,
        "issue": one.issue,
        "list": one.list,
        "state": one.state,
        "reason": one.reason,
        "recipients": one.recipients,
        "counts": one.counts,
        "deferred": one.deferred,
        "held": one.held,
        "holds": dict(one.holds),
        "next_try_at": iso(one.next_try_at),
        "bounced": one.bounced,
        "resent": one.resent,
        "ever_in_doubt": one.ever_in_doubt,
        "reconciled": one.reconciled,
        "due_at": iso(one.due_at),
        "started_at": iso(one.started_at),
        "finished_at": iso(one.finished_at),
        "variants": {label(name): number for name, number in one.variants.items()},
        "revisions": {
            f"r{number}": count
            for number, count in (one.revisions or {one.revision: one.recipients}).items()
        },
        "canary": one.canary,
        "resume_at": iso(one.resume_at),
        "corrects": one.corrects,
    }


def stamp(at: Instant | None) -> str:
    """An instant to the minute."""
    return "" if at is None else f"{moment(at):%Y-%m-%d %H:%M} UTC"


def summary(one: Overview) -> str:
    """One mailing in one line."""
    counts = one.counts
    shown = {
        "accepted": counts["accepted"],
        "rejected": counts["rejected"],
        "cancelled": counts["cancelled"],
        "in doubt": counts["in_doubt"],
    }
    return f"{one.name} {one.state}: " + " · ".join(
        f"{number:,} {label}" for label, number in shown.items()
    )
