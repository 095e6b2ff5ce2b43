"""What other machines say about an issue (interface §4: E121, I122, W123, W125, W132)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailer.check import http, online
from mailer.config import CheckConfig
from tests.samples.pictures import png
from tests.samples.proofs import NEWSLETTER, proof
from tests.wire.certificates import Authority
from tests.wire.scripted_web import Answer, ScriptedWeb, answer, moved, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mailer.check.proof import Proof


def made(web: ScriptedWeb, body: str, *, site: str = "https://shop.dev") -> Proof:
    """An issue whose own web server is listed."""
    return proof(
        body.replace("WEB", f"http://{web.authority}"),
        config=CheckConfig(hosts=(web.authority, "shop.test")),
        newsletter=replace(NEWSLETTER, site=site),
    )


def found(web: ScriptedWeb, body: str) -> list[tuple[str, int, str]]:
    """Id, line and message of what asking shows; the server's address is WEB."""
    (report,) = online.ask([made(web, body)], pause=0)
    return [
        (one.id, one.line, one.message.replace(f"http://{web.authority}", "WEB"))
        for one in report.findings
    ]


def script(**paths: Sequence[Answer]) -> ScriptedWeb:
    return ScriptedWeb({f"/{name}": answers for name, answers in paths.items()})


def test_links_that_are_there_are_counted_and_not_spoken_of() -> None:
    with script() as web:
        (report,) = online.ask([made(web, "[a](WEB/a) [b](WEB/b) [c](WEB/a)")], pause=0)
    assert ((), 2, 2) == (report.findings, report.links, report.fine)


def test_e121_a_link_that_leads_to_nothing() -> None:
    with script(gone=[answer(410)], lost=[answer(404)]) as web:
        body = "One.\n\n[a](WEB/gone)\n\n[b](WEB/lost) [c](WEB/there)\n"
        assert [
            ("E121", 3, "WEB/gone answers 410"),
            ("E121", 5, "WEB/lost answers 404"),
        ] == found(web, body)


def test_e121_the_own_page_is_called_so() -> None:
    with script(a=[answer(404)]) as web:
        mine = made(web, "[a](WEB/a)", site=f"http://{web.authority}")
        (report,) = online.ask([mine], pause=0)
    (one,) = report.findings
    assert one.message.startswith("your own page http://")
    assert "publish the page first" in one.next_step


@pytest.mark.parametrize("known", ["shop.dev", "example.org", "y.test"])
def test_e121_a_host_that_does_not_exist(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another one does: of a link, the own one, or one that always does."""
    with script() as web, names(monkeypatch, {known: ["10.0.0.1"]}):
        said = "https://no.test/a cannot be there: there is no such host"
        body = "[a](https://no.test/a) [b](WEB/b)" + " [c](https://y.test)" * (known == "y.test")
        assert ("E121", 1, said) == found(web, body)[0]


def test_i122_without_a_net_nothing_is_called_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    with script() as web, names(monkeypatch, {}):
        body = "[a](https://no.test) [b](https://nix.test) [c](WEB/c) ![d](https://no.test/d.png)"
        said = "https://no.test and 1 more could not be verified (this machine seems to be offline)"
        assert [("I122", 1, said)] == found(web, body)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 999])
def test_i122_what_could_not_be_verified_is_never_called_broken(status: int) -> None:
    with script(a=[answer(status)]) as web:
        assert [("I122", 1, f"WEB/a could not be verified ({status})")] == found(web, "[a](WEB/a)")


def test_i122_alike_ones_of_a_host_are_told_together() -> None:
    with script(a=[answer(403)], b=[answer(403)], c=[answer(500)]) as web:
        body = "[a](WEB/a)\n\n[b](WEB/b)\n\n[c](WEB/c)\n"
        assert [
            ("I122", 1, "WEB/a and 1 more at 127.0.0.1 could not be verified (403)"),
            ("I122", 5, "WEB/c could not be verified (500)"),
        ] == found(web, body)


def test_i122_private_addresses_are_refused_unless_listed() -> None:
    with script() as web:
        mine = replace(made(web, "[a](WEB/a)"), config=CheckConfig())
        (report,) = online.ask([mine], pause=0)
        assert [] == web.asked
    (one,) = report.findings
    assert ("I122", True) == (one.id, "is a private one" in one.message)


def test_w123_more_than_two_redirects() -> None:
    with script(a=[moved("/b")], b=[moved("/c")], c=[moved("/d")], e=[moved("/b")]) as web:
        (report,) = online.ask([made(web, "[a](WEB/a)\n\n[b](WEB/b)\n")], pause=0)
    (one,) = report.findings
    assert ("W123", 1, True) == (one.id, one.line, one.message.endswith("is redirected 3 times"))
    assert one.next_step.endswith("/d")


@pytest.mark.parametrize(
    ("bad", "ids"),
    [({}, ["W125"]), ({"expired": True}, []), ({"self_signed": True}, [])],
)
def test_w125_the_same_host_serves_https_with_a_valid_certificate(
    bad: dict[str, bool], ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    secure = ScriptedWeb(tls=authority.server("shop.test", **bad))
    with script() as web, secure, names(monkeypatch, {"shop.test": ["127.0.0.1"]}):
        monkeypatch.setattr(http, "PORTS", {"http": web.port, "https": secure.port})
        (report,) = online.ask([made(web, "One.\n\n[a](http://shop.test/a?b#c)\n")], pause=0)
    assert ids == [one.id for one in report.findings]
    for one in report.findings:
        said = "shop.test serves https, too"
        assert (3, said, "https://shop.test/a?b#c") == (one.line, one.message, one.next_step)


def test_i122_a_certificate_that_is_not_valid_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure = ScriptedWeb(tls=Authority(tmp_path).server("shop.test"))
    with script() as web, secure, names(monkeypatch, {"shop.test": ["127.0.0.1"]}):
        monkeypatch.setattr(http, "PORTS", {"http": web.port, "https": secure.port})
        ((check, _, message),) = found(web, "[a](https://shop.test/a)")
    assert ("I122", True) == (check, "its certificate is not valid" in message)


def test_links_of_single_readers_are_never_followed() -> None:
    with script() as web:
        assert [] == found(web, '[a](WEB/a/{{ subscriber.number or "1" }}) [b](mailto:a@x.net)')
        assert [] == web.asked


def test_an_image_that_others_serve_is_asked_for() -> None:
    heavy = answer(206, png(2000, 1), Content_Range="bytes 0-65535/1500000")
    with ScriptedWeb({"/lost.png": [answer(404)], "/big.png": [heavy]}) as web:
        body = "![a](WEB/lost.png)\n\n![b](WEB/big.png)\n\n![c](WEB/big.png)\n"
        assert [
            ("E121", 1, "the image WEB/lost.png answers 404"),
            ("W132", 3, "big.png has 1.5 MB"),
            ("W132", 3, "big.png is 2000 pixels wide and shown at 536"),
        ] == found(web, body)


def test_each_address_is_asked_once_in_all_issues() -> None:
    with script() as web:
        online.ask([made(web, "[a](WEB/a)"), made(web, "[b](WEB/a) [c](WEB/c)")], pause=0)
    assert ["HEAD /a", "HEAD /c"] == sorted(web.asked)


def test_an_issue_without_links_asks_nobody() -> None:
    (report,) = online.ask([proof("Words.")], pause=0)
    assert ((), 0, 0) == (report.findings, report.links, report.fine)
