"""The names that templates know, all of them plain texts, mappings or None.

========== =========================================================================================
issue      subject, preheader, heading, date and number (as text; the number may be empty),
           language, direction (ltr or rtl), page (its address on the web, or empty), byline
           (author, site, host, image; None without an author), meta (every key of the front matter)
newsletter name, address, site, url
list       name, title
theme      light, dark (colours by name), font, mono, width, logo, logo_width
content    the issue itself, as HTML or as text
========== =========================================================================================

The recipient is not among them: `{{ subscriber.… }}` and `{{ unsubscribe_url }}` are filled later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from mailer.config.look import MONO
from mailer.content.script import direction
from mailer.dates import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mailer.config import ListConfig, Newsletter, ThemeConfig
    from mailer.model import Byline, Issue

_NUMBER: Final = re.compile(r"\s*#?(\d{1,6})\s*")


def names(
    issue: Issue,
    *,
    newsletter: Newsletter,
    list_: ListConfig,
    planned: datetime,
    look: ThemeConfig,
    page: str,
) -> dict[str, object]:
    """What every template of an issue knows, without `content`.

    `planned` is when the mailing starts, aware; `page` the issue's address on the web, or empty.
    """
    language = language_of(issue, newsletter=newsletter, list_=list_)
    return {
        "issue": {
            "subject": issue.subject,
            "preheader": issue.preheader,
            "heading": issue.heading,
            "date": in_words(issue.date or planned.astimezone(ZoneInfo(list_.timezone)), language),
            "number": _number(issue.meta),
            "language": language,
            "direction": direction(language),
            "page": page,
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
        "theme": {
            "light": look.light,
            "dark": look.dark,
            "font": look.font,
            "mono": MONO,
            "width": look.width,
            "logo": look.logo,
            "logo_width": look.logo_width,
        },
    }


def language_of(issue: Issue, *, newsletter: Newsletter, list_: ListConfig) -> str:
    """The issue's language, else its list's, else the newsletter's (interface §1.0)."""
    return issue.language or list_.language or newsletter.language


def _number(meta: Mapping[str, object]) -> str:
    """The issue's number, where the front matter has one: `number: 12`, `issue: "#12"`."""
    values = (meta.get(key) for key in ("number", "issue"))
    found = (_NUMBER.fullmatch(str(value)) for value in values if not isinstance(value, bool))
    return next((match[1] for match in found if match), "")


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
