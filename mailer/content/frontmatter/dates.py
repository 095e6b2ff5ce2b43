"""When an issue is dated, in the forms that people and site generators write.

====================================  ===========================================================
written                               read as
====================================  ===========================================================
2026-11-24, with a time, a zone       itself; `/` and `.` for `-`, one digit for two
Nov 24, 2026; 24th November 2026      itself
Tue, 24 Nov 2026 09:00:00 +0100       itself
11-24-2026, 24.11.2026                itself: only one of the two can be the month
01-02-2026                            as the dialect's site generator reads it: Ruby takes the day
                                      first, JavaScript and Python the month; dots mean the day
Last Modified, git Created            no date: Eleventy asks the file
====================================  ===========================================================
"""

from __future__ import annotations

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailer.content.frontmatter.fields import Fields

_ISO: Final = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s_]+(\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?))?"
    r"\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?\Z",
    re.IGNORECASE,
)
_NUMBERS: Final = re.compile(
    r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T\s,]+(\d{1,2}:\d\d(?::\d\d)?))?\Z"
)
_ORDINAL: Final = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_WEEKDAY: Final = re.compile(r"\A(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+", re.IGNORECASE)
_IN_WORDS: Final = ("%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%Y %B %d", "%Y %b %d")
_OTHER_KEYS: Final = ("publishdate", "publish_date", "pubdate", "pub_date", "published", "created")
_DAY_FIRST: Final = frozenset({"jekyll"})
_OF_THE_FILE: Final = frozenset({"last modified", "created", "git last modified", "git created"})


def read_date(fields: Fields, *, stem: str, dialect: str) -> datetime | None:
    """The `date` key, else the date that begins the stem; midnight where only a day is given.

    A date that cannot be read is W104, and as if there were none.
    """
    key, value = fields.find("date")
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  the list's zone
    written = "" if value is None else " ".join(str(value).split())
    if written and written.lower() not in _OF_THE_FILE:
        parsed = parse_date(written, day_first=dialect in _DAY_FIRST)
        if parsed is not None:
            return parsed
        shown = fields.harmless(written, key=key)
        message = f"The date is not understood, and is as if absent: {shown}"
        fields.report("W104", message, key=key, next_step="date: 2026-11-24")
    dated = parse_date(stem[:10]) if re.match(r"\d{4}-\d\d-\d\d", stem) else None
    return dated or _elsewhere(fields)


def _elsewhere(fields: Fields) -> datetime | None:
    """The date under a name that some themes have for it; what is none is none of our keys."""
    for name in _OTHER_KEYS:
        value = fields.find(name)[1]
        if isinstance(value, datetime):
            return value
        found = parse_date(str(value)) if isinstance(value, str | date) else None
        if found is not None:
            return found
    return None


def parse_date(written: str, *, day_first: bool = False) -> datetime | None:
    """The date that a text is; None if it is none."""
    for parse in (_iso, _in_words, _in_mail):
        try:
            found = parse(written)
        except (ValueError, OverflowError):
            found = None
        if found is not None:
            return found
    return _in_numbers(written, day_first=day_first)


def _iso(written: str) -> datetime | None:
    parts = _ISO.match(written)
    if parts is None:
        return None
    year, month, day, clock, zone = parts.groups()
    offset = "+00:00" if (zone or "").upper() in {"Z", "UTC", "GMT"} else zone or ""
    clock = (clock or "0:00").replace(",", ".").zfill(5)
    clock = clock if clock[2] == ":" else f"0{clock}"
    return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{clock}{offset}")


def _in_words(written: str) -> datetime | None:
    text = _ORDINAL.sub("", _WEEKDAY.sub("", written)).replace(",", " ").replace(".", " ")
    text = " ".join(text.split())
    for form in _IN_WORDS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  the list's zone
        except ValueError:
            continue
    return None


def _in_mail(written: str) -> datetime | None:
    return parsedate_to_datetime(written) if re.search(r"\d:\d\d", written) else None


def _in_numbers(written: str, *, day_first: bool) -> datetime | None:
    parts = _NUMBERS.match(written)
    if parts is None:
        return None
    first, second = int(parts[1]), int(parts[3])
    if first > 12 or (second <= 12 and (day_first or parts[2] == ".")):  # noqa: PLR2004  months
        first, second = second, first
    return parse_date(f"{parts[4]}-{first}-{second} {parts[5] or '0:00'}")
