"""What a refusal says about whom, and whether the address is never mailed again.

One table; the first row that fits decides. Its order is that of §4.2: what is known to be about the
sender (§2.2), then the enhanced code, then words, then codes that say little, then the basic code.
"5.x.x" alone says little: two thirds of the addresses that it would remove are alive (B-10).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailer.model import BounceClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; a condition that is None asks nothing, and "" asks for absence.

    Attributes:
        name: what it recognises, for tests and people.
        means: what the refusal then is.
        status: the whole enhanced code.
        text: something in the words, whatever their case.
        code: the whole basic code.
    """

    name: str
    means: BounceClass
    status: re.Pattern[str] | None = None
    text: re.Pattern[str] | None = None
    code: re.Pattern[str] | None = None

    def fits(self, *, code: str, status: str, text: str) -> bool:
        """Whether every condition holds."""
        return (
            (self.status is None or self.status.fullmatch(status) is not None)
            and (self.code is None or self.code.fullmatch(code) is not None)
            and (self.text is None or self.text.search(text) is not None)
        )


def _row(
    name: str,
    means: BounceClass,
    *,
    status: str | None = None,
    text: str | None = None,
    code: str | None = None,
) -> Row:
    return Row(
        name=name,
        means=means,
        status=None if status is None else re.compile(status),
        text=None if text is None else re.compile(text, re.IGNORECASE),
        code=None if code is None else re.compile(code),
    )


_WHO = r"(?:user|recipient|mailbox|address|account|addressee)"
_NO_SUCH_USER = (
    rf"unknown (?:local )?{_WHO}|{_WHO} (?:is )?unknown|no such {_WHO}"
    rf"|{_WHO} (?:name )?(?:\S+ )?(?:does not|doesn't|do not) exist|{_WHO} not (?:found|known)"
    rf"|invalid {_WHO}|not a valid {_WHO}|no mailbox (?:here )?by that name"
)

TABLE: Final = (
    # §2.2: providers' own codes and words about the sender.
    _row("no reverse name", BounceClass.SENDER_FAULT, status=r"4\.7\.23|5\.7\.25"),
    _row(
        "not authenticated",
        BounceClass.SENDER_FAULT,
        status=r"[45]\.7\.(?:27|30|31|32|40)|5\.7\.26|5\.7\.515",
    ),
    _row("no TLS", BounceClass.SENDER_FAULT, status=r"[45]\.7\.29"),
    _row("throttled", BounceClass.SENDER_FAULT, status=r"4\.7\.(?:28|500|65[0-2])"),
    _row(
        "throttled, in a provider's words",
        BounceClass.SENDER_FAULT,
        text=r"\b(?:S775|S311[45]|RP-00[1-3])\b|\[TSS?\d+\]",
    ),
    # Enhanced codes that say what happened.
    _row(
        "Exchange finds no recipient",  # it uses the code of a null MX for this
        BounceClass.HARD_ADDRESS,
        status=r"5\.1\.10",
        text=r"RecipientNotFound",
    ),
    _row("no such address", BounceClass.HARD_ADDRESS, status=r"[45]\.1\.1"),
    _row("bad address syntax", BounceClass.HARD_ADDRESS, status=r"[45]\.1\.3"),
    _row("moved", BounceClass.HARD_ADDRESS, status=r"5\.1\.6"),
    _row("owner changed", BounceClass.HARD_ADDRESS, status=r"5\.7\.17"),
    _row("no such domain", BounceClass.HARD_DOMAIN, status=r"[45]\.1\.2"),
    _row("null MX", BounceClass.HARD_DOMAIN, status=r"5\.1\.10"),
    _row("no route", BounceClass.HARD_DOMAIN, status=r"5\.4\.4"),
    _row("domain owner changed", BounceClass.HARD_DOMAIN, status=r"5\.7\.18"),
    _row("mailbox disabled", BounceClass.INACTIVE, status=r"5\.2\.1"),
    _row("account disabled", BounceClass.INACTIVE, status=r"5\.7\.13"),
    _row("mailbox full", BounceClass.MAILBOX_FULL, status=r"[45]\.2\.2"),
    _row("sender's address refused", BounceClass.SENDER_FAULT, status=r"5\.1\.[78]"),
    _row("message too large", BounceClass.SENDER_FAULT, status=r"5\.3\.4|5\.2\.3"),
    _row("policy", BounceClass.SENDER_FAULT, status=r"5\.7\.[1-9]\d*"),
    _row("content", BounceClass.SENDER_FAULT, status=r"5\.6\.[1-9]\d*"),
    _row("network", BounceClass.NETWORK, status=r"4\.4\.[1-9]\d*"),
    _row("loop or expired", BounceClass.NETWORK, status=r"5\.4\.[67]"),
    _row("protocol", BounceClass.PROTOCOL, status=r"[45]\.5\.[1-9]\d*"),
    # Words, where the code is missing or says "other".
    _row(
        "spam or blocklist, in words",
        BounceClass.SENDER_FAULT,
        text=r"spamhaus|spamcop|barracuda|\bS3150\b|\b(?:dns|ur)?[br]bl\b|block ?list|black ?list"
        r"|block(?:ed)? using|\bspam\b|unsolicited|reputation|\b(?:spf|dkim|dmarc)\b"
        r"|(?:local|security|administrative) policy|policy (?:violation|reason)",
    ),
    _row(
        "relaying denied, in words",
        BounceClass.SENDER_FAULT,
        text=r"relay(?:ing)? (?:access )?(?:denied|not (?:permitted|allowed))|unable to relay",
    ),
    _row(
        "message too large, in words",
        BounceClass.SENDER_FAULT,
        text=r"(?:message|mail) (?:size|is too|too) (?:exceeds|large|big)|maximum message size",
    ),
    _row(
        "no such user, in words",
        BounceClass.HARD_ADDRESS,
        text=_NO_SUCH_USER,
        code=r"55[013]",
    ),
    _row(
        "no such user, in words of a report without a reply code",
        BounceClass.HARD_ADDRESS,
        text=_NO_SUCH_USER,
        status=r"5\..*",
        code=r"",
    ),
    _row(
        "no such domain, in words",
        BounceClass.HARD_DOMAIN,
        text=r"no such domain|(?:domain|host)(?: name)? (?:does not exist|not found)|nxdomain"
        r"|null ?mx|does not accept mail",
    ),
    _row(
        "inactive, in words",
        BounceClass.INACTIVE,
        text=rf"{_WHO} (?:\S+ )?(?:(?:is|has been) )?(?:suspended|inactive|disabled|deactivated)"
        rf"|(?:suspended|inactive|disabled|deactivated) {_WHO}",
    ),
    _row(
        "mailbox full, in words",
        BounceClass.MAILBOX_FULL,
        text=r"(?:mailbox|inbox|account)(?: is)? full|over ?quota|quota (?:is )?exceeded"
        r"|exceed(?:s|ed)? (?:\S+ ){0,3}quota|insufficient (?:disk |mailbox )?(?:space|storage)",
    ),
    _row(
        "network, in words",
        BounceClass.NETWORK,
        text=r"timed? ?out|connection (?:refused|reset|lost|closed)|no route to host"
        r"|network (?:is )?unreachable|too many hops|mail loop|loops? back|expired"
        r"|retry timeout exceeded",
    ),
    # Codes that say only what it was about.
    _row("other policy", BounceClass.SENDER_FAULT, status=r"5\.[67]\.0"),
    _row("other network", BounceClass.NETWORK, status=r"4\.4\.0"),
    _row("other protocol", BounceClass.PROTOCOL, status=r"[45]\.5\.0"),
    # The basic code alone.
    _row("domain takes no mail", BounceClass.HARD_DOMAIN, code=r"556"),
    _row("account disabled, by reply code", BounceClass.INACTIVE, code=r"525"),
    _row("size, by reply code", BounceClass.SENDER_FAULT, code=r"552"),
    _row("protocol, by reply code", BounceClass.PROTOCOL, code=r"50[0-4]"),
)


def find(*, code: int | None, status: str, text: str) -> Row | None:
    """The row that decides, if any."""
    basic = "" if code is None else str(code)
    return next((row for row in TABLE if row.fits(code=basic, status=status, text=text)), None)


def classify(*, code: int | None, status: str, text: str) -> BounceClass:
    """What a permanent failure says (§4.2).

    Args:
        code: the basic reply code; None if there is none.
        status: the enhanced code, such as "5.1.1"; empty if there is none. It wins (S-30).
        text: the remote server's words.
    """
    row = find(code=code, status=status, text=text)
    return BounceClass.UNKNOWN if row is None else row.means


def suppresses(bounce_class: BounceClass, status: str, *, code: int | None = None) -> bool:
    """Whether the address is never mailed again: it does not exist, by its own server's code.

    Only 5.1.1 for now; everything else is logged. When the classes of code and status conflict
    ("450 5.1.1", "550 4.1.1"), the failure counts as temporary here (S-30).
    """
    permanent = code is None or 500 <= code < 600  # noqa: PLR2004  5yz
    return bounce_class is BounceClass.HARD_ADDRESS and status == "5.1.1" and permanent
