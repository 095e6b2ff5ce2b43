"""Links between pages lead somewhere, headings included."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from tests.samples import pages

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")


def anchor(title: str) -> str:
    """The name that a heading is given on the web: lower case, hyphens, no punctuation."""
    kept = "".join(
        sign for sign in title.lower() if sign in " -_" or unicodedata.category(sign)[0] in "LN"
    )
    return kept.replace(" ", "-")


def broken(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    text = re.sub(r"`[^`\n]*`", "", pages.prose(page.read_text(encoding="utf-8")))
    found = []
    for link in LINK.findall(text):
        path, _, heading = link.partition("#")
        if ":" in path:
            continue
        target = page.parent / path if path else page
        there = target.is_file() and target.resolve().is_relative_to(pages.ROOT)
        if there and heading:
            titles = pages.headings(target.read_text(encoding="utf-8"))
            there = heading in map(anchor, titles)
        found += [] if there else [link]
    return found


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [] == broken(page)


def test_readme_leads_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in LINK.findall(pages.read("README.md"))}
    names = {str(page.relative_to(pages.ROOT)) for page in pages.pages()} - {"README.md"}
    assert set() == names - linked
