"""What holds for every relay, however it cuts, answers and fails."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.model import Message, Phase
from mailer.smtp.commands import transparent
from mailer.smtp.events import Accepted, Closing, ContentWanted, Event, InDoubt, NotSent, Refused
from mailer.smtp.replies import ProtocolError, ReplyParser, printable
from tests.wire.courier import message
from tests.wire.dialogue import PIPELINING, heard, opened, say, session

if TYPE_CHECKING:
    from mailer.smtp.session import Session

QUIET = settings(max_examples=200, deadline=None)

LINES = st.sampled_from(
    [
        b"250 2.0.0 Ok\r\n",
        b"250 2.0.0 Ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n",
        b"250-first\r\n250 second\r\n",
        b"354 go on\r\n",
        b"450 4.7.1 later\r\n",
        b"550 5.1.1 no\r\n",
        b"421 4.3.2 bye\r\n",
        b"250\r\n",
        b"251 \xe4\x00\n",
        b"250-a\r\n550 b\r\n",
        b"nonsense\r\n",
        b"250 " + b"x" * 4090 + b"\r\n",
        b"250 " + b"x" * 4091 + b"\r\n",
        b"250-y\r\n" * 101,
        b"\r\n",
        b"\r",
        b"25",
    ]
)
TALK = st.one_of(st.lists(LINES, max_size=8).map(b"".join), st.binary(max_size=60))


def pieces(raw: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [raw[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=20)


def parsed(*chunks: bytes) -> list[object]:
    parser, found = ReplyParser(), list[object]()
    try:
        for chunk in chunks:
            parser.feed(chunk)
            while (reply := parser.next_reply()) is not None:
                found.append(reply)
    except ProtocolError as error:
        found.append(str(error))
    return found


@QUIET
@given(raw=TALK, cuts=CUTS)
def test_how_replies_are_cut_changes_nothing(raw: bytes, cuts: list[int]) -> None:
    """S-2, case 30."""
    assert parsed(raw) == parsed(*pieces(raw, cuts))


def under_way() -> Session:
    """One message out, one offered behind it: the state in which most can happen."""
    made = opened(*PIPELINING)
    made.offer(message(1))
    heard(made)
    say(made, b"250 ok", b"250 ok", b"354 go")
    made.content()
    made.offer(message(2))
    heard(made)
    return made


@QUIET
@given(raw=TALK, cuts=CUTS)
def test_how_a_conversation_is_cut_changes_no_event(raw: bytes, cuts: list[int]) -> None:
    """S-2, S-21, case 30."""
    whole, cut = under_way(), under_way()
    in_pieces = [event for piece in pieces(raw, cuts) for event in cut.receive(piece)]
    assert [*whole.receive(raw), *whole.lost("EOF")] == [*in_pieces, *cut.lost("EOF")]


@QUIET
@given(raw=st.binary(max_size=300))
def test_no_octets_make_a_session_raise(raw: bytes) -> None:
    """Case 30: binary garbage, at the banner and in a transaction."""
    for made in (session(), under_way()):
        made.receive(raw)
        made.lost("EOF")
        assert made.closed


@QUIET
@given(raw=st.binary(max_size=2000))
def test_what_is_printed_of_a_relay_is_one_short_line(raw: bytes) -> None:
    """S-2."""
    assert printable(raw).isprintable()
    assert len(printable(raw).encode()) <= 1024


@QUIET
@given(lines=st.lists(st.binary(max_size=4).map(lambda raw: raw.translate(None, b"\r\n"))))
def test_dots_come_back_as_they_went_and_none_stands_alone(lines: list[bytes]) -> None:
    """S-13, R5321 §4.5.2."""
    content = b"".join(line + b"\r\n" for line in lines)
    sent = transparent(content)
    assert content == re.sub(rb"(?m)^\.", b"", sent)
    assert b"\r\n.\r\n" not in b"\r\n" + sent


class Witness:
    """Drives a session at random and knows what must be true of every message."""

    def __init__(self, *capabilities: bytes) -> None:
        self.session = opened(*capabilities)
        self.offered: list[Message] = []
        self.released: set[str] = set()
        self.left: set[str] = set()
        self.verdicts: Counter[str] = Counter()
        self.closings = 0

    def act(self, action: str, reply: bytes) -> None:
        """Do one thing, if it may be done now."""
        made = self.session
        if action == "offer" and made.ready:
            sent = message(len(self.offered))
            self.offered.append(sent)
            made.offer(sent)
        elif action == "content" and made.wanted:
            self.released.add(self.offered[-1].message_id)
            made.content()
        elif action == "flush":
            made.data_to_send()
            self.left |= self.released
        elif action == "good" and made.awaiting:
            good = b"354 go\r\n" if made.awaiting is Phase.DATA else b"250 ok\r\n"
            self.hear(made.receive(good))
        elif action == "reply":
            self.hear(made.receive(reply))

    def hear(self, events: list[Event]) -> None:
        """Hold what is told against what was done."""
        for event in events:
            assert not self.closings, "an event behind Closing"
            match event:
                case ContentWanted(sent):
                    assert not self.verdicts[sent.message_id]
                    continue
                case Closing():
                    self.closings += 1
                    continue
                case Accepted(sent) | InDoubt(sent) | Refused(sent, Phase.DOT):
                    assert sent.message_id in self.left, f"{event} although nothing left"
                case Refused(sent) | NotSent(sent):
                    assert sent.message_id not in self.left, f"{event} although it left"
                case _:
                    raise AssertionError(event)
            self.verdicts[sent.message_id] += 1

    def finish(self) -> None:
        """End it, and count."""
        self.hear(self.session.lost("EOF"))
        assert self.verdicts == {sent.message_id: 1 for sent in self.offered}
        assert self.closings == 1


ACTIONS = st.sampled_from(
    [
        "offer",
        "offer",
        "content",
        "content",
        "flush",
        "flush",
        "flush",
        "good",
        "good",
        "good",
        "reply",
    ]
)
REPLIES = st.sampled_from(
    [
        b"250 ok\r\n",
        b"354 go\r\n",
        b"450 4.7.1 later\r\n",
        b"550 5.1.1 no\r\n",
        b"550 5.1.1 no\r\n354 go\r\n",
        b"550 5.1.1 no\r\n554 no\r\n",
        b"421 bye\r\n",
        b"250-ok\r\n",
        b"nonsense\r\n",
        b"150 wait\r\n",
        b"250 ok\r\n250 ok\r\n354 go\r\n",
        b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n",
    ]
)


@settings(max_examples=500, deadline=None)
@given(
    steps=st.lists(st.tuples(ACTIONS, REPLIES), max_size=80),
    pipelining=st.booleans(),
)
def test_every_message_gets_exactly_one_verdict_and_it_is_true(
    steps: list[tuple[str, bytes]],
    pipelining: bool,  # noqa: FBT001
) -> None:
    """S-40, S-41, S-45: never two verdicts, never none; in doubt or accepted only what left."""
    witness = Witness(*(PIPELINING if pipelining else ()))
    for action, reply in steps:
        witness.act(action, reply)
    witness.finish()
