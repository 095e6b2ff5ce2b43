"""How old a delivery is when the relay defers it once more (S-31)."""

from __future__ import annotations

import pytest

from mailer.delivery.parcels import Parcel
from mailer.delivery.verdicts import Judge
from mailer.ledger.claims import Claimed
from mailer.model import DeliveryState, Instant, Phase, Reply
from tests.samples.messages import DATE, compose, recipient

HOUR = 3600 * 1_000_000
NOW = Instant(DATE + 49 * HOUR)


@pytest.mark.parametrize(
    ("attempts", "aged_from", "expected"),
    [
        (1, None, DeliveryState.REJECTED),
        (0, NOW - HOUR, DeliveryState.QUEUED),
        (1, NOW - HOUR, DeliveryState.QUEUED),
        (7, NOW - 48 * HOUR, DeliveryState.REJECTED),
    ],
)
def test_what_an_operator_queued_again_expires_two_days_after_that(
    attempts: int, aged_from: int | None, expected: DeliveryState
) -> None:
    """The first attempt was 49 hours ago: its Date stays that (M-5), its age does not."""
    claimed = Claimed(
        recipient=recipient(),
        address_key=b"k" * 16,
        batch=1,
        attempts=attempts,
        resends=0,
        revision=1,
        date=DATE,
        values=None,
        aged_from=None if aged_from is None else Instant(aged_from),
    )
    ruling = Judge(max_age=48 * 3600).refused(
        Parcel(claimed, compose(), DATE),
        Phase.RCPT,
        Reply(code=451, text="4.2.1 later", enhanced="4.2.1"),
        now=NOW,
        jitter=0.0,
    )
    assert ruling.outcome is not None
    assert (expected, DATE) == (ruling.outcome.state, ruling.outcome.date)
