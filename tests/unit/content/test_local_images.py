"""Images beside an issue are published or embedded, measured, and missed when they are missing."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


@pytest.fixture
def issues(tmp_path: Path) -> Path:
    folder = tmp_path / "issues"
    (folder / "winter").mkdir(parents=True)
    (folder / "snow.png").write_bytes(png(300, 200))
    (folder / "winter" / "big one.png").write_bytes(png(1200, 600))
    (folder / "winter" / "logo@2x.png").write_bytes(png(300, 100))
    (folder / "winter" / "odd.jpg").write_bytes(png(9, 9))
    (folder / "winter" / "drawing.svg").write_bytes(b"<svg/>")
    (tmp_path / "secret.png").write_bytes(png(1, 1))
    (folder / "winter" / "link.png").symlink_to(tmp_path / "secret.png")
    return folder


def made(body: str, issues: Path, *, page: str = "", images: str = "link") -> Document:
    web = Web(
        site="https://example.org",
        page=page,
        url="https://news.example.org",
        images=images,
        issues=issues,
        folder=issues,
    )
    return convert(body, title="", file="issues/x.md", body_line=1, web=web)


def image(document: Document) -> str:
    found = re.search(r"<img[^>]*>", document.html)
    assert found is not None
    return found[0]


def test_a_file_beside_the_issue_is_published_under_its_digest(issues: Path) -> None:
    document = made("![Snow](winter/big%20one.png)", issues)
    address = re.search(r'src="([^"]*)"', document.html)
    assert address is not None
    assert re.fullmatch(
        r"https://news\.example\.org/images/[0-9a-f]{16}/winter/big%20one\.png", address[1]
    )
    assert address[1] in document.text
    assert (document.images, document.findings) == ((), ())


def test_a_root_relative_file_below_issues_is_local_too(issues: Path) -> None:
    assert "https://news.example.org/images/" in image(made("![Snow](/snow.png)", issues))
    assert "https://example.org/rain.png" in image(made("![Rain](/rain.png)", issues))


def test_another_content_has_another_address(issues: Path) -> None:
    before = made("![Snow](snow.png)", issues)
    (issues / "snow.png").write_bytes(png(300, 201))
    assert before.html != made("![Snow](snow.png)", issues).html


def test_an_embedded_image_travels_once(issues: Path) -> None:
    """M-20: `cid:`, never `data:`."""
    document = made("![a](snow.png)\n\n![b](./snow.png)\n\n![c](/b.png)", issues, images="embed")
    (part,) = document.images
    assert document.html.count(f'src="cid:{part.content_id}"') == 2
    assert (part.media_type, part.name) == ("image/png", "snow.png")
    assert part.data == (issues / "snow.png").read_bytes()
    assert "https://example.org/b.png" in document.html
    assert part == made("![a](snow.png)", issues, images="embed").images[0]


@pytest.mark.parametrize(
    ("size", "source"),
    [
        ('width="300" height="200"', "![a](snow.png)"),
        ('width="536" height="268" class="wide"', "![a](<winter/big one.png>)"),
        ('width="150" height="50"', "![a](winter/logo@2x.png)"),
        ('width="100"', '<img src="snow.png" alt="a" width="100">'),
    ],
)
def test_a_file_is_shown_at_its_own_size(issues: Path, size: str, source: str) -> None:
    """Pictures for fine screens are named `@2x` and shown at half their size."""
    rest = re.sub(r"<img|>|(?:src|alt)=\"[^\"]*\"", "", image(made(source, issues)))
    assert size == " ".join(rest.split())


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("rain.png", "there is no such file beside the issue (rain.png)"),
        ("winter/rain.png?x=1", "there is no such file"),
        ("../secret.png", "there is no such file"),
        ("winter/link.png", "there is no such file"),
        ("/../secret.png", ""),
        ("winter/drawing.svg", "mail clients show png, jpg"),
        ("winter/odd.jpg", "it is no image/jpeg, whatever its name says"),
        ("x" * 5000 + ".png", "there is no such file"),
        ("a%00.png", "there is no such file"),
    ],
)
def test_a_missing_file_is_e130_with_its_line(issues: Path, address: str, problem: str) -> None:
    findings = made(f"Text\n\n![Rain]({address})", issues).findings
    assert [("E130", 3)] * bool(problem) == [(one.id, one.line) for one in findings]
    assert all(problem in one.message and one.next_step for one in findings)


def test_an_image_that_only_the_site_has_is_the_sites(issues: Path) -> None:
    """A site generator's issue comes without its images; W127 says what became of them."""
    web = Web(site="https://example.org", issues=issues, folder=issues, generated=True)
    body = "![a](./rain.png)\n\n![b](./img/rain.png)\n\n![c](./winter/rain.png)"
    document = convert(body, title="", file="issues/x.md", body_line=1, web=web)
    assert 'src="https://example.org/rain.png"' in document.html
    assert [("W127", 1), ("W127", 3), ("E130", 5)] == [
        (one.id, one.line) for one in document.findings
    ]


def test_an_image_in_a_folder_that_is_not_here_is_the_sites(issues: Path) -> None:
    findings = made("![a](./img/rain.png)\n\n![b](../img/rain.png)", issues).findings
    assert [("W127", 1), ("E130", 3)] == [(one.id, one.line) for one in findings]


def test_on_a_page_a_missing_file_is_the_pages(issues: Path) -> None:
    document = made("![Rain](rain.png)", issues, page="https://example.org/posts/x/")
    assert 'src="https://example.org/posts/x/rain.png"' in document.html
    assert document.findings == ()


@pytest.mark.parametrize(
    ("alt", "source"),
    [
        ("A boat", "![A boat](/b.png)"),
        ("", "![](/b.png)"),
        ("e.example", "[![](/b.png)](https://e.example/boats)"),
        ("To the boats", '[![](/b.png "To the boats")](https://e.example/boats)'),
        ("", "[![](/b.png) boats](https://e.example/boats)"),
    ],
)
def test_an_image_alone_in_a_link_is_never_without_words(
    issues: Path, alt: str, source: str
) -> None:
    """W131: the link's host stands in where nobody wrote any."""
    document = made(source, issues)
    assert f'alt="{alt}"' in image(document)
    assert [("W131", 1)] * (alt != "A boat") == [(one.id, one.line) for one in document.findings]
