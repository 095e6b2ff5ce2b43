"""How links are followed: HEAD, GET, redirects, a second time; against a scripted server."""

from __future__ import annotations

import asyncio

import pytest

from mailer import __version__
from mailer.check import http
from mailer.check.http import Target, Trouble
from mailer.check.visits import PER_HOST, Visit, Visitor
from tests.samples.pictures import png
from tests.wire.scripted_web import SILENCE, Answer, ScriptedWeb, answer, moved, names


def visit(web: ScriptedWeb, *paths: str, image: bool = False, host: str = "") -> list[Visit]:
    """Follow some paths of the server, which is listed."""

    async def follow() -> list[Visit]:
        visitor = Visitor(listed=(web.authority, f"shop.test:{web.port}"), pause=0)
        ask = visitor.image if image else visitor.page
        base = f"http://{host or '127.0.0.1'}:{web.port}"
        return list(await asyncio.gather(*(ask(base + path) for path in paths)))

    return asyncio.run(follow())


def test_what_answers_head_is_not_asked_again() -> None:
    with ScriptedWeb() as web:
        (seen,) = visit(web, "/a")
    assert (200, True, ["HEAD /a"]) == (seen.status, seen.is_fine, web.asked)


def test_who_refuses_head_is_asked_with_get() -> None:
    with ScriptedWeb({"/a": [answer(405), answer(200, b"words")]}) as web:
        (seen,) = visit(web, "/a")
    assert (True, ["HEAD /a", "GET /a"]) == (seen.is_fine, web.asked)


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_missing_twice_is_gone(status: int) -> None:
    with ScriptedWeb({"/a": [answer(status)]}) as web:
        (seen,) = visit(web, "/a")
    assert (status, True, ["HEAD /a", "GET /a", "GET /a"]) == (
        seen.status,
        seen.is_gone,
        web.asked,
    )


def test_what_is_missing_once_is_not_gone() -> None:
    with ScriptedWeb({"/a": [answer(404), answer(404), answer(200)]}) as web:
        (seen,) = visit(web, "/a")
    assert (True, False) == (seen.is_fine, seen.is_gone)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503, 999])
def test_other_refusals_are_neither_fine_nor_gone(status: int) -> None:
    with ScriptedWeb({"/a": [answer(status)]}) as web:
        (seen,) = visit(web, "/a")
    assert (status, False, False) == (seen.status, seen.is_fine, seen.is_gone)


def test_redirects_are_followed_and_counted() -> None:
    script = {"/a": [moved("/b", 301)], "/b": [moved("c?x=1#end", 308)], "/c?x=1": [answer(200)]}
    with ScriptedWeb(script) as web:
        (seen,) = visit(web, "/a")
    assert (True, 2, f"http://{web.authority}/c?x=1") == (seen.is_fine, seen.hops, seen.final)


def test_redirects_without_end_are_given_up() -> None:
    with ScriptedWeb({"/a": [moved("/a")]}) as web:
        (seen,) = visit(web, "/a")
    assert (Trouble.CIRCLE, False) == (seen.trouble, seen.is_gone)


@pytest.mark.parametrize(
    "where", ["ftp://x.net/a", "file:///etc/passwd", "http://[bad", "mailto:a@x.net"]
)
def test_a_redirect_to_what_is_no_page_is_not_followed(where: str) -> None:
    with ScriptedWeb({"/a": [moved(where)]}) as web:
        (seen,) = visit(web, "/a")
    assert Trouble.ODD is seen.trouble


def test_an_address_is_asked_once_whatever_its_fragment() -> None:
    with ScriptedWeb() as web:
        seen = visit(web, "/a", "/a#one", "/a#two")
    assert (["HEAD /a"], 3) == (web.asked, len(seen))


def test_a_host_gets_few_requests_at_once() -> None:
    with ScriptedWeb() as web:
        visit(web, *(f"/{number}" for number in range(20)))
    assert 20 == len(web.asked)
    assert PER_HOST >= web.most


def test_a_request_says_who_asks_and_nothing_about_anybody() -> None:
    with ScriptedWeb({"/a": [answer(200, Set_Cookie="a=b")]}) as web:
        visit(web, "/a", "/b")
    for head in web.heads:
        assert f"mailer/{__version__} (link check of a newsletter)" == head["User-Agent"]
        assert {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"} == set(head)


def test_an_image_is_weighed_by_its_beginning() -> None:
    data = png(300, 2) + b"\0" * 100_000
    there = f"bytes 0-65535/{len(data)}"
    with ScriptedWeb({"/a.png": [answer(206, data[:65_536], Content_Range=there)]}) as web:
        (seen,) = visit(web, "/a.png", image=True)
    assert (len(data), data[:65_536], ["GET /a.png"]) == (seen.size, seen.beginning, web.asked)
    assert "bytes=0-65535" == web.heads[0]["Range"]


def test_more_than_was_asked_for_is_not_read() -> None:
    with ScriptedWeb({"/a.png": [answer(200, b"x" * 1_000_000)]}) as web:
        (seen,) = visit(web, "/a.png", image=True)
    assert (65_536, 1_000_000) == (len(seen.beginning), seen.size)


def test_a_size_beyond_all_measure_is_not_known() -> None:
    huge = f"bytes 0-3/{'9' * 5000}"
    with ScriptedWeb({"/a.png": [answer(206, b"abcd", Content_Range=huge)]}) as web:
        (seen,) = visit(web, "/a.png", image=True)
    assert (True, None) == (seen.is_fine, seen.size)


# --- what is no answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets", [b"", b"SMTP 220 hello\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, b"\0\xff"]
)
def test_nonsense_is_no_answer(octets: bytes) -> None:
    with ScriptedWeb({"/a": [Answer(octets=octets)]}) as web:
        (seen,) = visit(web, "/a")
    assert (Trouble.BROKEN, False, False) == (seen.trouble, seen.is_fine, seen.is_gone)


def test_silence_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.1)
    with ScriptedWeb({"/a": [SILENCE]}) as web:
        (seen,) = visit(web, "/a")
    assert Trouble.TIMEOUT is seen.trouble


def test_a_closed_port_is_no_answer() -> None:
    with ScriptedWeb() as web:
        pass
    (seen,) = visit(web, "/a")
    assert Trouble.BROKEN is seen.trouble


def test_a_host_that_does_not_exist_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedWeb() as web, names(monkeypatch, {}) as asked:
        (seen,) = visit(web, "/a", host="nowhere.test")
    assert (Trouble.NO_HOST, True, 3) == (seen.trouble, seen.is_gone, len(asked))


# --- who may be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "inside.test", "2130706433.test", "mapped.test"])
def test_private_addresses_are_refused_whatever_they_are_called(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {
        "inside.test": ["10.0.0.1"],
        "2130706433.test": ["127.0.0.1"],
        "mapped.test": ["::ffff:127.0.0.1"],
    }

    async def follow(port: int) -> Visit:
        return await Visitor(pause=0).page(f"http://{host}:{port}/a")

    with ScriptedWeb() as web, names(monkeypatch, table):
        seen = asyncio.run(follow(web.port))
    assert (Trouble.FORBIDDEN, []) == (seen.trouble, web.asked)


def test_a_redirect_to_a_private_address_is_refused() -> None:
    with ScriptedWeb() as inside:
        where = f"http://{inside.authority}/secret"
        with ScriptedWeb({"/a": [moved(where)]}) as web:
            (seen,) = visit(web, "/a")
        assert (Trouble.FORBIDDEN, where, []) == (seen.trouble, seen.final, inside.asked)


def test_a_name_is_resolved_once_and_that_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: what a second question would answer is never asked."""
    table = {"shop.test": ["127.0.0.1", "10.0.0.1"]}
    with ScriptedWeb() as web, names(monkeypatch, table) as asked:
        (seen,) = visit(web, "/a", host="shop.test")
    assert (True, ["shop.test"], ["HEAD /a"]) == (seen.is_fine, asked, web.asked)
    assert f"shop.test:{web.port}" == web.heads[0]["Host"]


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://x.net", "x.net", 80, "/"),
        ("https://x.net:8443/a b?c=d e#f", "x.net", 8443, "/a%20b?c=d%20e"),
        ("https://x.net/ü%20", "x.net", 443, "/%C3%BC%20"),
        ("https://user:pass@x.net/a", "x.net", 443, "/a"),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = Target.of(url)
    assert target is not None
    assert (host, port, path) == (target.host, target.port, target.path)


@pytest.mark.parametrize("url", ["", "x", "ftp://x.net", "http://", "http://x:99999", "http://ü"])
def test_what_cannot_be_asked_for_is_no_target(url: str) -> None:
    assert Target.of(url) is None
