"""One HTTP exchange with a machine that may be visited.

Its name is resolved first, then the connection goes to exactly that address: a name cannot mean
another machine the second time that it is asked for.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import h11

from mailer import __version__
from mailer.check.addresses import is_listed, may_visit

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENT: Final = f"mailer/{__version__} (link check of a newsletter)"
SECONDS: Final = 15.0
"""How long one exchange may take, from the question for the address to the last octet."""

_CONNECT: Final = 6.0
_READ: Final = 65_536
_SAFE: Final = "%/:?#[]@!$&'()*+,;=~"
PORTS: Final = {"http": 80, "https": 443}
_NO_SUCH_HOST: Final = {
    code for name in ("EAI_NONAME", "EAI_NODATA") if (code := getattr(socket, name, None))
}


class Trouble(StrEnum):
    """Why there was no answer."""

    NO_HOST = "there is no such host"
    UNRESOLVED = "the host could not be looked up"
    FORBIDDEN = "the address is a private one, which is not listed"
    TIMEOUT = "no answer in time"
    OFFLINE = "this machine seems to be offline"
    CERTIFICATE = "its certificate is not valid"
    BROKEN = "the connection broke"
    CIRCLE = "its redirects do not come to an end"
    ODD = "it leads to an address that is no web page's"


class NoAnswerError(Exception):
    """There was no answer; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said; header names are in lower case, `body` is its beginning."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes: taken apart once, and only if it can be asked for.

    Attributes:
        path: path and query, in ASCII.
    """

    scheme: str
    host: str
    port: int
    path: str

    @staticmethod
    def of(url: str) -> Target | None:
        """The target of an http or https address; None for any other."""
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError):
            return None
        if not parts.hostname or not parts.hostname.isascii():
            return None
        path = quote(parts.path or "/", safe=_SAFE)
        path += f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
        return Target(scheme=parts.scheme, host=parts.hostname, port=port, path=path)

    @property
    def authority(self) -> str:
        """The Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


async def exchange(
    method: str,
    target: Target,
    *,
    trust: ssl.SSLContext,
    listed: tuple[str, ...] = (),
    most: int = 0,
) -> Answer:
    """Ask once, on a connection of its own, without cookies or anything about a reader.

    Args:
        method: HEAD or GET.
        target: what is asked for.
        trust: which certificates are valid.
        listed: hosts that may be visited whatever their address.
        most: octets of the body that are wanted; the server is asked for no more.

    Raises:
        NoAnswerError: with the reason.
    """
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await _connect(target, trust, listed)
            try:
                return await _converse(reader, writer, method, target, most)
            finally:
                writer.transport.abort()  # what is left of a body is not wanted
    except TimeoutError as error:
        raise NoAnswerError(Trouble.TIMEOUT) from error
    except ssl.SSLCertVerificationError as error:
        raise NoAnswerError(Trouble.CERTIFICATE) from error
    except (OSError, h11.ProtocolError, EOFError) as error:
        raise NoAnswerError(Trouble.BROKEN) from error


async def _connect(
    target: Target, trust: ssl.SSLContext, listed: tuple[str, ...]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to one of the addresses that the host has now; the first that takes it."""
    addresses = await _resolve(target)
    if not is_listed(target.host, target.port, listed):
        addresses = [one for one in addresses if may_visit(one, target.port)]
    if not addresses:
        raise NoAnswerError(Trouble.FORBIDDEN)
    secure = trust if target.scheme == "https" else None
    failure: Exception = NoAnswerError(Trouble.TIMEOUT)
    for address in addresses[:3]:
        try:
            async with asyncio.timeout(_CONNECT):
                return await asyncio.open_connection(
                    address,
                    target.port,
                    ssl=secure,
                    server_hostname=target.host if secure else None,
                )
        except OSError as error:  # a TimeoutError is one, too
            failure = error
    raise failure


async def is_known(host: str) -> bool:
    """Whether a host has an address."""
    try:
        async with asyncio.timeout(SECONDS):
            return bool(await _resolve(Target(scheme="https", host=host, port=443, path="/")))
    except (NoAnswerError, TimeoutError):
        return False


async def _resolve(target: Target) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        missing = error.errno in _NO_SUCH_HOST
        raise NoAnswerError(Trouble.NO_HOST if missing else Trouble.UNRESOLVED) from error
    except UnicodeError as error:  # a label that is empty or too long
        raise NoAnswerError(Trouble.NO_HOST) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    target: Target,
    most: int,
) -> Answer:
    conversation = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target=target.path, headers=list(_headers(target, most)))
    writer.write(conversation.send(request) + conversation.send(h11.EndOfMessage()))
    await writer.drain()
    status, headers, body = 0, dict[str, str](), bytearray()
    while True:
        event = conversation.next_event()
        if event is h11.NEED_DATA:
            conversation.receive_data(await reader.read(_READ))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers
            }
        elif isinstance(event, h11.Data):
            body += event.data
        if status and (len(body) >= most or isinstance(event, h11.EndOfMessage)):
            return Answer(status=status, headers=headers, body=bytes(body[:most]))


def _headers(target: Target, most: int) -> Iterator[tuple[str, str]]:
    yield "Host", target.authority
    yield "User-Agent", AGENT
    yield "Accept", "*/*"
    yield "Accept-Encoding", "identity"
    yield "Connection", "close"
    if most:
        yield "Range", f"bytes=0-{most - 1}"
