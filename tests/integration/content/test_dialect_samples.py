"""Newsletters of every site generator, as they would be dropped into issues/: the mail they become.

What is asked of each: every word and link of the author in both parts, the structure that the site
shows, and nothing of a template language.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import html5lib
import pytest

from tests.samples.messages import body
from tests.samples.studio import Studio

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SAMPLES = Path(__file__).parents[2] / "samples" / "dialects"
REFUSED = "eleventy-refused.md"
NAMES = sorted(file.name for file in SAMPLES.iterdir() if file.name != REFUSED)
LEFTOVERS = re.compile(
    r"\{%|%\}|\{\{<|>\}\}|:::|^!!! |\{:|^import |\[\[?(?:toc|TOC)\]|@\[|</?[A-Z]\w+", re.MULTILINE
)

IN_TEXT = re.compile(r" ?<https[^<>\s]+>|\[Image[^\]]*\]|\n+ *|^[->] |(?<=winter\.) ")
"""What only the text part writes."""

EXPECTED = {
    "2026-11-20-harbour-notes.md": [
        "This week in Harbour notes #12: the ferry, the crane, and a new timetable.",
        "the last issue <https://example.org/2026/11/13/harbour-notes.html>",
        "timetable <https://example.org/files/timetable.pdf>",
        'puts "`high` at #{hour} {{ hour }}"',
        "[Image: The ferry at dawn] <https://example.org/img/ferry.jpg>",
        "The ferry, photographed by Ben <https://ben.example>",
        "Everybody asks for the yellow crane; write `{{ crane }}` and {{ crane }} in",
        "If the fog lifts.",
    ],
    "hugo-letter.md": [
        "varnished in Lisbon.",
        "[Image: A table of oak] <https://example.org/img/table.jpg>",
        "Made of one plank",
        "Keep your planes sharp",
        "sharpen --angle 25 plane   # {{< not-a-shortcode >}}",
        "How we plane <https://www.youtube.com/watch?v=abcdefghijk>",
        "the first letter <https://example.org/workshop-1/>",
        "Oak\nHard, and worth it.",
        "Glue first, clamp then.",
        "What we used",
        "Write {{< figure >}} in your own page.",
        "By Ben Pencil",
    ],
    "zola-letter.md": [
        "Frost is near.",
        "> Dig in autumn, rest in winter.\n> — An old book <https://books.example/garden>",
        "the spring letter <https://example.org/letters/spring/#beds>",
        "where Rosemary was new.",
        "[Image: A bed under straw] <https://example.org/img/bed.png>",
        "By Cora Leaf",
    ],
    "docusaurus-digest.mdx": [
        "welcome to the forty-second digest! Have fun.",
        "[Image: A bridge] <https://example.org/img/bridge.png>",
        "Mind the gap",
        "The API changes in `v2`: use `{edition}` in code.",
        "Deprecated",
        "macOS\n\nUse the installer.",
        "Linux\n\n    curl https://get.example | sh",
        "The talk <https://www.youtube.com/watch?v=abcdefghijk>",
        "Types such as `Array<string>` stay.",
        "All issues <https://example.org/archive>, and what you like.",
        "By dora, Emil Wire",
    ],
    "vuepress-news.md": [
        "Tide tables beta",
        "Read this first",
        "Tables are in UTC.",
        "npm\n\n    npm i tides",
        "yarn\n\n    yarn add tides",
        "[Image: The tide] <https://example.org/images/tide.png>",
        "the last issue <https://example.org/tides-1>",
        "[Image: a chart] <https://example.org/chart.png>",
        "Braces like {{ this }} are text here.",
    ],
    "pelican-weekly.md": [
        "The rope <https://example.org/rope> holds",
        "the map <https://example.org/files/map.pdf>",
        "[Image: Quay] <https://example.org/images/quay.png>",
        "Closed on Monday",
        "- red",
        'print("{{ rope }}")',
        "By Ann Pen, Ben Pencil",
    ],
    "eleventy-post.md": [
        'Today we make an awl in "Small tools".',
        "[Image: An awl of steel] <https://example.org/img/awl.png>",
        "Sharp",
        "Wear gloves.",
        "more <https://example.org/tools/>",
    ],
    "plain-letter.md": [
        "Hello Ann",
        "Nothing special here.",
        "Except this box.",
        "{{ y }} and {{ 7*7 }} are text",
        "Important",
        "Answer by Friday.",
        "const a = `{{ not touched }}`; // ::: {% if %}",
        "indented {{ code }}",
    ],
}


def flat(text: str) -> str:
    """Without the bars of boxes and quotes and the ends of lines that wrapping chose."""
    return " ".join(re.sub(r"^(?:[|>] ?)+", "", text, flags=re.MULTILINE).split())


def words(part: Element, *, code: bool) -> str:
    """What the HTML part says, with or without its code."""
    if not isinstance(part.tag, str) or (not code and part.tag in {"pre", "code"}):
        return ""
    inner = "".join(words(child, code=code) + (child.tail or "") for child in part)
    return f"{part.text or ''}{inner}"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("news"))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_keeps_its_words_and_links_and_shows_no_syntax(studio: Studio, name: str) -> None:
    message = studio.mail((SAMPLES / name).read_text(encoding="utf-8"), name=name)
    text = body(message, "plain")
    missing = [piece for piece in EXPECTED[name] if flat(piece) not in flat(text)]
    assert [] == missing, text
    tree = html5lib.parse(body(message, "html"), namespaceHTMLElements=False)
    shown = flat(words(tree.find("body"), code=True))
    said = [flat(part.strip(" `>—\n")) for piece in EXPECTED[name] for part in IN_TEXT.split(piece)]
    assert [] == [
        part for part in said if part and part.replace("`", "") not in shown.replace("`", "")
    ]
    links = {a.get("href") for a in tree.iter("a")} | {i.get("src") for i in tree.iter("img")}
    players = (SAMPLES / name).read_text(encoding="utf-8").count("abcdefghijk")
    assert players == ("https://www.youtube.com/watch?v=abcdefghijk" in links)
    wanted = {link for piece in EXPECTED[name] for link in re.findall(r"<(https:[^<>\s]+)>", piece)}
    assert set() == wanted - links
    shown = words(tree.find("body"), code=False).replace("{{< figure >}}", "")
    assert [] == LEFTOVERS.findall(shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_recognised_and_may_be_mailed(studio: Studio, name: str) -> None:
    prepared = studio.prepared((SAMPLES / name).read_text(encoding="utf-8"), name=name)
    dialect = {"2026": "jekyll", "zola": "hugo"}.get(name[:4], name.partition("-")[0])
    assert dialect == prepared.issue.dialect
    assert [] == list(prepared.errors)


def test_what_cannot_be_translated_is_refused_with_its_lines(studio: Studio) -> None:
    prepared = studio.prepared((SAMPLES / REFUSED).read_text(encoding="utf-8"), name=REFUSED)
    assert {("E118", 4), ("E118", 8), ("E118", 9), ("E118", 12), ("E118", 14)} == {
        (each.id, each.line) for each in prepared.errors
    }
    assert all(each.next_step for each in prepared.errors)
