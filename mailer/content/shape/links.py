"""Addresses in an issue become absolute, encoded and followable from a mail, or say why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

_LINK_SCHEMES_NAMES = (
    "http https mailto tel sms xmpp irc ircs matrix geo webcal news nntp ftp gemini"
)
LINK_SCHEMES: Final = frozenset(_LINK_SCHEMES_NAMES.split())
IMAGE_SCHEMES: Final = frozenset({"http", "https"})

SLOT: Final = re.compile(r"tok[0-9a-f]{8,}s\d+")
"""A per-recipient place as the renderer writes it (architecture §6)."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_AROUND = "".join(map(chr, range(0x21)))
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?\Z|\[[0-9A-Fa-f:.]+\]\Z")
_HERE_ONLY = re.compile(r"(?:.*\.)?localhost\.?\Z|127\.|0\.0\.0\.0\Z|\[::1?\]\Z", re.IGNORECASE)
_LIKE_A_HOST = re.compile(r"(?:[\w-]+\.)+([a-z]{2,})(?:[:/?#]|\Z)", re.IGNORECASE)
_FILES_NAMES = "gif htm html jpeg jpg js md mdx mp mp4 pdf php png svg txt webp xml zip"
_FILES = frozenset(_FILES_NAMES.split())
_BROKEN_MAILTO = re.compile(r"%0[ad]", re.IGNORECASE)
_SAFE: Final = "%/:?#[]@!$&'()*+,;=~"


def scheme_of(url: str) -> str:
    """The scheme as a browser reads it, lower-case; empty if there is none."""
    if SLOT.match(url):
        return ""
    match = _SCHEME.match(_CONTROLS.sub("", url).strip(_AROUND))
    return match[1].lower() if match else ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An address as a mail must have it, and what is wrong with it; the best guess then, or ""."""

    url: str
    problem: str = ""
    step: str = "correct or remove the address"


def resolve(url: str, *, site: str) -> Resolved:
    """Make an address of an issue absolute and encoded (case 18).

    Root-relative addresses stand on `site`; an address that begins with a slot is left alone.
    """
    if SLOT.match(url):
        return Resolved(url)
    url = url.strip(_AROUND)
    if not url:
        return Resolved("", "it is empty")
    scheme = scheme_of(url)
    if scheme in ("", "http", "https"):
        url = _CONTROLS.sub("", url)  # as browsers do with line breaks in an attribute
    elif _CONTROLS.search(url) or (scheme == "mailto" and _splits_mail(url)):
        return Resolved("", "it holds a line break or control character")
    if scheme in ("http", "https"):
        return _web(url)
    if scheme in LINK_SCHEMES:
        return Resolved(_encode(url))
    return Resolved("", f"no mail can have {scheme}: addresses") if scheme else _here(url, site)


def _here(url: str, site: str) -> Resolved:
    """An address without a scheme."""
    if url.startswith("//"):
        return _web(f"https:{url}")
    if url.startswith("/"):
        return Resolved(site.rstrip("/") + _encode(url))
    if url.lower().startswith("www."):
        return _web(f"https://{url}")
    guess = urljoin(site.rstrip("/") + "/", _encode(url))
    like_a_host = _LIKE_A_HOST.match(url)
    if like_a_host and like_a_host[1].lower() not in _FILES:
        return Resolved(guess, "it has no scheme", f"did you mean https://{url} ?")
    problem = "it is relative to a page, and a mail is none"
    return Resolved(guess, problem, "begin it with / for your site, or with https://")


def _splits_mail(url: str) -> bool:
    """Whether a mailto: address would smuggle a line into more than the text of the mail."""
    address, _, query = url.partition("?")
    parts = [part for part in query.split("&") if not part.lower().startswith("body=")]
    return any(_BROKEN_MAILTO.search(part) for part in (address, *parts))


def _web(url: str) -> Resolved:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return Resolved("", f"it cannot be read: {error}")
    user, _, host = parts.netloc.rpartition("@")
    host = (host if port is None else host.rpartition(":")[0]).rstrip(":")
    if not host.isascii():
        try:
            host = idna.encode(unquote(host), uts46=True).decode()
        except idna.IDNAError as error:
            return Resolved("", f"no such host can exist: {error}")
    if not _HOST.match(host):
        return Resolved("", f"{host} is no host" if host else "it names no host")
    if _HERE_ONLY.match(host):
        return Resolved(_encode(url), f"{host} is the reader's own machine")
    authority = (f"{quote(user, safe=_SAFE)}@" if user else "") + host
    authority += f":{port}" if port is not None else ""
    rest = url.partition("//")[2][len(parts.netloc) :]
    return Resolved(f"{parts.scheme}://{authority}{_encode(rest)}")


def _encode(text: str) -> str:
    return _STRAY_PERCENT.sub("%25", quote(text, safe=_SAFE))
