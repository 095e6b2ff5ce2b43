"""`mailer render --screenshot`: pictures by a browser that reaches no network."""

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
