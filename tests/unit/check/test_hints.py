"""Words that contradict the facts (interface §4: W191)."""

from __future__ import annotations

from datetime import datetime

import pytest

from mailer.check import hints
from tests.samples.proofs import proof

LATE_2026 = datetime(2026, 11, 20)  # noqa: DTZ001  an issue's date is naive


@pytest.mark.parametrize(
    "text",
    [
        "Please see the attached plan.",
        "I have attached the plan.",
        "We’ve attached the plan.",
        "The plan is in the attachment.",
        "Attached you will find the plan.",
        "Den Plan finden Sie im Anhang.",
        "Anbei der Plan.",
        "Vous trouverez le plan ci-joint.",
        "Le plan est en pièce jointe.",
        "Le envío el plan en el archivo adjunto.",
        "الخطة في المرفق.",
    ],
)
def test_w191_what_promises_an_attachment_is_found(text: str) -> None:
    (found,) = hints.check_attached(proof(f"Hello.\n\n{text}\n"))
    assert ("W191", 3) == (found.id, found.line)


@pytest.mark.parametrize(
    "text",
    [
        "The debugger is attached to the process.",
        "An attached house with a garden.",
        "How mail attachments work.",
        "`see attached`",
    ],
)
def test_w191_attached_to_something_else_is_none(text: str) -> None:
    assert [] == list(hints.check_attached(proof(text)))


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "on Thursday, 25 November 2026", "2026-11-25 is a Wednesday"),
        ("en", "on Thu 25 Nov", "2026-11-25 is a Wednesday"),
        ("en", "on Thursday, November 25th, 2026, at nine", "2026-11-25 is a Wednesday"),
        ("en", "on Thursday the 25th of November", "2026-11-25 is a Wednesday"),
        ("en", "on Monday, January 5", "2027-01-05 is a Tuesday"),
        ("en", "on Thursday 2026-11-25", "2026-11-25 is a Wednesday"),
        ("de", "am Donnerstag, dem 25. November", "2026-11-25 is a Wednesday"),
        ("de", "am Do., 25. Nov. 2026", "2026-11-25 is a Wednesday"),
        ("fr", "le jeudi 25 novembre 2026", "2026-11-25 is a Wednesday"),
        ("es", "el jueves, 25 de noviembre de 2026", "2026-11-25 is a Wednesday"),
        ("pt-BR", "na quinta-feira, 25 de novembro de 2026", "2026-11-25 is a Wednesday"),
        ("ar", "الخميس 25 نوفمبر", "2026-11-25 is a Wednesday"),
    ],
)
def test_w191_a_weekday_that_its_date_is_not(language: str, text: str, said: str) -> None:
    found = list(hints.check_weekdays(proof(text, language=language, date=LATE_2026)))
    assert ["W191"] == [one.id for one in found]
    assert said in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        "on Wednesday, 25 November 2026",
        "on Thursday, 26 November",
        "on Sat 29 February",
        "on Monday 31 November 2026",
        "on Thursday 2026-13-25",
        "in May 2026",
        "Sun, 25 degrees",
        "`Thursday 25 November 2026`",
    ],
)
def test_w191_a_weekday_that_fits_or_no_date_is_none(text: str) -> None:
    assert [] == list(hints.check_weekdays(proof(text, date=LATE_2026)))


def test_w191_without_a_year_the_nearest_one_is_meant() -> None:
    """An issue of January that looks back to December."""
    january = datetime(2027, 1, 5)  # noqa: DTZ001  an issue's date is naive
    assert [] == list(hints.check_weekdays(proof("on Thursday, 31 December", date=january)))


@pytest.mark.parametrize("language", ["xx-nonsense", "", "zh", "fa"])
def test_no_language_is_too_strange(language: str) -> None:
    assert [] == list(hints.check_weekdays(proof("on Thursday, 26 November", language=language)))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("© 2025 The Weekly", 1),
        ("Copyright (c) 2019–2025", 1),
        ("© 2026 The Weekly", 0),
        ("© 2025–2026", 0),
        ("© 2012 Somebody Else", 0),
        ("In 2025 we opened.", 0),
    ],
)
def test_w191_the_copyright_of_last_year(text: str, count: int) -> None:
    found = list(hints.check_copyright(proof(text, date=LATE_2026)))
    assert ["W191"] * count == [one.id for one in found]


def test_w191_a_template_can_be_of_last_year_too() -> None:
    html = "<html><body><p>Words</p><p>&copy; 2025 The Weekly</p></body></html>"
    (found,) = hints.check_copyright(proof("Words", html=html, date=LATE_2026))
    assert ("W191", 0) == (found.id, found.line)
