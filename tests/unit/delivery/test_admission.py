"""What people are told when a relay does not let us in (S-12, standards §2.2 and §3.3)."""

from __future__ import annotations

import pytest

from mailer.delivery import admission
from mailer.errors import ConfigError, StoppedError
from mailer.model import Lost, Phase, Reply
from mailer.smtp.connection import HandshakeError
from mailer.smtp.events import AuthFault

WRONG = Reply(code=535, text="5.7.8 authentication failed", enhanced="5.7.8")
DOWN = HandshakeError(Phase.CONNECT, Lost(reason="refused"), configuration=False)


@pytest.mark.parametrize(
    ("phase", "fault", "code", "named"),
    [
        (Phase.AUTH, AuthFault.CREDENTIALS, "E303", "MAILER_RELAY_PASSWORD"),
        (Phase.AUTH, AuthFault.GRANT, "E306", "MAILER_RELAY_REFRESH_TOKEN"),
        (Phase.AUTH, AuthFault.UNSET, "E306", "set MAILER_RELAY_REFRESH_TOKEN"),
        (Phase.AUTH, AuthFault.TOKEN, "E307", "scope"),
        (Phase.AUTH, AuthFault.PROOF, "E308", "[relay] url"),
        (Phase.AUTH, None, "E305", "[relay] url"),
        (Phase.STARTTLS, None, "E304", "[relay] url"),
        (Phase.EHLO, None, "E305", "mend"),
        (Phase.BANNER, None, "E305", "mend"),
    ],
)
def test_a_relay_that_does_not_let_us_in_is_a_configuration_error(
    phase: Phase, fault: AuthFault | None, code: str, named: str
) -> None:
    """Cases 27, 35, 36, S-12: the relay's words, and which key to look at."""
    refusal = HandshakeError(phase, WRONG, configuration=True, fault=fault)
    for error in (
        admission.relay_refused("smtp.example.org:587", refusal),
        admission.no_copies("smtp.example.org:587", refusal),
    ):
        assert (code, 4, ConfigError) == (error.code, error.exit, type(error))
        assert "535 5.7.8 authentication failed" in error.detail
        assert "smtp.example.org:587" == error.where
        assert named in error.next


def test_one_of_several_relays_has_a_secret_of_its_own() -> None:
    """Decisions 19: `[[relay]]` with a name."""
    refusal = HandshakeError(Phase.AUTH, WRONG, True, AuthFault.GRANT)
    assert "renew MAILER_RELAY_EU_REFRESH_TOKEN" in admission.relay_refused("eu", refusal).next


def test_microsofts_no_to_passwords_leads_to_xoauth2() -> None:
    """§2.2 MS 550 5.7.30 on AUTH: a configuration error that says what to use."""
    said = Reply(code=550, text="5.7.30 Basic authentication is not supported", enhanced="5.7.30")
    refusal = HandshakeError(Phase.AUTH, said, True, AuthFault.CREDENTIALS)
    error = admission.relay_refused("smtp.office365.com:587", refusal)
    assert "E303" == error.code
    assert "XOAUTH2" in error.next
    assert "MAILER_RELAY_REFRESH_TOKEN" in error.next


def test_a_relay_that_is_down_has_sent_no_test_copies() -> None:
    error = admission.no_copies("r:25", DOWN)
    assert ("E310", 6, StoppedError) == (error.code, error.exit, type(error))
    assert "refused" in error.detail


def test_test_copies_are_not_said_to_stay_queued() -> None:
    """They are outside the ledger: nothing sends them later."""
    error = admission.no_copies("r:25", DOWN)
    assert "no test copy was sent" in error.message
    assert "queued" not in str(vars(error))
    assert "--due" not in error.next
