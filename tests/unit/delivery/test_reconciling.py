"""What a log decides, and what it leaves to the policy (S-42)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailer.compose.links import Keyring
from mailer.delivery.reconciling import doubt_wait, judge
from mailer.delivery.relaylog import Reading
from mailer.ledger.doubt import Doubt, Witness
from mailer.model import DeliveryState, Instant, MailingId, SubscriberId
from tests.wire.courier import relay_at

if TYPE_CHECKING:
    from pathlib import Path

KEYS = Keyring((b"k" * 32,))
SECOND = 1_000_000
BEGAN, DOUBTED = Instant(1000 * SECOND), Instant(1002 * SECOND)
GRACE = 5 * SECOND
M42 = MailingId(42)


def tokens(seq: int) -> tuple[str, str]:
    verp, _, message_id = KEYS.delivery_tokens(mailing=M42, seq=seq, key_id=KEYS.newest_id)
    return verp, message_id


DOUBT = Doubt(
    mailing=M42,
    seq=7,
    subscriber=SubscriberId(7),
    address_key=b"k",
    key_id=KEYS.newest_id,
    relay="r",
    state=DeliveryState.IN_DOUBT,
    resends=0,
    began_at=BEGAN,
    at=DOUBTED,
)


def witness(seq: int, at: int = 1001) -> Witness:
    return Witness(M42, seq, KEYS.newest_id, Instant(at * SECOND))


def log(*seqs: int, **fields: Any) -> Reading:
    """A log that has these deliveries, goes back far enough and on long enough."""
    values = {"first": Instant(900 * SECOND), "last": Instant(1010 * SECOND), **fields}
    return Reading(queued={tokens(seq)[0]: f"ID{seq}" for seq in seqs}, **values)


def decided(reading: Reading, *witnesses: Witness) -> str:
    findings = judge([DOUBT], witnesses, reading, KEYS, grace=GRACE)
    named = {"found": findings.found, "absent": findings.absent, "lost": findings.lost}
    return " ".join(name for name, value in named.items() if value)


def test_what_the_log_has_is_found() -> None:
    """Whatever else it has or lacks."""
    findings = judge([DOUBT], [], Reading(queued={tokens(7)[0]: "4X1"}), KEYS, grace=GRACE)
    assert {(M42, 7): "4X1"} == findings.found
    assert [] == findings.absent


def test_what_a_whole_log_lacks_is_not_there() -> None:
    assert "absent" == decided(log(1, 2), witness(1), witness(2))


@pytest.mark.parametrize(
    ("why", "reading", "witnesses"),
    [
        ("nobody shows that it is the log of this relay", log(1), []),
        ("a message that was accepted is not in it: it has gaps", log(1), [witness(1), witness(2)]),
        (
            "it ends before the relay must have written",
            log(1, last=Instant(1006 * SECOND)),
            [witness(1)],
        ),
        (
            "the header came: the queue may be late",
            replace(log(1), seen={tokens(7)[1]}),
            [witness(1)],
        ),
        ("those that bear witness are too new", log(1), [witness(1, 1009)]),
    ],
)
def test_what_is_not_certain_is_left_to_the_policy(
    why: str, reading: Reading, witnesses: list[Witness]
) -> None:
    assert "" == decided(reading, *witnesses), why


def test_who_was_accepted_a_moment_ago_need_not_be_written_yet() -> None:
    assert "absent" == decided(log(1), witness(1), witness(3, 1009))


@pytest.mark.parametrize("first", [None, Instant(1001 * SECOND)])
def test_a_log_that_does_not_go_back_will_never_decide(first: Instant | None) -> None:
    assert "lost" == decided(log(1, first=first), witness(1))


def test_a_resend_waits_only_where_a_relay_has_a_log(tmp_path: Path) -> None:
    plain = relay_at(25)
    assert 0 == doubt_wait([plain])
    assert 10 * SECOND < doubt_wait([plain, replace(plain, log=tmp_path / "mail.log")])
