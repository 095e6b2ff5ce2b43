"""First heading and first sentence, without rendering the issue (decisions 17, M-29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.content.excerpt import LONGEST, first_heading, first_sentence, title_of, words_of
from mailer.content.personal import BRACES, is_personal
from mailer.content.source import Source, mask_code

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ("# One\n\n# Two", "One"),
        ("Text\n\n## Second *level* ##\n", "Second level"),
        ("Set\n===\n", "Set"),
        ("Text\n\nSet next\n---\n\n# Later", "Set next"),
        ("# With `code_x` and [a link](https://e.example)", "With code_x and a link"),
        ("# [Core][c]\n\n[c]: /core", "Core"),
        ("# Name {#own-id}", "Name"),
        ("# Note[^1]\n\n[^1]: not this", "Note"),
        ("# ![logo](/b.png)\n\n# Real", "Real"),
        ("<h1 align='center'>In <b>HTML</b></h1>\n\n# Later", "In HTML"),
        ("```\n# a comment\n```\n\n# Real", "Real"),
        ("<!-- # hidden -->\n\n# Real", "Real"),
        ("#hashtag\n\nText", ""),
        ("Text\n\n---\n\nText", ""),
        ("para one\npara two\n---\n", ""),
        ("", ""),
    ],
)
def test_first_heading(body: str, heading: str) -> None:
    assert first_heading(body) == heading


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("# Title\n_in progress_\n\nLater text.", "in progress · Later text."),
        ("Hi!\n\n## News\n\nMany boats this week.\n\n- x", "Hi! Many boats this week."),
        ("![logo](/b.png)\n\n# Title\n\nThe text.", "The text."),
        (
            "One sentence that is long enough to stand alone. Another.",
            "One sentence that is long enough to stand alone.",
        ),
        ("Hi! There is news about boats. And more.", "Hi! There is news about boats. And more."),
        ("With [a link][r] and `code`, e.g. this.\n\n[r]: /x", "With a link and code, e.g. this."),
        ("- a list item\n- another\n\nThen prose.", "Then prose."),
        ("> a quote\n\n| a | b |\n|---|---|\n", "a quote"),
        ("- only\n- a list", "only a list"),
        ("<p align='center'>markup</p>\n\nProse.", "Prose."),
        ("```\ncode\n```\n\nProse.", "Prose."),
        ("::: tip\nProse after.\n\nProse.", "Prose."),
        ("Set\n===\n\nProse.", "Prose."),
        ("日本語。次の文。", "日本語。次の文。"),
        ('Hello {{ subscriber.name or "reader" }}, a line.',) * 2,
        ("By Ann\n\n4 August 2023\n\n_November ?, 2023_\n\nThe text.", "The text."),
        ("/// note | T\nIn a box.\n///\n\nProse.", "Prose."),
        ("/// note\nOnly this box.\n///", "Only this box."),
        ('<span><iframe src="/x" title="t"></iframe></span>\n\nProse.', "Prose."),
        ('<figure><img src="/x"><figcaption>c</figcaption></figure>\n\nProse.', "Prose."),
        ("<https://e.example/a>\n\nSee https://e.example/b now.", "See now."),
        ("*Emphasis* first, <b>bold</b> too.", "Emphasis first, bold too."),
        ("<em>In HTML</em> it begins.", "In HTML it begins."),
        ("Use `{{ x }}` and `{% y %}`.\n\nProse.", "Prose."),
        ("Hi! " + "a long sentence " * 20, "Hi! " + "a long sentence " * 8 + "a long…"),
        ("## One\n\n## Two", "One · Two"),
        ("", ""),
        ("![only](/b.png)", ""),
    ],
)
def test_first_sentence(body: str, sentence: str) -> None:
    assert first_sentence(body) == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A *b* with `c` and [d](/e) & more", "A b with c and d & more"),
        ("_underscored name for Sublime | and more", "_underscored name for Sublime | and more"),
        ("snake_case_name stays", "snake_case_name stays"),
    ],
)
def test_a_description_shows_its_words(text: str, words: str) -> None:
    assert words == words_of(text)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("# One\n\n## Two", "One"),
        ("## Two\n\n# One\n", "One"),
        ("# ![logo](/a.png)\n\n# One\n", "One"),
        ("# One\n\n# Two", ""),
        ("## A\n\n## B", ""),
        ("<h1>One</h1>\n\n<h2>Two</h2>", "One"),
        ("text", ""),
    ],
)
def test_only_a_lone_highest_heading_is_a_title(body: str, title: str) -> None:
    assert title == title_of(body)


def test_a_very_long_sentence_is_cut_at_a_word() -> None:
    cut = first_sentence("A sentence, of words, " * 50)
    assert len(cut) <= LONGEST
    assert cut.endswith(" A…")
    assert len(first_sentence("日" * 500)) == LONGEST


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a `b` c", "a     c"),
        ("a ``b ` c`` d", "a           d"),
        ("a ` b", "a ` b"),
        ("a `b\n\nc` d", "a `b\n\nc` d"),
        ("~~~\nx\n```\ny\n~~~\nz", "   \n \n   \n \n   \nz"),
        ("> ```\n> x\n> ```\nz", "     \n   \n     \nz"),
        ("```\nnever closed", "   \n            "),
        ("a <!-- b\nc --> d", "a       \n      d"),
        ("```not a fence``` x", "                  x"),
    ],
)
def test_code_and_comments_are_blanked_in_place(text: str, masked: str) -> None:
    assert mask_code(text) == masked


def test_a_source_knows_the_lines_of_the_file() -> None:
    source = Source(body="one\ntwo `x`\nx\n", file="x.md", body_line=5)
    assert source.line_of("two") == 6
    assert source.line_of("three") == 0
    assert source.line_matching("x") == 7
    assert source.line_matching("o", 2) == 6
    assert source.line_matching("o", 3) == 0


@pytest.mark.parametrize(
    "place",
    [
        "{{ subscriber.name | default('x') }}",
        '{{ subscriber.name or "_dear_ *reader*" }}',
        '{{ subscriber.name or "Who? You" }}',
    ],
)
def test_a_personal_place_stays_as_it_is_written(place: str) -> None:
    """It is an expression, and no Markdown; a part of it could not be filled."""
    assert f"To {place}" == title_of(f"# To *{place}*\n\nText")
    assert place in first_sentence(f"| a | b |\n|---|---|\n| {place} | y |\n")
    long = "The boats of the harbour are many, and each of them has a name of its own, "
    for length in range(20, 60):
        said = first_sentence(f"{long}{'x' * length}, {place}, {long}")
        assert (said.count(place), said.count(place)) == (said.count("{{"), said.count("}}"))
    assert "place" not in first_sentence("x" * (LONGEST - 5) + place + "x")


@pytest.mark.parametrize("read", [title_of, first_heading, first_sentence, words_of])
def test_a_place_that_is_quoted_as_code_is_not_filled(read: Callable[[str], str]) -> None:
    """A subject and a preheader are no Markdown: only braces apart say that it is quoted."""
    text = "Use `{{ subscriber.name }}` to greet them, and a few more words"
    body = text if read in (first_sentence, words_of) else f"# {text}\n\nMore."
    said = read(body)
    assert "Use { { subscriber.name } } to greet them, and a few more words" == said
    assert not any(is_personal(match[1]) for match in BRACES.finditer(said))
