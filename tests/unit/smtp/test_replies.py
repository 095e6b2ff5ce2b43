"""What a relay says, as codes, lines, replies and capabilities (S-2, S-3)."""

from __future__ import annotations

import pytest

from mailer.model import Reply
from mailer.smtp.replies import (
    MAX_LINE,
    MAX_LINES,
    Capabilities,
    ProtocolError,
    ReplyParser,
    capabilities_of,
    printable,
    reply_of,
)


def parse(*pieces: bytes) -> list[tuple[int, list[bytes]]]:
    parser = ReplyParser()
    found = []
    for piece in pieces:
        parser.feed(piece)
        while (reply := parser.next_reply()) is not None:
            found.append(reply)
    return found


def test_a_line_is_a_reply() -> None:
    assert parse(b"250 2.1.0 Ok\r\n") == [(250, [b"2.1.0 Ok"])]


def test_a_code_alone_is_a_reply() -> None:
    assert parse(b"250\r\n354 \r\n") == [(250, [b""]), (354, [b""])]


def test_lines_of_one_code_are_one_reply() -> None:
    assert parse(b"250-a\r\n250-b\r\n250-\r\n250 c\r\n") == [(250, [b"a", b"b", b"", b"c"])]


def test_replies_of_a_group_in_one_packet_come_one_by_one() -> None:
    assert parse(b"250 a\r\n550 b\r\n354 c\r\n") == [(250, [b"a"]), (550, [b"b"]), (354, [b"c"])]


def test_single_octets_make_the_same_replies() -> None:
    """Case 30: 1-byte writes."""
    raw = b"250-a\r\n250 b\r\n354 c\r\n"
    assert parse(raw) == parse(*(raw[at : at + 1] for at in range(len(raw))))


def test_a_bare_lf_ends_a_line_and_is_no_part_of_it() -> None:
    assert parse(b"250 a\n") == [(250, [b"a"])]


def test_an_incomplete_reply_is_pending() -> None:
    parser = ReplyParser()
    for piece in (b"250-a\r\n", b"250 b"):
        parser.feed(piece)
        assert parser.next_reply() is None
        assert parser.pending
    parser.feed(b"\r\n")
    assert parser.next_reply() == (250, [b"a", b"b"])
    assert not parser.pending


def test_a_line_of_4096_octets_is_read_and_one_more_is_an_error() -> None:
    """S-2: 512 is the standard, 4 KB is tolerated."""
    text = b"x" * (MAX_LINE - len(b"250 \r\n"))
    assert [(250, [text])] == parse(b"250 " + text + b"\r\n")
    with pytest.raises(ProtocolError, match="longer than 4096"):
        parse(b"250 x" + text + b"\r\n")


def test_a_60_kb_line_is_an_error_before_it_ends() -> None:
    """S-2, case 30: nothing is collected without a limit."""
    with pytest.raises(ProtocolError, match="longer than 4096"):
        parse(b"250 " + b"x" * 60_000)


def test_100_lines_are_read_and_one_more_is_an_error() -> None:
    """S-2."""
    lines = b"250-x\r\n" * (MAX_LINES - 1)
    assert len(parse(lines + b"250 x\r\n")[0][1]) == 100
    with pytest.raises(ProtocolError, match="more than 100 lines"):
        parse(lines + b"250-x\r\n250 x\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 x\r\n",
        b"2500 x\r\n",
        b"250_x\r\n",
        b"150 wait\r\n",
        b"199 wait\r\n",
        b"600 x\r\n",
        b"-50 x\r\n",
        b"\xb2\xb5\xb0 x\r\n",
        b"\x00\xff\x16\x03\x01\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b" 250 x\r\n",
    ],
)
def test_what_is_no_reply_is_a_protocol_error(raw: bytes) -> None:
    """S-2, case 30: non-numeric, 1yz, binary garbage."""
    with pytest.raises(ProtocolError, match="not an SMTP reply"):
        parse(raw)


def test_a_code_that_changes_within_a_reply_is_a_protocol_error() -> None:
    """S-2, case 30."""
    with pytest.raises(ProtocolError, match="changed its code"):
        parse(b"250-a\r\n550 b\r\n")


def test_good_replies_before_nonsense_are_still_read() -> None:
    parser = ReplyParser()
    parser.feed(b"250 a\r\nnonsense\r\n")
    assert parser.next_reply() == (250, [b"a"])
    with pytest.raises(ProtocolError):
        parser.next_reply()


def test_a_reply_keeps_its_text_and_names_its_enhanced_code() -> None:
    assert Reply(code=550, text="5.1.1 no such user", enhanced="5.1.1") == reply_of(
        550, [b"5.1.1 no such user"]
    )


def test_the_lines_of_a_reply_are_joined_by_a_space() -> None:
    expected = Reply(code=550, text="5.7.26 not authenticated 5.7.26 see below", enhanced="5.7.26")
    assert expected == reply_of(550, [b"5.7.26 not authenticated", b"5.7.26 see below"])


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        (b"#5.1.0 Address rejected", "5.1.0"),
        (b"4.2.2", "4.2.2"),
        (b"5.1.1.7 no", ""),
        (b"see 5.1.1", ""),
        (b"3.1.1 no", ""),
        (b"5.1.1000 no", ""),
        (b"", ""),
    ],
)
def test_an_enhanced_code_stands_first_and_alone(text: bytes, enhanced: str) -> None:
    assert enhanced == reply_of(550, [text]).enhanced


def test_control_characters_of_a_reply_are_escaped() -> None:
    """S-2: what is logged cannot move the cursor, end the line or turn it round."""
    assert (
        printable("a\x1b[2Jb\x00\r\u2028\u202ec\x85".encode())
        == r"a\x1b[2Jb\x00\r\u2028\u202ec\x85"
    )


def test_octets_that_are_no_text_are_escaped() -> None:
    assert printable(b"caf\xe9") == r"caf\xe9"
    assert printable("café".encode()) == "café"


@pytest.mark.parametrize("raw", [b"x" * 5000, b"\xff" * 5000, b"\x00" * 5000, "é".encode() * 999])
def test_the_text_of_a_reply_is_at_most_1_kb(raw: bytes) -> None:
    """S-2."""
    assert 1000 < len(printable(raw).encode()) <= 1024


def test_capabilities_are_read_in_any_case_and_unknown_ones_ignored() -> None:
    """S-3."""
    lines = [b"relay.test", b"pipelining", b"Size 1000", b"8bitMIME", b"dsn", b"StartTLS"]
    lines += [b"auth plain Login", b"XYZZY plugh", b"", b"\xff\xfe"]
    assert Capabilities(
        pipelining=True,
        starttls=True,
        eight_bit=True,
        dsn=True,
        size=1000,
        auth=frozenset({"PLAIN", "LOGIN"}),
    ) == capabilities_of(lines)


def test_the_name_of_the_relay_is_no_capability() -> None:
    """S-3: the first line of the EHLO reply is the relay's name."""
    assert Capabilities() == capabilities_of([b"PIPELINING"])


@pytest.mark.parametrize(
    ("line", "size"),
    [(b"SIZE", 0), (b"SIZE 0", 0), (b"SIZE many", 0), (b"SIZE 52428800", 52428800)],
)
def test_size_without_a_number_is_offered_without_a_limit(line: bytes, size: int) -> None:
    """R1870 §4."""
    assert size == capabilities_of([b"relay.test", line]).size
