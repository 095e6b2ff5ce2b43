"""Images of issues as octets from a real server: whole, in parts, and to whoever goes away."""

from __future__ import annotations

import hashlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.samples.pictures import png
from tests.wire.public_site import Site, raw, served

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = png(40, 40) + bytes(3_000_000)
NAME = "winter/Gr%C3%B6%C3%9Fe.png"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("news")
    site = Site(folder, url="https://news.example.org/letters")
    (folder / "issues" / "winter").mkdir(parents=True)
    (folder / "issues" / "winter" / "Größe.png").write_bytes(LARGE)
    (folder / "secret.png").write_bytes(LARGE)
    with served(site) as port:
        yield port
    site.ledger.close()


def path(digest: str = hashlib.sha256(LARGE).hexdigest()[:16], prefix: str = "") -> str:
    return f"{prefix}/images/{digest}/{NAME}"


@pytest.mark.parametrize("prefix", ["", "/letters"])
def test_an_image_of_3_mb_arrives_whole_whether_or_not_the_proxy_strips_the_path(
    port: int, prefix: str
) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}{path(prefix=prefix)}")
    assert (200, LARGE) == (answer.status_code, answer.content)
    assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]
    assert ("nosniff", "image/png") == (
        answer.headers["x-content-type-options"],
        answer.headers["content-type"],
    )


def test_head_has_the_same_header_and_no_body(port: int) -> None:
    url = f"http://127.0.0.1:{port}{path()}"
    shown, head = httpx.get(url), httpx.head(url)
    assert (200, b"", str(len(LARGE))) == (
        head.status_code,
        head.content,
        head.headers["content-length"],
    )
    dated = {"date"}
    assert shown.headers.items() - head.headers.items() <= {
        (name, shown.headers[name]) for name in dated
    }


@pytest.mark.parametrize(
    "target",
    [
        b"/images/0123456789abcdef/../../secret.png",
        b"/images/0123456789abcdef/..%2f..%2fsecret.png",
        b"/images/0123456789abcdef/%2e%2e/secret.png",
        b"/images/../secret.png",
        b"/images/0123456789abcdef/\\..\\secret.png",
        b"/images/0123456789abcdef/winter/%ff.png",
    ],
)
def test_octets_that_no_browser_would_send_lead_nowhere(port: int, target: bytes) -> None:
    answer = raw(port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert LARGE[:100] not in answer


def test_a_foreign_host_is_shown_nothing(port: int) -> None:
    """Case 51."""
    answer = raw(port, b"GET " + path().encode() + b" HTTP/1.1\r\nHost: evil.test\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_who_leaves_in_the_middle_costs_nothing(port: int) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET " + path().encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(1000)
    assert 200 == httpx.get(f"http://127.0.0.1:{port}{path()}").status_code
