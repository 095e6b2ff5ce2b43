"""The inbox page: a message is shown, and can do nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from mailer.catch.inbox import inbox, readable_value
from mailer.catch.store import Store

if TYPE_CHECKING:
    from pathlib import Path

MAIL = (
    b"From: The Weekly <weekly@example.org>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <b>bold</b>\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    b"--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n"
    b"<html><HEAD lang=de></head><body>Gr\xfc\xdfe<script>alert(1)</script>\r\n--b--\r\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def get(store: Store, path: str, host: str = "127.0.0.1:1080") -> httpx.Response:
    async def one() -> httpx.Response:
        transport = httpx.ASGITransport(inbox(store))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.get(path)

    return asyncio.run(one())


def test_an_empty_inbox_says_so(store: Store) -> None:
    answer = get(store, "/")
    assert answer.status_code == 200
    assert "0 messages caught" in answer.text
    assert str(store.folder) in answer.text


def test_the_list_shows_the_newest_first_a_hundred_at_a_time(store: Store) -> None:
    for number in range(150):
        store.add("a@example.org", [f"p{number}@example.org"], b"Subject: n%d\r\n\r\nx" % number)
    first = get(store, "/").text
    assert re.findall(r"<strong>n(\d+)</strong>", first) == [str(n) for n in range(149, 49, -1)]
    assert 'href="/?page=2"' in first
    second = get(store, "/?page=2").text
    assert re.findall(r"<strong>n(\d+)</strong>", second) == [str(n) for n in range(49, -1, -1)]
    for page in ("0", "-1", "x", "99999999999", "3"):
        assert get(store, f"/?page={page}").status_code == 200


def test_subjects_are_decoded_and_escaped(store: Store) -> None:
    store.add("a@example.org", ["<x>@example.org"], MAIL)
    page = get(store, "/").text
    assert "Grüße &lt;b&gt;bold&lt;/b&gt;" in page
    assert "&lt;x&gt;@example.org" in page


def test_a_message_stands_in_a_frame_without_rights(store: Store) -> None:
    """X-15: no script, no form, nothing loaded; links open in a tab of their own."""
    name = store.add("a@example.org", ["ann@example.org"], MAIL)
    page = get(store, f"/m/{name}").text
    frame = re.findall(r"<iframe ([^>]*)>", page)
    assert len(frame) == 1
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert f'src="/m/{name}/html"' in frame[0]
    shown = get(store, f"/m/{name}/html")
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert policy.endswith("img-src data:")
    assert '<HEAD lang=de><base target="_blank">' in shown.text
    assert "Grüße" in shown.text


def test_images_are_loaded_only_on_request(store: Store) -> None:
    name = store.add("a@example.org", ["ann@example.org"], MAIL)
    assert f'src="/m/{name}/html?images"' in get(store, f"/m/{name}?images").text
    policy = get(store, f"/m/{name}/html?images").headers["content-security-policy"]
    assert policy.endswith("img-src data: https: http:")


def test_text_source_and_file_are_there(store: Store) -> None:
    name = store.add("a@example.org", ["ann@example.org"], MAIL)
    text = get(store, f"/m/{name}/text")
    assert text.text.strip() == "Grüße"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    source = get(store, f"/m/{name}/source")
    assert source.content == MAIL
    assert source.headers["content-type"].startswith("text/plain")
    file = get(store, f"/m/{name}.eml")
    assert file.content == MAIL
    assert f'attachment; filename="{name}.eml"' == file.headers["content-disposition"]


def test_views_that_a_message_lacks_are_not_offered(store: Store) -> None:
    name = store.add("a@example.org", ["ann@example.org"], b"Subject: x\r\n\r\nhello\r\n")
    page = get(store, f"/m/{name}").text
    assert "view=html" not in page
    assert f'src="/m/{name}/text"' in page
    assert get(store, f"/m/{name}/html").status_code == 404
    assert get(store, f"/m/{name}/passwd").status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1", "10.0.0.1"]
)
def test_only_this_machine_is_answered(store: Store, host: str) -> None:
    """DNS rebinding: a page of another site must not read caught mail."""
    assert get(store, "/", host).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:1080", "localhost:9", "[::1]:1080"])
def test_every_name_of_this_machine_will_do(store: Store, host: str) -> None:
    assert get(store, "/", host).status_code == 200


def test_a_name_that_is_none_is_404(store: Store) -> None:
    for name in ("x", "..%2F..%2Fetc%2Fpasswd", "20261124-060201977273-000001"):
        for path in (f"/m/{name}", f"/m/{name}/html", f"/m/{name}.eml"):
            assert get(store, path).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Content-Type: text/html; charset=nonsense\r\n\r\nx",
        b"Content-Type: multipart/mixed\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n@@@",
        b"Subject: =?utf-8?b?////?= =?bogus?q?=FF?= =?utf-8?q?\r\n\r\n\xff",
        b"Subject: \xff\xfe\r\n\r\n",
    ],
)
def test_a_broken_message_is_shown_as_far_as_it_goes(store: Store, content: bytes) -> None:
    name = store.add("", [], content)
    assert get(store, "/").status_code == 200
    assert get(store, f"/m/{name}").status_code == 200
    assert content == get(store, f"/m/{name}/source").content


def test_a_header_that_cannot_be_decoded_stays_as_it_came() -> None:
    assert readable_value("=?bogus?q?=FF?=") == "=?bogus?q?=FF?="
