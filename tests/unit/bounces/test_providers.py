"""Providers' own codes: what they mean and what to do (standards §2.2)."""

from __future__ import annotations

import re

import pytest

from mailer.bounces import providers
from mailer.bounces.classify import classify
from mailer.bounces.providers import TABLE, Asks, Hint
from mailer.model import BounceClass

REPLIES = {
    "4.7.23, 5.7.25": ["421 4.7.23 the sending IP has no PTR record", "550 5.7.25 no PTR"],
    "4.7.27, 5.7.27": ["421 4.7.27 SPF did not pass", "550 5.7.27"],
    "4.7.30, 5.7.30": ["421 4.7.30 DKIM", "550 5.7.30 DKIM"],
    "4.7.31, 4.7.40, 5.7.40": ["421 4.7.31 no DMARC", "421 4.7.40 policy", "550 5.7.40 policy"],
    "4.7.32, 5.7.32": ["421 4.7.32 not aligned", "550 5.7.32 not aligned"],
    "5.7.26": ["550-5.7.26 This mail is unauthenticated, 5.7.26 see below"],
    "4.7.29, 5.7.29": ["421 4.7.29 no TLS", "550 5.7.29 no TLS"],
    "5.7.515": ["550 5.7.515 Access denied, sending domain does not meet the level"],
    "[TS03]": ["421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred"],
    "4.7.28": ["421-4.7.28 unusual rate of unsolicited mail"],
    "4.7.500, 4.7.650, 4.7.651, 4.7.652, S775, S3114, S3115": [
        "451 4.7.500 Server busy",
        "451 4.7.650 temporarily rate limited",
        "451 4.7.651 limited",
        "451 4.7.652 limited",
        "421 (S775) reputation",
        "421 rate limited (S3114)",
        "421 rate limited (S3115)",
    ],
    "RP-001, RP-002, RP-003": ["421 RP-001 rate limit", "421 RP-002", "421 (RP-003)"],
    "[TSS04]": ["421 4.7.0 [TSS04] Messages temporarily deferred"],
}
CASES = [(codes, said) for codes, replies in REPLIES.items() for said in replies]


def found(said: str) -> Hint:
    hint = providers.find(said)
    assert hint is not None
    return hint


@pytest.mark.parametrize(("codes", "said"), CASES)
def test_each_code_has_its_hint(codes: str, said: str) -> None:
    assert codes == found(said).codes


@pytest.mark.parametrize("hint", TABLE, ids=lambda hint: hint.codes)
def test_a_hint_says_what_it_means_and_what_to_do(hint: Hint) -> None:
    assert hint.codes in REPLIES
    assert hint.means.endswith(".")
    assert hint.mend
    assert (hint.pause > 0) == (hint.asks is Asks.SLOWER)


@pytest.mark.parametrize(("codes", "said"), CASES)
def test_what_a_provider_says_of_us_is_no_bounce_of_the_subscriber(codes: str, said: str) -> None:
    """§2.2: sender fault, never a bounce of the subscriber."""
    del codes
    status = re.search(r"[45]\.7\.\d+", said)
    means = classify(code=int(said[:3]), status=status.group() if status else "", text=said)
    assert means is BounceClass.SENDER_FAULT


def test_a_code_within_an_address_is_none() -> None:
    assert providers.find("550 5.1.1 mail from 192.5.7.26 refused") is None
    assert providers.find("550 5.1.1 mail from 5.7.26.192 refused") is None


@pytest.mark.parametrize(("codes", "minutes"), [("4.7.28", 90), ("[TSS04]", 120)])
def test_a_throttle_says_how_long_to_stay_away(codes: str, minutes: int) -> None:
    """§2.2: at least 90 minutes; Yahoo two hours."""
    assert minutes * 60 == found(REPLIES[codes][0]).pause
