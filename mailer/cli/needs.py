"""What a mailing needs that does not go on by itself, each with the command that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.model import MailingState
from mailer.when import describe, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.ledger.overview import Overview

ENDED = (MailingState.SENT, MailingState.CANCELLED, MailingState.MISSED)
DELIVERERS = "mailer run or mailer send --due"


def next_steps(one: Overview, *, delivering: bool = False) -> list[str]:
    """What a mailing needs that does not go on by itself, as while somebody is delivering."""
    waiting = one.counts["queued"] + one.counts["claimed"]
    moving = waiting - one.deferred - one.held
    steps = [] if one.state in ENDED else list(_held(one))
    if one.state is MailingState.PAUSED:
        steps.append(_paused(one))
    elif one.state is MailingState.WAITING:
        why = f" ({one.reason})" if one.reason else ""
        steps.append(f"{waiting:,} wait for the relay{why}: {DELIVERERS}")
    elif one.state is MailingState.MISSED:
        again = f"mailer cancel {one.name}, then mailer send {one.issue}"
        steps.append(f"missed: {one.reason}: {again}")
    elif one.state is MailingState.SENDING and moving > 0 and not delivering:
        steps.append(f"{moving:,} left: {DELIVERERS}")
    if one.state is not MailingState.PAUSED and one.deferred and one.next_try_at is not None:
        at = now()
        again = describe(one.next_try_at, zone=one.zone, now=at) if one.next_try_at > at else "now"
        steps.append(f"{one.deferred:,} deferred, next try {again} by {DELIVERERS}")
    if one.counts["in_doubt"] and one.state is not MailingState.CANCELLED:
        number = one.counts["in_doubt"]
        steps.append(f"{number:,} in doubt: mailer retry {one.name} --in-doubt, or leave them")
    return steps


def _paused(one: Overview) -> str:
    from mailer.ledger import tally

    resume = f"mailer resume {one.name}"
    if one.resume_at is not None:
        again = describe(one.resume_at, zone=one.zone, now=now())
        by = f"goes on {again} by {DELIVERERS}, or now: {resume}"
        resume = f"{by}; not at all: mailer pause {one.name}"
    if one.reason.startswith(tally.SHARES):
        resume = tally.guard_steps(one.id)
    return f"paused: {one.reason or 'by an operator'}: {_mend(one.reason)}{resume}"


def _held(one: Overview) -> Iterator[str]:
    """The domains that wait for a person (decisions 16)."""
    for domain, reason in one.holds.items():
        yield (
            f"holds {domain}: {reason}: {_mend(reason)}mailer resume {one.name} --domain {domain}"
        )


def _mend(reason: str) -> str:
    """What to do first, where a provider's own code says what is wrong (standards §2.2)."""
    from mailer.bounces import providers

    hint = providers.find(reason)
    return "" if hint is None else f"{hint.mend}, then "
