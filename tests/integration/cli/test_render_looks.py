"""`mailer render`: as one subscriber gets it, and pictures by a browser without network."""

from __future__ import annotations

import socket
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from mailer.prepare import screenshot
from tests.wire.programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import News

STEM = "2026-11-20-winter"
NAMES = [f"{STEM}-{name}.png" for name in ("600", "375", "600-dark", "375-dark")]
RED = (250, 10, 20)


def _red_png() -> bytes:
    octets = BytesIO()
    Image.new("RGB", (64, 64), RED).save(octets, "PNG")
    return octets.getvalue()


def _shows_red(path: Path) -> bool:
    with Image.open(path) as picture:
        colours = picture.convert("RGB").getcolors(1 << 24) or []
    return sum(count for count, colour in colours if colour == RED) > 1000


@pytest.mark.parametrize("images", ["link", "embed"])
def test_pictures_of_two_widths_light_and_dark(news: News, images: str) -> None:
    """Images beside the issue show, whether they are published or embedded."""
    program("chromium")
    text = (news.folder / "mailer.toml").read_text("utf-8")
    keyed = text.replace("[newsletter]", f'[newsletter]\nimages = "{images}"')
    (news.folder / "mailer.toml").write_text(keyed, "utf-8")
    news.issue("---\nsubject: Hi there\n---\n\nWords.\n\n![Red](red%20one.png)\n")
    (news.folder / "issues" / "red one.png").write_bytes(_red_png())
    done = news.run("render", "winter", "--screenshot")
    out = news.folder / "out" / STEM
    assert 0 == done.code, done
    assert [str(out / name) for name in NAMES] == done.out.splitlines()[3:]
    for name in NAMES:
        with Image.open(out / name) as picture:
            assert f"-{picture.width}" in name
            corner = picture.convert("L").getpixel((0, picture.height - 1))
        assert isinstance(corner, int | float)
        assert ("dark" in name) == (corner < 128)
        assert _shows_red(out / name)


def test_the_browser_asks_nobody_and_runs_nothing() -> None:
    """Neither by name nor by number; images of the web leave their alt text."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        html = (
            f"<img src='http://127.0.0.1:{port}/a.png'><img src='http://localhost:{port}/b.png'>"
            f"<link rel=stylesheet href='http://127.0.0.1:{port}/c.css'><body bgcolor=white>"
            "<script>document.body.bgColor = 'black'</script>"
        )
        pictures = dict(screenshot.pictures(program("chromium"), html))
        with pytest.raises(TimeoutError):
            server.accept()
    assert ["600", "375", "600-dark", "375-dark"] == list(pictures)
    with Image.open(BytesIO(pictures["600"])) as picture:
        assert (255, 255, 255) == picture.convert("RGB").getpixel((599, 0))


def test_without_a_browser_nothing_is_written(news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(news.folder))
    done = news.run("render", "winter", "--screenshot")
    assert (1, "") == (done.code, done.out)
    assert "✖ E008" in done.err
    assert "install Chromium" in done.err
    assert not (news.folder / "out" / STEM).exists()


@pytest.mark.parametrize("script", ["exit 3", "exec cat <&3 >/dev/null"])
def test_a_browser_that_fails_is_named(
    news: News, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """It ends at once, or says nothing."""
    monkeypatch.setattr("mailer.prepare.devtools.PATIENCE", 0.5)
    fake = news.folder / "chromium"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{news.folder}:/usr/bin:/bin")
    done = news.run("render", "winter", "--screenshot")
    assert 1 == done.code
    assert "✖ E009" in done.err


def test_as_a_subscriber_with_their_own_values(news: News) -> None:
    news.people("ann@example.net,Ann", header="email,name")
    done = news.run("render", "winter", "--as", "Ann@Example.net")
    assert 0 == done.code, done
    text = (news.folder / "out" / STEM / f"{STEM}.txt").read_text("utf-8")
    assert "Dear Ann, from Monday" in text
    mail = (news.folder / "out" / STEM / f"{STEM}.eml").read_bytes()
    assert b"\r\nTo: ann@example.net\r\n" in mail


def test_as_a_subscriber_with_their_own_variant(news: News) -> None:
    german = "---\nsubject: Im Winter\n---\n\nHallo {{ subscriber.name }}, ab Montag um zehn.\n"
    (news.folder / "issues" / f"{STEM}.de.md").write_text(german, "utf-8")
    news.people("bea@example.net,Bea,de", header="email,name,language")
    assert 0 == news.run("render", "winter", "--as", "bea@example.net").code
    text = (news.folder / "out" / STEM / f"{STEM}.txt").read_text("utf-8")
    assert "Hallo Bea, ab Montag um zehn." in text


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        (
            "annn@example.net",
            9,
            "✖ E514 Nothing is known about annn@example.net\n  → did you mean ann@",
        ),
        (
            "zoe@example.org",
            9,
            "✖ E514 Nothing is known about zoe@example.org\n  → mailer subscrib",
        ),
        (
            "a%_@example.org",
            9,
            "✖ E514 Nothing is known about a%_@example.org\n  → mailer subscrib",
        ),
        ("ann", 2, '✖ E501 "ann" is not an address\n  It holds no @.\n  → an address is '),
    ],
)
def test_as_somebody_whom_nobody_knows(news: News, address: str, code: int, said: str) -> None:
    """The address that was meant is named where one is near; nothing is written."""
    news.people("ann@example.net,Ann", header="email,name")
    done = news.run("render", "winter", "--as", address)
    assert (code, "") == (done.code, done.out)
    assert done.err.startswith(said)
    assert not (news.folder / "out" / STEM).exists()


def test_as_somebody_where_there_is_no_database(news: News) -> None:
    assert 9 == news.run("render", "winter", "--as", "ann@example.net").code
