"""How we prove who we are, mechanism by mechanism (S-12, X-10)."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest

from mailer.model import Phase
from mailer.smtp.auth import Credentials, choose, redacted
from mailer.smtp.events import AuthError, AuthFault, HandshakeFailed, Opened
from mailer.smtp.scram import Scram, saslprep
from tests.wire.dialogue import ehlo_reply, heard, say, session
from tests.wire.scram import ScramRelay

if TYPE_CHECKING:
    from mailer.smtp.session import Session

# R7677 §3.
NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def pencil() -> Scram:
    return Scram("user", "pencil", nonce=NONCE)


# --- SCRAM ---------------------------------------------------------------------------------------


def test_the_vector_of_rfc_7677() -> None:
    scram = pencil()
    assert scram.first() == FIRST
    assert scram.answer(SERVER_FIRST) == FINAL
    assert not scram.complete
    assert scram.answer(SERVER_FINAL) == b""
    assert scram.complete


@pytest.mark.parametrize(
    "proof", [b"v=" + b64encode(b"x" * 32), b"v=", b"v=!", b"", b"hello", b"x=1,v=abc="]
)
def test_a_relay_that_does_not_know_the_password_is_not_believed(proof: bytes) -> None:
    """R5802 §5: the server's signature."""
    scram = pencil()
    scram.answer(SERVER_FIRST)
    with pytest.raises(AuthError, match="did not prove that it knows the password") as caught:
        scram.answer(proof)
    assert caught.value.fault is AuthFault.PROOF
    assert not scram.complete


def test_an_error_of_the_relay_is_about_our_password() -> None:
    """R5802 §7: server-error."""
    scram = pencil()
    scram.answer(SERVER_FIRST)
    with pytest.raises(AuthError) as caught:
        scram.answer(b"e=invalid-proof")
    assert caught.value.fault is AuthFault.CREDENTIALS


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        SERVER_FIRST.replace(b"rOprNG", b"other1"),  # another nonce
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  # only ours
        SERVER_FIRST.replace(b"r=", b"m=ext,r="),  # a mandatory extension
        SERVER_FIRST.replace(b"i=4096", b"i=-1"),
        SERVER_FIRST.replace(b"i=4096", b"i=04096"),
        SERVER_FIRST.replace(b"s=W", b"s=W="),
        SERVER_FIRST + b"\r\nx",
    ],
)
def test_what_is_no_challenge_ends_it(challenge: bytes) -> None:
    with pytest.raises(AuthError) as caught:
        pencil().answer(challenge)
    assert caught.value.fault is AuthFault.PROOF


@pytest.mark.parametrize("rounds", [b"1", b"4095", b"1000001", b"9999999999"])
def test_the_work_has_bounds(rounds: bytes) -> None:
    """R7677 §4: at least 4096; and no relay keeps us busy."""
    with pytest.raises(AuthError, match="rounds"):
        pencil().answer(SERVER_FIRST.replace(b"4096", rounds))


def test_an_extension_behind_the_rounds_is_let_pass() -> None:
    """R5802 §5.1: optional extensions are ignored."""
    assert pencil().answer(SERVER_FIRST + b",x=y").startswith(b"c=biws,r=")


def test_separators_in_a_user_are_escaped() -> None:
    """R5802 §5.1: saslname."""
    assert Scram("a,b=c", "x", nonce="n").first() == b"n,,n=a=2Cb=3Dc,r=n"


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\U0001f511", "\U0001f511"),
    ],
)
def test_passwords_are_prepared(given: str, prepared: str) -> None:
    """R4013 §3."""
    assert prepared == saslprep(given)


@pytest.mark.parametrize("given", ["\u0007", "\u0627\u0031", "a\u0627", "\ue000", "\u200e"])
def test_what_cannot_be_prepared_is_refused(given: str) -> None:
    """R4013 §2.3 and §2.4."""
    with pytest.raises(ValueError, match="SASLprep"):
        saslprep(given)


# --- which one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        ({"LOGIN", "PLAIN", "SCRAM-SHA-256", "XOAUTH2"}, "SCRAM-SHA-256"),
        ({"LOGIN", "PLAIN", "SCRAM-SHA-1"}, "PLAIN"),
        ({"LOGIN", "CRAM-MD5"}, "LOGIN"),
        ({"CRAM-MD5", "XOAUTH2", "SCRAM-SHA-256-PLUS"}, None),
    ],
)
def test_the_best_mechanism_for_a_password(offered: set[str], name: str | None) -> None:
    """S-12: SCRAM-SHA-256 before PLAIN before LOGIN; CRAM-MD5 never."""
    chosen = choose(Credentials(user="u", password="p", nonce="n"), offered)
    assert name == (chosen and chosen.name)


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        ({"OAUTHBEARER", "XOAUTH2", "PLAIN"}, "XOAUTH2"),
        ({"OAUTHBEARER", "PLAIN"}, "OAUTHBEARER"),
        ({"PLAIN", "SCRAM-SHA-256"}, None),
    ],
)
def test_the_best_mechanism_for_a_token(offered: set[str], name: str | None) -> None:
    """S-12: a token is shown to nothing that wants a password."""
    chosen = choose(Credentials(user="u", token="t"), offered)
    assert name == (chosen and chosen.name)


def test_a_password_that_scram_cannot_take_goes_by_plain() -> None:
    chosen = choose(
        Credentials(user="u", password="bell\u0007", nonce="n"), {"SCRAM-SHA-256", "PLAIN"}
    )
    assert chosen is not None
    assert chosen.name == "PLAIN"


# --- on the wire ---------------------------------------------------------------------------------


def greeted(made: Session, offer: bytes) -> None:
    say(made, b"220 relay.test")
    heard(made)
    say(made, *ehlo_reply(offer))


def asked(made: Session, challenge: bytes) -> list[object]:
    return list(say(made, b"334 " + b64encode(challenge)))


def test_scram_opens_the_session_when_both_have_proved_it() -> None:
    """S-12, R4954: server-final comes as a challenge, and is answered by an empty line."""
    relay = ScramRelay("user", "pencil")
    made = session(security="implicit", user="user", password="pencil")
    greeted(made, b"AUTH PLAIN SCRAM-SHA-256")
    (line,) = heard(made)
    first = _decoded(line.removeprefix(b"AUTH SCRAM-SHA-256 "))
    assert [] == asked(made, relay.challenge(first))
    (final,) = heard(made)
    proof = relay.verdict(_decoded(final))
    assert proof is not None
    assert b"pencil" not in line + final
    assert [] == asked(made, proof)
    assert [b""] == heard(made)
    (event,) = say(made, b"235 2.7.0 welcome")
    assert isinstance(event, Opened)


def test_a_relay_that_skips_its_proof_is_not_believed() -> None:
    """S-12: a 235 alone proves nothing."""
    relay = ScramRelay("user", "pencil")
    made = session(security="implicit", user="user", password="pencil")
    greeted(made, b"AUTH SCRAM-SHA-256")
    first = _decoded(heard(made)[0].removeprefix(b"AUTH SCRAM-SHA-256 "))
    asked(made, relay.challenge(first))
    heard(made)
    (event,) = say(made, b"235 welcome")
    assert isinstance(event, HandshakeFailed)
    assert (event.phase, event.configuration, event.fault) == (Phase.AUTH, True, AuthFault.PROOF)


def test_a_relay_that_lies_hears_no_command_in_the_exchange() -> None:
    """R4954 §4: a star gives the exchange up; QUIT would be read as its next words."""
    relay = ScramRelay("user", "pencil", lies=True)
    made = session(security="implicit", user="user", password="pencil")
    greeted(made, b"AUTH SCRAM-SHA-256")
    first = _decoded(heard(made)[0].removeprefix(b"AUTH SCRAM-SHA-256 "))
    asked(made, relay.challenge(first))
    proof = relay.verdict(_decoded(heard(made)[0]))
    assert proof is not None
    (event,) = asked(made, proof)
    assert isinstance(event, HandshakeFailed)
    assert event.fault is AuthFault.PROOF
    assert "did not prove that it knows the password" in str(event.reply)
    assert [b"*"] == heard(made)


def test_xoauth2_shows_the_token_at_once() -> None:
    """S-12: the form of Google and Microsoft."""
    made = session(security="implicit", user="me@example.org", token="ya29.x")
    greeted(made, b"AUTH PLAIN XOAUTH2")
    said = b"user=me@example.org\x01auth=Bearer ya29.x\x01\x01"
    assert [b"AUTH XOAUTH2 " + b64encode(said)] == heard(made)
    (event,) = say(made, b"235 2.7.0 welcome")
    assert isinstance(event, Opened)


def test_oauthbearer_names_the_relay() -> None:
    """R7628 §3.1."""
    made = session(security="implicit", user="me@example.org", token="ya29.x")
    greeted(made, b"AUTH OAUTHBEARER")
    said = b"n,a=me@example.org,\x01host=relay.test\x01port=587\x01auth=Bearer ya29.x\x01\x01"
    assert [b"AUTH OAUTHBEARER " + b64encode(said)] == heard(made)


def test_a_long_token_waits_for_the_challenge() -> None:
    """R4954 §4: Microsoft's tokens have two thousand characters."""
    made = session(security="implicit", user="me@example.org", token="t" * 2000)
    greeted(made, b"AUTH XOAUTH2")
    assert [b"AUTH XOAUTH2"] == heard(made)
    say(made, b"334 ")
    said = b"user=me@example.org\x01auth=Bearer " + b"t" * 2000 + b"\x01\x01"
    assert [b64encode(said)] == heard(made)


@pytest.mark.parametrize(("offer", "end"), [(b"AUTH XOAUTH2", b""), (b"AUTH OAUTHBEARER", b"AQ==")])
def test_an_error_as_challenge_is_answered_and_the_code_that_follows_counts(
    offer: bytes, end: bytes
) -> None:
    """R7628 §3.2.3: a dummy answer, then the failure."""
    made = session(security="implicit", user="me@example.org", token="old")
    greeted(made, offer)
    heard(made)
    assert [] == asked(made, json.dumps({"status": "401", "schemes": "bearer"}).encode())
    assert [end] == heard(made)
    (event,) = say(made, b"535 5.7.8 Username and Password not accepted")
    assert isinstance(event, HandshakeFailed)
    assert (event.configuration, event.fault) == (True, AuthFault.TOKEN)


@pytest.mark.parametrize("line", [b"454 4.7.0 later", b"432 4.7.12 later", b"421 bye"])
def test_a_temporary_no_to_a_token_is_not_about_us(line: bytes) -> None:
    """§3.3 AUTH/4xx: 454 and 432 are tried again."""
    made = session(security="implicit", user="me@example.org", token="t")
    greeted(made, b"AUTH XOAUTH2")
    heard(made)
    (event,) = say(made, line)
    assert isinstance(event, HandshakeFailed)
    assert (event.configuration, event.fault) == (False, None)


# --- secrets -------------------------------------------------------------------------------------


def test_a_relay_that_repeats_scram_or_a_token_puts_them_in_no_message() -> None:
    """S-12, X-10: base64 lines and what they mean, also if they are cut."""
    token = "ya29.a0AfH6SMBx-secret-token"
    made = session(security="implicit", user="me@example.org", token=token)
    greeted(made, b"AUTH XOAUTH2")
    (line,) = heard(made)
    echo = line.removeprefix(b"AUTH XOAUTH2 ")
    (event,) = say(made, b"535 what is " + echo[:60] + b" and " + token[3:].encode() + b"?")
    assert "[redacted]" in repr(event)
    assert token[3:12] not in repr(event)
    assert echo[:12].decode() not in repr(event)


def test_credentials_have_no_secret_in_their_repr() -> None:
    """X-10."""
    assert "s3cret" not in repr(Credentials(user="u", password="s3cret", token="s3cret"))


def test_pieces_of_a_secret_are_hidden_and_other_words_are_not() -> None:
    assert redacted("no hunter2 and hunter2pass", ["hunter2password"]) == (
        "no [redacted] and [redacted]"
    )
    assert redacted("wrong: abc", ["abc", ""]) == "wrong: [redacted]"


def _decoded(line: bytes) -> bytes:
    return b64decode(line, validate=True)
