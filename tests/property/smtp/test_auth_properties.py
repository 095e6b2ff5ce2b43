"""SCRAM with every password and every relay, and what may be said of a secret (S-12, X-10)."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.smtp.auth import redacted
from mailer.smtp.events import AuthError
from mailer.smtp.scram import Scram, saslprep
from tests.wire.scram import ScramRelay

QUIET = settings(max_examples=60, deadline=None)  # each example derives keys
MANY = settings(max_examples=300, deadline=None)

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1, max_size=12)


def prepared(text: str) -> str | None:
    try:
        return saslprep(text)
    except ValueError:
        return None


@QUIET
@given(user=WORDS, password=WORDS)
def test_who_knows_the_password_is_let_in_and_proved_to(user: str, password: str) -> None:
    """R5802 §5: both sides end content."""
    ready = prepared(user), prepared(password)
    if ready[0] is None or ready[1] is None:
        return
    relay = ScramRelay(ready[0], ready[1])
    scram = Scram(user, password, nonce="n0nce")
    proof = relay.verdict(scram.answer(relay.challenge(scram.first())))
    assert proof is not None
    assert scram.answer(proof) == b""
    assert scram.complete


@QUIET
@given(password=WORDS, other=WORDS)
def test_who_does_not_know_it_is_not_let_in(password: str, other: str) -> None:
    ready = prepared(password), prepared(other)
    if ready[0] is None or ready[1] is None or ready[0] == ready[1]:
        return
    relay = ScramRelay("user", ready[1])
    scram = Scram("user", password, nonce="n0nce")
    assert relay.verdict(scram.answer(relay.challenge(scram.first()))) is None


PIECES = st.sampled_from(
    [b"r=n0nce", b"r=n0nceXYZ", b"s=QUJD", b"s=", b"i=4096", b"i=0", b"i=99999999", b",", b"m=x"]
)


@MANY
@given(challenge=st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=6).map(b",".join)))
def test_any_challenge_gets_a_proof_or_an_end(challenge: bytes) -> None:
    """No relay makes the client raise anything else, and nothing is complete by it."""
    scram = Scram("user", "pencil", nonce="n0nce")
    with contextlib.suppress(AuthError):
        said = scram.answer(challenge)
        assert said.startswith(b"c=biws,r=n0nce")
        assert b"pencil" not in said
    assert not scram.complete


@MANY
@given(proof=st.binary(max_size=60))
def test_no_other_proof_is_believed(proof: bytes) -> None:
    relay = ScramRelay("user", "pencil")
    scram = Scram("user", "pencil", nonce="n0nce")
    right = relay.verdict(scram.answer(relay.challenge(scram.first())))
    try:
        scram.answer(proof)
    except AuthError:
        assert not scram.complete
    else:
        assert right == proof


@MANY
@given(
    secrets=st.lists(st.text("abcdef", max_size=12), max_size=3),
    text=st.text("abcdef ", max_size=60),
)
def test_no_six_characters_of_a_secret_are_said(secrets: list[str], text: str) -> None:
    """X-10: nor the whole of a shorter one."""
    for piece in redacted(text, secrets).split("[redacted]"):
        for secret in filter(None, secrets):
            size = min(6, len(secret))
            assert not any(piece[at : at + size] in secret for at in range(len(piece) - size + 1))
