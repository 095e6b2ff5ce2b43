"""Dates as the readers of a language write them."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, get_args

Style = Literal["short", "medium", "long", "full"]
"""24/11/2026, 24 Nov 2026, 24 November 2026, Tuesday 24 November 2026."""

STYLES: Final[tuple[Style, ...]] = get_args(Style)

_ENGLISH = "en_001"  # the world's English: 24 November 2026; en-US says November 24, 2026


def in_words(day: date, language: str, style: Style = "long") -> str:
    """24 November 2026, 24. November 2026, 24 نوفمبر 2026; 2026-11-24 where nobody knows how.

    Args:
        day: the day; of a datetime the day in its own zone.
        language: a tag such as `de` or `pt-BR` (RFC 5646).
        style: how long it is.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  40 ms that few verbs need
    from babel.dates import format_date  # noqa: PLC0415  as above

    tag = language.replace("-", "_")
    try:
        locale = Locale.parse(_ENGLISH if tag.lower() == "en" else tag)
    except (UnknownLocaleError, ValueError, TypeError):
        return f"{day:%Y-%m-%d}"
    return format_date(day, style, locale=locale)
