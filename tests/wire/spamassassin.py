"""SpamAssassin's opinion by its local rules: no network, one process for all mails."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING, Final

from tests.wire.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterable

_ARRIVED: Final = (
    "X-Sample: {number}\r\n"
    "Return-Path: <bounces@example.org>\r\n"
    "Received: from mail.example.org (mail.example.org [93.184.216.34])\r\n"
    "\tby mx.example.net (Postfix) with ESMTPS id 4XyZ12AbCd\r\n"
    "\tfor <ann@example.net>; {date}\r\n"
)
"""What the receiving server writes: without it every mail is suspicious. The address looks public,
as those that are reserved for examples cost 1.3 points."""

_SEPARATOR: Final = "From sender@example.org Thu Jan  1 00:00:00 2026\n"
_FROM: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_STATUS: Final = re.compile(
    r"^X-Spam-Status: \w+, score=(?P<score>-?[\d.]+).*?tests=(?P<rules>.*?) autolearn"
    r".*?^X-Sample: (?P<number>\d+)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What it thinks of one mail.

    Attributes:
        score: 5.0 and more is spam.
        rules: the names of those that hit.
    """

    score: float
    rules: tuple[str, ...]


def verdicts(mails: Iterable[bytes]) -> list[Verdict]:
    """Judge each mail as it would have arrived."""
    command = [program("spamassassin"), "--local", "--test-mode", "--nocreate-prefs", "--mbox"]
    box = b"".join(_boxed(mail, number) for number, mail in enumerate(mails))
    done = subprocess.run(command, input=box, capture_output=True, timeout=300, check=True)
    judged = {  # in an order of its own
        int(found["number"]): Verdict(
            score=float(found["score"]), rules=tuple(re.split(r",\s*", found["rules"]))
        )
        for found in _STATUS.finditer(done.stdout.decode("utf-8", "replace"))
    }
    return [judged[number] for number in sorted(judged)]


def _boxed(mail: bytes, number: int) -> bytes:
    """A mail in a mailbox of the kind that separates by lines that begin with From."""
    arrived = _ARRIVED.format(number=number, date=message_from_bytes(mail)["Date"]).encode()
    lines = (arrived + mail).replace(b"\r\n", b"\n")
    return _SEPARATOR.encode() + _FROM.sub(rb">\1", lines) + b"\n\n"
