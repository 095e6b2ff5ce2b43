"""A connection against a scripted server: cases 25 to 38 as far as one connection shows them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from mailer.config import RelayConfig
from mailer.model import Lost, Message, Phase
from mailer.smtp.connection import TIMEOUTS, Connection, HandshakeError, Timeouts
from mailer.smtp.events import Accepted, ContentWanted, Event, InDoubt, NotSent, Refused
from tests.wire.clock import SkippingLoop, run_skipping
from tests.wire.courier import QUICK, Carried, Courier, carry, message, relay_at
from tests.wire.fault_server import (
    CAPABILITIES,
    Act,
    FaultServer,
    Script,
    drop,
    hang,
    octets,
    reset,
    say,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FIVE = [message(number) for number in range(5)]
WITHOUT_PIPELINING = CAPABILITIES[1:]


def run(server: FaultServer, messages: list[Message], **relay: Any) -> Carried:
    return asyncio.run(carry(relay_at(server.port, **relay), messages))


def refused_handshake(
    server: FaultServer, *, timeouts: Timeouts = QUICK, **relay: Any
) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        asyncio.run(carry(relay_at(server.port, **relay), [], timeouts=timeouts))
    return caught.value


def deliver(
    server: FaultServer, messages: list[Message]
) -> tuple[list[Carried], list[HandshakeError]]:
    """Connect again and again, as a pool does, until every message is accepted."""
    runs: list[Carried] = []
    errors: list[HandshakeError] = []
    open_ = {sent.message_id: sent for sent in messages}
    while open_:
        assert len(runs) + len(errors) < 20, "it never ends"
        try:
            runs.append(run(server, list(open_.values())))
        except HandshakeError as error:
            errors.append(error)
            continue
        for verdict in runs[-1].verdicts:
            if isinstance(verdict, Accepted):
                del open_[verdict.message.message_id]
    return runs, errors


def received(server: FaultServer) -> list[bytes]:
    """The recipients of the messages that arrived."""
    return [taken.rcpt.split(b">")[0].removeprefix(b"RCPT TO:<") for taken in server.messages]


# --- the good case ---


@pytest.mark.parametrize("capabilities", [CAPABILITIES, WITHOUT_PIPELINING, ()])
@pytest.mark.parametrize("gather", [True, False])
def test_messages_arrive_as_they_were_composed(
    capabilities: tuple[bytes, ...],
    gather: bool,  # noqa: FBT001
) -> None:
    """S-20, S-23, case 34: with and without PIPELINING, and the rules of the wire are kept."""
    content = b"Subject: x\r\n\r\n.\r\n..\r\nFrom me\r\n.leading\r\n" + b"y" * 900 + b"\r\n"
    sent = [message(number, content=content) for number in range(5)]
    with FaultServer(capabilities=capabilities, gather=gather) as server:
        carried = run(server, sent)
    assert carried.kinds == ["Accepted"] * 5
    assert [one.content for one in sent] == [one.content for one in server.messages]
    assert [one.rcpt_to.encode() for one in sent] == received(server)
    assert server.violations == []
    assert server.connections[0].commands[-1] == b"QUIT"


def test_a_connection_knows_how_long_and_how_well_it_served() -> None:
    """S-4: what the pool needs to rotate it."""

    async def scene(port: int) -> tuple[int, int, bool]:
        courier = Courier(FIVE)
        before = asyncio.get_running_loop().time()
        connection = await Connection.open(
            relay_at(port), on_event=courier.on_event, timeouts=QUICK, helo="client.test"
        )
        assert before <= connection.opened_at <= asyncio.get_running_loop().time()
        courier.offer(connection)
        connection.flush()
        await courier.done.wait()
        await connection.quit()
        assert connection.closed
        assert not connection.ready
        return connection.handed_over, connection.rejected_rcpts, connection.capabilities.pipelining

    with FaultServer({"RCPT": [None, say(b"550 5.1.1 no"), say(b"450 4.2.0 later")]}) as server:
        assert asyncio.run(scene(server.port)) == (3, 2, True)


def test_small_writes_do_not_wait_for_each_other() -> None:
    """Architecture §7: TCP_NODELAY is on."""

    async def scene(port: int) -> int:
        connection = await Connection.open(
            relay_at(port), on_event=lambda *_: None, timeouts=QUICK, helo="client.test"
        )
        plain = connection._layers[0].get_extra_info("socket")
        option: int = plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await connection.quit()
        return option

    with FaultServer() as server:
        assert asyncio.run(scene(server.port))


def test_a_large_content_is_written_while_replies_are_read() -> None:
    """S-22: content beyond every buffer, and the server answers in between."""
    large = message(1, content=b"Subject: x\r\n\r\n" + (b"z" * 76 + b"\r\n") * 40_000)
    with FaultServer() as server:
        carried = run(server, [large, *FIVE])
    assert carried.kinds == ["Accepted"] * 6
    assert large.content == server.messages[0].content


# --- case 25: 421 at each stage ---


@pytest.mark.parametrize(
    ("stage", "phase"),
    [("banner", Phase.BANNER), ("EHLO", Phase.EHLO), ("AUTH", Phase.AUTH)],
)
def test_421_in_the_handshake_is_tried_again(stage: str, phase: Phase) -> None:
    """Case 25, §3.3 connect, EHLO, AUTH / 421."""
    with FaultServer({stage: [say(b"421 4.3.2 bye", then=drop().then)]}) as server:
        error = refused_handshake(server, user="me", password="secret")
        assert (phase, False) == (error.phase, error.configuration)
        assert run(server, FIVE, user="me", password="secret").kinds == ["Accepted"] * 5


@pytest.mark.parametrize("capabilities", [CAPABILITIES, WITHOUT_PIPELINING])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "dot"])
def test_421_in_a_transaction_loses_nothing(stage: str, capabilities: tuple[bytes, ...]) -> None:
    """Case 25, §3.3 MAIL, RCPT, DATA, dot / 421: reconnect, everybody gets it once."""
    script: Script = {stage: [None, None, say(b"421 4.3.2 bye", then=drop().then)]}
    with FaultServer(script, capabilities=capabilities) as server:
        runs, errors = deliver(server, FIVE)
    assert errors == []
    assert len(runs) == 2
    assert sorted(one.rcpt_to.encode() for one in FIVE) == sorted(received(server))
    assert "InDoubt" not in runs[0].kinds
    if stage == "dot":
        assert any(isinstance(v, Refused) and v.reply.code == 421 for v in runs[0].verdicts)
    else:
        assert isinstance(runs[0].verdicts[-1], NotSent)
    assert runs[0].closing is not None


# --- case 26: 4xx at each stage ---


@pytest.mark.parametrize(
    ("stage", "phase"), [("banner", Phase.BANNER), ("EHLO", Phase.EHLO), ("AUTH", Phase.AUTH)]
)
def test_4xx_in_the_handshake_is_not_about_us(stage: str, phase: Phase) -> None:
    """Case 26, §3.3 connect, EHLO, AUTH / 4xx; QUIT before close (S-5)."""
    with FaultServer({stage: [say(b"454 4.7.0 later")]}) as server:
        error = refused_handshake(server, user="me", password="secret")
        assert (phase, 454, False) == (error.phase, code_of(error), error.configuration)
        wait_for(lambda: server.connections[0].commands[-1:] == [b"QUIT"])


def code_of(error: HandshakeError) -> int:
    assert not isinstance(error.reply, Lost)
    return error.reply.code


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to pass")


@pytest.mark.parametrize("capabilities", [CAPABILITIES, WITHOUT_PIPELINING])
@pytest.mark.parametrize(
    ("stage", "phase"),
    [("MAIL", Phase.MAIL), ("RCPT", Phase.RCPT), ("DATA", Phase.DATA), ("dot", Phase.DOT)],
)
def test_4xx_in_a_transaction_defers_one_and_the_others_go_on(
    stage: str, phase: Phase, capabilities: tuple[bytes, ...]
) -> None:
    """Case 26, §3.3 MAIL, RCPT, DATA, dot / 4xx: the same connection serves the next."""
    with FaultServer(
        {stage: [None, say(b"451 4.7.1 greylisted")]}, capabilities=capabilities
    ) as server:
        carried = run(server, FIVE)
    assert carried.kinds == ["Accepted", "Refused", "Accepted", "Accepted", "Accepted"]
    refused = carried.verdicts[1]
    assert isinstance(refused, Refused)
    assert (FIVE[1], phase, 451) == (refused.message, refused.phase, refused.reply.code)
    assert len(server.connections) == 1
    assert server.violations == []


def test_a_greylisted_message_comes_back_with_the_same_triplet_and_is_delivered_once() -> None:
    """Case 26, V-2: same envelope sender, same content."""
    with FaultServer({"RCPT": [say(b"451 4.7.1 greylisted")]}) as server:
        assert run(server, FIVE[:1]).kinds == ["Refused"]
        assert run(server, FIVE[:1]).kinds == ["Accepted"]
    first, second = (connection.commands for connection in server.connections)
    assert first[1:3] == second[1:3]
    assert len(server.messages) == 1


# --- case 27: 5xx at EHLO, AUTH, MAIL ---


def test_5xx_to_ehlo_and_helo_is_configuration() -> None:
    """Case 27."""
    script = {"EHLO": [say(b"502 no")], "HELO": [say(b"550 5.7.1 go away")]}
    with FaultServer(script) as server:
        error = refused_handshake(server)
    assert (error.phase, code_of(error), error.configuration) == (Phase.EHLO, 550, True)


def test_5xx_to_ehlo_alone_is_helo() -> None:
    """S-1, case 37: EHLO rejected."""
    with FaultServer({"EHLO": [say(b"500 what")]}) as server:
        assert run(server, FIVE).kinds == ["Accepted"] * 5
    assert server.connections[0].commands[:3] == [
        b"EHLO client.test",
        b"HELO client.test",
        b"MAIL FROM:<b-token0@bounce.example.org>",
    ]


def test_554_as_the_banner_is_the_relays_affair() -> None:
    """§3.3 banner/5xx."""
    with FaultServer({"banner": [say(b"554 5.7.1 blocked")]}) as server:
        error = refused_handshake(server)
    assert (error.phase, code_of(error), error.configuration) == (Phase.BANNER, 554, False)


def test_5xx_at_mail_is_said_for_each_message_and_marks_nobody_here() -> None:
    """Case 27: what it means is policy's affair; the session stays usable."""
    with FaultServer({"MAIL": repeat(say(b"550 5.1.8 no"))}) as server:
        carried = run(server, FIVE)
    assert [v.phase for v in carried.verdicts if isinstance(v, Refused)] == [Phase.MAIL] * 5
    assert b"RSET" not in server.connections[0].commands


# --- cases 28 and 29: RCPT ---


def test_rcpt_rejected_but_data_answered_354_leaks_no_content() -> None:
    """Case 29, S-21."""
    script: Script = {
        "RCPT": [None, say(b"550 5.1.1 no such user")],
        "DATA": [None, say(b"354 go on")],
    }
    with FaultServer(script) as server:
        carried = run(server, FIVE)
    assert carried.kinds == ["Accepted", "Refused", "Accepted", "Accepted", "Accepted"]
    empty = server.messages[1]
    assert empty.content == b""
    assert [one.content for one in FIVE[:4]] == [
        one.content for one in server.messages if one is not empty
    ]
    assert server.violations == []


@pytest.mark.parametrize("capabilities", [CAPABILITIES, WITHOUT_PIPELINING])
def test_rcpt_rejected_is_followed_by_rset_and_the_next_message(
    capabilities: tuple[bytes, ...],
) -> None:
    """S-5, S-21: the server refuses a nested MAIL, so RSET was needed and was there."""
    with FaultServer(
        {"RCPT": [None, say(b"550 5.1.1 no such user")]}, capabilities=capabilities
    ) as server:
        carried = run(server, FIVE)
    assert carried.kinds == ["Accepted", "Refused", "Accepted", "Accepted", "Accepted"]
    assert server.connections[0].commands.count(b"RSET") == 1


# --- case 30: replies as they should not be ---


@pytest.mark.parametrize("pieces", [1, 3])
def test_replies_in_pieces_are_put_together(pieces: int) -> None:
    """Case 30: 1-byte writes."""
    with FaultServer(pieces=pieces) as server:
        assert run(server, FIVE).kinds == ["Accepted"] * 5


def test_replies_of_many_lines_are_read() -> None:
    """Case 30: multi-line, at MAIL, RCPT, DATA and the dot."""
    script = {
        "MAIL": [octets(b"250-2.1.0 a\r\n250-2.1.0 b\r\n250 2.1.0 c\r\n")],
        "RCPT": [octets(b"250-2.1.5 a\r\n250 2.1.5\r\n")],
        "DATA": [octets(b"354-go\r\n354 on\r\n")],
        "dot": [octets(b"250-2.0.0 queued\r\n250 2.0.0 as 1\r\n")],
    }
    with FaultServer(script) as server:
        carried = run(server, FIVE[:2])
    assert carried.kinds == ["Accepted"] * 2
    assert isinstance(carried.verdicts[0], Accepted)
    assert carried.verdicts[0].reply.text == "2.0.0 queued 2.0.0 as 1"


NONSENSE = [
    pytest.param(b"250 " + b"x" * 60_000 + b"\r\n", id="60 KB line"),
    pytest.param(b"250-a\r\n550 b\r\n", id="wrong code in continuation"),
    pytest.param(b"\x16\x03\x01\x00\xff\xfe\r\n", id="binary garbage"),
    pytest.param(b"hello\r\n", id="no code"),
    pytest.param(b"150 wait\r\n", id="1yz"),
    pytest.param(b"250-x\r\n" * 200 + b"250 x\r\n", id="200 lines"),
]


@pytest.mark.parametrize("raw", NONSENSE)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_nonsense_before_the_content_drops_the_connection_safely(stage: str, raw: bytes) -> None:
    """Case 30, S-2: state safe, everybody gets it once."""
    with FaultServer({stage: [None, octets(raw)]}) as server:
        runs, _ = deliver(server, FIVE)
    assert len(runs) == 2
    assert isinstance(runs[0].verdicts[-1], NotSent)
    assert sorted(one.rcpt_to.encode() for one in FIVE) == sorted(received(server))


@pytest.mark.parametrize("raw", NONSENSE)
def test_nonsense_at_the_final_dot_is_in_doubt(raw: bytes) -> None:
    """Case 30, S-40."""
    with FaultServer({"dot": [octets(raw)]}) as server:
        carried = run(server, FIVE)
    assert carried.kinds == ["InDoubt", "NotSent"]


@pytest.mark.parametrize("raw", [*NONSENSE, pytest.param(b"220 a\r\n250 b\r\n", id="unsolicited")])
def test_nonsense_as_the_banner_is_no_session(raw: bytes) -> None:
    """Case 30."""
    with FaultServer({"banner": [octets(raw)]}) as server:
        error = refused_handshake(server)
    assert isinstance(error.reply, Lost)
    assert not error.configuration


def test_an_unsolicited_reply_drops_the_connection() -> None:
    """Case 30: one reply too many would be taken for the next message's."""
    with FaultServer({"dot": [None, octets(b"250 2.0.0 ok\r\n250 2.0.0 ok again\r\n")]}) as server:
        carried = run(server, FIVE[:2])
    assert carried.kinds == ["Accepted"] * 2

    with FaultServer({"DATA": [octets(b"354 go\r\n250 2.0.0 taken already\r\n")]}) as server:
        carried = run(server, FIVE)
    assert isinstance(carried.verdicts[0], NotSent)
    assert server.messages == []


# --- case 31: losses ---

LOSSES = [pytest.param(drop(), id="EOF"), pytest.param(reset(), id="RST")]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("capabilities", [CAPABILITIES, WITHOUT_PIPELINING])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_loss_before_the_content_is_retried_and_not_in_doubt(
    stage: str, capabilities: tuple[bytes, ...], loss: Act
) -> None:
    """Case 31, §3.3 MAIL, RCPT, DATA / EOF, reset."""
    with FaultServer({stage: [None, loss]}, capabilities=capabilities) as server:
        runs, _ = deliver(server, FIVE)
    assert len(runs) == 2
    assert "InDoubt" not in runs[0].kinds
    assert sorted(one.rcpt_to.encode() for one in FIVE) == sorted(received(server))


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("loss", [drop, reset])
def test_a_loss_after_the_final_dot_is_in_doubt_stored_or_not(
    loss: Callable[..., Act],
    stored: bool,  # noqa: FBT001
) -> None:
    """Case 31, S-40: from here nobody can tell; the envelope behind it is safe (S-45)."""
    with FaultServer({"dot": [None, loss(store=stored)]}) as server:
        carried = run(server, FIVE)
    assert carried.kinds == ["Accepted", "InDoubt", "NotSent"]
    assert isinstance(carried.verdicts[1], InDoubt)
    assert FIVE[1] is carried.verdicts[1].message
    assert isinstance(carried.verdicts[2], NotSent)
    assert Phase.MAIL is carried.verdicts[2].phase
    assert len(server.messages) == 1 + stored


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("stage", "phase"), [("banner", Phase.BANNER), ("EHLO", Phase.EHLO), ("AUTH", Phase.AUTH)]
)
def test_a_loss_in_the_handshake_names_its_phase(stage: str, phase: Phase, loss: Act) -> None:
    """§3.3 connect, EHLO, AUTH / EOF, reset: back-off, not about us."""
    with FaultServer({stage: [loss]}) as server:
        error = refused_handshake(server, user="me", password="secret")
    assert isinstance(error.reply, Lost)
    # A socket that is reset at once may not even look connected.
    assert error.phase in ({phase, Phase.CONNECT} if stage == "banner" else {phase})
    assert not error.configuration
    assert error.reply.reason


def test_a_closed_port_is_no_connection() -> None:
    """§3.3 connect / refused; in the words of people, whatever the system calls it."""
    with FaultServer() as server:
        port = server.port
    with pytest.raises(HandshakeError, match="connection refused") as caught:
        asyncio.run(carry(relay_at(port), []))
    assert (caught.value.phase, caught.value.configuration) == (Phase.CONNECT, False)


def test_a_name_that_does_not_resolve_is_not_about_us() -> None:
    """Case 40: DNS may be down; it is tried again."""
    with pytest.raises(HandshakeError) as caught:
        asyncio.run(carry(relay_at(25, host="no-such-host.invalid"), []))
    assert (caught.value.phase, caught.value.configuration) == (Phase.CONNECT, False)


def test_a_name_that_is_none_is_about_us() -> None:
    with pytest.raises(HandshakeError, match="not a host name") as caught:
        asyncio.run(carry(relay_at(25, host="a" * 64 + ".test"), []))
    assert caught.value.configuration


def test_the_relay_may_hang_up_between_messages() -> None:
    """Case 38: after each message, or after some; all are delivered."""
    for many, connections in ((1, 5), (2, 3)):
        with FaultServer(hang_up_after=many) as server:
            runs, _ = deliver(server, FIVE)
        assert connections == len(runs)
        assert [one.rcpt_to.encode() for one in FIVE] == received(server)
        assert all("InDoubt" not in one.kinds for one in runs)


def test_an_idle_connection_that_is_closed_is_told_as_closing() -> None:
    async def scene(port: int) -> Courier:
        courier = Courier([])
        connection = await Connection.open(
            relay_at(port), on_event=courier.on_event, timeouts=QUICK, helo="client.test"
        )
        async with asyncio.timeout(5):
            await courier.done.wait()
        assert connection.closed
        return courier

    with FaultServer({"EHLO": [octets(b"250 fault.test\r\n", then=drop().then)]}) as server:
        courier = asyncio.run(scene(server.port))
    assert courier.carried.closing is not None


# --- timeouts ---

SHORT = {
    "banner": Timeouts(banner=0.1),
    "EHLO": Timeouts(command=0.1),
    "AUTH": Timeouts(command=0.1),
    "MAIL": Timeouts(command=0.1),
    "RCPT": Timeouts(command=0.1),
    "DATA": Timeouts(data=0.1),
    "dot": Timeouts(dot=0.1),
}


def test_a_socket_that_nobody_takes_is_given_up() -> None:
    """Standards §3.1, case 40: TCP connect, 30 s (turned clock), and a queue that is full."""

    async def scene(loop: SkippingLoop) -> HandshakeError:
        opening = loop.create_task(carry(relay_at(port), [], timeouts=TIMEOUTS))
        await asyncio.sleep(0.05)
        await loop.skip(29)
        assert not opening.done()
        await loop.skip(2)
        with pytest.raises(HandshakeError) as caught:
            await opening
        return caught.value

    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):  # Linux drops what comes then, and no answer ever comes
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        error = run_skipping(scene)
    assert (Phase.CONNECT, False) == (error.phase, error.configuration)
    assert Lost(reason="not within 30 s") == error.reply


@pytest.mark.parametrize(("stage", "phase"), [("HELO", Phase.EHLO), ("STARTTLS", Phase.STARTTLS)])
def test_silence_after_a_greeting_ends_it_too(stage: str, phase: Phase) -> None:
    """Standards §3.1: HELO and STARTTLS are commands like EHLO."""
    script: Script = {stage: [hang()]}
    if stage == "HELO":
        script = {"EHLO": [say(b"502 what?")], **script}
    security = "starttls" if stage == "STARTTLS" else "none"
    with FaultServer(script, capabilities=(b"STARTTLS",)) as server:
        error = refused_handshake(server, timeouts=Timeouts(command=0.1), security=security)
    assert (phase, False) == (error.phase, error.configuration)
    assert Lost(reason=f"no reply to {phase} within 0.1 s") == error.reply


@pytest.mark.parametrize(
    ("stage", "phase"), [("banner", Phase.BANNER), ("EHLO", Phase.EHLO), ("AUTH", Phase.AUTH)]
)
def test_silence_in_the_handshake_ends_it(stage: str, phase: Phase) -> None:
    """Standards §3.1: each with a silent server and a shortened value."""
    with FaultServer({stage: [hang()]}) as server:
        error = refused_handshake(server, timeouts=SHORT[stage], user="me", password="secret")
    assert (phase, False) == (error.phase, error.configuration)
    assert Lost(reason=f"no reply to {phase} within 0.1 s") == error.reply


@pytest.mark.parametrize(
    ("stage", "phase"),
    [("MAIL", Phase.MAIL), ("RCPT", Phase.RCPT), ("DATA", Phase.DATA), ("dot", Phase.DOT)],
)
def test_silence_in_a_transaction_ends_the_connection(stage: str, phase: Phase) -> None:
    """Standards §3.1, §3.3 MAIL, RCPT, DATA, dot / timeout, case 31."""
    with FaultServer({stage: [None, hang()]}) as server:
        carried = asyncio.run(carry(relay_at(server.port), FIVE, timeouts=SHORT[stage]))
    lost = Lost(reason=f"no reply to {phase} within 0.1 s")
    assert isinstance(carried.verdicts[0], Accepted)
    if stage == "dot":
        assert carried.verdicts[1:] == [InDoubt(FIVE[1], lost), NotSent(FIVE[2], Phase.MAIL, lost)]
    else:
        assert carried.verdicts[1:] == [NotSent(FIVE[1], phase, lost)]


def test_silence_at_rset_ends_the_connection() -> None:
    """Standards §3.1: 20 s."""
    with FaultServer({"RCPT": [say(b"550 5.1.1 no")], "RSET": [hang()]}) as server:
        timeouts = Timeouts(rset=0.1)
        carried = asyncio.run(carry(relay_at(server.port), FIVE, timeouts=timeouts))
    assert carried.kinds == ["Refused", "NotSent"]


def test_quit_waits_no_longer_than_it_should() -> None:
    """S-5: no more than 5 s (turned clock), and the socket is closed."""

    async def scene(loop: SkippingLoop) -> None:
        connection = await Connection.open(
            relay_at(server.port), on_event=lambda *_: None, helo="client.test"
        )
        leaving = loop.create_task(connection.quit())
        await asyncio.sleep(0.05)
        await loop.skip(4)
        assert not leaving.done()
        await loop.skip(2)
        await leaving
        assert connection.closed

    with FaultServer({"QUIT": [hang()]}) as server:
        run_skipping(scene)
    assert b"QUIT" == server.connections[0].commands[-1]


def test_a_relay_that_reads_nothing_is_given_up_after_the_time_of_a_block() -> None:
    """Standards §3.1: each data block, 180 s; here 0.2 s, and content beyond every buffer."""
    large = message(1, content=(b"z" * 76 + b"\r\n") * 200_000)
    with FaultServer(stall=True) as server:
        timeouts = Timeouts(block=0.2)
        carried = asyncio.run(carry(relay_at(server.port), [large], timeouts=timeouts))
    assert carried.kinds == ["InDoubt"]
    assert carried.closing is not None
    assert Lost(reason="the relay took no data for 0.2 s") == carried.closing.reply


def test_a_421_from_a_relay_that_reads_nothing_more_closes_the_socket() -> None:
    """§3.3 final dot / 421: what is left of the content does not keep the socket open."""

    async def scene(port: int) -> list[str]:
        courier = Courier([message(1, content=(b"z" * 76 + b"\r\n") * 200_000)])
        connection = await Connection.open(
            relay_at(port), on_event=courier.on_event, timeouts=QUICK, helo="client.test"
        )
        courier.offer(connection)
        connection.flush()
        async with asyncio.timeout(5):
            await connection._gone.wait()
        return courier.carried.kinds

    script = {"stall": [Act(octets=b"421 4.3.2 bye\r\n", after=0.1)]}
    with FaultServer(script, stall=True) as server:
        assert asyncio.run(scene(server.port)) == ["Refused"]


def test_a_relay_that_reads_slowly_is_not_given_up() -> None:
    """Standards §3.1: the time is for each block, not for all of the content."""
    large = message(1, content=(b"z" * 76 + b"\r\n") * 200_000)
    with FaultServer(sip=0.006) as server:
        timeouts = Timeouts(block=1.0)
        assert asyncio.run(timed(server.port, large, timeouts)) > 1.0


async def timed(port: int, sent: Message, timeouts: Timeouts) -> float:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    carried = await carry(relay_at(port), [sent], timeouts=timeouts)
    assert carried.kinds == ["Accepted"]
    return loop.time() - begin


def test_ten_minutes_of_silence_at_the_final_dot_are_waited_for() -> None:
    """Case 32: the server hangs for 11 minutes (turned clock); in doubt only after 10."""

    async def scene(loop: SkippingLoop) -> None:
        courier = Courier(FIVE[:1])
        connection = await Connection.open(
            relay_at(server.port), on_event=courier.on_event, timeouts=TIMEOUTS, helo="client.test"
        )
        courier.offer(connection)
        connection.flush()
        await courier.released.wait()
        for _ in range(59):
            await loop.skip(10)
        assert courier.carried.verdicts == []
        await loop.skip(11)
        assert courier.carried.kinds == ["InDoubt"]
        assert connection.closed

    with FaultServer({"dot": [hang()]}) as server:
        run_skipping(scene)


def test_every_reply_gives_the_next_one_its_own_time() -> None:
    """Standards §3.1: per phase; a slow relay is no silent one (case 34)."""
    slow = {stage: [wait(0.3)] for stage in ("MAIL", "RCPT", "DATA", "dot")}
    timeouts = Timeouts(command=1.0, data=1.0, dot=1.0)
    with FaultServer(slow) as server:
        assert asyncio.run(timed(server.port, FIVE[0], timeouts)) > 1.0


# --- leaving ---


def test_abort_gives_every_message_its_verdict_before_it_returns() -> None:
    """S-44: a second SIGTERM; what is out is in doubt, what is offered behind it is not."""

    async def scene(port: int) -> list[str]:
        courier = Courier(FIVE)
        connection = await Connection.open(
            relay_at(port), on_event=courier.on_event, timeouts=QUICK, helo="client.test"
        )
        courier.offer(connection)
        connection.flush()
        await courier.released.wait()
        connection.abort()
        assert connection.closed
        return courier.carried.kinds

    with FaultServer({"dot": [hang()]}) as server:
        assert asyncio.run(scene(server.port)) == ["InDoubt", "NotSent"]


def test_an_abort_from_within_an_event_keeps_the_order_of_events() -> None:
    """Closing is the last, also where the owner ends it at a packet's first reply."""

    async def scene(port: int) -> list[str]:
        courier, heard = Courier(FIVE[:2]), list[str]()

        def on_event(connection: Connection, event: Event) -> None:
            heard.append(type(event).__name__)
            courier.on_event(connection, event)
            if isinstance(event, Accepted):
                connection.abort()

        connection = await Connection.open(
            relay_at(port), on_event=on_event, timeouts=QUICK, helo="client.test"
        )
        courier.offer(connection)
        connection.flush()
        await courier.done.wait()
        return heard

    with FaultServer() as server:  # the reply to the dot and those to the next group in one packet
        heard = asyncio.run(scene(server.port))
    assert heard == ["ContentWanted", "Accepted", "ContentWanted", "NotSent", "Closing"]


def test_quit_in_a_transaction_sends_nothing_into_the_content() -> None:
    """S-20: the relay waits for content; QUIT would be its first line."""

    async def scene(port: int) -> list[str]:
        wanted, verdicts = asyncio.Event(), list[str]()

        def on_event(_: Connection, event: object) -> None:
            verdicts.append(type(event).__name__)
            if isinstance(event, ContentWanted):
                wanted.set()

        connection = await Connection.open(
            relay_at(port), on_event=on_event, timeouts=QUICK, helo="client.test"
        )
        connection.offer(FIVE[0])
        connection.flush()
        await wanted.wait()
        await connection.quit()
        return verdicts

    with FaultServer() as server:
        assert asyncio.run(scene(server.port)) == ["ContentWanted", "NotSent", "Closing"]
    assert server.messages == []
    assert b"QUIT" not in server.connections[0].octets


def test_giving_up_an_open_in_progress_closes_the_socket() -> None:
    """A cancelled `open` leaves nothing behind (warnings are errors)."""

    async def scene(port: int) -> None:
        async with asyncio.timeout(0.1):
            await carry(relay_at(port), [])

    with FaultServer({"banner": [hang()]}) as server, pytest.raises(TimeoutError):
        asyncio.run(scene(server.port))


# --- in clear ---


class Elsewhere(asyncio.Transport):
    """A socket that is connected to another machine."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 25)})
        self.aborted = self.paused = False

    def pause_reading(self) -> None:
        """Remember it."""
        self.paused = True

    def get_write_buffer_size(self) -> int:
        """Nothing is ever written."""
        return 0

    def abort(self) -> None:
        """Remember it."""
        self.aborted = True


@pytest.mark.parametrize(
    ("peer", "insecure", "aborted"),
    [
        ("192.0.2.1", False, True),
        ("2001:db8::1", False, True),
        ("::ffff:192.0.2.1", False, True),
        ("192.0.2.1", True, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
    ],
)
def test_only_this_machine_is_talked_to_in_clear(
    peer: str,
    insecure: bool,  # noqa: FBT001
    aborted: bool,  # noqa: FBT001
) -> None:
    """S-10: `none` is for loopback, or for `insecure = true`; a name may resolve to anything."""

    async def scene() -> None:
        relay = RelayConfig(
            host="relay.test", port=25, security="none", insecure=insecure, user="u", password="p"
        )
        connection = Connection(relay, on_event=lambda *_: None, timeouts=QUICK, helo="client.test")
        transport = Elsewhere(peer)
        connection.connection_made(transport)
        assert aborted == transport.aborted
        if aborted:
            with pytest.raises(HandshakeError, match=r"relay\.test is not this machine") as caught:
                await connection._shake_hands()
            assert caught.value.configuration
        connection._alarm.cancel()

    asyncio.run(scene())


def test_nothing_is_read_before_implicit_tls() -> None:
    """S-10: a banner in clear would be answered in clear."""

    async def scene() -> bool:
        relay = RelayConfig(host="relay.test", port=465, security="implicit")
        connection = Connection(relay, on_event=lambda *_: None, timeouts=QUICK, helo="client.test")
        transport = Elsewhere("192.0.2.1")
        connection.connection_made(transport)
        return transport.paused

    assert asyncio.run(scene())
