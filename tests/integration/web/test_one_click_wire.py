"""RFC 8058 and hostile clients, as octets against a real server (cases 49 to 53)."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from mailer.web import guard
from tests.wire.public_site import Site, raw, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
BODY = b"List-Unsubscribe=One-Click"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("news"))
    yield site
    site.ledger.close()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with served(site) as port:
        yield port


def one_click(
    token: str, *, version: str = "1.1", extra: bytes = FORM, body: bytes = BODY
) -> bytes:
    """One request as it goes over the wire."""
    head = f"POST /u/{token} HTTP/{version}\r\n".encode()
    host = b"Host: news.example.org\r\nConnection: close\r\n" if version == "1.1" else b""
    return head + host + extra + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(token: str) -> bytes:
    """The same in three chunks."""
    head = f"POST /u/{token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:], b""))
    return head + FORM + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


REQUESTS: dict[str, Callable[[str], bytes]] = {
    "urlencoded": one_click,
    "multipart": lambda token: one_click(
        token, extra=b"Content-Type: multipart/form-data; boundary=b\r\n", body=MULTIPART
    ),
    "HTTP/1.0 without Host": lambda token: one_click(token, version="1.0"),
    "chunked": chunked,
    "empty User-Agent": lambda token: one_click(token, extra=FORM + b"User-Agent:\r\n"),
    "expecting 100": lambda token: one_click(token, extra=FORM + b"Expect: 100-continue\r\n"),
    "from another origin": lambda token: one_click(
        token, extra=FORM + b"Origin: https://mail.example\r\nSec-Fetch-Site: cross-site\r\n"
    ),
    "no Content-Type": lambda token: one_click(token, extra=b""),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_one_click_needs_nothing_but_the_token(site: Site, port: int, kind: str) -> None:
    """L-6, case 49: no cookie, no redirect, a small body, soon, and the same again."""
    token = site.token_of(f"{kind.replace(' ', '-').replace('/', '-').lower()}@example.org")
    before = len(site.events())
    for _ in range(2):
        began = time.perf_counter()
        answer = raw(port, REQUESTS[kind](token)).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert time.perf_counter() - began < 0.5
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), answer
        assert body == b"Unsubscribed.\n"
        assert b"content-length: 14" in head.lower()
        for forbidden in (b"set-cookie", b"location:", b"server:"):
            assert forbidden not in head.lower()
    assert site.events()[before:] == ["unsubscribed"]


def test_an_endless_body_is_cut_off(site: Site, port: int) -> None:
    """Case 53: 1 GB in chunks; the server keeps 64 KB and hangs up."""
    head = f"POST /u/{site.token} HTTP/1.1\r\nHost: localhost\r\n".encode()
    head += FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = raw(port, head, *[chunk] * 16_384)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert raw(port, one_click(site.keyring.test_token())).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_announces_too_much_is_refused_unread(site: Site, port: int) -> None:
    """Case 53."""
    head = f"POST /u/{site.token} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
    answer = raw(port, head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_a_packed_body_is_not_unpacked(site: Site, port: int) -> None:
    """Case 53: no gzip bomb goes off; packed, the body says nothing that we know."""
    bomb = gzip.compress(BODY + b"&x=" + b"\0" * 20_000_000)
    extra = FORM + b"Content-Encoding: gzip\r\n"
    before = site.dump()
    answer = raw(port, one_click(site.token, extra=extra, body=bomb))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert before == site.dump()


def test_a_slow_body_is_given_up(site: Site, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 53, slow-loris: the time is for the whole body, not for each octet."""
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)
    before = site.dump()
    head, _, _ = one_click(site.token).partition(b"\r\n\r\n")
    began = time.perf_counter()
    answer = raw(port, head + b"\r\n\r\n", *[bytes([octet]) for octet in BODY], pause=0.05)
    assert time.perf_counter() - began < 5
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert before == site.dump()


def test_slow_headers_are_given_up(site: Site, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 53, slow-loris: octets that trickle in do not wind the clock back."""
    monkeypatch.setattr(guard, "HEADER_SECONDS", 0.3)
    trickle = [b"GET /health HTTP/1.1\r\n"] + [b"X: y\r\n"] * 40
    for pieces in (trickle, [b""] * 2):
        began = time.perf_counter()
        assert raw(port, *pieces, pause=0.05) == b""
        assert time.perf_counter() - began < 5
    monkeypatch.undo()
    assert raw(port, one_click(site.keyring.test_token())).startswith(b"HTTP/1.1 200 ")


def test_a_second_request_on_a_connection_has_its_own_time(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 53: after a whole request the clock runs again."""
    monkeypatch.setattr(guard, "HEADER_SECONDS", 0.5)
    health = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    began = time.perf_counter()
    answer = raw(port, health, health, health + b"GET /he", *[b"a"] * 40, pause=0.1)
    assert time.perf_counter() - began < 8
    assert answer.count(b"HTTP/1.1 200 OK") == 3


def test_headers_without_end_are_refused(port: int) -> None:
    """Case 53: at most 16 KB of them."""
    answer = raw(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_a_foreign_host_is_refused_and_not_repeated(site: Site, port: int) -> None:
    """Case 51."""
    request = one_click(site.token).replace(b"news.example.org", b"evil.example")
    before = site.dump()
    answer = raw(port, request)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"evil" not in answer
    assert before == site.dump()


def test_forwarded_headers_of_strangers_change_nothing(site: Site, port: int) -> None:
    """X-16: no proxy header is believed, so none can name another host or scheme."""
    extra = b"X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n"
    head = f"GET /u/{site.token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
    answer = raw(port, head + extra + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil" not in answer
