"""One sign a thousand times over: what backtracks or counts twice takes minutes for it (X-5)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from mailer.config import ListConfig, Newsletter
from mailer.content.issue import read_issue
from mailer.errors import CheckError
from mailer.model import Mailbox
from mailer.render import render_issue

if TYPE_CHECKING:
    from pathlib import Path

LENGTH: Final = 20_000
SECONDS: Final = 5
SENDER: Final = Mailbox(name="The Weekly", address="weekly@example.org")
NEWSLETTER: Final = Newsletter(
    name="The Weekly",
    sender=SENDER,
    reply_to=None,
    url="https://news.example.org",
    site="https://example.org",
    address="1 Example Street, Exampleton",
)
LIST: Final = ListConfig(
    slug="weekly", title="The Weekly", sender=SENDER, language="en", timezone="UTC"
)
UNITS: Final = (
    *("[", "![", "[a ", "![a", "[a](", "[a][b] ", "](", "[^", "[^a]:", "\\[", "[[", "[]()", "("),
    *("<", "<a ", "<a>", "</a>", '<a href="', "<!--", "<![CDATA[", "<?", "<img ", "<div>\n\n"),
    *(
        "&",
        "&#",
        "&amp",
        "*",
        "**",
        "*a ",
        "_a",
        "***a**",
        "`",
        "`` ",
        "~",
        "~~a",
        "==a",
        "^",
        ":a:",
    ),
    *("```\n", "~~~\n", ":::\n", "///\n", "!!! a\n", "??? a\n", "> a\n", ">", "- a\n", " - a\n"),
    *("- ", "1) a\n", "# a\n\n", "===\n", "---\n\n", "* * *\n", "|a", "|a|\n", "a\n: b\n", "\\\n"),
    *("{{", "}}", "{{ ", "{{{", "{%", "{% a %}", "{{%", "{{<", "{{ subscriber.name", "{: ", "{#a}"),
    *(
        "http://",
        "http://a.",
        "www.",
        "a@",
        "a@b.c ",
        "mailto:",
        "import x\n",
        "<A b={",
        "{/*",
        "$",
    ),
    *(
        " ",
        "\t",
        "    \n",
        "\n",
        "漢字",
        "\u0301",
        "\u202e",
        "😀",
        "\\",
        '"',
        "'",
        ".",
        "#",
        "+ a\n",
    ),
    *("[a]: b\n", "*[a]: b\n", "[^a]: b\n", "*|A|*", "<%= a %>", "a ", "Key: a\n", "\n>\n", "1. "),
)

LONG: Final = 60_000
PAIRS: Final = (("[^", ""), ("{% a %}", ""), ("{% a %}", "{% endb %}"), ("::: v-pre\n", ":::\n"))
"""What begins something, and what ends it or something else: so many of each."""


def _outcome(path: Path, root: Path) -> str:
    """The HTML of an issue, or where it was refused."""
    try:
        result = render_issue(
            read_issue(path, root=root),
            newsletter=NEWSLETTER,
            list_=LIST,
            root=root,
            planned=datetime(2026, 11, 24, tzinfo=UTC),
        )
    except CheckError as error:
        return error.where
    return "".join(piece for piece in result.rendering.html if isinstance(piece, str))


def _read_flood(flood: str, root: Path) -> None:
    (root / "issues").mkdir()
    path = root / "issues" / "flood.md"
    path.write_text(f"---\ntitle: A flood of one sign\n---\n\n{flood}\n\nend\n", encoding="utf-8")
    begun = time.process_time()
    outcome = _outcome(path, root)
    assert outcome.startswith(("<!DOCTYPE html>", "issues/flood.md"))
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("unit", UNITS)
def test_a_flood_is_read_or_refused_in_seconds(tmp_path: Path, unit: str) -> None:
    """The bound is for slow machines: most floods take a fifth of a second."""
    _read_flood(unit * (LENGTH // len(unit)), tmp_path)


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_a_flood_of_beginnings_and_ends_takes_time_in_proportion(
    tmp_path: Path, opening: str, closing: str
) -> None:
    """So long that whoever looks back over all of it for each of them is past the bound."""
    count = LONG // len(opening + closing)
    _read_flood(opening * count + closing * count, tmp_path)
