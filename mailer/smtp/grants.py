"""One question to a token endpoint, and what its answer means (R6749 §5, §6).

A small HTTPS exchange, verified as a relay is; a redirect is not followed, because the client's
secret goes with the question.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import h11

from mailer.model import Lost, Phase
from mailer.smtp.auth import redacted
from mailer.smtp.events import AuthFault
from mailer.smtp.replies import printable
from mailer.smtp.trust import HandshakeError, trusted

if TYPE_CHECKING:
    from mailer.config import OAuth

SECONDS: Final = 10.0
"""How long one exchange may take."""

LARGEST: Final = 65_536
"""Octets of an answer; real ones have two or three thousand."""

_LIFETIME: Final = 300.0  # of a token that says nothing about it
_TOKEN = re.compile(r"[!-~]{1,16384}").fullmatch
_BUSY: Final = {408, 425, 429}  # 4xx that say nothing against us


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the endpoint gave.

    Attributes:
        lifetime: seconds.
        refresh_token: the one to use from now on; empty if the old one stays.
    """

    token: str = field(repr=False)
    lifetime: float
    refresh_token: str = field(default="", repr=False)


async def ask(oauth: OAuth, refresh_token: str) -> Granted:
    """Exchange a refresh token for an access token.

    Raises:
        HandshakeError: there is none; `configuration` if the endpoint refuses us.
    """
    where = host_of(oauth)
    try:
        async with asyncio.timeout(SECONDS):
            status, body = await _post(oauth.token_url, _question(oauth, refresh_token))
    except TimeoutError as error:
        raise failed(where, f"no answer within {SECONDS:g} s") from error
    except ssl.SSLCertVerificationError as error:
        reason = f"its certificate was refused: {error.verify_message}"
        raise failed(where, reason, about_us=True) from error
    except (OSError, UnicodeError, EOFError, h11.ProtocolError) as error:
        raise failed(where, str(error) or "the connection was closed") from error
    try:
        return granted(status, body)
    except Denied as denied:
        secrets = {oauth.client_secret, oauth.refresh_token, refresh_token}
        raise failed(where, redacted(str(denied), secrets), about_us=denied.about_us) from None


def host_of(oauth: OAuth) -> str:
    """The endpoint's host, for messages."""
    return urlsplit(oauth.token_url).netloc.rpartition("@")[2]


def _question(oauth: OAuth, refresh_token: str) -> bytes:
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret,
        "scope": oauth.scope,
    }
    return urlencode({name: value for name, value in fields.items() if value}).encode("ascii")


async def _post(url: str, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    secure = parts.scheme != "http"  # which configuration allows for this machine alone
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (443 if secure else 80),
        ssl=trusted() if secure else None,
        limit=LARGEST,
    )
    try:
        talk = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = [
            ("Host", parts.netloc.rpartition("@")[2]),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(body))),
            ("Accept", "application/json"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        writer.write(
            talk.send(h11.Request(method="POST", target=target, headers=headers))
            + talk.send(h11.Data(data=body))
            + talk.send(h11.EndOfMessage())
        )
        return await _answer(reader, talk)
    finally:
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader, talk: h11.Connection) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    while True:
        event = talk.next_event()
        match event:
            case h11.NEED_DATA:
                talk.receive_data(await reader.read(LARGEST))
            case h11.Response(status_code=code):
                status = code
            case h11.Data(data=data):
                body += data
            case h11.EndOfMessage():
                return status, bytes(body)
            case h11.ConnectionClosed():
                raise EOFError
        if len(body) > LARGEST:
            raise EOFError("an answer that is too large")


class Denied(Exception):  # noqa: N818  the endpoint's answer, in a word
    """No token: what was said, and whether that is about us."""

    def __init__(self, said: str, *, about_us: bool) -> None:
        super().__init__(said)
        self.about_us = about_us


def granted(status: int, body: bytes) -> Granted:
    """Read an answer of R6749 §5.1 or §5.2.

    Raises:
        Denied: it gives no token. 4xx is about us, 5xx and what is no JSON passes.
    """
    fields = _object(body)
    if status != 200:  # noqa: PLR2004  what has a token is 200
        about_us = 300 <= status < 500 and status not in _BUSY  # noqa: PLR2004  3yz and 4yz
        words = [str(fields.get(name) or "") for name in ("error", "error_description")]
        said = printable(": ".join(filter(None, words)).encode("utf-8", "replace"))
        raise Denied(f"{status} {said}".rstrip(), about_us=about_us)
    token, kind = fields.get("access_token"), fields.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN(token):
        raise Denied("an answer without an access token", about_us=False)
    if str(kind).lower() != "bearer":
        raise Denied("a token that is no bearer token", about_us=True)
    renewed = fields.get("refresh_token")
    return Granted(
        token=token,
        lifetime=_seconds(fields.get("expires_in")),
        refresh_token=renewed if isinstance(renewed, str) else "",
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(value: object) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        found = 0.0
    return found if 0 < found < 1e9 else _LIFETIME  # noqa: PLR2004  no NaN, no infinity


def failed(where: str, reason: str, *, about_us: bool = False) -> HandshakeError:
    """Why there is no access token, as the failure of the handshake that it is for."""
    said = Lost(reason=f"no access token from {where}: {reason}")
    return HandshakeError(Phase.AUTH, said, about_us, AuthFault.GRANT if about_us else None)


def unset(where: str) -> HandshakeError:
    """There is nothing to ask for an access token with: nobody is asked."""
    said = Lost(reason=f"no refresh token is configured to ask {where} for an access token with")
    return HandshakeError(Phase.AUTH, said, configuration=True, fault=AuthFault.UNSET)
