"""Relative addresses go on from the issue's page, root-relative ones from site and assets."""

from __future__ import annotations

import pytest

from mailer.content.shape.links import resolve
from mailer.content.web import Web

FOLDERS = Web(
    site="https://e.example",
    assets="https://cdn.example/a",
    page="https://e.example/posts/winter/",
)
FILES = Web(site="https://e.example", page="https://e.example/blog/winter.html")


@pytest.mark.parametrize(
    ("url", "web", "written"),
    [
        ("https://e.example/archive", FOLDERS, "/archive"),
        ("https://e.example/posts/winter/part", FOLDERS, "part"),
        ("https://e.example/posts/winter/?q=1#x", FOLDERS, "?q=1#x"),
        ("https://e.example/posts/autumn/", FOLDERS, "../autumn/"),
        ("https://e.example/posts/autumn/", FOLDERS, "autumn.md"),
        ("https://e.example/posts/autumn/#top", FOLDERS, "./autumn.md#top"),
        ("https://e.example/notes/one/", FOLDERS, "../notes/one.mdx"),
        ("https://e.example/posts/", FOLDERS, "index.md"),
        ("https://e.example/posts/autumn/", FOLDERS, "autumn/README.md"),
        ("https://e.example/about/", FOLDERS, "/about.md"),
        ("https://e.example/blog/autumn.html", FILES, "./autumn.md"),
        ("https://e.example/blog/autumn.html?a=b", FILES, "autumn.markdown?a=b"),
        ("https://e.example/blog/autumn", FILES, "autumn"),
        ("https://e.example/blog/", FILES, "index.md"),
        ("https://e.example/x%20y", FILES, "/x y"),
    ],
)
def test_links(url: str, web: Web, written: str) -> None:
    found = resolve(written, web)
    assert (url, "") == (found.url, found.problem)


@pytest.mark.parametrize(
    ("url", "web", "written"),
    [
        ("https://cdn.example/a/b.png", FOLDERS, "/b.png"),
        ("https://e.example/posts/winter/b.png", FOLDERS, "b.png"),
        ("https://e.example/posts/winter/example.org/b.md", FOLDERS, "example.org/b.md"),
        ("https://e.example/b.png", FILES, "/b.png"),
        ("https://e.example/blog/img/b.png", FILES, "./img/b.png"),
    ],
)
def test_images(url: str, web: Web, written: str) -> None:
    found = resolve(written, web, image=True)
    assert (url, "") == (found.url, found.problem)


def test_an_issue_without_a_page_says_what_its_relative_links_became() -> None:
    """W127: the site's root is a guess, and the best one."""
    found = resolve("autumn.md", Web(site="https://e.example"))
    assert (found.url, found.check) == ("https://e.example/autumn", "W127")
    assert "https://e.example/autumn" in found.problem
