"""From the banner to an open session, or the reason why not (S-1, S-3, S-10, S-11, S-12)."""

from __future__ import annotations

from base64 import b64encode

import pytest

from mailer.model import Lost, Phase, Reply
from mailer.smtp.events import HandshakeFailed, Opened, StartTls
from mailer.smtp.session import Capabilities, Session
from tests.wire.dialogue import ehlo_reply, heard, opened, say, session

USER, PASSWORD = "me@example.org", "hunter2 pässwörd"
PLAIN = b64encode(f"\0{USER}\0{PASSWORD}".encode())


def greeted(made: Session, *capabilities: bytes) -> list[object]:
    """The events after banner and EHLO."""
    assert say(made, b"220 relay.test ESMTP") == []
    assert heard(made) == [b"EHLO client.test"]
    return list(say(made, *ehlo_reply(*capabilities)))


def failed(events: list[object]) -> HandshakeFailed:
    assert len(events) == 1
    assert isinstance(events[0], HandshakeFailed)
    return events[0]


def test_nothing_is_said_before_the_banner() -> None:
    """R5321 §3.1: the relay speaks first."""
    assert heard(session()) == []


def test_ehlo_comes_first_and_opens_the_session() -> None:
    """S-1."""
    made = session()
    (event,) = greeted(made, b"PIPELINING", b"SIZE 1000")
    assert isinstance(event, Opened)
    assert event.capabilities.pipelining
    assert event.capabilities.size == 1000
    assert made.ready


def test_helo_follows_only_a_5xx_to_ehlo() -> None:
    """S-1."""
    made = session()
    say(made, b"220 relay.test")
    heard(made)
    assert say(made, b"502 5.5.1 what?") == []
    assert heard(made) == [b"HELO client.test"]
    (event,) = say(made, b"250 relay.test")
    assert isinstance(event, Opened)
    assert not event.capabilities.pipelining


def test_helo_does_not_follow_a_4xx_to_ehlo() -> None:
    """S-1, §3.3 EHLO/4xx."""
    made = session()
    say(made, b"220 relay.test")
    heard(made)
    event = failed(list(say(made, b"450 4.3.2 later")))
    assert (
        HandshakeFailed(
            Phase.EHLO, Reply(code=450, text="4.3.2 later", enhanced="4.3.2"), configuration=False
        )
        == event
    )
    assert heard(made) == [b"QUIT"]


def test_5xx_to_ehlo_and_helo_is_about_us() -> None:
    """Case 27, §3.3 EHLO/5xx."""
    made = session()
    say(made, b"220 relay.test")
    heard(made)
    say(made, b"502 no")
    heard(made)
    event = failed(list(say(made, b"550 go away")))
    assert Phase.EHLO is event.phase
    assert event.configuration


@pytest.mark.parametrize("line", [b"554 no SMTP here", b"421 busy", b"450 busy"])
def test_a_banner_that_refuses_is_about_the_relay(line: bytes) -> None:
    """§3.3 banner/4xx, 5xx, 421."""
    made = session()
    event = failed(list(say(made, line)))
    assert Phase.BANNER is event.phase
    assert not event.configuration
    # S-5: QUIT before close, where the relay has not closed already.
    assert heard(made) == ([] if line.startswith(b"421") else [b"QUIT"])


def test_starttls_comes_before_everything_else_and_ehlo_is_said_again() -> None:
    """S-1, S-10: what was offered in plaintext is forgotten."""
    made = session(security="starttls", user=USER, password=PASSWORD)
    assert greeted(made, b"STARTTLS", b"PIPELINING", b"AUTH PLAIN", b"SIZE 5") == []
    assert heard(made) == [b"STARTTLS"]
    assert [StartTls()] == say(made, b"220 2.0.0 ready")
    assert heard(made) == []
    made.tls_started()
    assert heard(made) == [b"EHLO client.test"]
    assert say(made, *ehlo_reply(b"AUTH PLAIN")) == []
    assert heard(made) == [b"AUTH PLAIN " + PLAIN]
    (event,) = say(made, b"235 welcome")
    assert isinstance(event, Opened)
    assert not event.capabilities.pipelining
    assert event.capabilities.size is None


def test_helo_with_tls_does_not_bring_back_what_was_offered_in_plaintext() -> None:
    """S-1."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS", b"PIPELINING")
    heard(made)
    say(made, b"220 ready")
    made.tls_started()
    heard(made)
    say(made, b"502 what?")
    assert heard(made) == [b"HELO client.test"]
    assert [Opened(Capabilities())] == say(made, b"250 relay.test")


def test_capabilities_that_come_only_with_tls_are_used() -> None:
    """S-3, case 34: PIPELINING offered only after STARTTLS."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS")
    heard(made)
    say(made, b"220 ready")
    made.tls_started()
    heard(made)
    (event,) = say(made, *ehlo_reply(b"PIPELINING"))
    assert isinstance(event, Opened)
    assert event.capabilities.pipelining


def test_starttls_not_offered_is_about_us_and_there_is_no_fallback() -> None:
    """S-10, case 35: no credential on the wire."""
    made = session(security="starttls", user=USER, password=PASSWORD)
    event = failed(greeted(made, b"AUTH PLAIN LOGIN"))
    assert Phase.STARTTLS is event.phase
    assert event.configuration
    assert heard(made) == [b"QUIT"]


@pytest.mark.parametrize(("line", "about_us"), [(b"502 no", True), (b"454 not now", False)])
def test_starttls_refused_ends_the_session(line: bytes, about_us: bool) -> None:  # noqa: FBT001
    """S-10, §3.3 STARTTLS/5xx and 4xx."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS")
    heard(made)
    event = failed(list(say(made, line)))
    assert Phase.STARTTLS is event.phase
    assert about_us == event.configuration


def test_plaintext_behind_the_220_to_starttls_is_an_injection() -> None:
    """S-11, CVE-2011-0411: in the same packet."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS")
    heard(made)
    event = failed(list(say(made, b"220 ready", b"250 2.1.0 injected")))
    assert Lost(reason="plaintext after the reply to STARTTLS") == event.reply
    assert made.closed


def test_a_started_reply_behind_the_220_to_starttls_is_an_injection() -> None:
    """S-11: even a part of a line."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS")
    heard(made)
    assert Phase.STARTTLS is failed(list(made.receive(b"220 ready\r\n25"))).phase


def test_plaintext_between_the_220_and_the_tls_handshake_is_an_injection() -> None:
    """S-11: in a packet of its own."""
    made = session(security="starttls")
    greeted(made, b"STARTTLS")
    heard(made)
    assert [StartTls()] == say(made, b"220 ready")
    event = failed(list(made.receive(b"25")))
    assert Phase.STARTTLS is event.phase
    assert Lost(reason="plaintext after the reply to STARTTLS") == event.reply


def test_auth_plain_sends_the_initial_response() -> None:
    """S-12, R4616."""
    made = session(security="implicit", user=USER, password=PASSWORD)
    greeted(made, b"AUTH LOGIN PLAIN")
    assert heard(made) == [b"AUTH PLAIN " + PLAIN]
    (event,) = say(made, b"235 2.7.0 welcome")
    assert isinstance(event, Opened)


def test_auth_plain_of_a_long_password_waits_for_the_challenge() -> None:
    """R4954 §4: an initial response that is too long for a command line."""
    made = session(security="implicit", user=USER, password="x" * 600)
    greeted(made, b"AUTH PLAIN")
    assert heard(made) == [b"AUTH PLAIN"]
    say(made, b"334 ")
    assert [b64encode(f"\0{USER}\0{'x' * 600}".encode())] == heard(made)
    (event,) = say(made, b"235 welcome")
    assert isinstance(event, Opened)


def test_auth_login_answers_both_challenges() -> None:
    """S-12: only where PLAIN is not offered."""
    made = session(security="implicit", user=USER, password=PASSWORD)
    greeted(made, b"AUTH LOGIN CRAM-MD5")
    assert heard(made) == [b"AUTH LOGIN"]
    say(made, b"334 VXNlcm5hbWU6")
    assert [b64encode(USER.encode())] == heard(made)
    say(made, b"334 UGFzc3dvcmQ6")
    assert [b64encode(PASSWORD.encode())] == heard(made)
    (event,) = say(made, b"235 welcome")
    assert isinstance(event, Opened)


@pytest.mark.parametrize("offer", [(), (b"AUTH CRAM-MD5 GSSAPI",)])
def test_auth_not_offered_is_about_us(offer: tuple[bytes, ...]) -> None:
    """S-12: CRAM-MD5 is off."""
    made = session(security="implicit", user=USER, password=PASSWORD)
    event = failed(greeted(made, *offer))
    assert Phase.AUTH is event.phase
    assert event.configuration


@pytest.mark.parametrize(
    ("line", "about_us"),
    [
        (b"535 5.7.8 wrong", True),
        (b"534 5.7.9 too weak", True),
        (b"530 5.7.0 no", True),
        (b"550 5.7.30 no passwords", True),
        (b"454 4.7.0 later", False),
        (b"432 4.7.12 later", False),
        (b"421 4.3.2 bye", False),
        (b"334 more", False),
    ],
)
def test_auth_refused_for_good_is_about_us(line: bytes, about_us: bool) -> None:  # noqa: FBT001
    """S-12, §3.3 AUTH/5xx and 4xx, case 36."""
    made = session(security="implicit", user=USER, password=PASSWORD)
    greeted(made, b"AUTH PLAIN")
    heard(made)
    event = failed(list(say(made, line)))
    assert Phase.AUTH is event.phase
    assert about_us == event.configuration


@pytest.mark.parametrize("secret", [PASSWORD.encode(), PLAIN, b64encode(PASSWORD.encode())])
@pytest.mark.parametrize("line", [b"535 wrong: ", b"nonsense "])
def test_a_relay_that_repeats_the_credentials_puts_them_in_no_message(
    line: bytes, secret: bytes
) -> None:
    """S-12, X-10."""
    made = session(security="implicit", user=USER, password=PASSWORD)
    greeted(made, b"AUTH PLAIN")
    heard(made)
    event = failed(list(say(made, line + secret)))
    assert secret.decode() not in repr(event)


def test_without_a_user_there_is_no_auth() -> None:
    assert opened(b"AUTH PLAIN").ready


@pytest.mark.parametrize("lines", [(b"220 a", b"250 b"), (b"220 a", b"220 b")])
def test_a_reply_before_its_command_is_no_reply(lines: tuple[bytes, ...]) -> None:
    """Case 30: unsolicited replies are answers to nothing, whatever they say."""
    event = failed(list(say(session(), *lines)))
    assert isinstance(event.reply, Lost)
    assert "answers nothing" in event.reply.reason


@pytest.mark.parametrize(
    ("lines", "phase"),
    [([], Phase.BANNER), ([b"220 a"], Phase.EHLO), ([b"220 a", b"250 AUTH"], Phase.AUTH)],
)
def test_a_loss_names_the_phase_that_it_came_in(lines: list[bytes], phase: Phase) -> None:
    """§3.3 banner, EHLO, AUTH / EOF."""
    made = session(user=USER, password=PASSWORD)
    for line in lines:
        say(made, *(ehlo_reply(b"AUTH PLAIN") if line.startswith(b"250") else [line]))
        heard(made)
    assert [HandshakeFailed(phase, Lost(reason="EOF"))] == made.lost("EOF")
    assert made.lost("EOF") == []


@pytest.mark.parametrize("helo", ["", "a b", "a\r\nMAIL", "ä.test", "a\x00"])
def test_a_name_that_breaks_the_command_line_is_refused(helo: str) -> None:
    """X-8."""
    with pytest.raises(ValueError, match="host name"):
        Session(helo=helo, security="none")
