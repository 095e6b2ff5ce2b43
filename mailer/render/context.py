"""The names that templates know, all of them plain texts, mappings or None.

========== =========================================================================================
issue      subject, preheader, heading, date (as text), language, direction (ltr or rtl),
           byline (author, site, host, image; None without an author), meta (every key of the front
           matter)
newsletter name, address, site, url
list       name, title
content    the issue itself, as HTML or as text
========== =========================================================================================

The recipient is not among them: `{{ subscriber.… }}` and `{{ unsubscribe_url }}` are filled later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mailer.config import ListConfig, Newsletter
    from mailer.model import Byline, Issue

_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RIGHT_TO_LEFT_SCRIPTS: Final = frozenset({"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"})
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def names(
    issue: Issue, *, newsletter: Newsletter, list_: ListConfig, planned: datetime
) -> dict[str, object]:
    """What every template of an issue knows, without `content`."""
    language = language_of(issue, newsletter=newsletter, list_=list_)
    return {
        "issue": {
            "subject": issue.subject,
            "preheader": issue.preheader,
            "heading": issue.heading,
            "date": _date(issue.date or planned.astimezone(ZoneInfo(list_.timezone)), language),
            "language": language,
            "direction": direction(language),
            "byline": _byline(issue.byline),
            "meta": issue.meta,
        },
        "newsletter": {
            "name": newsletter.name,
            "address": newsletter.address,
            "site": newsletter.site,
            "url": newsletter.url,
        },
        "list": {"name": list_.slug, "title": list_.title},
    }


def language_of(issue: Issue, *, newsletter: Newsletter, list_: ListConfig) -> str:
    """The issue's language, else its list's, else the newsletter's (interface §1.0)."""
    return issue.language or list_.language or newsletter.language


def direction(language: str) -> str:
    """In which direction a language is written: ltr or rtl; a script subtag decides first."""
    primary, *others = language.lower().replace("_", "-").split("-")
    scripts = [part for part in others if len(part) == 4]  # noqa: PLR2004  RFC 5646 §2.2.3
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if primary in _RIGHT_TO_LEFT else "ltr"


def _date(day: datetime, language: str) -> str:
    """24 November 2026 in English; 2026-11-24, which every language reads, in others."""
    if language.lower().split("-")[0] == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return day.date().isoformat()


def _byline(byline: Byline | None) -> Mapping[str, str] | None:
    if byline is None:
        return None
    host = urlsplit(byline.site).hostname or ""
    return {
        "author": byline.author,
        "site": byline.site,
        "host": host.removeprefix("www."),
        "image": byline.image,
    }
