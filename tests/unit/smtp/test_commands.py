"""What we write for one message: command lines and dotted content (X-8, S-13, B-1, M-3, M-30)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailer.smtp.commands import can_carry, envelope, transparent
from mailer.smtp.replies import Capabilities
from tests.wire.courier import message

if TYPE_CHECKING:
    from mailer.model import Message

EVERYTHING = Capabilities(pipelining=True, eight_bit=True, dsn=True, size=0)
UTF8 = replace(EVERYTHING, smtputf8=True)
JOERG = "jörg+a=b@xn--exmple-cua.test"


def lines(sent: Message, offered: Capabilities = EVERYTHING) -> list[bytes]:
    return [line for _, line in envelope(sent, offered)]


def test_without_an_offer_there_are_no_parameters() -> None:
    """S-3, case 37: used only if offered."""
    expected = [
        b"MAIL FROM:<b-token1@bounce.example.org>\r\n",
        b"RCPT TO:<person1@example.net>\r\n",
        b"DATA\r\n",
    ]
    assert expected == lines(message(1), Capabilities())


def test_what_is_offered_is_used() -> None:
    """B-1, M-3, M-30: SIZE, BODY and the DSN parameters."""
    expected = [
        b"MAIL FROM:<b-token1@bounce.example.org> SIZE=25 BODY=7BIT RET=HDRS ENVID=token1\r\n",
        b"RCPT TO:<person1@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;person1@example.net\r\n",
        b"DATA\r\n",
    ]
    assert expected == lines(message(1))


def test_what_is_special_in_xtext_is_encoded() -> None:
    """R3461 §4: + and = in an address."""
    sent = replace(message(1), rcpt_to="a+tag=x@example.net")
    assert lines(sent)[1].startswith(b"RCPT TO:<a+tag=x@example.net> ")
    assert lines(sent)[1].endswith(b" ORCPT=rfc822;a+2Btag+3Dx@example.net\r\n")


def test_without_an_envelope_id_there_is_no_envid() -> None:
    assert b"ENVID" not in lines(replace(message(1), envelope_id=""))[0]


def test_the_longest_address_leaves_out_what_does_not_fit() -> None:
    """X-8: 254 octets twice are more than a command line may have."""
    address = "a" * 64 + "@" + ("b" * 61 + ".") * 3 + "net"
    assert len(address) == 254
    rcpt = lines(replace(message(1), rcpt_to=address))[1]
    assert len(rcpt) <= 512
    assert rcpt == b"RCPT TO:<" + address.encode() + b"> NOTIFY=FAILURE,DELAY\r\n"


def test_an_empty_envelope_sender_is_written() -> None:
    """L-11: replies to mailto: have one."""
    assert lines(replace(message(1), mail_from=""))[0].startswith(b"MAIL FROM:<> ")


@pytest.mark.parametrize(
    "address",
    [
        "a@x.test\r\nRCPT TO:<b@x.test>",
        "a@x.test\nDATA",
        "a@x.test\r",
        "a b@x.test",
        "a@x.test> NOTIFY=NEVER",
        "<a@x.test",
        "a@x.test,b@x.test",
        "a\x00@x.test",
        "a\x7f@x.test",
        "a\t@x.test",
        "jörg@x.test",
        "a@exämple.test",
        "a\u2028@x.test",
        "a" * 500 + "@x.test",
    ],
)
@pytest.mark.parametrize("role", ["mail_from", "rcpt_to"])
def test_an_address_that_breaks_the_line_is_never_written(role: str, address: str) -> None:
    """X-8: no CR, LF, other control, space, angle bracket or comma, ASCII, at most 512 octets."""
    sent = replace(message(1))
    sent = (
        replace(sent, mail_from=address) if role == "mail_from" else replace(sent, rcpt_to=address)
    )
    for offered in (EVERYTHING, Capabilities()):
        with pytest.raises(ValueError, match="not a"):
            envelope(sent, offered)


@pytest.mark.parametrize(
    "content", [b"", b"a", b"a\n", b"a\r", b"gr\xc3\xbc\xc3\x9fe\r\n", b"\xff\r\n"]
)
def test_content_that_is_not_seven_bit_lines_is_never_written(content: bytes) -> None:
    """S-13, M-3: the terminator is CRLF.CRLF exactly; 8BITMIME may be absent (case 37)."""
    for offered in (EVERYTHING, UTF8):
        with pytest.raises(ValueError, match=r"is not .*lines"):
            envelope(message(1, content=content), offered)


def test_a_local_part_that_is_not_ascii_goes_as_it_is_and_mail_says_so() -> None:
    """M-13, case 21: R6531 §3.4, and ORCPT as R6533 §3 has it; the domain is an A-label."""
    content = f"To: {JOERG}\r\n\r\nHello\r\n".encode()
    sent = replace(message(1, content=content), rcpt_to=JOERG)
    mail, rcpt, _ = (line.decode() for line in lines(sent, UTF8))
    sender = "MAIL FROM:<b-token1@bounce.example.org> SIZE=44"
    assert f"{sender} SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=token1\r\n" == mail
    original = "ORCPT=utf-8;jörg\\x{2B}a\\x{3D}b@xn--exmple-cua.test"
    assert f"RCPT TO:<{JOERG}> NOTIFY=FAILURE,DELAY {original}\r\n" == rcpt


@pytest.mark.parametrize(
    ("offered", "carried"),
    [
        (UTF8, True),
        (EVERYTHING, False),
        (Capabilities(smtputf8=True), False),  # R6531 §3.1: with 8BITMIME only
        (Capabilities(), False),
    ],
)
def test_only_a_relay_that_offers_smtputf8_can_carry_it(
    offered: Capabilities,
    carried: bool,  # noqa: FBT001
) -> None:
    """M-13, S-3, case 37."""
    sent = replace(message(1), rcpt_to=JOERG)
    assert carried == can_carry(sent, offered)
    assert can_carry(message(1), offered)
    if not carried:
        with pytest.raises(ValueError, match="not a relay that can carry"):
            envelope(sent, offered)


@pytest.mark.parametrize(
    "address",
    [
        *("jö rg@x.test", "jö\u00a0rg@x.test", "jö\u2028@x.test", "jö\x85@x.test", "jö\r\n@x.test"),
        *("jö<@x.test", "jö,a@x.test", "jörg@exämple.test", "jörg", "jö\ud800@x.test", "@ä"),
        *("jö\u200b@x.test", "jö" * 200 + "@x.test"),
    ],
)
def test_utf8_breaks_no_command_line_either(address: str) -> None:
    """X-8 where SMTPUTF8 is offered: no space of any script, no control, 512 octets."""
    with pytest.raises(ValueError, match="not a"):
        envelope(replace(message(1), rcpt_to=address), UTF8)


def test_an_envelope_sender_is_always_ascii() -> None:
    with pytest.raises(ValueError, match="not an address"):
        envelope(replace(message(1), mail_from="jörg@x.test"), UTF8)


@pytest.mark.parametrize(
    ("content", "on_the_wire"),
    [
        (b"a\r\n", b"a\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"a\r\n.\r\n", b"a\r\n..\r\n"),
        (b"a\r\n.b\r\n..c\r\n", b"a\r\n..b\r\n...c\r\n"),
        (b".\r\n.\r\n.\r\n", b"..\r\n..\r\n..\r\n"),
        (b".a.\r\n a. .\r\nb.\r\n", b"..a.\r\n a. .\r\nb.\r\n"),
    ],
)
def test_a_dot_at_the_start_of_any_line_is_doubled(content: bytes, on_the_wire: bytes) -> None:
    """S-13, R5321 §4.5.2, case 8."""
    assert on_the_wire == transparent(content)


def test_content_without_such_a_dot_is_not_copied() -> None:
    content = b"no dots. here\r\n" * 1000
    assert transparent(content) is content
