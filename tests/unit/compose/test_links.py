from __future__ import annotations

import base64
import hmac

import pytest

from mailer.compose.links import (
    PURPOSES,
    Keyring,
    Purpose,
    unsubscribe_base,
    unsubscribe_url,
)
from mailer.errors import ConfigError
from mailer.model import ListId, MailingId, SubscriberId
from tests.samples.messages import KEYRING, NEW_KEY, OLD_KEY, STRANGE_KEY

OLD_RING = Keyring((OLD_KEY,))
ANN, WEEKLY = SubscriberId(1007), ListId(3)


def delivery_token(purpose: Purpose = "verp", ring: Keyring = KEYRING, seq: int = 9) -> str:
    return ring.delivery_token(purpose, mailing=MailingId(42), seq=seq, key_id=ring.newest_id)


def flipped(token: str) -> list[str]:
    """The token with each single bit of each character flipped, where that is still ASCII."""
    return [
        token[:at] + chr(ord(token[at]) ^ 1 << bit) + token[at + 1 :]
        for at in range(len(token))
        for bit in range(7)
        if chr(ord(token[at]) ^ 1 << bit).lower() != token[at].lower()
    ]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_delivery_token_names_its_delivery(purpose: Purpose) -> None:
    token = delivery_token(purpose)
    assert KEYRING.read_delivery_token(purpose, token) == (42, 9)


def test_a_delivery_token_is_31_characters_of_lower_base32() -> None:
    """V-1: with `b-` in front it has 33 octets, and nothing in it is rewritten by relays."""
    token = delivery_token()
    assert len(f"b-{token}") == 33
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_an_upper_cased_delivery_token_still_counts() -> None:
    """V-1, case 59: relays change case."""
    assert KEYRING.read_delivery_token("verp", delivery_token().upper()) == (42, 9)


def test_every_flipped_bit_of_a_delivery_token_is_refused() -> None:
    """V-1, X-1, case 50."""
    assert [t for t in flipped(delivery_token()) if KEYRING.read_delivery_token("verp", t)] == []


def test_the_spare_bits_of_a_delivery_token_must_be_zero() -> None:
    """X-1: canonical only; 31 characters hold three bits more than 19 bytes."""
    token = delivery_token()
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    others = [token[:-1] + char for char in alphabet if char != token[-1]]
    assert [t for t in others if KEYRING.read_delivery_token("verp", t)] == []


def test_a_misshapen_delivery_token_is_refused() -> None:
    """Case 50; the Kelvin sign is there because its lower case is k."""
    token = delivery_token()
    short, front = token[:-1], token[1:]
    odd = (f"{short}\u212a", f"{short}\ud800", f"{short}_", f" {front}", f"+{front}")
    bad = ["", short, f"{token}a", f"{token}=", token * 400, *odd]
    assert [t for t in bad if KEYRING.read_delivery_token("verp", t)] == []


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("other", PURPOSES)
def test_a_delivery_token_is_worth_nothing_for_another_purpose(
    purpose: Purpose, other: Purpose
) -> None:
    """X-1: each purpose has a derived key of its own."""
    wanted = (42, 9) if purpose == other else None
    assert KEYRING.read_delivery_token(other, delivery_token(purpose)) == wanted


def test_all_three_tokens_at_once_are_the_same_as_one_by_one() -> None:
    key_id = KEYRING.newest_id
    assert KEYRING.delivery_tokens(mailing=MailingId(42), seq=9, key_id=key_id) == tuple(
        delivery_token(purpose) for purpose in PURPOSES
    )


def test_tokens_differ_between_deliveries_and_are_stable() -> None:
    """M-6, V-2: a keyed hash of the ids, so that a restart gives the same."""
    assert len({delivery_token(seq=seq) for seq in range(500)}) == 500
    assert delivery_token(ring=Keyring((NEW_KEY,))) == delivery_token()


def test_the_largest_ids_fit_into_a_delivery_token() -> None:
    last = 2**32 - 1
    token = KEYRING.delivery_token(
        "verp", mailing=MailingId(last), seq=last, key_id=KEYRING.newest_id
    )
    assert KEYRING.read_delivery_token("verp", token) == (last, last)


def test_delivery_tokens_of_an_older_key_still_count() -> None:
    """Decisions 9: older keys verify."""
    assert KEYRING.read_delivery_token("verp", delivery_token(ring=OLD_RING)) == (42, 9)


def test_tokens_of_a_key_that_is_not_in_the_ring_are_refused() -> None:
    """Case 50."""
    strange = Keyring((STRANGE_KEY,))
    assert KEYRING.read_delivery_token("verp", delivery_token(ring=strange)) is None
    assert KEYRING.read_unsubscribe_token(strange.unsubscribe_token(ANN, WEEKLY)) is None


def test_the_mac_is_the_first_80_bits_of_hmac_sha256_over_the_ids() -> None:
    """V-1, decisions 9: the format is fixed, because tokens live as long as mail does."""
    raw = base64.b32decode(delivery_token().upper() + "=")
    derived = hmac.digest(NEW_KEY, b"mailer verp", "sha256")
    assert raw[:8] == (42).to_bytes(4, "big") + (9).to_bytes(4, "big")
    assert raw[8] == KEYRING.newest_id
    assert raw[9:] == hmac.digest(derived, raw[:9], "sha256")[:10]


# --- unsubscribe tokens --------------------------------------------------------------------------


def test_an_unsubscribe_token_names_subscriber_and_list() -> None:
    """L-5."""
    token = KEYRING.unsubscribe_token(ANN, WEEKLY)
    assert KEYRING.read_unsubscribe_token(token) == (ANN, WEEKLY)


def test_an_unsubscribe_token_is_url_safe() -> None:
    token = KEYRING.unsubscribe_token(SubscriberId(2**64 - 1), ListId(2**32 - 1))
    assert len(token) == 60
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert token[-1].isalnum()  # programs that make links of text leave a last - or _ out


def test_unsubscribe_tokens_of_an_older_key_still_work() -> None:
    """L-8: the link in an old mail works after the key was rotated."""
    token = OLD_RING.unsubscribe_token(ANN, WEEKLY)
    assert KEYRING.read_unsubscribe_token(token) == (ANN, WEEKLY)


def test_an_unsubscribe_token_may_be_signed_by_a_chosen_key() -> None:
    """Decisions 2: a retry after a rotation has the token that its first attempt had."""
    assert KEYRING.unsubscribe_token(
        ANN, WEEKLY, key_id=OLD_RING.newest_id
    ) == OLD_RING.unsubscribe_token(ANN, WEEKLY)


def test_every_flipped_bit_of_an_unsubscribe_token_is_refused() -> None:
    """X-1, case 50."""
    token = KEYRING.unsubscribe_token(ANN, WEEKLY)
    swapped = [
        token[:at] + token[at].swapcase() + token[at + 1 :]
        for at in range(len(token))
        if token[at].swapcase() != token[at]
    ]
    bad = [*flipped(token), *swapped, token.upper(), token.lower()]
    assert [t for t in bad if KEYRING.read_unsubscribe_token(t)] == []


def test_no_other_last_character_verifies() -> None:
    """X-1: three others would, if only the decoded MAC were compared."""
    token = KEYRING.unsubscribe_token(ANN, WEEKLY)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    others = [token[:-1] + char for char in alphabet if char != token[-1]]
    assert [t for t in others if KEYRING.read_unsubscribe_token(t)] == []


def test_a_misshapen_unsubscribe_token_is_refused() -> None:
    """X-1, case 50: truncated, padded, encoded twice, 10 KB."""
    token = KEYRING.unsubscribe_token(ANN, WEEKLY)
    ids, mac = token.split(".")
    cut = ["", token[:-1], token[1:], token[:-22], ids, f"{ids}.", f".{mac}", mac]
    swollen = [f"{token}=", token.replace(".", "%2E"), token * 170, f"{token} ", f"{ids}..{mac}"]
    odd = [f"{token[:-1]}é", f"{token[:-1]}\ud800", f"{token[:30]}!{token[31:]}", "." * 60]
    assert [t for t in cut + swollen + odd if KEYRING.read_unsubscribe_token(t)] == []


def test_an_unsubscribe_token_is_bound_to_its_list() -> None:
    """Case 50: the ids of one token under the MAC of another."""
    mine, other = (KEYRING.unsubscribe_token(ANN, ListId(number)) for number in (3, 4))
    assert (
        KEYRING.read_unsubscribe_token(mine.partition(".")[0] + "." + other.partition(".")[2])
        is None
    )


def test_the_token_of_a_test_copy_unsubscribes_nobody() -> None:
    token = KEYRING.test_token()
    assert KEYRING.is_test_token(token)
    assert KEYRING.read_unsubscribe_token(token) is None
    assert not KEYRING.is_test_token(KEYRING.unsubscribe_token(ANN, WEEKLY))
    assert not KEYRING.is_test_token(token[:-1] + "!")


# --- the ring ------------------------------------------------------------------------------------


def test_the_number_of_a_key_comes_from_the_key() -> None:
    assert Keyring((NEW_KEY,)).newest_id == KEYRING.newest_id
    assert OLD_RING.newest_id != KEYRING.newest_id
    assert 0 <= KEYRING.newest_id < 256


def test_keys_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ConfigError, match="E433"):
        Keyring((NEW_KEY, NEW_KEY))


def test_a_key_that_has_left_the_ring_is_missed() -> None:
    KEYRING.require(OLD_RING.newest_id)
    with pytest.raises(ConfigError, match="E433"):
        OLD_RING.require(KEYRING.newest_id)


# --- where links start ---------------------------------------------------------------------------


def test_the_url_holds_the_token_after_u() -> None:
    assert unsubscribe_url("https://news.example.org", "TOKEN") == (
        "https://news.example.org/u/TOKEN"
    )


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://news.example.org", "https://news.example.org"),
        ("https://news.example.org/", "https://news.example.org"),
        ("https://example.org:8443/news/", "https://example.org:8443/news"),
        ("https://exämple.org:8443/a", "https://xn--exmple-cua.org:8443/a"),  # M-13
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://news.localhost", "http://news.localhost"),
    ],
)
def test_https_and_local_urls_are_taken(url: str, base: str) -> None:
    """L-2, decisions 17."""
    assert unsubscribe_base(url) == base


@pytest.mark.parametrize(
    "url",
    [
        "http://news.example.org",
        "http://192.0.2.1",
        "http://localhost.example.org",
        "ftp://news.example.org",
        "news.example.org",
        "https://",
        "https://a b.example.org",
        "https://news.example.org/a\nb",
        "https://news\t.example.org",
        "https://ä\n.example.org",
        "https://news.example.org/a,b",
        "https://news.example.org/<a>",
        "https://news.example.org/ä",
        "https://user:pass@news.example.org",
        "https://news.example.org?x=1",
        "https://news.example.org#x",
        "https://news.example.org:99999",
        "https://[::1",
        "",
    ],
)
def test_urls_that_no_header_can_carry_are_refused(url: str) -> None:
    """L-2, M-10, M-11."""
    with pytest.raises(ConfigError, match="E431") as caught:
        unsubscribe_base(url)
    assert caught.value.where == "[newsletter] url"


def test_a_url_of_300_characters_fits_and_one_of_1000_does_not() -> None:
    """Case 7, M-2."""
    long = "https://news.example.org/" + "a" * 275
    assert unsubscribe_base(long) == long
    with pytest.raises(ConfigError, match="E431"):
        unsubscribe_base("https://news.example.org/" + "a" * 975)
