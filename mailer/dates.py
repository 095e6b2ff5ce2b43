"""Dates as the readers of a language write them."""

from __future__ import annotations

from datetime import date

_ENGLISH = "en_001"  # the world's English: 24 November 2026; en-US says November 24, 2026


def in_words(day: date, language: str) -> str:
    """24 November 2026, 24. November 2026, 24 نوفمبر 2026; 2026-11-24 where nobody knows how.

    Args:
        day: the day; of a datetime the day in its own zone.
        language: a tag such as `de` or `pt-BR` (RFC 5646).
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  40 ms that few verbs need
    from babel.dates import format_date  # noqa: PLC0415  as above

    tag = language.replace("-", "_")
    try:
        locale = Locale.parse(_ENGLISH if tag.lower() == "en" else tag)
    except (UnknownLocaleError, ValueError, TypeError):
        return f"{day:%Y-%m-%d}"
    return format_date(day, "long", locale=locale)
