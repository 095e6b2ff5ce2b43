"""Whatever a body holds: an answer, and a change only where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.public_site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECES = [
    b"List-Unsubscribe",
    b"One-Click",
    b"=",
    b"&",
    b"%",
    b"\r\n",
    b"--b",
    b"--",
    b'Content-Disposition: form-data; name="List-Unsubscribe"',
    b'; filename="x"',
    b"action",
    b"undo",
    b"\xff",
    b"\0",
]
TYPES = [
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"multipart/form-data; boundary=b",
    b"multipart/form-data; boundary=",
    b'multipart/form-data; boundary="\xff"',
    b"application/json",
    b"",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("news"))
    yield site
    site.ledger.close()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join) | st.binary(max_size=60),
    content_type=st.sampled_from(TYPES) | st.binary(max_size=20),
)
def test_no_body_breaks_the_page(site: Site, body: bytes, content_type: bytes) -> None:
    """L-6, case 53: 200 where something was asked for, else 400 and not a row changed."""
    before = site.dump()
    headers = [(b"host", b"localhost"), (b"content-type", content_type)]
    answer = site.ask("POST", f"/u/{site.token}", body, headers)
    assert answer.status in {200, 400}
    if answer.status == 400:
        assert before == site.dump()
    else:
        assert b"unsubscribe" in body.lower() or b"undo" in body
