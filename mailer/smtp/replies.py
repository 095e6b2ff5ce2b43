"""What a relay says: bytes become codes and lines, and these become replies and capabilities.

A reply is one or more lines `CODE SP|- text`, the code equal on all of them (R5321 §4.2). Anything
else is a `ProtocolError`, after which nothing that the relay says can be trusted (S-2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailer.model import Reply

MAX_LINE: Final = 4096  # octets with the line end; R5321 §4.5.3.1.5 says 512, real relays say more
MAX_LINES: Final = 100
MAX_TEXT: Final = 1024

# 2yz to 5yz; a relay never sends us 1yz (R5321 §4.2.1).
_CODES: Final = {b"%d" % code: code for code in range(200, 600)}
_SEPARATORS: Final = (b" ", b"-", b"")

# R2034 §4: first in the text. Some appliances write "#5.1.0".
_ENHANCED: Final = re.compile(r"#?([245]\.\d{1,3}\.\d{1,3})(?!\S)")


class ProtocolError(Exception):
    """What the relay sent is no SMTP; the text says why."""


class ReplyParser:
    """Bytes in any pieces become replies, one at a time; how they were cut changes nothing."""

    __slots__ = ("_at", "_buffer", "_code", "_lines")

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._code = 0
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0

    @property
    def pending(self) -> bool:
        """Whether something was fed that is not a whole reply yet."""
        return self._at < len(self._buffer) or bool(self._lines)

    def next_reply(self) -> tuple[int, list[bytes]] | None:
        """The next reply as its code and the texts of its lines; None if it is not complete.

        Raises:
            ProtocolError: not a reply, or beyond a limit of S-2.
        """
        while True:
            start = self._at
            end = self._buffer.find(b"\n", start)
            if (end if end >= 0 else len(self._buffer)) - start >= MAX_LINE:
                raise ProtocolError(f"a reply line longer than {MAX_LINE} octets")
            if end < 0:
                return None
            self._at = end + 1
            line = self._buffer[start:end].removesuffix(b"\r")  # a bare LF ends a line, too
            code, separator = _CODES.get(line[:3]), line[3:4]
            if code is None or separator not in _SEPARATORS:
                raise ProtocolError(f"not an SMTP reply: {printable(line[:80])}")
            if separator == b"-" or self._lines:
                lines = self._continued(code, line)
                if lines is None:
                    continue
                return code, lines
            return code, [line[4:]]

    def _continued(self, code: int, line: bytes) -> list[bytes] | None:
        """One line of several; the texts of all if it was the last."""
        if self._lines and code != self._code:
            raise ProtocolError(f"a reply changed its code: {printable(line[:80])}")
        if len(self._lines) == MAX_LINES:
            raise ProtocolError(f"a reply of more than {MAX_LINES} lines")
        self._code = code
        self._lines.append(line[4:])
        if line[3:4] == b"-":
            return None
        lines, self._lines = self._lines, []
        return lines


def printable(raw: bytes) -> str:
    """Text of a relay, safe for logs: at most 1 KB, one line, control characters escaped (S-2)."""
    text = raw[:MAX_TEXT].decode("utf-8", "backslashreplace")
    if len(text) <= MAX_TEXT and text.isascii() and text.isprintable():
        return text
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return escaped.encode()[:MAX_TEXT].decode("utf-8", "ignore")


def reply_of(code: int, lines: list[bytes]) -> Reply:
    """The noun for a parsed reply."""
    text = printable(b" ".join(lines) if len(lines) > 1 else lines[0])
    enhanced = _ENHANCED.match(text)
    return Reply(code=code, text=text, enhanced=enhanced[1] if enhanced else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the latest EHLO offered (S-3).

    Attributes:
        size: largest message in octets; 0 = offered without a limit; None = not offered.
        auth: mechanisms, upper case.
    """

    pipelining: bool = False
    starttls: bool = False
    eight_bit: bool = False
    dsn: bool = False
    smtputf8: bool = False
    size: int | None = None
    auth: frozenset[str] = frozenset()


def capabilities_of(lines: list[bytes]) -> Capabilities:
    """Read an EHLO reply: keywords in any case, unknown ones ignored; the first line is a name."""
    offered: dict[str, list[str]] = {}
    for line in lines[1:]:
        words = line.decode("ascii", "replace").upper().split()
        if words:
            offered[words[0]] = words[1:]
    size = offered.get("SIZE")
    return Capabilities(
        pipelining="PIPELINING" in offered,
        starttls="STARTTLS" in offered,
        eight_bit="8BITMIME" in offered,
        dsn="DSN" in offered,
        smtputf8="SMTPUTF8" in offered,
        size=None if size is None else int(size[0]) if size and size[0].isdecimal() else 0,
        auth=frozenset(offered.get("AUTH", ())),
    )
