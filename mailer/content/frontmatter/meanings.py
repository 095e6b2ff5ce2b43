"""What the richer fields say: release, byline, ignored checks."""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from typing import TYPE_CHECKING

from mailer.content.frontmatter.fields import FLAGS, NEAR
from mailer.model import Byline, Release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailer.content.frontmatter.fields import Fields

_ABSOLUTE = re.compile(r"https?://[^\s<>\"'\\]+\Z", re.IGNORECASE)
_PERSON = re.compile(r"(.+?)\s*<([^<>\s]+)>\Z")
_PERSON_KEYS = {
    "name": ("name", "title"),
    "site": ("site", "url", "link"),
    "image": ("image", "image_url", "avatar"),
}
_DRAFT_WORDS = ("draft", "hidden", "skip")
_READY_WORD = "ready"


def read_send_at(fields: Fields) -> str:
    """The `send_at` key as written, such as "2026-11-26 09:00 Europe/Berlin".

    Whether that is a time is for the check to say, which knows the list's zone.
    """
    _, value = fields.find("send_at")
    return value.isoformat(" ") if isinstance(value, datetime) else fields.text("send_at")


def read_release(fields: Fields) -> Release:
    """Whether the issue may be mailed: a draft never, `status: ready` by the schedule.

    ======================================  ========  ==========================================
    field                                   means     note
    ======================================  ========  ==========================================
    draft: true, published: false           DRAFT     wins over ready, with W108
    status: draft, hidden or skip           DRAFT
    status: ready                           READY
    status: anything else, or nothing       BY_HAND   an imported archive never mails itself
    ======================================  ========  ==========================================

    What is meant to be one of these and is misspelt counts as a draft: it is not mailed.
    """
    key, _ = fields.find("status")
    status = fields.text("status").lower()
    flag = fields.flag("draft")
    unclear = flag is None and fields.find("draft")[1] is not None
    _, published = fields.find("published")
    hidden = published is not None and FLAGS.get(str(published).strip().lower()) is False
    near = difflib.get_close_matches(status, (*_DRAFT_WORDS, _READY_WORD), n=1, cutoff=NEAR)
    if near and near[0] != status:
        message = f"status: {status} is unknown: did you mean {near[0]}?"
        fields.report("W103", message, key=key, next_step=f"status: {near[0]}")
    draft = unclear or hidden or flag or bool(near and near[0] in _DRAFT_WORDS)
    if draft and status == _READY_WORD:
        message = "It is a draft and ready at once; the draft wins"
        fields.report("W108", message, key=key, next_step="remove one of the two")
    if draft:
        return Release.DRAFT
    return Release.READY if status == _READY_WORD else Release.BY_HAND


def read_byline(fields: Fields) -> Byline | None:
    """Who wrote it: `author` or `authors` as text, list or tables of name, url and image."""
    key, value = fields.find("author", "authors")
    if value is None:
        key, value = _of_taxonomies(fields)
    people = [person for person in _people(value) if person[0]]
    if not people:
        return None
    names = list(dict.fromkeys(name for name, _, _ in people))
    site = fields.text("author_site") or _if_absolute(people[0][1])
    image = fields.text("author_image") or _if_absolute(people[0][2])
    return Byline(
        author=fields.harmless(", ".join(names), key=key),
        site=_absolute(fields, "author_site", site),
        image=_absolute(fields, "author_image", image),
    )


def _of_taxonomies(fields: Fields) -> tuple[str, object]:
    """Zola's `[taxonomies] authors = ["Ann"]`."""
    table = fields.matter.fields.get("taxonomies")
    if isinstance(table, dict):
        for name in ("authors", "author"):
            if table.get(name):
                return "taxonomies", table[name]
    return "", None


def _if_absolute(url: str) -> str:
    """A person's address in another generator's table may be relative to its site."""
    return url if _ABSOLUTE.match(url) else ""


def _people(value: object) -> Iterator[tuple[str, str, str]]:
    """Name, site and image of each person."""
    if isinstance(value, list):
        for item in value:
            yield from _people(item)
    elif isinstance(value, dict):
        first = {
            kind: next((str(value[key]).strip() for key in keys if value.get(key)), "")
            for kind, keys in _PERSON_KEYS.items()
        }
        yield first["name"], first["site"], first["image"]
    elif isinstance(value, str) and ";" in value:  # Pelican: "Last, First; Last, First"
        for item in value.split(";"):
            yield " ".join(reversed(item.strip().split(", ", 1))).strip(), "", ""
    elif value is not None:
        text = str(value).strip()
        person = _PERSON.match(text)
        site = person[2] if person and _ABSOLUTE.match(person[2]) else ""
        yield (person[1] if person else text), site, ""


def _absolute(fields: Fields, name: str, url: str) -> str:
    if not url or _ABSOLUTE.match(url):
        return url
    key, _ = fields.find(name)
    step = f"{name}: https://…"
    fields.report("E120", f"{name} is not an absolute http address", key=key, next_step=step)
    return ""


def read_ignore(fields: Fields) -> dict[str, str]:
    """Check id -> the reason why it is ignored; W192 for an entry without a reason."""
    key, value = fields.find("ignore")
    if value is None:
        return {}
    entries = value if isinstance(value, dict) else dict.fromkeys(_listed(value))
    reasons: dict[str, str] = {}
    for check, reason in entries.items():
        if isinstance(reason, str) and reason.strip():
            reasons[str(check).strip().upper()] = " ".join(reason.split())
        else:
            step = f'ignore: {{{check}: "why"}}'
            fields.report("W192", f"ignore: {check} has no reason", key=key, next_step=step)
    return reasons


def _listed(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else str(value).split(",")
