"""The real SpamAssassin, asked as `[check] spam = "spamassassin"` asks it (interface §4: W180)."""

from __future__ import annotations

from mailer.check import spam
from mailer.config import CheckConfig
from tests.samples.proofs import proof
from tests.wire.programs import program

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
HEAD = "Date: Thu, 26 Nov 2026 09:00:00 +0000\r\nMessage-ID: <a.b@shop.dev>\r\n"
MAIL = HEAD + "From: a@shop.dev\r\nTo: b@shop.dev\r\nSubject: Winter opening\r\n\r\n{}\r\n"


def found(words: str) -> list[str]:
    config = CheckConfig(spam="spamassassin")
    made = proof(config=config, message=MAIL.format(words).encode())
    return [one.message for one in spam.check_spam(made)]


def test_w180_what_every_filter_takes_for_spam_is_told_with_the_rule() -> None:
    program("spamassassin")
    (message,) = found(GTUBE)
    assert message.startswith("spamassassin gives 1")
    assert ": GTUBE 1000" in message


def test_w180_an_ordinary_mail_is_let_pass() -> None:
    program("spamassassin")
    assert [] == found("We open at ten from Monday on.")
