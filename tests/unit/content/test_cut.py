"""An issue that ends early, with a link to the rest (`cut_after`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.content.markdown import convert
from mailer.content.shape import Cut
from mailer.content.web import Web

if TYPE_CHECKING:
    from mailer.content.markdown import Document

PAGE = "https://example.org/letters/winter/"
WEB = Web(site="https://example.org", page=PAGE)
BODY = """\
Before all headings, [down](#third) and [near](#first).

## First

One[^one].

### Within it

Two.

## Second

Three[^two].

## Third

Four[^three], see [above](#second).

[^one]: The note of one.
[^two]: The note of three.
[^three]: The note of four.
"""


def _cut(after: str, *, body: str = BODY, web: Web = WEB, language: str = "en") -> Document:
    return convert(
        body,
        title="Winter",
        file="winter.md",
        body_line=9,
        web=web,
        language=language,
        cut=Cut(after=after, line=3),
    )


def test_both_parts_end_behind_the_section_with_a_link_to_the_page() -> None:
    document = _cut("First")
    for part in (document.html, document.text):
        assert "Two." in part
        assert "Second" not in part
        assert "Four" not in part
    assert f'<p class="continue"><a href="{PAGE}">Continue online</a></p>' in document.html
    assert f"Continue online <{PAGE}>" in document.text
    assert not document.findings


@pytest.mark.parametrize("after", ["second", "  SECOND ", "Second"])
def test_a_heading_is_known_by_its_words(after: str) -> None:
    document = _cut(after)
    assert "Three" in document.text
    assert "Four" not in document.text


def test_a_lower_heading_ends_its_own_section_only() -> None:
    document = _cut("Within it")
    assert "Two." in document.text
    assert "Second" not in document.text


def test_notes_stay_as_long_as_a_number_leads_to_them() -> None:
    document = _cut("Second")
    assert "The note of one." in document.text
    assert "The note of three." in document.text
    assert "The note of four." not in document.text
    assert document.text.index("Continue online") < document.text.index("The note of one.")
    assert "footnotes" not in _cut("First", body="## First\n\n## Second\n\na[^1]\n\n[^1]: b").html


def test_links_to_what_is_gone_lead_to_the_page() -> None:
    document = _cut("Second")
    assert f'<a href="{PAGE}#third">down</a>' in document.html
    assert '<a href="#first">near</a>' in document.html


def test_a_cut_behind_the_last_section_takes_nothing_away() -> None:
    document = _cut("Third")
    assert "Four" in document.text
    assert "Continue online" not in document.text


@pytest.mark.parametrize(
    "body",
    [
        '<div class="part">\n\n## First\n\none\n\n## Second\n\ntwo\n\n</div>\n\nthree\n',
        "- ## First\n\n  one\n\n  ## Second\n\n  two\n\nthree\n",
        "> ## First\n>\n> one\n>\n> ## Second\n>\n> two\n\nthree\n",
    ],
)
def test_a_heading_may_stand_within_another_block(body: str) -> None:
    document = _cut("First", body=body)
    assert "one" in document.text
    assert "two" not in document.text
    assert "three" not in document.text
    assert "Continue online" in document.text


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Continue online", "en-GB"),
        ("Online weiterlesen", "de"),
        ("Lire la suite en ligne", "fr"),
        ("Seguir leyendo en línea", "es-MX"),
        ("المتابعة على الموقع", "ar"),
        ("Continue online", "fi"),
    ],
)
def test_the_link_is_worded_in_the_language_of_the_issue(words: str, language: str) -> None:
    assert words in _cut("First", language=language).text


@pytest.mark.parametrize(
    ("message", "after", "web"),
    [
        ('no heading "Fourth"', "Fourth", WEB),
        ("no page", "First", Web(site="https://example.org")),
    ],
)
def test_a_cut_that_is_impossible_is_an_error_with_its_line(
    message: str, after: str, web: Web
) -> None:
    document = _cut(after, web=web)
    (finding,) = [one for one in document.findings if one.id == "E119"]
    assert message in finding.message
    assert ("winter.md", 3) == (finding.file, finding.line)
    assert finding.next_step
