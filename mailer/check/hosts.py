"""What the name of a host says: whose it is, whether it hides another, or stands for one."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_SHORTENERS_NAMES = (
    "adf.ly amzn.to bit.ly bitly.com bl.ink buff.ly cutt.ly dlvr.it fb.me goo.gl hubs.ly ift.tt "
    "is.gd j.mp lnkd.in mailchi.mp ow.ly rb.gy rebrand.ly s.id shorturl.at shrtco.de t.co t.ly "
    "tiny.cc tinyurl.com trib.al v.gd wp.me"
)
_SHORTENERS: Final = frozenset(_SHORTENERS_NAMES.split())

_PLACEHOLDERS = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|net|org|edu)|(?:example|invalid|test)"
    r"|(?:my|your)-?(?:site|domain|website|newsletter|company)\.(?:com|net|org|tld))"
)
_HERE = re.compile(r"(?:.*\.)?localhost|127\.[\d.]+|::1|0\.0\.0\.0")

_SECOND_LEVELS = frozenset(("ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"))
_COUNTRY: Final = 2


def is_shortener(host: str) -> bool:
    """Whether addresses at this host only lead on to others."""
    return host in _SHORTENERS


def is_placeholder(host: str) -> bool:
    """Whether nothing can be at this host: it is reserved for examples (RFC 2606)."""
    return _PLACEHOLDERS.fullmatch(host) is not None


def is_on_trial(host: str) -> bool:
    """Whether a newsletter at this host is not on the web yet."""
    return is_placeholder(host) or _HERE.fullmatch(host) is not None


def owner(host: str) -> str:
    """The part of a host that somebody registered, near enough to compare two of them."""
    labels = host.lower().rstrip(".").split(".")
    under_country = len(labels[-1]) == _COUNTRY and labels[-2:-1] and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if under_country else labels[-2:])


def host_of(url: str) -> str:
    """The host of an address in lower case, without `www.`; empty if it has none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").rstrip(".")
