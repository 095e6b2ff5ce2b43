"""Addresses in an issue become absolute, encoded and followable from a mail, or say why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

import idna

if TYPE_CHECKING:
    from mailer.content.web import Web

_LINK_SCHEMES_NAMES = (
    "http https mailto tel sms xmpp irc ircs matrix geo webcal news nntp ftp gopher gemini magnet "
    "bitcoin lightning signal tg"
)
LINK_SCHEMES: Final = frozenset(_LINK_SCHEMES_NAMES.split())
IMAGE_SCHEMES: Final = frozenset({"http", "https"})

SHOWN: Final = 48
"""Signs of an address that is its own text: about a line on a phone."""

SHOWN_IN_CELLS: Final = 30
"""The same in a table, which would be wider than the mail: addresses are not broken there."""

SLOT: Final = re.compile(r"tok[0-9a-f]{8,}s\d+")
"""A per-recipient place as the renderer writes it (architecture §6)."""

_TWICE = re.compile(r"\A(?:https?://)+(?=https?:/)", re.IGNORECASE)
_SLASHES = re.compile(r"\A(https?):[/\\]*", re.IGNORECASE)
_SCHEME_STEP: Final = "begin it with https://"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_AROUND = "".join(map(chr, range(0x21)))
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?\Z|\[[0-9A-Fa-f:.]+\]\Z")
_HERE_ONLY = re.compile(r"(?:.*\.)?localhost\.?\Z|127\.|0\.0\.0\.0\Z|\[::1?\]\Z", re.IGNORECASE)
_NOT_PUBLIC = re.compile(r"[^.\[]+\.?\Z|.*\.invalid\.?\Z", re.IGNORECASE)
_LIKE_A_HOST = re.compile(r"(?:[\w-]+\.)+([a-z]{2,})([:/?#]|\Z)", re.IGNORECASE)
_FILES_NAMES = (
    "asp aspx avif css csv gif go gz htm html ipynb jpeg jpg js json lua markdown md mdx mov odt "
    "pdf php pl png ps py rb rs rst sh svg toml ts txt webm webp xhtml xml yaml yml zip"
)
_FILES = frozenset(_FILES_NAMES.split())
_NAMED = re.compile(rf"@|\?|{SLOT.pattern}")
_BROKEN_MAILTO = re.compile(r"%0[ad]", re.IGNORECASE)
_SCHEME_AND_WWW = re.compile(r"\A(?:https?:)?//(?:www\.)?(?=[^/])", re.IGNORECASE)
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
    check: str = "E120"


def resolve(url: str, web: Web, *, image: bool = False) -> Resolved:
    """Make an address of an issue absolute and encoded (case 18).

    Root-relative links stand on the site and images on the assets; relative ones on the page of
    the issue. An address that begins with a slot is left alone.
    """
    if SLOT.match(url):
        return Resolved(url)
    url = url.strip(_AROUND)
    scheme = scheme_of(url)
    if scheme not in ("", "http", "https"):
        return _other(url, scheme, image=image)
    url = _CONTROLS.sub("", url)  # as browsers do with line breaks in an attribute
    return _web(url) if scheme else _here(url, web, image=image)


def _other(url: str, scheme: str, *, image: bool) -> Resolved:
    """An address that is none of the web."""
    if scheme not in (IMAGE_SCHEMES if image else LINK_SCHEMES):
        return Resolved("", f"no mail can have {scheme}: addresses")
    if _CONTROLS.search(url) or (scheme == "mailto" and _splits_mail(url)):
        return Resolved("", "it holds a line break or control character")
    if scheme == "mailto" and not _NAMED.search(unquote(url)):
        return Resolved("", "it names nobody")
    return Resolved(_encode(url))


def _here(url: str, web: Web, *, image: bool) -> Resolved:
    """An address without a scheme."""
    if not url:
        return Resolved("", "it is empty")
    if url.startswith("//"):
        return _web(f"https:{url}")
    if not image and url.lower().startswith("www."):
        return _web(f"https://{url}")
    joined = web.join(_encode(url), image=image)
    if not url.startswith("/") and not image and _is_like_a_host(url):
        guess = _web(f"https://{url}")
        problem = f"it has no scheme, and the mail now says {guess.url}"
        return guess if guess.problem else Resolved(guess.url, problem, _SCHEME_STEP, "W127")
    if url.startswith("/") or web.page:
        return Resolved(joined)
    problem = f"it is relative to a page, and the mail now says {joined}"
    step = "say where issues stand: [newsletter] page in mailer.toml; or write the whole address"
    return Resolved(joined, problem, step, "W127")


def _is_like_a_host(url: str) -> bool:
    """Whether a scheme was forgotten: `docs.rs/x` is no file, as `x.rs` is."""
    match = _LIKE_A_HOST.match(url)
    return match is not None and (match[2] in ("/", ":") or match[1].lower() not in _FILES)


def _splits_mail(url: str) -> bool:
    """Whether a mailto: address would smuggle a line into more than the text of the mail."""
    address, _, query = url.partition("?")
    parts = [part for part in query.split("&") if not part.lower().startswith("body=")]
    return any(_BROKEN_MAILTO.search(part) for part in (address, *parts))


def _web(url: str) -> Resolved:
    url = _SLASHES.sub(r"\1://", _TWICE.sub("", url))
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
    if _NOT_PUBLIC.match(host) and not SLOT.search(host):
        return Resolved(_encode(url), f"{host} is no name that others can find")
    authority = (f"{quote(user, safe=_SAFE)}@" if user else "") + host
    authority += f":{port}" if port is not None else ""
    rest = url.partition("//")[2][len(parts.netloc) :]
    return Resolved(f"{parts.scheme}://{authority}{_encode(rest)}")


def _encode(text: str) -> str:
    return _STRAY_PERCENT.sub("%25", quote(text, safe=_SAFE))


def shown(url: str, most: int = SHOWN) -> str:
    """An address as people read it: no scheme, of one over `most` what tells it apart."""
    text = _SCHEME_AND_WWW.sub("", url)
    if len(text) <= most:
        return text.rstrip("/") or url
    path, mark, end = text.partition("#")
    tail = f"#{end}" if mark and len(end) < most // 3 else ""
    head = path[: most - len(tail) - 1]
    cut = head.rfind("/")
    return head[: cut + 1] + "…" + tail if cut > 0 else f"{head}…{tail}"
