"""What an address is known under is HMAC-SHA-256 and nothing of our own (decisions 3)."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from mailer.ledger.database import KEY_OCTETS, Ledger
from mailer.ledger.seen import Seen


@given(salt=st.binary(min_size=32, max_size=32), address=st.text(max_size=80))
def test_the_key_of_an_address_is_the_keyed_hash_of_the_standard_library(
    salt: bytes, address: str
) -> None:
    address = address.encode("utf-8", "ignore").decode()
    ledger = Ledger(create_engine("sqlite://"), salt, "sqlite:none.db")
    expected = hmac.digest(salt, address.encode(), hashlib.sha256)[:KEY_OCTETS]
    assert expected == ledger.normalised_key(address)


@given(
    st.lists(st.integers(min_value=0, max_value=40), max_size=200),
    st.integers(min_value=1, max_value=30),
)
def test_a_key_is_new_exactly_once(numbers: list[int], size: int) -> None:
    """Also where the table is as full as it gets, and begins anew at its end."""
    keys = [hashlib.sha256(bytes([number])).digest()[:KEY_OCTETS] for number in numbers]
    seen, known = Seen(len(set(keys))), set[bytes]()
    for first in range(0, len(keys), size):
        expected = []
        for place, key in enumerate(keys[first : first + size]):
            if key in known:
                expected.append(place)
            known.add(key)
        assert expected == seen.add(keys[first : first + size])
