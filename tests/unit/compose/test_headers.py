from __future__ import annotations

import re
from email.header import decode_header

import pytest

from mailer.compose import headers
from mailer.errors import CheckError, ConfigError
from mailer.model import Instant, Mailbox

ADDRESS = "weekly@example.org"
EMOJI = "🎉" * 300
CJK = "每周新闻" * 50
FAMILY = "👩\u200d👩\u200d👧"  # one emoji, joined by ZWJ


def subject_block(text: str) -> bytes:
    return f"Subject: {headers.unstructured('Subject', text)}\r\n".encode("ascii")


def read_back(text: str) -> object:
    return headers.read(subject_block(text))[0][1]


# --- Subject -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Winter opening hours",
        "Fish & Chips <5 £",
        "Jérôme",
        "  leading and trailing  ",
        "a     b",
        "_under_score_ = ? equals",
        "=?utf-8?q?x=0D=0ABcc=3A_v=40e.org?=",
        "a =?x",
        "x" * 200,
        "word " * 60 + "end",
        EMOJI,
        CJK,
        FAMILY * 20,
        "\u202etxet tfel ot thgir",
        "e\u0301" * 100,
        "?",
        "=",
    ],
)
def test_a_subject_comes_back_as_it_was(text: str) -> None:
    """M-9; the standard library agrees."""
    assert read_back(text) == text
    unfolded = headers.unstructured("Subject", text).replace("\r\n", "")
    decoded = "".join(
        part.decode(charset or "ascii") if isinstance(part, bytes) else part
        for part, charset in decode_header(unfolded)
    )
    assert decoded == text


def test_plain_ascii_stays_unencoded() -> None:
    """M-9."""
    assert headers.unstructured("Subject", "Winter opening hours") == "Winter opening hours"


def test_plain_ascii_folds_at_spaces_within_78_octets() -> None:
    """M-2."""
    lines = subject_block("opening hours in winter " * 12 + "end").decode().splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 78
    assert all(line.strip() for line in lines)


def test_every_encoded_word_decodes_on_its_own_and_fits() -> None:
    """M-9: 300 emoji; words of at most 75, lines of at most 76, no character split."""
    lines = subject_block(EMOJI).decode().splitlines()
    assert max(map(len, lines)) <= 76
    words = [line.removeprefix("Subject:").strip() for line in lines]
    assert max(map(len, words)) <= 75
    alone = "".join(part.decode("utf-8") for word in words for part, _ in decode_header(word))
    assert alone == EMOJI


@pytest.mark.parametrize(
    ("text", "encoding"), [("Jérôme and Anna read on", "q"), ("Jérôme", "b"), (CJK, "b")]
)
def test_the_shorter_encoding_is_chosen(text: str, encoding: str) -> None:
    """M-9: B or Q."""
    assert headers.unstructured("Subject", text).startswith(f"=?utf-8?{encoding}?")


def test_what_looks_like_an_encoded_word_arrives_as_text() -> None:
    """M-11, case 2: naive code writes a real Bcc line here."""
    text = "=?utf-8?q?x=0D=0ABcc=3A_v=40e.org?="
    block = subject_block(text)
    assert [name for name, _ in headers.read(block)] == ["Subject"]
    assert b"\r\nBcc" not in block
    assert read_back(text) == text


# --- From, Reply-To ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "",
        "The Weekly",
        'Ann, "Q" <x@y>',
        "Dr. Who",
        "back\\slash",
        "two  spaces",
        "Jérôme",
        "🎉",
        FAMILY,
        "=?utf-8?q?x?=",
        "\u202eRTL override",
        "字" * 200,
        "A long ASCII name that goes on and on, " * 5,
        "(comment)",
        "a@b",
        "'quoted'",
        '"',
    ],
)
def test_a_display_name_comes_back_as_it_was(name: str) -> None:
    """M-7, case 4."""
    box = Mailbox(name=name, address=ADDRESS)
    block = f"From: {headers.mailbox('From', box)}\r\n".encode("ascii")
    assert headers.read(block) == [("From", box)]
    assert max(map(len, block.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "weekly@example.org"),
        ("The Weekly", "The Weekly <weekly@example.org>"),
        ("Dr. Who", '"Dr. Who" <weekly@example.org>'),
        ('A "Q"', r'"A \"Q\"" <weekly@example.org>'),
        ("Jérôme", "=?utf-8?b?SsOpcsO0bWU=?= <weekly@example.org>"),
    ],
)
def test_a_display_name_is_atoms_quoted_string_or_encoded_word(name: str, written: str) -> None:
    """M-7: never an encoded-word inside quotes."""
    assert headers.mailbox("From", Mailbox(name=name, address=ADDRESS)) == written


def test_a_name_that_looks_encoded_is_encoded_not_quoted() -> None:
    """M-7: readers decode encoded-words even inside quotes."""
    written = headers.mailbox("From", Mailbox(name="=?utf-8?q?x?=", address=ADDRESS))
    assert '"' not in written
    assert written.startswith("=?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <")


# --- Date ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
        (1_795_680_000_000_000, "Thu, 26 Nov 2026 08:00:00 +0000"),
        (1_795_680_000_999_999, "Thu, 26 Nov 2026 08:00:00 +0000"),
        (1_835_452_799_000_000, "Tue, 29 Feb 2028 15:59:59 +0000"),
        (253_402_300_799_000_000, "Fri, 31 Dec 9999 23:59:59 +0000"),
    ],
)
def test_dates_are_english_and_utc(at: int, written: str) -> None:
    """M-5."""
    assert headers.date(Instant(at)) == written


def test_every_day_and_month_has_its_english_name() -> None:
    """M-5: the form, whatever the locale."""
    form = re.compile(
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
        r" \d{4} \d\d:\d\d:\d\d \+0000"
    )
    day = 86_400_000_000
    written = [headers.date(Instant(number * day)) for number in range(366)]
    assert [text for text in written if not form.fullmatch(text)] == []
    assert len({text[:3] for text in written}) == 7
    assert len({text[8:11] for text in written}) == 12


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "char",
    [*"\r\n\0\t\x0b\x0c\x1c\x1f\x7f\x85\u2028\u2029\ud800"],
)
def test_forbidden_characters_are_refused_with_their_field(char: str) -> None:
    """M-11, X-7, case 1."""
    with pytest.raises(CheckError, match="E102") as caught:
        headers.refuse_forbidden("Subject", f"Hi{char}Bcc: v@x.test")
    assert f"U+{ord(char):04X}" in caught.value.detail
    with pytest.raises(ConfigError, match="E430") as caught_too:
        headers.refuse_forbidden("[newsletter] from", f"Ann{char}")
    assert caught_too.value.where == "[newsletter] from"


def test_other_characters_are_let_through() -> None:
    headers.refuse_forbidden("Subject", "Hi \u202e \x80 \ufffe 🎉 \u200d")


# --- reading back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        b"Subject: a\r\nsubject: b\r\n",
        b"Subject: a\nBcc: b\r\n",
        b"Subject: a\rBcc: b\r\n",
        b"Subject: a\0\r\n",
        b"Subject: a\x7f\r\n",
        b"Subject: " + b"a" * 1000 + b"\r\n",
        b"Subject:a\r\n",
        b"Sub ject: a\r\n",
        b"Subject: \r\n",
        b"Subject: a =?utf-8?q?b?=\r\n",
        b"Subject: =?utf-8?q?b?= a\r\n",
        b"Subject: =?utf-8?b?8J+O?=\r\n",
        b"Subject: =?iso-8859-1?q?b?=\r\n",
        b"Subject: =?utf-8?q?" + b"a" * 70 + b"?=\r\n",
        b"List-Id: =?utf-8?q?x?= <a.b>\r\n",
        b"From: Dr. Who <a@b>\r\n",
        b'From: "a"b" <a@b>\r\n',
        b"X: a\r\n" * 3000,
        b"".join(b"X-%d: a\r\n" % number for number in range(2000)),
        "Subject: é\r\n".encode(),
    ],
)
def test_the_reader_takes_nothing_that_was_not_written_here(block: bytes) -> None:
    """M-2, M-3, M-4, M-9, M-10, M-11, M-15."""
    with pytest.raises(ValueError, match=r".+"):
        headers.read(block)
