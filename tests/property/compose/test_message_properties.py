"""What must hold for any text, name and value: headers, splicing, line ends, tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailer.compose import headers, transfer
from mailer.compose.links import PURPOSES, Purpose
from mailer.compose.transfer import Base64, QuotedPrintable
from mailer.errors import CheckError
from mailer.model import ListId, Mailbox, MailingId, Place, Slot, SubscriberId
from tests.samples.messages import DATE, KEYRING, body, parsed, recipient, rendering, template

if TYPE_CHECKING:
    from mailer.compose.transfer import Part

# Surrogates apart, everything; and often what is special somewhere in mail.
SPECIAL = st.sampled_from(
    [
        "\r",
        "\n",
        "\r\n",
        ".",
        "From ",
        "=",
        "=?utf-8?q?x?=",
        "--",
        " ",
        "\t",
        "é",
        "漢",
        "🎉",
        "x" * 80,
    ]
)
ANY_TEXT = st.lists(st.one_of(SPECIAL, st.text(max_size=8)), max_size=12).map("".join)
LINE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x7f\x85\u2028\u2029"),
    max_size=120,
).filter(lambda text: not re.search(r"[\x00-\x1f]", text))
SENDABLE = ANY_TEXT.filter(lambda text: "\0" not in text)
PIECES = st.lists(st.tuples(ANY_TEXT, st.integers(0, 2)), max_size=4)


def canonical(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(deadline=None, max_examples=300)
@given(LINE)
def test_any_subject_is_read_back_as_it_was(text: str) -> None:
    """M-9, M-11: words of at most 75 on lines of at most 78."""
    assume(text)
    block = f"Subject: {headers.unstructured('Subject', text)}\r\n".encode("ascii")
    assert headers.read(block) == [("Subject", text)]
    lines = block.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert all(len(word) <= 75 for line in lines for word in line.split() if b"=?utf-8" in word)


@settings(deadline=None, max_examples=300)
@given(LINE)
def test_any_display_name_is_read_back_as_it_was(name: str) -> None:
    """M-7, case 4."""
    box = Mailbox(name=name, address="weekly@example.org")
    block = f"From: {headers.mailbox('From', box)}\r\n".encode("ascii")
    assert headers.read(block) == [("From", box)]
    assert max(map(len, block.split(b"\r\n"))) <= 78


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_a_subject_is_refused_or_safe(text: str) -> None:
    """M-11: whatever passes has no way to begin another field."""
    try:
        headers.refuse_forbidden("Subject", text)
    except CheckError:
        return
    written = headers.unstructured("Subject", text)
    assert not re.search(r"\r\n(?! \S)|(?<!\r)\n|\r(?!\n)|[^\x20-\x7e\r\n]", written)


def check_splice(part: Part, pieces: list[tuple[str, int]], last: str, values: list[str]) -> None:
    out: list[bytes] = []
    part.extend(out, values)
    wire = b"".join(out)
    whole = "".join(canonical(text) + canonical(values[place]) for text, place in pieces)
    expected = (whole + canonical(last)).replace("\n", "\r\n").encode()
    assert transfer.decode(part.encoding, wire) == expected
    lines = wire.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 76
    assert not re.search(rb"[^\x20-\x7e\t]", b"".join(lines))
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    assert not [line for line in lines if line.endswith((b" ", b"\t"))]


@settings(deadline=None, max_examples=300)
@given(PIECES, ANY_TEXT, st.lists(ANY_TEXT, min_size=3, max_size=3))
def test_any_splice_decodes_to_the_whole(
    pieces: list[tuple[str, int]], last: str, values: list[str]
) -> None:
    """M-1, M-2, M-3, M-24, M-25, in both encodings."""
    texts, places = [*(text for text, _ in pieces), f"{last}\n"], [place for _, place in pieces]
    check_splice(QuotedPrintable(texts, places), pieces, f"{last}\n", values)
    check_splice(Base64(texts, places), pieces, f"{last}\n", values)


@settings(deadline=None, max_examples=100)
@given(subject=LINE, name=LINE, text=SENDABLE, html=SENDABLE)
def test_any_message_is_clean_on_the_wire_and_reads_as_it_was(
    subject: str, name: str, text: str, html: str
) -> None:
    """M-1, M-3, M-25, X-9; the standard library reads what was written."""
    assume(subject.strip() and name)
    issue = rendering(
        subject=(subject, Slot(expression="subscriber.name", place=Place.TEXT)),
        html=(html, Slot(expression="subscriber.name", place=Place.HTML), "\n"),
        text=(text, Slot(expression="subscriber.name", place=Place.TEXT), "\n"),
    )
    message = template(issue).compose(recipient(name=name), date=DATE)
    content = message.content
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\r\n\.|\r\nFrom |[^\x01-\x7f]", content)
    assert len(parsed(message).keys()) == 14
    assert body(message, "plain") == canonical(text) + name + "\n"
    again = template(issue).compose(recipient(), date=DATE, values=message.values)
    assert again == message


@settings(deadline=None, max_examples=200)
@given(
    mailing=st.integers(0, 2**32 - 1),
    seq=st.integers(0, 2**32 - 1),
    purpose=st.sampled_from(PURPOSES),
    position=st.integers(0, 30),
    change=st.integers(1, 31),
)
def test_a_delivery_token_holds_and_no_changed_one_does(
    mailing: int, seq: int, purpose: Purpose, position: int, change: int
) -> None:
    """V-1, X-1: any change of any character is a change of one to five bits."""
    token = KEYRING.delivery_token(
        purpose, mailing=MailingId(mailing), seq=seq, key_id=KEYRING.newest_id
    )
    assert KEYRING.read_delivery_token(purpose, token) == (mailing, seq)
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    other = alphabet[alphabet.index(token[position]) ^ change]
    changed = token[:position] + other + token[position + 1 :]
    assert KEYRING.read_delivery_token(purpose, changed) is None


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_an_unsubscribe_token_holds(subscriber: int, list_number: int) -> None:
    """L-5."""
    token = KEYRING.unsubscribe_token(SubscriberId(subscriber), ListId(list_number))
    assert KEYRING.read_unsubscribe_token(token) == (subscriber, list_number)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=70), st.from_regex(r"[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}")))
def test_no_text_that_we_did_not_sign_is_a_token(text: str) -> None:
    """L-5, X-1, case 50: and reading one never raises."""
    assert KEYRING.read_unsubscribe_token(text) is None
    assert not KEYRING.is_test_token(text)
    assert all(KEYRING.read_delivery_token(purpose, text) is None for purpose in PURPOSES)
