"""When a mailing is stopped for its own good, or leaves a domain alone: pure (S-33, decisions 16).

::

    hard bounces      5 % of the first 500, from 200 on ─┐
    complaints      0.3 % of the first 500, from 200 on ─┼─▶ paused; an operator resumes it
    equal sender faults     10, from three domains ──────┘
    equal sender faults     10, from one domain ───────────▶ that domain is held

An operator who resumes overrules the shares for good, and begins the count of equal faults anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailer.config import GuardConfig
    from mailer.ledger.tally import Blamed, Tally

DOMAINS: Final = 3
"""From so many recipient domains on, equal faults are not about one provider (decisions 16)."""

RECENT: Final = 1000
"""Faults count together while fewer than so many were accepted since the first of them.

A mailing of a million meets ten people whose own server refuses it by policy, one here, one there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from equal faults.

    Attributes:
        domain: the domain to hold; empty: the mailing is to be paused.
        number: how many deliveries met the fault.
    """

    domain: str
    number: int


def share_reason(tally: Tally, limits: GuardConfig) -> str | None:
    """Why a mailing must stop for its share of hard bounces or complaints; None if it must not."""
    settled = tally.accepted + tally.rejected
    if tally.overruled or not limits.minimum <= settled <= limits.sample:
        return None
    for number, limit, what in (
        (tally.hard, limits.hard, "do not exist"),
        (tally.complaints, limits.complaints, "complained"),
    ):
        if number and number >= limit * settled:
            return (
                f"{number:,} of the first {settled:,} ({_percent(number / settled)}) {what} "
                f"(limit {_percent(limit)})"
            )
    return None


def equal_faults(
    faults: Iterable[Blamed], *, domain: str, accepted: int, limits: GuardConfig
) -> Verdict | None:
    """What follows from the equal faults of a mailing, the newest of which came from `domain`.

    Args:
        faults: the newest of each delivery that met it.
        domain: a recipient domain.
        accepted: how many deliveries of the mailing were accepted by now.
        limits: `equal_replies` of them are enough.
    """
    recent = [one.domain for one in faults if accepted - one.accepted <= RECENT]
    found = Counter(recent)
    if len(recent) >= limits.equal_replies and len(found) >= DOMAINS:
        return Verdict(domain="", number=len(recent))
    if found[domain] >= limits.equal_replies:
        return Verdict(domain=domain, number=found[domain])
    return None


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.1f}".removesuffix(".0") + " %" if percent >= 1 else f"{percent:.2g} %"
