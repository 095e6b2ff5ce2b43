"""`for:`, the readers that a variant of an issue is meant for, and where its own page stands."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from mailer.content.frontmatter.heads import name_of

if TYPE_CHECKING:
    from mailer.content.frontmatter.fields import Fields

_ATTRIBUTE: Final = re.compile(r"[^\W\d]\w*\Z")
_NEVER: Final = frozenset({"email", "name"})
_ADDRESSES: Final = ("permalink", "url", "path", "slug", "canonical_url", "canonical")
_ABSOLUTE: Final = re.compile(r"https?://[^\s<>\"'\\{}]+\Z", re.IGNORECASE)
_PATH: Final = re.compile(r"[^\s<>\"'\\{}:?#]+\Z")


def read_audience(fields: Fields) -> dict[str, str]:
    """Attribute -> value that a subscriber must have, all of them; E106 where that cannot be."""
    key, value = fields.find("for")
    if value is None:
        return {}
    if not isinstance(value, dict) or not value:
        fields.report("E106", "for: must be a table", key=key, next_step="for: {plan: pro}")
        return {}
    audience: dict[str, str] = {}
    for attribute, wanted in value.items():
        name, text = name_of(attribute).replace(" ", "_"), _as_text(wanted)
        if not _ATTRIBUTE.match(name) or name in _NEVER or not text:
            message = f"for: {attribute} cannot choose readers"
            step = "name an attribute of subscribers and its value: for: {plan: pro}"
            fields.report("E106", message, key=key, next_step=step)
        else:
            audience[name] = text
    return audience


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() if isinstance(value, str | int | float | date) else ""


def read_page(fields: Fields) -> str:
    """Where the issue stands on the web by its own keys.

    That is an absolute address, a path from the site's root that begins with `/`, a bare name that
    takes the place of `{id}` in `newsletter.page`, or "" where no key says it.
    """
    for name in _ADDRESSES:
        for key, value in fields.places(name):
            del key
            written = str(value).strip() if isinstance(value, str | int) else ""
            if isinstance(value, bool) or not written:
                continue
            if _ABSOLUTE.match(written):
                return written
            if _PATH.match(written) and not name.startswith("canonical"):
                return _path(written, is_name=name == "slug")
    return ""


def _path(written: str, *, is_name: bool) -> str:
    """Docusaurus' `slug: /156` is a name below the blog; a permalink stands at the root."""
    written = re.sub(r"(?:^|(?<=/))index\.html?\Z", "", written)
    if is_name:
        return written.strip("/")
    return written if written.startswith("/") else f"/{written}"
