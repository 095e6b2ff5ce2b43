"""Dates in the words of a language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.dates import in_words

DAY = date(2026, 11, 4)


@pytest.mark.parametrize(
    ("expected", "language"),
    [
        ("4 November 2026", "en"),
        ("4 November 2026", "en-GB"),
        ("November 4, 2026", "en-US"),
        ("4. November 2026", "de"),
        ("4. November 2026", "de_CH"),
        ("4 novembre 2026", "fr"),
        ("4 de noviembre de 2026", "es"),
        ("4 de novembro de 2026", "pt-BR"),
        ("4 نوفمبر 2026", "ar"),
        ("4 בנובמבר 2026", "he-IL"),
        ("2026年11月4日", "ja"),
        ("2026-11-04", "xx"),
        ("2026-11-04", ""),
    ],
)
def test_a_date_is_written_as_its_readers_write_it(expected: str, language: str) -> None:
    assert expected == in_words(DAY, language)


def test_the_day_of_a_datetime_is_that_of_its_own_zone() -> None:
    assert "4. November 2026" == in_words(datetime(2026, 11, 4, 23, 59, tzinfo=UTC), "de")


@given(day=st.dates(), language=st.text(max_size=20))
def test_no_language_tag_and_no_day_is_too_much(day: date, language: str) -> None:
    assert in_words(day, language)
