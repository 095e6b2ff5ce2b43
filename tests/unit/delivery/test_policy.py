"""What a relay's word means, cell by cell (standards §3.3, §2.2, S-30, S-31)."""

from __future__ import annotations

import pytest

from mailer.delivery.policy import RETRIES, Decision, Effect, decide, retry_delay
from mailer.model import BounceClass, DeliveryState, Lost, Phase, Reply

QUEUED, REJECTED = DeliveryState.QUEUED, DeliveryState.REJECTED
ACCEPTED, IN_DOUBT = DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT
LOST = Lost(reason="the relay closed the connection")
NOTHING = Decision()
RELAY_DOWN = Decision(effect=Effect.BACK_OFF)
ABOUT_US = Decision(effect=Effect.PAUSE)
RETRY_SAFE = Decision(state=QUEUED, effect=Effect.RECONNECT)
LATER = Decision(state=QUEUED, retry_in=300, counts=True)
SLOWER = Decision(state=QUEUED, retry_in=300, counts=True, throttle=0.0)
ASIDE = Decision(state=QUEUED, retry_in=30, effect=Effect.RECONNECT, throttle=0.0)
NO_SUCH_USER = Decision(state=REJECTED, bounce_class=BounceClass.HARD_ADDRESS, counts=True)
HOURS_48 = 48 * 3600.0


def reply(text: str) -> Reply:
    code, _, words = text.partition(" ")
    first = words.split(" ")[0]
    return Reply(code=int(code), text=words, enhanced=first if first.count(".") == 2 else "")


def ruled(
    phase: Phase, said: str | Lost, *, attempts: int = 1, age: float = 0.0, jitter: float = 0.0
) -> Decision:
    return decide(
        phase=phase,
        said=reply(said) if isinstance(said, str) else said,
        attempts=attempts,
        age=age,
        max_age=HOURS_48,
        jitter=jitter,
    )


CELLS: list[tuple[str, Phase, str | Lost, Decision]] = [
    ("connect/2xx", Phase.CONNECT, "220 hello", NOTHING),
    ("connect/4xx", Phase.CONNECT, "450 busy", RELAY_DOWN),
    ("connect/5xx", Phase.CONNECT, "554 blocked", RELAY_DOWN),
    ("connect/421", Phase.CONNECT, "421 busy", RELAY_DOWN),
    ("connect/lost", Phase.CONNECT, LOST, RELAY_DOWN),
    ("banner/2xx", Phase.BANNER, "220 hello", NOTHING),
    ("banner/4xx", Phase.BANNER, "450 busy", RELAY_DOWN),
    ("banner/5xx", Phase.BANNER, "554 blocked", RELAY_DOWN),
    ("banner/421", Phase.BANNER, "421 busy", RELAY_DOWN),
    ("banner/lost", Phase.BANNER, LOST, RELAY_DOWN),
    ("EHLO/2xx", Phase.EHLO, "250 hello", NOTHING),
    ("EHLO/4xx", Phase.EHLO, "450 4.3.2 later", RELAY_DOWN),
    ("EHLO/5xx, HELO too", Phase.EHLO, "550 5.7.1 go away", ABOUT_US),
    ("EHLO/421", Phase.EHLO, "421 4.3.2 bye", RELAY_DOWN),
    ("EHLO/lost", Phase.EHLO, LOST, RELAY_DOWN),
    ("STARTTLS/2xx", Phase.STARTTLS, "220 ready", NOTHING),
    ("STARTTLS/4xx", Phase.STARTTLS, "454 4.7.0 not now", RELAY_DOWN),
    ("STARTTLS/5xx", Phase.STARTTLS, "502 5.5.1 no", ABOUT_US),
    ("STARTTLS/421", Phase.STARTTLS, "421 bye", RELAY_DOWN),
    ("STARTTLS/lost", Phase.STARTTLS, LOST, RELAY_DOWN),
    ("AUTH/2xx", Phase.AUTH, "235 welcome", NOTHING),
    ("AUTH/3xx", Phase.AUTH, "334 more", NOTHING),
    ("AUTH/4xx", Phase.AUTH, "454 4.7.0 later", RELAY_DOWN),
    ("AUTH/5xx", Phase.AUTH, "535 5.7.8 wrong", ABOUT_US),
    ("AUTH/421", Phase.AUTH, "421 bye", RELAY_DOWN),
    ("AUTH/lost", Phase.AUTH, LOST, RELAY_DOWN),
    ("MAIL/2xx", Phase.MAIL, "250 2.1.0 ok", NOTHING),
    ("MAIL/4xx", Phase.MAIL, "451 4.3.0 later", Decision(state=QUEUED)),
    (
        "MAIL/5xx 5.1.8",
        Phase.MAIL,
        "550 5.1.8 bad sender",
        Decision(state=QUEUED, effect=Effect.PAUSE),
    ),
    (
        "MAIL/5xx 5.7.1",
        Phase.MAIL,
        "554 5.7.1 not owned",
        Decision(state=QUEUED, effect=Effect.PAUSE),
    ),
    ("MAIL/421", Phase.MAIL, "421 4.3.2 bye", RETRY_SAFE),
    ("MAIL/lost", Phase.MAIL, LOST, RETRY_SAFE),
    ("RCPT/2xx", Phase.RCPT, "250 2.1.5 ok", NOTHING),
    ("RCPT/4xx", Phase.RCPT, "450 4.2.0 later", LATER),
    ("RCPT/4xx greylist", Phase.RCPT, "451 4.7.1 greylisted", LATER),
    (
        "RCPT/4xx too many recipients",
        Phase.RCPT,
        "452 4.5.3 too many recipients",
        Decision(state=QUEUED, retry_in=300, counts=True, effect=Effect.RECONNECT),
    ),
    ("RCPT/4xx mailbox full", Phase.RCPT, "452 4.2.2 full", LATER),
    ("RCPT/5xx", Phase.RCPT, "550 5.1.1 no such user", NO_SUCH_USER),
    (
        "RCPT/5xx mailbox full",
        Phase.RCPT,
        "552 5.2.2 full",
        Decision(state=REJECTED, bounce_class=BounceClass.MAILBOX_FULL, counts=True),
    ),
    (
        "RCPT/5xx unknown",
        Phase.RCPT,
        "550 no",
        Decision(state=REJECTED, bounce_class=BounceClass.UNKNOWN, counts=True),
    ),
    (
        "RCPT/5xx sender fault",
        Phase.RCPT,
        "550 5.7.26 unauthenticated",
        Decision(
            state=QUEUED,
            retry_in=300,
            bounce_class=BounceClass.SENDER_FAULT,
            counts=True,
            sender_fault="RCPT TO: 550 5.7.26",
        ),
    ),
    (
        "RCPT/5xx protocol",
        Phase.RCPT,
        "501 5.5.4 bad parameter",
        Decision(
            state=REJECTED,
            bounce_class=BounceClass.PROTOCOL,
            counts=True,
            sender_fault="RCPT TO: 501 5.5.4",
        ),
    ),
    ("RCPT/421", Phase.RCPT, "421 4.3.2 bye", ASIDE),
    ("RCPT/lost", Phase.RCPT, LOST, RETRY_SAFE),
    ("DATA/354", Phase.DATA, "354 go on", NOTHING),
    ("DATA/4xx", Phase.DATA, "451 4.3.0 later", SLOWER),
    (
        "DATA/5xx",
        Phase.DATA,
        "554 transaction failed",
        Decision(
            state=REJECTED,
            bounce_class=BounceClass.UNKNOWN,
            counts=True,
            sender_fault="DATA: 554",
        ),
    ),
    ("DATA/5xx no such user", Phase.DATA, "550 5.1.1 no such user", NO_SUCH_USER),
    ("DATA/421", Phase.DATA, "421 4.3.2 bye", ASIDE),
    ("DATA/lost", Phase.DATA, LOST, RETRY_SAFE),
    ("dot/2xx", Phase.DOT, "250 2.0.0 queued as 4F2", Decision(state=ACCEPTED)),
    ("dot/4xx", Phase.DOT, "452 4.3.1 full", LATER),
    (
        "dot/5xx content",
        Phase.DOT,
        "554 5.7.1 spam",
        Decision(
            state=QUEUED,
            retry_in=300,
            bounce_class=BounceClass.SENDER_FAULT,
            counts=True,
            sender_fault="final dot: 554 5.7.1",
        ),
    ),
    (
        "dot/5xx too big",
        Phase.DOT,
        "552 5.3.4 too big",
        Decision(
            state=QUEUED,
            retry_in=300,
            bounce_class=BounceClass.SENDER_FAULT,
            counts=True,
            sender_fault="final dot: 552 5.3.4",
        ),
    ),
    (
        "dot/5xx mailbox full",
        Phase.DOT,
        "552 5.2.2 full",
        Decision(state=REJECTED, bounce_class=BounceClass.MAILBOX_FULL, counts=True),
    ),
    (
        "dot/5xx unknown",
        Phase.DOT,
        "554 no",
        Decision(
            state=REJECTED,
            bounce_class=BounceClass.UNKNOWN,
            counts=True,
            sender_fault="final dot: 554",
        ),
    ),
    (
        "dot/421",
        Phase.DOT,
        "421 4.3.2 bye",
        Decision(state=QUEUED, retry_in=300, counts=True, effect=Effect.RECONNECT, throttle=0.0),
    ),
    ("dot/lost", Phase.DOT, LOST, Decision(state=IN_DOUBT, effect=Effect.RECONNECT)),
    *(
        (f"{phase}/{said}", phase, said, NOTHING)
        for phase in (Phase.RSET, Phase.QUIT)
        for said in ("250 ok", "450 what", "500 what", "421 bye", LOST)
    ),
]


@pytest.mark.parametrize(
    ("phase", "said", "expected"), [cell[1:] for cell in CELLS], ids=[f"§3.3 {c[0]}" for c in CELLS]
)
def test_cell(phase: Phase, said: str | Lost, expected: Decision) -> None:
    """§3.3: one row of the parameters per cell of the table."""
    assert expected == ruled(phase, said)


def test_every_cell_of_the_table_is_tested() -> None:
    """§3.3: every phase with 2xx or 3xx, 4xx, 5xx, 421 and a loss."""

    def word(said: str | Lost) -> str:
        return "lost" if isinstance(said, Lost) else "421" if said[:3] == "421" else said[0]

    tested = {(phase, word(said).replace("3", "2")) for _, phase, said, _ in CELLS}
    assert {(phase, kind) for phase in Phase for kind in ("2", "4", "5", "421", "lost")} <= tested


def test_up_to_mail_from_nobody_is_marked() -> None:
    """Case 27: whatever is said there, no delivery is rejected or in doubt, no attempt counted."""
    for _, phase, said, _ in CELLS:
        if phase in {
            Phase.CONNECT,
            Phase.BANNER,
            Phase.EHLO,
            Phase.STARTTLS,
            Phase.AUTH,
            Phase.MAIL,
        }:
            decision = ruled(phase, said, age=HOURS_48)
            assert decision.state in {None, QUEUED}
            assert not decision.counts
            assert decision.bounce_class is None


def test_only_a_loss_at_the_final_dot_is_in_doubt() -> None:
    """S-40."""
    doubtful = [name for name, phase, said, _ in CELLS if ruled(phase, said).state is IN_DOUBT]
    assert doubtful == ["dot/lost"]


def test_a_loss_uses_up_nobodys_attempts() -> None:
    """Interface §1.6 A."""
    assert not any(ruled(phase, LOST, age=HOURS_48).counts for phase in Phase)


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (8, 240), (50, 240)],
)
def test_retries_follow_the_schedule(attempts: int, minutes: int) -> None:
    """S-31: 5, 10, 20, 40, 80, 160 minutes, then every 4 hours."""
    assert minutes * 60 == retry_delay(attempts, 0.0)
    assert minutes * 60 == ruled(Phase.RCPT, "450 4.2.0 later", attempts=attempts).retry_in


def test_jitter_spreads_a_retry_by_a_fifth() -> None:
    """S-31: ±20 %."""
    assert pytest.approx(240) == retry_delay(1, -1.0)
    assert pytest.approx(360) == retry_delay(1, 1.0)
    assert pytest.approx(540) == ruled(Phase.DOT, "450 4.2.0", attempts=2, jitter=-0.5).retry_in


@pytest.mark.parametrize("said", ["451 4.7.1 try later", "450 4.2.0 Greylisted", "451 graylisted"])
def test_greylisting_is_never_retried_within_five_minutes(said: str) -> None:
    """S-31, R6647 §5, case 26."""
    assert ruled(Phase.RCPT, said, jitter=-1.0).retry_in == RETRIES[0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("450 4.2.0 later", BounceClass.NETWORK),
        ("452 4.2.2 full", BounceClass.MAILBOX_FULL),
        ("450 4.1.1 unknown user", BounceClass.NETWORK),
        ("421 4.3.2 bye", BounceClass.NETWORK),
        ("550 5.7.26 unauthenticated", BounceClass.SENDER_FAULT),
    ],
)
def test_what_is_deferred_for_too_long_is_rejected_as_expired(
    said: str, expected: BounceClass
) -> None:
    """S-31; only the final expiry scores (§4.2), and a temporary reply is never hard (S-30)."""
    assert ruled(Phase.RCPT, said, age=HOURS_48 - 1).state is QUEUED
    expired = ruled(Phase.RCPT, said, age=HOURS_48)
    assert (REJECTED, None, expected, True) == (
        expired.state,
        expired.retry_in,
        expired.bounce_class,
        expired.counts,
    )


@pytest.mark.parametrize("said", ["550 4.1.1 no such user", "550 4.1.2 no such domain"])
def test_conflicting_codes_are_permanent_for_the_message_and_soft_for_the_address(
    said: str,
) -> None:
    """S-30."""
    assert ruled(Phase.RCPT, said) == Decision(
        state=REJECTED, bounce_class=BounceClass.UNKNOWN, counts=True
    )


def test_a_mailbox_full_at_550_is_permanent_for_the_message_and_soft() -> None:
    """S-30: `550 4.2.2`."""
    expected = Decision(state=REJECTED, bounce_class=BounceClass.MAILBOX_FULL, counts=True)
    assert expected == ruled(Phase.RCPT, "550 4.2.2 full")


def test_a_temporary_code_is_retried_whatever_its_enhanced_code() -> None:
    """R5321 §4.2.1: the first digit says whether to try again."""
    assert ruled(Phase.RCPT, "450 5.1.1 unknown user") == LATER


@pytest.mark.parametrize(
    "code", ["4.7.23", "4.7.27", "4.7.29", "4.7.30", "4.7.31", "4.7.32", "4.7.40"]
)
def test_temporary_codes_about_our_authentication_are_sender_faults(code: str) -> None:
    """§2.2: never a bounce of the subscriber; ten equal ones pause."""
    decision = ruled(Phase.RCPT, f"450 {code} not authenticated")
    assert (QUEUED, f"RCPT TO: 450 {code}") == (decision.state, decision.sender_fault)


def test_yahoos_permanently_deferred_is_a_sender_fault() -> None:
    """§2.2: 421 4.7.1 [TS03]."""
    decision = ruled(Phase.DOT, "421 4.7.1 [TS03] All messages will be permanently deferred")
    assert (decision.state, decision.sender_fault) == (QUEUED, "final dot: 421 4.7.1")


def test_greylisting_is_no_sender_fault() -> None:
    """§2.2: 4.7.1 is what greylisting says; ten of it are a good sign."""
    assert not ruled(Phase.RCPT, "451 4.7.1 greylisted").sender_fault


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("421 4.7.28 unusual rate", 90),
        ("451 4.7.500 server busy", 90),
        ("451 4.7.650 throttled (S775)", 90),
        ("451 4.7.651 throttled", 90),
        ("451 4.7.652 throttled (S3115)", 90),
        ("421 RP-001 too many", 90),
        ("421 4.7.0 [TSS04] Messages temporarily deferred", 120),
    ],
)
@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA, Phase.DOT])
def test_a_throttle_slows_down_and_waits_as_long_as_it_asks(
    phase: Phase, said: str, minutes: int
) -> None:
    """§2.2: at least 90 minutes, Yahoo two hours."""
    decision = ruled(phase, said)
    assert (QUEUED, minutes * 60, minutes * 60, "") == (
        decision.state,
        decision.throttle,
        decision.retry_in,
        decision.sender_fault,
    )


def test_a_throttle_that_is_said_with_5yz_is_one_all_the_same() -> None:
    """§2.2: the provider's code says what it is; nobody is rejected for it."""
    decision = ruled(Phase.DOT, "550 5.7.1 (RP-001) exceeded the rate limit")
    assert (QUEUED, 5400, 5400, "") == (
        decision.state,
        decision.throttle,
        decision.retry_in,
        decision.sender_fault,
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("421 4.7.0 too fast", 0.0),
        ("421 bye", 0.0),
        ("451 4.3.2 too busy", 0.0),
        ("451 4.7.1 greylisted, come back", None),
        ("451 4.2.0 mailbox is busy", None),
        ("450 4.2.0 later", None),
        ("452 4.2.2 full", None),
        ("452 4.5.3 too many recipients", None),
        ("421 4.7.27 no SPF", None),
    ],
)
def test_421_and_451_ask_for_less_unless_they_say_something_else(
    said: str, expected: float | None
) -> None:
    """Interface §1.6 A, S-32: not greylisting, not what is about the mailbox, not our DNS."""
    assert expected == ruled(Phase.RCPT, said).throttle


def test_a_throttle_at_421_also_ends_the_connection() -> None:
    """§3.3: 421 closes the channel, whatever else it says."""
    decision = ruled(Phase.RCPT, "421 4.7.0 [TSS04] deferred")
    assert (Effect.RECONNECT, 7200) == (decision.effect, decision.throttle)


def test_a_throttle_does_not_shorten_the_schedule() -> None:
    assert ruled(Phase.RCPT, "451 4.7.500 busy", attempts=7).retry_in == 4 * 3600


def test_equal_sender_faults_have_equal_keys_whatever_their_words() -> None:
    """S-33, decisions 16: the address and the queue id differ in every one."""
    one = ruled(Phase.RCPT, "550 5.7.1 <a@x.test>: blocked, see 17").sender_fault
    two = ruled(Phase.RCPT, "550 5.7.1 <b@x.test>: blocked, see 18").sender_fault
    other = ruled(Phase.RCPT, "550 5.7.26 <b@x.test>: unauthenticated").sender_fault
    assert one == two != other
