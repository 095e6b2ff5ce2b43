"""Placeholders, subjects, odd signs (interface §4: E110, W111, W152)."""

from __future__ import annotations

import pytest

from mailer.check import words
from tests.samples.proofs import proof


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TODO", "TODO"),
        ("- TK", "TK"),
        ("## FIXME!", "FIXME!"),
        ("We open at (TK) on Monday.", "(TK)"),
        ("See [XXX] for more.", "[XXX]"),
        ("TODO: write the end", "TODO:"),
        ("All is well. FIXME: is it?", "FIXME:"),
        ("Hello.\n{TODO: greeting}", "{TODO:"),
        ("Lorem ipsum, and so on", "Lorem ipsum"),
        ("It says lorem ipsum dolor sit amet.", "lorem ipsum dolor"),
    ],
)
def test_e110_placeholder_text_is_found(line: str, said: str) -> None:
    (found,) = words.check_placeholders(proof(f"Hello.\n\n{line}\n"))
    assert ("E110", f"placeholder text: {said}") == (
        found.id,
        found.message.replace(". FIX", "FIX"),
    )
    assert 3 <= found.line <= 4


@pytest.mark.parametrize(
    "line",
    [
        "Nothing is left to do.",
        "`TODO: this is code`",
        "```\nTODO: write\n```",
        "    TODO: indented code",
        "A todo list, todo: milk",
        "We removed each TODO from the parser.",
        "A lorem ipsum generator for the web.",
        "Ship STK: it is faster.",
        "The [TODO app](https://shop.dev/todo) of the week",
    ],
)
def test_e110_code_and_words_that_only_look_like_it_are_none(line: str) -> None:
    assert [] == list(words.check_placeholders(proof(f"Hello.\n\n{line}\n")))


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Hi", "very short"),
        ("w" * 79, "has 79 characters"),
        ("冬の営業時間" * 7, "has 84 characters"),
        ("WINTER OPENING HOURS", "all in capitals"),
        ("Re: winter opening hours", "begins like an answer"),
        ("AW: winter opening hours", "begins like an answer"),
        ("Winter ❄️ opening ⛄ hours 🎿", "has 3 emoji"),
    ],
)
def test_w111_a_subject_that_an_inbox_shows_badly(subject: str, said: str) -> None:
    (found,) = words.check_subject(proof(subject=subject, lines={"subject": 2}))
    assert ("W111", 2, True) == (found.id, found.line, said in found.message), found


@pytest.mark.parametrize(
    "subject",
    [
        "Winter opening hours",
        "w" * 78,
        "冬の営業時間",
        "NASA and ESA: what is next?",
        "HTMX 2.0.1",
        "Winter 👩‍👩‍👧‍👦 opening 🏳️‍🌈 hours",
        "{{ subscriber.name or 'reader' }}, we open later",
    ],
)
def test_w111_a_good_subject_is_none(subject: str) -> None:
    assert [] == list(words.check_subject(proof(subject=subject)))


@pytest.mark.parametrize(
    ("preheader", "said"),
    [("", "there is no preheader"), ("WINTER – opening hours!", "repeats the subject")],
)
def test_w111_a_preheader_that_says_nothing(preheader: str, said: str) -> None:
    (found,) = words.check_subject(proof(preheader=preheader, lines={"preheader": 3}))
    assert ("W111", 3, True) == (found.id, found.line, said in found.message), found


def test_w111_a_subject_that_is_a_heading_has_its_line() -> None:
    (found,) = words.check_subject(proof("Words.\n\n# Hey\n", subject="Hey"))
    assert 3 == found.line


@pytest.mark.parametrize(
    ("sign", "said"),
    [
        ("\u200b", "U+200B zero width space"),
        ("\ufeff", "U+FEFF byte order mark inside the text"),
        ("\ufffd", "U+FFFD replacement character: a letter was lost before"),
        ("\ue0b0", "U+E0B0 private character"),
        ("\u2028", "U+2028 line separator"),
    ],
)
def test_w152_signs_that_nobody_sees_are_named_once(sign: str, said: str) -> None:
    (found,) = words.check_odd_signs(proof(f"One\ntwo{sign}three{sign}.\n"))
    assert ("W152", f"{said}, 2 times", 2, 4) == (
        found.id,
        found.message,
        found.line,
        found.column,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Soft\u00adhyphen, no-break\u00a0space",
        "می\u200cخواهم",
        "👩\u200d👩\u200d👧",
        "left\u200emark",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_w152_signs_that_writing_needs_are_none(text: str) -> None:
    assert [] == list(words.check_odd_signs(proof(text)))
