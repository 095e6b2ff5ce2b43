"""What a refusal means for a delivery, its mailing and the relay (standards §3.3, decisions 16)."""

from __future__ import annotations

import pytest

from mailer.delivery import verdicts
from mailer.delivery.parcels import Parcel
from mailer.delivery.verdicts import Judge, Ruling
from mailer.errors import StoppedError
from mailer.ledger.claims import Claimed
from mailer.ledger.settling import Fault
from mailer.model import (
    BounceClass,
    DeliveryState,
    Instant,
    MailingId,
    MailingState,
    Phase,
    Reply,
)
from tests.samples.messages import DATE, compose, recipient

LATER = Instant(DATE + 60_000_000)


def parcel(*, mailing: int = 42, begun: bool = False, attempts: int = 0) -> Parcel:
    claimed = Claimed(
        recipient=recipient(mailing=MailingId(mailing)),
        address_key=b"k" * 16,
        batch=1,
        attempts=attempts,
        resends=0,
        revision=1,
        date=DATE,
        values=None,
    )
    made = Parcel(claimed, compose(), DATE)
    made.begun = begun
    return made


def reply(text: str) -> Reply:
    code, _, rest = text.partition(" ")
    enhanced = rest.partition(" ")[0]
    return Reply(code=int(code), text=rest, enhanced=enhanced if enhanced.count(".") == 2 else "")


def refused(
    judge: Judge, phase: Phase, said: str, *, mailing: int = 42, begun: bool = False
) -> Ruling:
    return judge.refused(
        parcel(mailing=mailing, begun=begun), phase, reply(said), now=LATER, jitter=0.0
    )


@pytest.fixture
def judge() -> Judge:
    return Judge(max_age=48 * 3600)


def test_an_address_that_does_not_exist_is_rejected_and_suppressed(judge: Judge) -> None:
    ruling = refused(judge, Phase.RCPT, "550 5.1.1 no such user")
    assert ruling.outcome is not None
    assert (DeliveryState.REJECTED, BounceClass.HARD_ADDRESS, True) == (
        ruling.outcome.state,
        ruling.outcome.bounce_class,
        ruling.suppress,
    )
    assert ruling.stop is None


@pytest.mark.parametrize("said", ["552 5.2.2 mailbox full", "550 5.2.1 disabled", "550 4.2.2 full"])
def test_other_refusals_of_an_address_suppress_nobody(judge: Judge, said: str) -> None:
    """§4.2: everything else is only logged for now."""
    ruling = refused(judge, Phase.RCPT, said)
    assert ruling.outcome is not None
    assert (DeliveryState.REJECTED, False) == (ruling.outcome.state, ruling.suppress)


def test_a_temporary_refusal_comes_due_later(judge: Judge) -> None:
    """S-31."""
    outcome = refused(judge, Phase.RCPT, "451 4.7.1 greylisted").outcome
    assert outcome is not None
    assert (DeliveryState.QUEUED, 300, True) == (
        outcome.state,
        ((outcome.due_at or 0) - LATER) // 1_000_000,
        outcome.counted,
    )


@pytest.mark.parametrize(("begun", "was"), [(False, "queued"), (True, "sending")])
def test_the_outcome_says_which_state_the_row_is_in(judge: Judge, *, begun: bool, was: str) -> None:
    """S-45: an envelope without content is not in `sending` unless its intent was committed."""
    outcome = refused(judge, Phase.RCPT, "550 5.1.1 no such user", begun=begun).outcome
    assert outcome is not None
    assert was == outcome.was


def test_mail_from_refused_for_good_pauses_this_mailing_and_marks_nobody(judge: Judge) -> None:
    """§3.3 MAIL/5xx, E311."""
    ruling = refused(judge, Phase.MAIL, "550 5.1.8 sender unknown", mailing=7)
    assert ruling.outcome is None
    assert ruling.stop is not None
    assert (7, MailingState.PAUSED, "E311") == (
        ruling.stop.mailing,
        ruling.stop.state,
        ruling.stop.error.code,
    )
    assert "mailer resume m7" in ruling.stop.error.next
    assert "550 5.1.8 sender unknown" in ruling.stop.error.detail


def test_mail_from_deferred_three_times_in_a_row_leaves_the_relay_alone(judge: Judge) -> None:
    """§3.3 MAIL/4xx; an envelope that was taken in between begins the count anew."""
    later = "451 4.3.0 later"
    assert [False, False] == [refused(judge, Phase.MAIL, later).back_off for _ in range(2)]
    judge.envelope_taken()
    assert [False, False, True] == [refused(judge, Phase.MAIL, later).back_off for _ in range(3)]


def test_421_asks_for_another_connection(judge: Judge) -> None:
    assert refused(judge, Phase.RCPT, "421 4.7.0 too fast").reconnect


def test_deferrals_of_mail_from_are_counted_for_each_relay(judge: Judge) -> None:
    """One relay that puts us off is left alone; the other one is not."""
    later = reply("451 4.3.0 later")

    def deferred(relay: str) -> bool:
        ruling = judge.refused(parcel(), Phase.MAIL, later, now=LATER, jitter=0.0, relay=relay)
        return ruling.back_off

    assert [False] * 4 == [deferred(relay) for relay in ("a", "b", "a", "b")]
    judge.envelope_taken("b")
    assert [True, False] == [deferred("a"), deferred("b")]


def test_a_sender_fault_is_named_with_the_domain_that_found_it(judge: Judge) -> None:
    """Decisions 16: nobody is rejected or suppressed; the breaker counts what is equal."""
    ruling = refused(judge, Phase.RCPT, "550 5.7.26 unauthenticated")
    assert ruling.outcome is not None
    assert (DeliveryState.QUEUED, False, None) == (
        ruling.outcome.state,
        ruling.suppress,
        ruling.stop,
    )
    assert Fault("RCPT TO: 550 5.7.26", "example.net") == ruling.outcome.fault


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("421 4.7.28 unusual rate", 5400.0),
        ("421 4.7.0 [TSS04] deferred", 7200.0),
        ("451 4.3.2 busy", 0.0),
        ("450 4.2.0 later", None),
        ("550 5.1.1 no such user", None),
    ],
)
def test_a_domain_may_ask_for_less(judge: Judge, said: str, expected: float | None) -> None:
    """§2.2, S-32."""
    assert expected == refused(judge, Phase.RCPT, said).throttle


# --- what people are told ------------------------------------------------------------------------


def test_a_relay_that_is_down_is_a_stop_that_can_be_resumed() -> None:
    error = verdicts.relay_down("r:25", "connect: refused")
    assert ("E310", 6, StoppedError) == (error.code, error.exit, type(error))
    assert "refused" in error.detail


def test_a_reason_has_the_relays_words_and_nobodys_address() -> None:
    """What `mailer status` says; it outlives the erasure of a person."""
    refused = verdicts.sender_refused(MailingId(7), reply("550 5.1.8 <ann@a.test>: sender unknown"))
    assert "E311 The relay refused the sender (550 5.1.8 … sender unknown)" == verdicts.reason(
        refused
    )
    assert verdicts.QUOTED == len(verdicts.quoted("word " * 100))
