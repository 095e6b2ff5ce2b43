"""What filters of an expression make of a value: texts in, texts out, nothing that grows."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jinja2.filters import do_title

from mailer.dates import Style, in_words

if TYPE_CHECKING:
    from collections.abc import Callable

FILTERS: Final[dict[str, Callable[[str], str]]] = {
    "title": do_title,
    "upper": str.upper,
    "lower": str.lower,
    "trim": str.strip,
}
"""Those that take nothing in parentheses."""


@lru_cache(maxsize=4096)  # 30 µs each; people who joined on one day share it
def day_in_words(text: str, language: str, style: Style) -> str:
    """A date of ISO 8601, perhaps with a time, as a language writes its day.

    Raises:
        ValueError: it is none.
    """
    try:
        day = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f'"{text[:80]}" is no date; one is 2026-11-24') from error
    return in_words(day, language, style)
