from __future__ import annotations

import pytest

from mailer.bounces.classify import TABLE, classify, find, suppresses
from mailer.model import BounceClass

HARD = BounceClass.HARD_ADDRESS
DOMAIN = BounceClass.HARD_DOMAIN
FAULT = BounceClass.SENDER_FAULT

# Row of the table -> refusals that it decides: (code, status, text).
EXAMPLES: dict[str, list[tuple[int | None, str, str]]] = {
    "no reverse name": [(421, "4.7.23", "no PTR record"), (550, "5.7.25", "")],
    "not authenticated": [
        (421, "4.7.27", ""),
        (550, "5.7.27", "SPF"),
        (421, "4.7.30", ""),
        (550, "5.7.30", ""),
        (421, "4.7.31", ""),
        (421, "4.7.40", ""),
        (550, "5.7.40", ""),
        (421, "4.7.32", ""),
        (550, "5.7.32", ""),
        (550, "5.7.26", "unauthenticated mail"),
        (550, "5.7.515", "access denied"),
    ],
    "no TLS": [(421, "4.7.29", ""), (550, "5.7.29", "")],
    "throttled": [
        (421, "4.7.28", "unusual rate"),
        (451, "4.7.650", "S775"),
        (451, "4.7.651", ""),
        (451, "4.7.652", ""),
        (451, "4.7.500", "server busy"),
    ],
    "throttled, in a provider's words": [
        (421, "4.7.0", "[TSS04] temporarily deferred"),
        (421, "4.7.1", "[TS03] permanently deferred"),
        (421, "", "RP-001 rate limit"),
        (421, "", "part of their network is on our list (S3114)"),
        (421, "", "S3115"),
    ],
    "Exchange finds no recipient": [(550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; not found")],
    "no such address": [
        (550, "5.1.1", "User unknown"),
        (450, "4.1.1", "cannot be verified"),
        (None, "5.1.1", ""),
    ],
    "bad address syntax": [(553, "5.1.3", "bad recipient address syntax")],
    "moved": [(551, "5.1.6", "moved")],
    "owner changed": [(550, "5.7.17", "")],
    "no such domain": [(550, "5.1.2", "host unknown")],
    "null MX": [(556, "5.1.10", "takes no mail")],
    "no route": [(550, "5.4.4", "unable to route")],
    "domain owner changed": [(550, "5.7.18", "")],
    "mailbox disabled": [(550, "5.2.1", "disabled, not accepting messages")],
    "account disabled": [(525, "5.7.13", "")],
    "mailbox full": [(452, "4.2.2", ""), (552, "5.2.2", "over quota"), (550, "4.2.2", "full")],
    "sender's address refused": [(550, "5.1.8", "not owned by user"), (550, "5.1.7", "")],
    "message too large": [(552, "5.3.4", ""), (552, "5.2.3", "")],
    "policy": [(550, "5.7.1", "relay access denied"), (554, "5.7.509", "")],
    "content": [(554, "5.6.1", "media not supported"), (550, "5.6.7", "")],
    "network": [(None, "4.4.1", "no answer"), (None, "4.4.7", "queue time exceeded")],
    "loop or expired": [(None, "5.4.6", "routing loop"), (None, "5.4.7", "expired")],
    "protocol": [(503, "5.5.1", "bad sequence"), (452, "4.5.3", "too many recipients")],
    "spam or blocklist, in words": [
        (554, "", "blocked using zen.spamhaus.org"),
        (550, "", "listed in our RBL"),
        (550, "5.0.0", "looks like spam"),
        (550, "", "unsolicited mail"),
        (550, "", "S3150"),
        (550, "", "DMARC evaluation failed"),
        (550, "", "rejected for policy reasons"),
        (550, "", "administrative policy"),
    ],
    "relaying denied, in words": [(550, "", "relaying denied"), (550, "", "Relay access denied")],
    "message too large, in words": [(554, "", "message too large"), (550, "", "mail size exceeds")],
    "no such user, in words": [
        (550, "", "no such user here"),
        (550, "5.1.0", "User unknown"),
        (551, "", "user does not exist"),
        (553, "5.0.0", "unknown recipient"),
        (550, "", "mailbox not found"),
        (550, "", "invalid recipient"),
        (550, "5.5.0", "not a valid mailbox"),
        (550, "", "No mailbox here by that name"),
        (550, "", "Account bob does not exist"),
    ],
    "no such user, in words of a report without a reply code": [
        (None, "5.0.0", "unknown user"),
        (None, "5.1.0", "no such recipient"),
    ],
    "no such domain, in words": [
        (550, "", "no such domain"),
        (None, "5.0.0", "host not found"),
        (None, "", "NXDOMAIN"),
        (550, "", "domain does not accept mail (nullMX)"),
    ],
    "inactive, in words": [
        (550, "", "account has been suspended"),
        (554, "", "inactive mailbox"),
        (550, "", "This user is disabled"),
    ],
    "mailbox full, in words": [
        (552, "", "mailbox full"),
        (550, "", "inbox is full"),
        (452, "", "over quota"),
        (552, "", "exceeded storage quota"),
        (452, "", "insufficient disk space"),
    ],
    "network, in words": [
        (None, "5.0.0", "connection timed out"),
        (None, "", "connection refused"),
        (554, "", "too many hops"),
        (None, "", "retry timeout exceeded"),
        (None, "", "loops back to myself"),
    ],
    "other policy": [(550, "5.7.0", "no"), (554, "5.6.0", "no")],
    "other network": [(None, "4.4.0", "no")],
    "other protocol": [(500, "5.5.0", "no"), (None, "4.5.0", "no")],
    "domain takes no mail": [(556, "", "no mail here")],
    "account disabled, by reply code": [(525, "", "no")],
    "size, by reply code": [(552, "", "no")],
    "protocol, by reply code": [(500, "", "what?"), (501, "", "what?"), (504, "", "what?")],
}


def test_every_row_of_the_table_has_examples() -> None:
    """§4.2."""
    assert list(EXAMPLES) == [row.name for row in TABLE]


@pytest.mark.parametrize(
    ("name", "code", "status", "text"),
    [(name, *example) for name, examples in EXAMPLES.items() for example in examples],
)
def test_the_row_decides(name: str, code: int | None, status: str, text: str) -> None:
    """§2.2, §4.2, S-30."""
    row = find(code=code, status=status, text=text)
    assert row is not None
    assert name == row.name
    assert row.means == classify(code=code, status=status, text=text)


MEANINGS = {
    HARD: {
        "Exchange finds no recipient",
        "no such address",
        "bad address syntax",
        "moved",
        "owner changed",
        "no such user, in words",
        "no such user, in words of a report without a reply code",
    },
    DOMAIN: {
        "no such domain",
        "null MX",
        "no route",
        "domain owner changed",
        "no such domain, in words",
        "domain takes no mail",
    },
    BounceClass.INACTIVE: {
        "mailbox disabled",
        "account disabled",
        "inactive, in words",
        "account disabled, by reply code",
    },
    BounceClass.MAILBOX_FULL: {"mailbox full", "mailbox full, in words"},
    BounceClass.NETWORK: {"network", "loop or expired", "network, in words", "other network"},
    BounceClass.PROTOCOL: {"protocol", "other protocol", "protocol, by reply code"},
}


def test_each_row_means_what_the_standard_says() -> None:
    """§4.2: whatever is in no other class here is the sender's fault."""
    for row in TABLE:
        named = [meaning for meaning, names in MEANINGS.items() if row.name in names]
        assert (named or [FAULT]) == [row.means], row.name


@pytest.mark.parametrize(
    ("code", "status", "text", "expected"),
    [
        (550, "5.7.26", "user unknown", FAULT),  # what is about the sender comes first
        (550, "5.1.1", "mailbox full", HARD),  # the enhanced code before the words
        (552, "5.2.2", "", BounceClass.MAILBOX_FULL),  # and before the basic code (S-30)
        (550, "4.2.2", "", BounceClass.MAILBOX_FULL),  # also when their classes conflict (S-30)
        (552, "", "mailbox full", BounceClass.MAILBOX_FULL),  # words before the basic code
        (550, "5.5.0", "user unknown", HARD),  # words before a code that says "other"
        (452, "", "user unknown", BounceClass.UNKNOWN),  # a temporary code is no hard bounce
        (None, "", "user unknown", BounceClass.UNKNOWN),
        (550, "", "rejected", BounceClass.UNKNOWN),  # B-10: 5yz alone
        (550, "5.0.0", "", BounceClass.UNKNOWN),
        (554, "5.3.0", "no", BounceClass.UNKNOWN),
        (450, "4.7.1", "greylisted", BounceClass.UNKNOWN),
        (450, "4.2.1", "receiving mail too quickly", BounceClass.UNKNOWN),
        (None, "", "", BounceClass.UNKNOWN),
    ],
)
def test_the_order_of_evidence(
    code: int | None, status: str, text: str, expected: BounceClass
) -> None:
    """§4.2, S-30, B-10, case 28."""
    assert classify(code=code, status=status, text=text) is expected


@pytest.mark.parametrize(
    ("code", "status", "text", "expected"),
    [
        (550, "5.1.1", "user unknown", True),
        (None, "5.1.1", "", True),
        (450, "4.1.1", "", False),  # temporary
        (550, "4.1.1", "", False),  # in conflict: temporary for suppression (S-30)
        (450, "5.1.1", "", False),
        (550, "5.1.3", "", False),  # the rest is only logged for now
        (550, "5.1.6", "", False),
        (550, "", "user unknown", False),
        (550, "5.1.2", "", False),
        (550, "5.7.26", "", False),
        (421, "5.1.1", "[TSS04]", False),
        (552, "5.2.2", "", False),
    ],
)
def test_only_an_address_that_does_not_exist_is_suppressed(
    code: int | None,
    status: str,
    text: str,
    expected: bool,  # noqa: FBT001  a column of the table
) -> None:
    """§4.3, S-30, case 28."""
    bounce_class = classify(code=code, status=status, text=text)
    assert suppresses(bounce_class, status, code=code) is expected


def test_without_a_reply_code_the_status_decides() -> None:
    assert suppresses(HARD, "5.1.1")
    assert not suppresses(HARD, "5.1.3")
    assert not suppresses(FAULT, "5.1.1")
