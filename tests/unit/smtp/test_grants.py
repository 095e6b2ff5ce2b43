"""What a token endpoint's answer means (R6749 §5), without a network."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.grants import Denied, granted


def answer(**fields: Any) -> bytes:
    return json.dumps({"access_token": "ya29.x", "token_type": "Bearer", **fields}).encode()


def test_a_token_is_kept_as_long_as_it_says() -> None:
    found = granted(200, answer(expires_in=3599, refresh_token="new"))
    assert ("ya29.x", 3599, "new") == (found.token, found.lifetime, found.refresh_token)


@pytest.mark.parametrize("expires", [None, "soon", -1, 0, [], 1e300, "1e999", True])
def test_a_token_without_a_sensible_life_is_kept_for_minutes(expires: object) -> None:
    lifetime = granted(200, answer(expires_in=expires)).lifetime
    assert 0 < lifetime <= 300


def test_a_number_in_quotes_is_a_number() -> None:
    """Microsoft's old endpoint writes it so."""
    assert granted(200, answer(expires_in="3600")).lifetime == 3600


def test_an_answer_repeats_no_secret_in_its_repr() -> None:
    """X-10."""
    assert "ya29" not in repr(granted(200, answer(refresh_token="ya29.r")))


@pytest.mark.parametrize(
    ("status", "body", "about_us"),
    [
        (400, b'{"error":"invalid_grant","error_description":"Token has been revoked."}', True),
        (401, b'{"error":"invalid_client"}', True),
        (403, b"", True),
        (404, b"<html>", True),
        (302, b"", True),
        (429, b'{"error":"slow_down"}', False),
        (408, b"", False),
        (500, b'{"error":"server_error"}', False),
        (503, b"", False),
        (200, b"<html>captive portal</html>", False),
        (200, b"[]", False),
        (200, b'{"access_token": "a b"}', False),
        (200, b'{"access_token": "a\\u0000"}', False),
        (200, b'{"access_token": "x", "token_type": "mac"}', True),
    ],
)
def test_what_is_no_token_is_about_us_or_passes(
    status: int,
    body: bytes,
    about_us: bool,  # noqa: FBT001
) -> None:
    """S-12: invalid_grant and invalid_client stop us, network trouble does not."""
    with pytest.raises(Denied) as caught:
        granted(status, body)
    assert about_us == caught.value.about_us


def test_what_the_endpoint_says_is_one_printable_line() -> None:
    body = json.dumps({"error": "invalid_grant", "error_description": "a\r\nb\u202ec" * 900})
    with pytest.raises(Denied) as caught:
        granted(400, body.encode())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1100
    assert str(caught.value).startswith("400 invalid_grant: a")


@given(
    status=st.integers(100, 599), body=st.one_of(st.binary(), st.text().map(lambda t: t.encode()))
)
def test_any_answer_is_a_token_or_a_denial(status: int, body: bytes) -> None:
    with contextlib.suppress(Denied):
        assert granted(status, body).token
