"""Transfer encodings around slots: a text encoded once, values dropped in, nothing re-wrapped.

Both encodings are spliced so that decoding the result gives the text with its values (M-25). In
quoted-printable a soft line break stands before and after each value. In base64 a value is encoded
together with the up to two bytes on either side that share its groups of three; the long rest was
encoded beforehand, once for each of the three ways in which groups can fall. So Chinese or Russian
issues, for which base64 is the shorter one, cost a recipient no more than English ones.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp, b2a_base64
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LINE = 76  # octets without CRLF (M-2)
_LINE_BYTES = 57  # that fill such a line in base64
# Everything but printable ASCII without "=" is escaped; CR and LF come in pairs, as line ends.
_ESCAPES = {byte: f"={byte:02X}" for byte in range(256)} | {
    byte: chr(byte) for byte in (*range(0x20, 0x7F), 0x09, 0x0A, 0x0D) if byte != ord("=")
}
# M-24: a relay would double the dot, a mailbox file change "From ", a gateway drop a last space.
_LINE_STARTS = ((".", "=2E"), ("From ", "=46rom "))
_LINE_ENDS = {" ": "=20", "\t": "=09"}
_BLANKS = re.compile(rb"[ \t]+").sub
_AS_IT_IS = re.compile(r"(?!\.|From )[!-<>-~ ]*[!-<>-~]").fullmatch


class Part(Protocol):
    """A text with numbered places, ready for its values.

    Attributes:
        encoding: its Content-Transfer-Encoding.
        octets: of the encoded text without values.
    """

    encoding: str
    octets: int

    def extend(self, out: list[bytes], values: Sequence[str]) -> None:
        """Append the encoded text with its values to `out`; it ends in CRLF.

        What is appended first is the same for all values.
        """

    def relaxed(self) -> Part:
        """The part that appends the relaxed form of what this one does (RFC 6376 §3.4.4)."""


def choose(texts: Sequence[str], places: Sequence[int]) -> Part:
    """The shorter of both encodings for these texts, decided once for all recipients (M-23).

    Quoted-printable on a tie: it stays readable, and SpamAssassin scores base64 text.

    Args:
        texts: the fixed text before, between and after the places; the last ends in a line break.
        places: the number of the value that stands after each text but the last.
    """
    assert len(texts) == len(places) + 1
    assert texts[-1].endswith("\n")
    part = QuotedPrintable(texts, places)
    if part.octets <= _base64_octets(sum(len(_octets(text)) for text in texts)):
        return part
    return Base64(texts, places)


def decode(encoding: str, wire: bytes) -> bytes:
    """The octets of a part, as a reader gets them."""
    return a2b_base64(wire) if encoding == Base64.encoding else a2b_qp(wire)


class QuotedPrintable:
    """RFC 2045 §6.7, as M-24 and M-25 want it."""

    encoding = "quoted-printable"

    def __init__(self, texts: Sequence[str], places: Sequence[int]) -> None:
        self._lead, *rest = (quote(text) for text in texts)
        self._pairs = list(zip(places, rest, strict=True))
        self._encode: Callable[[str], bytes] = _quote_value
        self.octets = len(self._lead) + sum(map(len, rest))

    def extend(self, out: list[bytes], values: Sequence[str]) -> None:
        """Append the fixed texts and the values between them."""
        out.append(self._lead)
        encode = self._encode
        for place, fixed in self._pairs:
            out += encode(values[place]), fixed

    def relaxed(self) -> Part:
        """Piece by piece: each ends a line, and no line ends in a blank (M-24)."""
        pairs = [(place, relax(fixed)) for place, fixed in self._pairs]
        twin = copy(self)
        twin.__dict__ |= {"_lead": relax(self._lead), "_pairs": pairs, "_encode": _relax_value}
        return twin


class Base64:
    """RFC 2045 §6.8, spliced between groups of three bytes."""

    encoding = "base64"

    def __init__(self, texts: Sequence[str], places: Sequence[int]) -> None:
        fixed = [_octets(text) for text in texts]
        self._texts = [_shifts(octets) for octets in fixed]
        self._places = places
        self.octets = _base64_octets(sum(map(len, fixed)))

    def extend(self, out: list[bytes], values: Sequence[str]) -> None:
        """Append whole groups, and carry what does not fill one to the next value or text."""
        _, encoded, carry = self._texts[0][0]
        out.append(encoded or b"")
        for number, place in enumerate(self._places, start=1):
            carry = self._append(out, number, carry + _octets(values[place]))
        out.append(base64_lines(carry))

    def relaxed(self) -> Part:
        """Itself: base64 has no blanks."""
        return self

    def _append(self, out: list[bytes], number: int, carry: bytes) -> bytes:
        """Append what is carried and the fixed text of this number; return what is left over."""
        borrowed, encoded, left = self._texts[number][-len(carry) % 3]
        if encoded is None:
            return carry + borrowed
        out += base64_lines(carry + borrowed), encoded
        return left


def quote(text: str) -> bytes:
    """A text in quoted-printable that ends where a new line may begin.

    Whatever follows starts a line: after the text's own last line break, or after a soft one that
    is added here. An empty text is empty.
    """
    if _AS_IT_IS(text):  # nearly every name and URL: a third of the time
        wrapped = text if len(text) < _LINE else _wrap(text)
        return f"{wrapped}=\r\n".encode("ascii")
    escaped = _octets(text).decode("latin-1").translate(_ESCAPES)
    *lines, last = escaped.split("\r\n")
    wire = [f"{_wrap(_guard_end(line))}\r\n" for line in lines]
    if last:
        wire.append(f"{_wrap(last)}=\r\n")
    return "".join(wire).encode("ascii")


# A message has most of its values twice, in the text and in the HTML part.
_quote_value = lru_cache(maxsize=16)(quote)


def relax(wire: bytes) -> bytes:
    """Whole lines that do not end in a blank, with one blank instead of several in a row."""
    return _BLANKS(b" ", wire) if b"  " in wire or b"\t" in wire else wire


@lru_cache(maxsize=16)
def _relax_value(value: str) -> bytes:
    return relax(_quote_value(value))


def _octets(text: str) -> bytes:
    """UTF-8 with CRLF for every kind of line end: no bare CR or LF is ever written (M-1, X-9)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\r\n").encode()


def _guard_end(line: str) -> str:
    return line[:-1] + _LINE_ENDS[line[-1]] if line[-1:] in _LINE_ENDS else line


def _wrap(line: str) -> str:
    """An escaped line with soft breaks, so that one more "=" always fits."""
    wire: list[str] = []
    at = 0
    while True:
        start = ""
        for plain, guarded in _LINE_STARTS:
            if line.startswith(plain, at):
                start, at = guarded, at + len(plain)
                break
        end = at + _LINE - 1 - len(start)
        if end >= len(line):
            wire.append(start + line[at:])
            return "=\r\n".join(wire)
        cut = line.find("=", end - 2, end)  # an escape stays in one piece
        end = end if cut == -1 else cut
        wire.append(start + line[at:end])
        at = end


def _shifts(data: bytes) -> list[tuple[bytes, bytes | None, bytes]]:
    """For 0, 1 and 2 bytes lent to the group before: those, the whole groups encoded, the rest.

    A text too short to lend that many is lent whole, and nothing of it is encoded.
    """
    shifts: list[tuple[bytes, bytes | None, bytes]] = []
    for lent in range(3):
        end = lent + (len(data) - lent) // 3 * 3
        enough = len(data) >= lent
        shifts.append((data[:lent], base64_lines(data[lent:end]) if enough else None, data[end:]))
    return shifts


def _base64_octets(count: int) -> int:
    """How many octets these become in base64, line ends included."""
    return 4 * -(-count // 3) + 2 * -(-count // _LINE_BYTES)


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 (M-2), each with its CRLF; nothing is nothing."""
    starts = range(0, len(data), _LINE_BYTES)
    return b"".join(
        b"%b\r\n" % b2a_base64(data[at : at + _LINE_BYTES], newline=False) for at in starts
    )
