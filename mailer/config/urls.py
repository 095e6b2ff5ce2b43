"""Configured URLs: public pages, the relay, the database.

A reason never repeats the value: it may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import idna

from mailer.config.parse import CONTROL

# scheme -> (security, default port): S-10.
_RELAYS = {"smtps": ("implicit", 465), "smtp+starttls": ("starttls", 587), "smtp": ("none", 25)}
# A longer one leaves no room for the token on a header line of 998 octets (M-2, case 7).
_LONGEST_URL = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a relay's URL says."""

    host: str
    port: int
    security: str
    user: str


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine (RFC 6761 §6.3)."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(value: str) -> SplitResult:
    """A URL's parts, or ValueError without its text: it may hold a password."""
    if CONTROL.search(value) or re.search(r"\s", value):
        raise ValueError("holds a space or a control character")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  its range is checked when it is read
    except ValueError:
        raise ValueError("is not a URL") from None  # what urlsplit says may quote a password
    return parts


def _host(parts: SplitResult) -> str:
    """The host in lower case, a domain name as A-labels."""
    host = parts.hostname or ""
    if not host:
        raise ValueError("names no host")
    if ":" in host:
        return str(ipaddress.ip_address(host))
    if re.fullmatch(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?", host):
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("names no host that can exist") from error


def web_url(value: str) -> str:
    """Where pages are: https, or http on this machine; no trailing slash (decisions 17)."""
    if len(value) > _LONGEST_URL:
        raise ValueError(f"is longer than {_LONGEST_URL} characters")
    parts = _split(value)
    host = _host(parts)
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must begin with https://")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://; http:// is for this machine only")
    if "@" in parts.netloc or parts.query or parts.fragment or value[-1:] in "?#":
        raise ValueError("must hold no user, query or fragment")
    path = parts.path.rstrip("/")
    if not re.fullmatch(r"(?:/(?:[A-Za-z0-9._~!$&'()*+;=:@-]|%[0-9A-Fa-f]{2})+)*", path):
        raise ValueError("has a path that must be percent-encoded")
    bracketed = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{bracketed}{port}{path}"


def page_url(value: str) -> str:
    """Where an issue's page is: a web URL with `{id}` in its path; a trailing slash counts."""
    if value.count("{id}") != 1:
        raise ValueError("must hold {id} once")
    if "{id}" in _split(value).netloc:
        raise ValueError("must hold {id} in its path")
    token = "id" * 20
    slash = "/" if value.endswith("/") else ""
    return web_url(value.replace("{id}", token)).replace(token, "{id}") + slash


def image_url(value: str) -> str:
    """Where an image is: a web URL that every mail client can show."""
    url = web_url(value)
    if not urlsplit(url).path.lower().endswith((".png", ".jpg", ".jpeg", ".gif")):
        raise ValueError("must end in .png, .jpg or .gif, which every mail client shows")
    return url


def relay_url(value: str) -> Endpoint:
    """`smtps://`, `smtp+starttls://` or `smtp://`, perhaps with a user, never with a password."""
    parts = _split(value)
    if parts.scheme not in _RELAYS:
        raise ValueError(f"must begin with {', '.join(f'{scheme}://' for scheme in _RELAYS)}")
    if parts.password is not None:
        raise ValueError("holds a password; that belongs in MAILER_RELAY_PASSWORD")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the port")
    user = unquote(parts.username or "")
    if CONTROL.search(user):
        raise ValueError("has a user with a control character")
    security, port = _RELAYS[parts.scheme]
    return Endpoint(host=_host(parts), port=parts.port or port, security=security, user=user)


def token_url(value: str) -> str:
    """Where access tokens come from: https, or http on this machine."""
    parts = _split(value)
    host = _host(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("must begin with https://; http:// is for this machine only")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("must hold no user or fragment")
    return value


def database_url(value: str) -> str:
    """`sqlite:PATH`, relative to the configuration file, or `postgresql://…`."""
    scheme, separator, rest = value.partition(":")
    if scheme == "sqlite" and separator:
        if not rest or rest.startswith(("//", ":")) or CONTROL.search(rest):
            raise ValueError("must name a file: sqlite:PATH")
        return value
    if scheme in {"postgresql", "postgresql+psycopg"}:
        _split(value)
        return value
    raise ValueError("must begin with sqlite: or postgresql://")


def has_password(value: str) -> bool:
    """Whether a URL holds a password."""
    return bool(re.match(r"[a-z0-9+.-]+://[^/?#]*:[^/?#]*@", value, re.IGNORECASE))
