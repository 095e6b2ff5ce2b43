"""When more deliveries are claimed."""

from __future__ import annotations

from mailer.config import RelayConfig
from mailer.delivery.fleet import MOST, Fleet
from mailer.ledger.claims import Claimed
from mailer.model import Instant
from tests.samples.messages import recipient

TWO = (
    RelayConfig(host="relay.test", port=25, security="starttls", label="all"),
    RelayConfig(
        host="relay.test", port=25, security="starttls", label="rare", domains=("rare.test",)
    ),
)


def claimed(seq: int) -> Claimed:
    return Claimed(
        recipient=recipient(seq=seq, email=f"person{seq}@a.test"),
        address_key=b"",
        batch=1,
        attempts=0,
        resends=0,
        revision=1,
        date=None,
        values=None,
    )


def test_a_relay_that_has_nothing_to_carry_does_not_make_all_be_claimed() -> None:
    """Bounded memory: of a mailing to a million nobody may be at the domain that it is for."""
    fleet = Fleet(TWO, slug_of=str, clock=lambda: Instant(0), time=lambda: 0.0)
    assert fleet.is_hungry
    for seq in range(MOST):
        fleet.feed.put_last(claimed(seq))
    assert MOST == len(fleet.feed)
    assert not fleet.is_hungry
