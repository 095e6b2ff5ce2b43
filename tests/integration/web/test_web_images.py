"""Which files below `issues/` are shown, and which are not (X-16: only what is meant)."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from mailer.content.pictures import LARGEST
from mailer.web.images import BRIEFLY, FOR_EVER, find
from tests.samples.pictures import GIF, JPEG, PNG, WEBP
from tests.wire.public_site import Answer, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = ((b"host", b"news.example.org"),)
RIGHT = hashlib.sha256(PNG).hexdigest()[:16]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    folder = tmp_path / "issues" / "winter"
    folder.mkdir(parents=True)
    (folder / "snow.png").write_bytes(PNG)
    (tmp_path / "issues" / "winter.md").write_text("# Winter\n")
    (tmp_path / "secret.png").write_bytes(PNG)
    yield site
    site.ledger.close()


def ask(site: Site, path: str, *, digest: str = RIGHT, method: str = "GET") -> Answer:
    return site.ask(method, f"/images/{digest}/{path}", headers=HOST)


def test_an_image_is_shown_and_kept_for_ever(site: Site) -> None:
    answer = ask(site, "winter/snow.png")
    assert (200, PNG, "image/png") == (answer.status, answer.body, answer.headers["content-type"])
    assert (FOR_EVER, "nosniff") == (
        answer.headers["cache-control"],
        answer.headers["x-content-type-options"],
    )
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert policy.endswith("sandbox")
    assert "set-cookie" not in answer.headers


def test_webmail_of_another_site_may_show_it(site: Site) -> None:
    """Pages that are credentials stay to themselves; an image stands in other people's pages."""
    headers = ask(site, "winter/snow.png").headers
    assert "cross-origin" == headers["cross-origin-resource-policy"]


def test_a_replaced_image_is_still_shown_but_kept_briefly(site: Site) -> None:
    """A mail of before the change keeps an image; the next change is seen within minutes."""
    old = ask(site, "winter/snow.png", digest="0123456789abcdef")
    assert (200, PNG, BRIEFLY) == (old.status, old.body, old.headers["cache-control"])
    changed = site.config.root / "issues" / "winter" / "snow.png"
    changed.write_bytes(PNG + b"more")
    assert (PNG + b"more", BRIEFLY) == (
        ask(site, "winter/snow.png").body,
        ask(site, "winter/snow.png").headers["cache-control"],
    )


def test_head_says_the_same_without_the_image(site: Site) -> None:
    shown, head = ask(site, "winter/snow.png"), ask(site, "winter/snow.png", method="HEAD")
    assert (200, b"", shown.headers) == (head.status, head.body, head.headers)
    assert str(len(PNG)) == head.headers["content-length"]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", PNG, "image/png"),
        ("a.PNG", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("a.gif", GIF, "image/gif"),
        ("a.webp", WEBP, "image/webp"),
    ],
)
def test_these_are_images(site: Site, name: str, data: bytes, kind: str) -> None:
    (site.config.root / "issues" / name).write_bytes(data)
    answer = ask(site, name)
    assert (200, data, kind) == (answer.status, answer.body, answer.headers["content-type"])


def test_a_name_may_hold_any_character(site: Site) -> None:
    (site.config.root / "issues" / "Größe & Schnee #1.png").write_bytes(PNG)
    assert 200 == ask(site, "Gr%C3%B6%C3%9Fe%20%26%20Schnee%20%231.png").status


@pytest.mark.parametrize(
    "path",
    [
        "winter.md",
        "winter",
        "winter/",
        "winter/snow.png/",
        "winter/snow",
        "winter/missing.png",
        "../secret.png",
        "winter/../../secret.png",
        "winter/../winter/snow.png",
        "%2e%2e/secret.png",
        "..%2fsecret.png",
        "%252e%252e/secret.png",
        "..%5csecret.png",
        "winter/%2e/snow.png",
        "./winter/snow.png",
        "/winter/snow.png",
        "winter//snow.png",
        "%00.png",
        "winter/snow.png%00.png",
        ".hidden.png",
        ".git/x.png",
        "x" * 300 + ".png",
        "",
    ],
)
def test_anything_else_is_not_found(site: Site, path: str) -> None:
    (site.config.root / "issues" / ".hidden.png").write_bytes(PNG)
    answer = ask(site, path)
    assert (404, "no-store") == (answer.status, answer.headers["cache-control"])


@pytest.mark.parametrize(
    "digest", ["", "x", "0123456789ABCDEF", "0" * 15, "0" * 17, "..", "%2e%2e"]
)
def test_what_is_no_digest_is_not_found(site: Site, digest: str) -> None:
    assert 404 == ask(site, "winter/snow.png", digest=digest).status


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.png", b"<!doctype html><script>alert(1)</script>"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("other.png", JPEG),
        ("sound.webp", b"RIFF\x00\x00\x00\x00WAVEfmt "),
        ("notes.txt", PNG),
        ("empty.gif", b""),
        ("short.png", PNG[:4]),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_not_shown(
    site: Site, name: str, data: bytes
) -> None:
    (site.config.root / "issues" / name).write_bytes(data)
    assert 404 == ask(site, name).status


def test_no_link_leads_out_of_the_folder(site: Site) -> None:
    issues = site.config.root / "issues"
    (issues / "out.png").symlink_to(site.config.root / "secret.png")
    (issues / "up").symlink_to(site.config.root)
    (issues / "round.png").symlink_to("round.png")
    (issues / "in.png").symlink_to(issues / "winter" / "snow.png")
    assert [404, 404, 404, 200] == [
        ask(site, name).status for name in ("out.png", "up/secret.png", "round.png", "in.png")
    ]


def test_nothing_but_regular_files_of_a_size_that_mails_can_show(site: Site) -> None:
    issues = site.config.root / "issues"
    os.mkfifo(issues / "pipe.png")
    (issues / "folder.png").mkdir()
    with (issues / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(LARGEST + 1)
    assert [404] * 3 == [ask(site, name).status for name in ("pipe.png", "folder.png", "huge.png")]


def test_asking_changes_nothing(site: Site) -> None:
    """L-7: GET and HEAD; whatever else is not possible."""
    before, listing = site.dump(), sorted(site.config.root.rglob("*"))
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        ask(site, "winter/snow.png", method=method)
        ask(site, "winter/missing.png", method=method)
    assert (before, listing) == (site.dump(), sorted(site.config.root.rglob("*")))
    assert 405 == ask(site, "winter/snow.png", method="POST").status


def test_a_newsletter_without_issues_has_no_images(tmp_path: Path) -> None:
    assert find(tmp_path / "issues", "winter/snow.png") is None
