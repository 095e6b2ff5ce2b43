"""What we write to a relay for one message: the envelope's command lines and the dotted content.

Everything is 7-bit, but for a recipient whose local part is not ASCII (M-13): their address stands
as it is in RCPT and in To, and MAIL says so.

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

# no white space, control, angle bracket or comma; ASCII only, but for the local part of a
# recipient that the relay carries in UTF-8. What is white space or control there, `_line` refuses.
_ADDRESS: Final = re.compile(r"[!-+\--;=?-~]*")
_UTF8_ADDRESS: Final = re.compile(r"[!-+\--;=?-~\x80-\U0010ffff]+@[!-+\--;=?-~]+")
# R3461 §4: everything else is written as +XX.
_NOT_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")
# R6533 §3: everything else is written as \x{XX}.
_NOT_UNITEXT: Final = re.compile(r"[^!-*,-<>-\[\]-~\x80-\U0010ffff]")
# Half the time of `b"\r\n." in content`, and yet most of what a message costs in this package.
_DOT_LINE: Final = re.compile(rb"\r\n\.")


def can_carry(message: Message, offered: Capabilities) -> bool:
    """Whether the relay takes the address as it is; nothing is ever down-converted (M-13)."""
    return message.rcpt_to.isascii() or (offered.smtputf8 and offered.eight_bit)


def fits(message: Message, offered: Capabilities) -> bool:
    """Whether the relay takes a message so large (M-30)."""
    return not offered.size or message.octets <= offered.size


def envelope(message: Message, offered: Capabilities) -> list[Command]:
    """MAIL, RCPT and DATA, with the parameters that the relay offered.

    Raises:
        ValueError: an address or content that must not be written to a relay (X-8, S-13), or that
            it cannot carry.
    """
    if not can_carry(message, offered):
        raise ValueError(f"not a relay that can carry {message.rcpt_to!r}")
    if not (message.vouched or _is_lines(message.content, plain=message.rcpt_to.isascii())):
        raise ValueError(f"content of {message.message_id} is not 7-bit lines with CRLF")
    return [
        (Phase.MAIL, _mail(message, offered)),
        (Phase.RCPT, _rcpt(message, offered)),
        (Phase.DATA, b"DATA\r\n"),
    ]


def _is_lines(content: bytes, *, plain: bool) -> bool:
    return content.endswith(b"\r\n") and (content.isascii() or not plain)


def transparent(content: bytes) -> bytes:
    """Double the dot at the start of every line that has one (S-13, R5321 §4.5.2)."""
    if _DOT_LINE.search(content):
        content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content.startswith(b".") else content


def _mail(message: Message, offered: Capabilities) -> bytes:
    line = f"MAIL FROM:<{_address(message.mail_from)}>"
    if offered.size is not None:
        line += f" SIZE={message.octets}"  # M-30
    if not message.rcpt_to.isascii():
        line += " SMTPUTF8 BODY=8BITMIME"  # M-13, R6531 §3.4: To has the address as it is
    elif offered.eight_bit:
        line += " BODY=7BIT"  # M-3
    if offered.dsn and message.envelope_id:
        line += f" RET=HDRS ENVID={_xtext(message.envelope_id)}"  # B-1
    return _line(line)


def _rcpt(message: Message, offered: Capabilities) -> bytes:
    plain = message.rcpt_to.isascii()
    address = _address(message.rcpt_to, _ADDRESS if plain else _UTF8_ADDRESS)
    if not offered.dsn:
        return _line(f"RCPT TO:<{address}>")
    line = f"RCPT TO:<{address}> NOTIFY=FAILURE,DELAY"  # B-1
    original = f" ORCPT={f'rfc822;{_xtext(address)}' if plain else f'utf-8;{_unitext(address)}'}"
    # The longest addresses do not fit twice.
    fits = len((line + original).encode()) + 2 <= MAX_COMMAND
    return _line(line + original if fits else line)


def _address(address: str, form: re.Pattern[str] = _ADDRESS) -> str:
    if not form.fullmatch(address):
        raise ValueError(f"not an address that SMTP can carry: {address!r}")
    return address


def _xtext(text: str) -> str:
    return _NOT_XTEXT.sub(lambda char: f"+{ord(char[0]):02X}", text)


def _unitext(text: str) -> str:
    return _NOT_UNITEXT.sub(lambda char: f"\\x{{{ord(char[0]):02X}}}", text)


def _line(text: str) -> bytes:
    line = text.encode("utf-8", "replace") + b"\r\n"
    if len(line) > MAX_COMMAND or not text.isprintable():  # no CR, LF, other control
        raise ValueError(f"not a command line of at most {MAX_COMMAND} octets: {text!r}")
    return line
