"""What we write to a relay for one message: the envelope's command lines and the dotted content.

The content is assumed to hold no bare CR or LF (M-1): compose asserts that once per rendering; a
scan of every message here would cost more than the whole conversation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailer.model import Phase

if TYPE_CHECKING:
    from mailer.model import Message
    from mailer.smtp.replies import Capabilities

Command = tuple[Phase, bytes]
"""A line to send, and the phase in which its reply will come."""

MAX_COMMAND: Final = 512  # octets with CRLF (X-8, R5321 §4.5.3.1.4)

# no white space, control, angle bracket or comma; ASCII only.
_ADDRESS: Final = re.compile(r"[!-+\--;=?-~]*")
# R3461 §4: everything else is written as +XX.
_NOT_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")
# Half the time of `b"\r\n." in content`, and yet most of what a message costs in this package.
_DOT_LINE: Final = re.compile(rb"\r\n\.")


def envelope(message: Message, offered: Capabilities) -> list[Command]:
    """MAIL, RCPT and DATA, with the parameters that the relay offered.

    Raises:
        ValueError: an address or content that must not be written to a relay (X-8, S-13).
    """
    if not message.content.endswith(b"\r\n") or not message.content.isascii():
        raise ValueError(f"content of {message.message_id} is not 7-bit lines with CRLF")
    return [
        (Phase.MAIL, _mail(message, offered)),
        (Phase.RCPT, _rcpt(message, offered)),
        (Phase.DATA, b"DATA\r\n"),
    ]


def transparent(content: bytes) -> bytes:
    """Double the dot at the start of every line that has one (S-13, R5321 §4.5.2)."""
    if _DOT_LINE.search(content):
        content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content.startswith(b".") else content


def _mail(message: Message, offered: Capabilities) -> bytes:
    line = f"MAIL FROM:<{_address(message.mail_from)}>"
    if offered.size is not None:
        line += f" SIZE={len(message.content)}"  # M-30
    if offered.eight_bit:
        line += " BODY=7BIT"  # M-3
    if offered.dsn and message.envelope_id:
        line += f" RET=HDRS ENVID={_xtext(message.envelope_id)}"  # B-1
    return _line(line)


def _rcpt(message: Message, offered: Capabilities) -> bytes:
    address = _address(message.rcpt_to)
    if not offered.dsn:
        return _line(f"RCPT TO:<{address}>")
    line = f"RCPT TO:<{address}> NOTIFY=FAILURE,DELAY"  # B-1
    original = f" ORCPT=rfc822;{_xtext(address)}"
    fits = len(line) + len(original) + 2 <= MAX_COMMAND  # the longest addresses do not, twice
    return _line(line + original if fits else line)


def _address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"not an address that SMTP can carry: {address!r}")
    return address


def _xtext(text: str) -> str:
    return _NOT_XTEXT.sub(lambda char: f"+{ord(char[0]):02X}", text)


def _line(text: str) -> bytes:
    line = text.encode("ascii") + b"\r\n"
    if len(line) > MAX_COMMAND or not text.isprintable():  # no CR, LF, other control
        raise ValueError(f"not a command line of at most {MAX_COMMAND} octets: {text!r}")
    return line
