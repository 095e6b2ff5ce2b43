"""What large providers' own codes mean and what to do about them: one table (standards §2.2).

All are about us, never about the person. `HOLD`: it stays so until we mend something. `SLOWER`: it
passes, if we stay away as long as asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MINUTE: Final = 60.0
AT_LEAST: Final = 90 * MINUTE
YAHOO: Final = 120 * MINUTE


class Asks(StrEnum):
    """What a code asks of us."""

    HOLD = "hold"
    SLOWER = "slower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One line of the table.

    Attributes:
        codes: as people write them, for `--explain` and for the documentation.
        sign: finds it in the words of a reply or report, its enhanced code included.
        means: what the provider says by it, one sentence.
        mend: the next step, as an errand.
        pause: seconds that we stay away; 0 for what waiting does not mend.
    """

    codes: str
    sign: re.Pattern[str]
    means: str
    mend: str
    asks: Asks = Asks.HOLD
    pause: float = 0.0


def _sign(pattern: str) -> re.Pattern[str]:
    # Not within a longer word or number: "5.7.26" is no part of the address 192.5.7.26.
    return re.compile(rf"(?<![\w.])(?:{pattern})(?!\.?\d)(?!\w)")


TABLE: Final = (
    Hint(
        codes="4.7.23, 5.7.25",
        sign=_sign(r"4\.7\.23|5\.7\.25"),
        means="The sending server's address has no name (PTR), or the name does not lead back.",
        mend="set PTR and A records for the address that the relay sends from",
    ),
    Hint(
        codes="4.7.27, 5.7.27",
        sign=_sign(r"[45]\.7\.27"),
        means="SPF did not pass.",
        mend="name the relay in the SPF record of the domain of [bounces] address",
    ),
    Hint(
        codes="4.7.30, 5.7.30",
        sign=_sign(r"[45]\.7\.30"),
        means="DKIM did not pass.",
        mend="let the relay sign for the domain of From, or set [dkim]",
    ),
    Hint(
        codes="4.7.31, 4.7.40, 5.7.40",
        sign=_sign(r"4\.7\.31|[45]\.7\.40"),
        means="The domain of From has no DMARC record.",
        mend="publish a TXT record at _dmarc and the domain of From: v=DMARC1; p=none",
    ),
    Hint(
        codes="4.7.32, 5.7.32",
        sign=_sign(r"[45]\.7\.32"),
        means="Neither the SPF domain nor the DKIM domain is that of From.",
        mend="sign with a d= of the domain of From, or take a bounce address below it",
    ),
    Hint(
        codes="5.7.26",
        sign=_sign(r"5\.7\.26"),
        means="Neither SPF nor DKIM passed: the mail counts as unauthenticated.",
        mend="name the relay in SPF and let DKIM sign for the domain of From",
    ),
    Hint(
        codes="4.7.29, 5.7.29",
        sign=_sign(r"[45]\.7\.29"),
        means="The mail came without TLS.",
        mend="let the relay use TLS towards this provider",
    ),
    Hint(
        codes="5.7.515",
        sign=_sign(r"5\.7\.515"),
        means="Microsoft: SPF, DKIM and DMARC must all pass for a sender of this size.",
        mend="name the relay in SPF, sign for the domain of From, publish _dmarc",
    ),
    Hint(
        codes="[TS03]",
        sign=_sign(r"\[TS03\]"),
        means="Yahoo defers all mail of this sender for good.",
        mend="ask for review at senders.yahooinc.com, then go on",
    ),
    Hint(
        codes="4.7.28",
        sign=_sign(r"4\.7\.28"),
        means="Gmail: an unusual rate of mail from this address or domain.",
        mend="let it go slower: set rate in [relay], and wait",
        asks=Asks.SLOWER,
        pause=AT_LEAST,
    ),
    Hint(
        codes="4.7.500, 4.7.650, 4.7.651, 4.7.652, S775, S3114, S3115",
        sign=_sign(r"4\.7\.(?:500|65[0-2])|S775|S311[45]"),
        means="Microsoft limits this address for its rate or its reputation.",
        mend="let it go slower: set rate in [relay], and wait",
        asks=Asks.SLOWER,
        pause=AT_LEAST,
    ),
    Hint(
        codes="RP-001, RP-002, RP-003",
        sign=_sign(r"RP-00[1-3]"),
        means="Microsoft: too much mail for the reputation of this address.",
        mend="let it go slower: set rate in [relay], and wait",
        asks=Asks.SLOWER,
        pause=AT_LEAST,
    ),
    Hint(
        codes="[TSS04]",
        sign=_sign(r"\[TSS04\]"),
        means="Yahoo defers for unusual traffic or complaints.",
        mend="let it go slower: set rate in [relay], and wait two hours",
        asks=Asks.SLOWER,
        pause=YAHOO,
    ),
)


def find(words: str) -> Hint | None:
    """What a reply or a report says by a provider's own code, if it does."""
    return next((hint for hint in TABLE if hint.sign.search(words)), None)
