from __future__ import annotations

import base64
import quopri
from collections.abc import Callable

import pytest

from mailer.compose import transfer
from mailer.compose.transfer import Base64, Part, QuotedPrintable


def wire(part: Part, values: tuple[str, ...] = ()) -> bytes:
    out: list[bytes] = []
    part.extend(out, values)
    return b"".join(out)


def quoted(text: str) -> bytes:
    return wire(QuotedPrintable([text], []))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        (".\n", b"=2E\r\n"),
        ("..\n", b"=2E.\r\n"),
        (".leading\n", b"=2Eleading\r\n"),
        ("From me\n", b"=46rom me\r\n"),
        ("Fromage\n", b"Fromage\r\n"),
        ("trail \n", b"trail=20\r\n"),
        ("tab\t\n", b"tab=09\r\n"),
        (" \n", b"=20\r\n"),
        ("a=b\n", b"a=3Db\r\n"),
        ("é\n", b"=C3=A9\r\n"),
        ("\x7f\n", b"=7F\r\n"),
        ("\n", b"\r\n"),
        (".\nFrom x\ntrail \n", b"=2E\r\n=46rom x\r\ntrail=20\r\n"),
    ],
)
def test_quoted_printable_guards_line_starts_and_ends(text: str, encoded: bytes) -> None:
    """M-24, case 8."""
    assert quoted(text) == encoded


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_every_line_end_becomes_crlf(end: str) -> None:
    """M-1, M-24, X-9, case 9: none is ever `=0A`, none is ever bare."""
    assert quoted(f"a{end}.{end}b\n") == b"a\r\n=2E\r\nb\r\n"
    assert base64.b64decode(wire(Base64([f"a{end}.{end}b\n"], []))) == b"a\r\n.\r\nb\r\n"


@pytest.mark.parametrize("filler", ["x", "é", "=", ".", "From ", "漢", "a "])
def test_a_long_line_is_broken_softly_within_76_octets(filler: str) -> None:
    """M-2, M-24, case 8: a line of 5,000 characters; no escape is cut, no new line begins badly."""
    text = filler * 5000 + "|\n"
    encoded = quoted(text)
    lines = encoded.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not [line for line in lines if line.startswith((b".", b"From "))]
    assert quopri.decodestring(encoded).decode() == text.replace("\n", "\r\n")


def test_base64_lines_have_76_octets() -> None:
    """M-2."""
    lines = wire(Base64(["漢字" * 500 + "\n"], [])).split(b"\r\n")
    assert max(map(len, lines)) == 76
    assert lines[-1] == b""


def test_a_soft_break_stands_before_and_after_each_value() -> None:
    """M-25: nothing of the fixed text is ever wrapped anew."""
    part = QuotedPrintable(["Hello ", ", welcome\n"], [0])
    assert wire(part, ("Ann",)) == b"Hello =\r\nAnn=\r\n, welcome\r\n"


VALUES = ["Ann", "", "A", "Al", "Jérôme", ".", "..x", "From me", "a ", "a\t", "\n", "a\n.\nb\n"]
ODD_VALUES = ["=", "=3D", "x" * 300, "漢字" * 60, "a\r\nb", "b\r"]
KINDS: list[Callable[[list[str], list[int]], Part]] = [QuotedPrintable, Base64]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [*VALUES, *ODD_VALUES])
def test_splicing_equals_encoding_the_whole(
    kind: Callable[[list[str], list[int]], Part], value: str
) -> None:
    """M-25: decode(splice) == render, twice in one line and at a line's start."""
    texts, places = ["<p>Dear ", "", " and ", "\n", "!\n"], [0, 0, 1, 0]
    part = kind(texts, places)
    whole = f"<p>Dear {value}{value} and x\n{value}!\n"
    expected = whole.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    assert transfer.decode(part.encoding, wire(part, (value, "x"))) == expected


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain ASCII text, line after line\n" * 40, "quoted-printable"),
        ("Die Größe der Häuser am Hafen, von außen betrachtet\n" * 40, "quoted-printable"),
        ("Добрый день, новости этой недели\n" * 40, "base64"),
        ("每周新闻简报\n" * 40, "base64"),
        ("= 🎉\n", "base64"),
        ("\n", "quoted-printable"),
    ],
)
def test_the_size_decides_between_the_encodings(text: str, encoding: str) -> None:
    """M-23: never 8bit."""
    assert transfer.choose([text], []).encoding == encoding


@pytest.mark.parametrize(("share", "encoding"), [(8, "quoted-printable"), (4, "base64")])
def test_a_sixth_of_other_octets_is_about_the_border(share: int, encoding: str) -> None:
    """M-23: one octet of 8, and one of 4, is not ASCII."""
    text = ("é" + "x" * (2 * share - 2)) * 300 + "\n"
    assert transfer.choose([text], []).encoding == encoding


def test_the_encoding_depends_on_the_fixed_text_alone() -> None:
    """M-23: chosen once; a Chinese name in an English issue changes nothing."""
    part = transfer.choose(["Hello ", ", welcome to the issue\n"], [0])
    assert part.encoding == "quoted-printable"
    assert transfer.decode(part.encoding, wire(part, ("漢字",))).startswith("Hello 漢字,".encode())


@pytest.mark.parametrize("length", [1, 2, 3, 4, 56, 57, 58, 113, 114, 115, 5000])
def test_the_size_of_base64_is_known_without_encoding(length: int) -> None:
    octets = b"x" * (length - 1) + b"\r\n"
    text = octets.decode().replace("\r\n", "\n")
    assert len(transfer.base64_lines(octets)) == Base64([text], []).octets
