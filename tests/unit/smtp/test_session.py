"""Messages over an open session: one verdict each, whatever the relay does.

S-5, S-20, S-21, S-23, S-24, S-40, S-41, S-45 and standards §3.3 as far as the wire shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.model import Lost, Phase, Reply
from mailer.smtp.events import (
    Accepted,
    Closing,
    ContentWanted,
    Event,
    InDoubt,
    NotSent,
    Refused,
)
from tests.wire.courier import message
from tests.wire.dialogue import PIPELINING, heard, opened, say

if TYPE_CHECKING:
    from mailer.smtp.session import Session

ONE, TWO, THREE = message(1), message(2), message(3)
OK = b"250 2.0.0 Ok"
GO = b"354 go on"
DOT_AND_TWO = [
    b"Subject: hello",
    b"",
    b"Hello",
    b".",
    b"MAIL FROM:<b-token2@bounce.example.org>",
    b"RCPT TO:<person2@example.net>",
    b"DATA",
]
BYE = Reply(code=421, text="4.3.2 bye", enhanced="4.3.2")


def group(number: int) -> list[bytes]:
    return [
        b"MAIL FROM:<b-token%d@bounce.example.org>" % number,
        b"RCPT TO:<person%d@example.net>" % number,
        b"DATA",
    ]


def refusal(code: int, text: str) -> Reply:
    return Reply(code=code, text=text, enhanced=text.split(" ", maxsplit=1)[0])


def with_content_out(*, and_offered: bool = False) -> Session:
    """Message one is between its content and its verdict; two is offered behind it."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, GO)
    made.content()
    if and_offered:
        made.offer(TWO)
    heard(made)
    return made


# --- the good case ---


def test_an_envelope_is_one_write() -> None:
    """S-20: MAIL, RCPT and DATA in one group."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    assert group(1) == heard(made)


def test_content_final_dot_and_the_next_envelope_share_one_write() -> None:
    """S-20, R2920 §3.1: content may be the first element of a group."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    assert say(made, OK, OK, GO) == [ContentWanted(ONE)]
    made.content()
    made.offer(TWO)
    assert heard(made) == DOT_AND_TWO


def test_one_round_trip_per_message() -> None:
    """S-24: one read and one write each, once it runs."""
    made = opened(*PIPELINING)
    made.offer(message(0))
    heard(made)
    say(made, OK, OK, GO)
    for number in range(1, 100):
        made.content()
        made.offer(message(number))
        assert group(number) == heard(made)[-3:]
        events = say(made, OK, OK, OK, GO)
        assert [Accepted, ContentWanted] == [type(event) for event in events]


def test_content_leaves_only_when_it_is_released() -> None:
    """S-41: the intent is committed in between."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, GO)
    assert heard(made) == []
    assert made.wanted


def test_an_accepted_message_has_the_reply_to_its_dot() -> None:
    made = with_content_out()
    expected = Accepted(ONE, Reply(code=250, text="2.0.0 queued as 4F2", enhanced="2.0.0"))
    assert [expected] == say(made, b"250 2.0.0 queued as 4F2")


def test_without_pipelining_every_line_waits_for_its_reply() -> None:
    """S-23: never pipelined when not offered; the same calls go step by step."""
    made = opened()
    made.offer(ONE)
    for line in group(1):
        assert [line] == heard(made)
        events = say(made, GO if line == b"DATA" else OK)
    assert [ContentWanted(ONE)] == events
    made.content()
    made.offer(TWO)
    assert DOT_AND_TWO[:4] == heard(made)
    assert [Accepted(ONE, refusal(250, "2.0.0 Ok"))] == say(made, OK)
    assert group(2)[:1] == heard(made)


def test_there_is_one_message_on_offer_and_one_out_and_no_third() -> None:
    """S-41: never two between content and verdict."""
    made = with_content_out(and_offered=True)
    assert not made.ready
    with pytest.raises(AssertionError):
        made.offer(THREE)
    with pytest.raises(AssertionError):
        made.content()


# --- refused envelopes ---


def test_mail_refused_consumes_the_rest_of_the_group() -> None:
    """S-21: the replies to RCPT and DATA belong to it."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    expected = Refused(ONE, Phase.MAIL, refusal(550, "5.1.8 no"))
    assert [expected] == say(
        made, b"550 5.1.8 no", b"503 5.5.1 MAIL first", b"503 5.5.1 RCPT first"
    )
    made.offer(TWO)
    assert group(2) == heard(made)  # S-5: no transaction was begun, so no RSET


def test_rcpt_refused_and_data_refused_ends_with_rset() -> None:
    """S-21, S-5: the relay still holds the transaction."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    expected = Refused(ONE, Phase.RCPT, refusal(550, "5.1.1 no"))
    assert [expected] == say(made, OK, b"550 5.1.1 no", b"554 5.5.1 no valid recipients")
    assert heard(made) == []
    made.offer(TWO)
    assert [b"RSET", *group(2)] == heard(made)
    assert [ContentWanted(TWO)] == say(made, OK, OK, OK, GO)


def test_rcpt_refused_but_data_accepted_sends_only_the_dot() -> None:
    """S-21, case 29: no content leaks; the reply to the empty message is ignored."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    assert [Refused] == [type(event) for event in say(made, OK, b"550 5.1.1 no", GO)]
    assert heard(made) == [b"."]
    made.offer(TWO)
    assert group(2) == heard(made)  # S-5: the dot ended the transaction
    assert [ContentWanted(TWO)] == say(made, b"554 5.5.1 no valid recipients", OK, OK, GO)


def test_mail_refused_but_data_accepted_sends_only_the_dot() -> None:
    """S-21."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, b"450 4.7.1 later", OK, GO)
    assert heard(made) == [b"."]
    assert say(made, OK) == []


def test_the_next_envelope_waits_until_it_is_known_what_data_got() -> None:
    """S-20: behind DATA a command would be taken for content."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, b"550 5.1.1 no")
    assert made.ready
    made.offer(TWO)
    assert heard(made) == []
    say(made, GO)
    assert [b".", *group(2)] == heard(made)
    assert [ContentWanted(TWO)] == say(made, OK, OK, OK, GO)


def test_data_refused_ends_with_rset() -> None:
    """S-5, §3.3 DATA/4xx."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    expected = Refused(ONE, Phase.DATA, refusal(451, "4.3.0 later"))
    assert [expected] == say(made, OK, OK, b"451 4.3.0 later")
    made.offer(TWO)
    assert [b"RSET", *group(2)] == heard(made)


@pytest.mark.parametrize("reply_to_rset", [OK, b"500 what", b"451 later"])
def test_rset_may_be_answered_by_anything(reply_to_rset: bytes) -> None:
    """§3.3 RSET/4xx, 5xx: ignored."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, b"451 4.3.0 later")
    made.offer(TWO)
    heard(made)
    assert [ContentWanted(TWO)] == say(made, reply_to_rset, OK, OK, GO)


@pytest.mark.parametrize(
    ("replies", "phase", "next_line"),
    [
        ([b"550 5.1.8 no"], Phase.MAIL, b"MAIL FROM:<b-token2@bounce.example.org>"),
        ([OK, b"550 5.1.1 no"], Phase.RCPT, b"RSET"),
        ([OK, OK, b"554 5.3.0 no"], Phase.DATA, b"RSET"),
    ],
)
def test_without_pipelining_a_refused_envelope_goes_no_further(
    replies: list[bytes], phase: Phase, next_line: bytes
) -> None:
    """S-23, S-5, §3.3 MAIL, RCPT, DATA / 5xx."""
    made = opened()
    made.offer(ONE)
    for reply in replies:
        heard(made)
        events = say(made, reply)
    (event,) = events
    assert isinstance(event, Refused)
    assert (ONE, phase) == (event.message, event.phase)
    assert heard(made) == []
    made.offer(TWO)
    assert [next_line] == heard(made)


def test_a_refused_content_needs_no_rset() -> None:
    """S-5, R5321 §4.1.1.4: the final dot ends the transaction whatever the reply."""
    made = with_content_out()
    expected = Refused(ONE, Phase.DOT, refusal(554, "5.7.1 spam"))
    assert [expected] == say(made, b"554 5.7.1 spam")
    made.offer(TWO)
    assert group(2) == heard(made)


def test_a_refused_content_does_not_touch_the_envelope_behind_it() -> None:
    made = with_content_out(and_offered=True)
    events = say(made, b"452 4.3.1 full", OK, OK, GO)
    assert [Refused(ONE, Phase.DOT, refusal(452, "4.3.1 full")), ContentWanted(TWO)] == events


# --- losses ---


def test_a_loss_after_the_final_dot_is_in_doubt_and_the_envelope_behind_it_is_not() -> None:
    """S-40, S-45, case 31: both sides may own the one, nobody owns the other."""
    made = with_content_out(and_offered=True)
    lost = Lost(reason="reset")
    assert [InDoubt(ONE, lost), NotSent(TWO, Phase.MAIL, lost), Closing(lost)] == made.lost("reset")


def test_without_pipelining_the_envelope_behind_the_final_dot_has_not_begun() -> None:
    """S-45, S-23."""
    made = opened()
    made.offer(ONE)
    for reply in (OK, OK, GO):
        heard(made)
        say(made, reply)
    made.content()
    made.offer(TWO)
    heard(made)
    lost = Lost(reason="EOF")
    assert [InDoubt(ONE, lost), NotSent(TWO, Phase.MAIL, lost), Closing(lost)] == made.lost("EOF")


def test_a_loss_before_the_content_was_handed_out_is_not_in_doubt() -> None:
    """S-40: released, but no octet of it left."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, GO)
    made.content()
    lost = Lost(reason="reset")
    assert [NotSent(ONE, Phase.DATA, lost), Closing(lost)] == made.lost("reset")
    assert heard(made) == []


@pytest.mark.parametrize(
    ("replies", "phase"),
    [([], Phase.MAIL), ([OK], Phase.RCPT), ([OK, OK], Phase.DATA), ([OK, OK, GO], Phase.DATA)],
)
@pytest.mark.parametrize("capabilities", [PIPELINING, ()])
def test_a_loss_before_the_content_is_safe_to_retry(
    capabilities: tuple[bytes, ...], replies: list[bytes], phase: Phase
) -> None:
    """§3.3 MAIL, RCPT, DATA / EOF, case 31; S-45: an envelope is not in doubt."""
    made = opened(*capabilities)
    made.offer(ONE)
    for reply in replies:
        heard(made)
        say(made, reply)
    heard(made)
    lost = Lost(reason="EOF")
    assert [NotSent(ONE, phase, lost), Closing(lost)] == made.lost("EOF")


def test_a_loss_after_a_refusal_leaves_the_refusal() -> None:
    """S-21: the message was answered; what is still to come speaks of nobody."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, b"550 5.1.1 no")
    assert [Closing(Lost(reason="EOF"))] == made.lost("EOF")


def test_an_idle_loss_is_only_a_closing() -> None:
    made = opened(*PIPELINING)
    assert [Closing(Lost(reason="EOF"))] == made.lost("EOF")
    assert made.lost("again") == []
    assert not made.ready


# --- 421 ---


@pytest.mark.parametrize(
    ("replies", "phase"), [([], Phase.MAIL), ([OK], Phase.RCPT), ([OK, OK], Phase.DATA)]
)
@pytest.mark.parametrize("capabilities", [PIPELINING, ()])
def test_421_in_an_envelope_is_safe_to_retry(
    capabilities: tuple[bytes, ...], replies: list[bytes], phase: Phase
) -> None:
    """§3.3 MAIL, RCPT, DATA / 421, case 25."""
    made = opened(*capabilities)
    made.offer(ONE)
    for reply in replies:
        heard(made)
        say(made, reply)
    heard(made)
    assert [NotSent(ONE, phase, BYE), Closing(BYE)] == say(made, b"421 4.3.2 bye")


def test_421_to_the_final_dot_was_seen_and_is_not_in_doubt() -> None:
    """§3.3 final dot / 421, case 25."""
    made = with_content_out(and_offered=True)
    expected: list[Event] = [
        Refused(ONE, Phase.DOT, BYE),
        NotSent(TWO, Phase.MAIL, BYE),
        Closing(BYE),
    ]
    assert expected == say(made, b"421 4.3.2 bye")


def test_421_while_content_is_wanted_sends_nothing() -> None:
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    expected: list[Event] = [ContentWanted(ONE), NotSent(ONE, Phase.DATA, BYE), Closing(BYE)]
    assert expected == say(made, OK, OK, GO, b"421 4.3.2 bye")
    assert not made.wanted
    with pytest.raises(AssertionError):
        made.content()


def test_421_to_rset_returns_the_message_behind_it() -> None:
    """§3.3 RSET/421."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, b"451 4.3.0 later")
    made.offer(TWO)
    heard(made)
    assert [NotSent(TWO, Phase.MAIL, BYE), Closing(BYE)] == say(made, b"421 4.3.2 bye")


def test_421_to_the_empty_message_speaks_of_nobody() -> None:
    """S-21."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, b"550 5.1.1 no", GO)
    heard(made)
    assert [Closing(BYE)] == say(made, b"421 4.3.2 bye")


def test_421_out_of_the_blue_is_a_closing() -> None:
    """R5321 §3.8: at any time."""
    assert [Closing(BYE)] == say(opened(*PIPELINING), b"421 4.3.2 bye")


def test_nothing_counts_after_421() -> None:
    made = with_content_out()
    assert len(say(made, b"421 4.3.2 bye", OK, OK)) == 2
    assert say(made, OK) == []
    assert made.lost("EOF") == []


# --- nonsense ---


@pytest.mark.parametrize(
    "nonsense",
    [b"hello", b"250-a\r\n550 b", b"x" * 5000, b"\x00\xff\xfe", b"150 wait", b"354 more"],
)
def test_nonsense_for_the_final_dot_is_in_doubt(nonsense: bytes) -> None:
    """S-2, S-40, case 30: a reply that nobody understands is no reply."""
    made = with_content_out(and_offered=True)
    events = say(made, nonsense)
    assert [InDoubt, NotSent, Closing] == [type(event) for event in events]


@pytest.mark.parametrize("nonsense", [b"hello", b"354 what", b"250-a\r\n251 b"])
def test_nonsense_in_an_envelope_is_safe_to_retry(nonsense: bytes) -> None:
    """S-2, case 30."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    events = say(made, OK, nonsense)
    assert [NotSent, Closing] == [type(event) for event in events]
    assert isinstance(events[0], NotSent)
    assert Phase.RCPT is events[0].phase


def test_a_250_to_data_is_nonsense() -> None:
    """R5321 §4.3.2: only 354 begins content."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    assert [NotSent, Closing] == [type(event) for event in say(made, OK, OK, OK)]


def test_a_reply_that_answers_nothing_ends_the_session() -> None:
    """Case 30: unsolicited; one reply too many would shift all that follow."""
    (event,) = say(opened(*PIPELINING), OK)
    assert isinstance(event, Closing)
    assert event == Closing(Lost(reason="a reply that answers nothing: 250 2.0.0 Ok"))


def test_a_reply_to_content_that_has_not_left_accepts_nothing() -> None:
    """Case 30: a 250 before the dot was handed out cannot be its reply."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    say(made, OK, OK, GO)
    made.content()
    assert [NotSent, Closing] == [type(event) for event in say(made, OK)]


def test_a_reply_behind_the_354_takes_the_message_back() -> None:
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    events = say(made, OK, OK, GO, OK)
    assert [ContentWanted, NotSent, Closing] == [type(event) for event in events]


def test_a_refusal_behind_the_354_refuses_the_message_and_ends_the_session() -> None:
    """A relay that has changed its mind would change it each time: not to be retried at once."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    heard(made)
    events = say(made, OK, OK, GO, b"550 5.3.0 no")
    assert [ContentWanted(ONE), Refused(ONE, Phase.DATA, refusal(550, "5.3.0 no"))] == events[:2]
    assert [Closing] == [type(event) for event in events[2:]]


# --- leaving ---


def test_quit_waits_for_its_reply_and_tells_nothing() -> None:
    """S-5."""
    made = opened(*PIPELINING)
    made.quit()
    assert heard(made) == [b"QUIT"]
    assert not made.ready
    assert say(made, b"221 bye") == []
    assert made.closed


@pytest.mark.parametrize("reply", [b"421 bye", b"500 what", b"nonsense"])
def test_quit_may_be_answered_by_anything(reply: bytes) -> None:
    """§3.3 QUIT/4xx, 5xx, 421, EOF: ignored."""
    made = opened(*PIPELINING)
    made.quit()
    heard(made)
    assert say(made, reply) == []
    assert made.closed


def test_quit_is_not_said_into_a_transaction() -> None:
    """S-20: after DATA it would be content."""
    made = opened(*PIPELINING)
    made.offer(ONE)
    assert not made.idle
    with pytest.raises(AssertionError):
        made.quit()
