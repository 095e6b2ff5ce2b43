"""What `mailer status` asks of a person, and what not (interface §2.5)."""

from __future__ import annotations

from mailer.cli.needs import next_steps
from mailer.ledger.overview import Overview
from mailer.model import Instant, MailingId, MailingState


def sending(**counts: int) -> Overview:
    names = ("queued", "claimed", "sending", "accepted", "rejected", "in_doubt", "cancelled")
    return Overview(
        id=MailingId(42),
        issue="winter",
        list="weekly",
        subject="Winter",
        state=MailingState.SENDING,
        reason="",
        recipients=sum(counts.values()),
        counts={**dict.fromkeys(names, 0), **counts},
        resent=0,
        ever_in_doubt=0,
        bounced=0,
        deferred=2,
        next_try_at=Instant(1),
        due_at=Instant(0),
        zone="UTC",
        started_at=Instant(0),
        finished_at=None,
    )


def test_what_is_being_delivered_needs_nobody() -> None:
    """The deferred do: a command in the foreground may end before their time."""
    one = sending(queued=10, accepted=5)
    later = "2 deferred, next try now by mailer run or mailer send --due"
    assert ["8 left: mailer run or mailer send --due", later] == next_steps(one)
    assert [later] == next_steps(one, delivering=True)
