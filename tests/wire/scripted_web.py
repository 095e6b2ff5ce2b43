"""A scripted web server on loopback, and names that mean it: the fake for links of issues.

::

    with ScriptedWeb({"/gone": [answer(404)], "/a": [moved("/b"), answer(200)]}) as web:
        ...ask f"http://127.0.0.1:{web.port}/a"...
    assert ["HEAD /a"] == web.asked

A path's answers are given one after the other; the last one, and for unknown paths 200, lasts.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says; `octets` instead of all that, or silence if it says nothing."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    octets: bytes | None = None
    silent: bool = False


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer with this status."""
    return Answer(
        status=status,
        body=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def moved(where: str, status: int = 302) -> Answer:
    """A redirect."""
    return Answer(status=status, headers={"Location": where})


SILENCE = Answer(silent=True)


class ScriptedWeb:
    """The server, in a thread of its own.

    Attributes:
        asked: method and path of each request.
        heads: the headers of each request.
        bodies: what came with each request.
        most: how many requests it had at once.
    """

    def __init__(
        self,
        script: Mapping[str, Sequence[Answer]] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._script = {path: list(answers) for path, answers in (script or {}).items()}
        self._lock = threading.Lock()
        self._open = 0
        self._ended = threading.Event()
        self.asked: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.most = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def authority(self) -> str:
        """The host and port, as in an address."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.reply(self)

            do_HEAD = do_POST = do_GET  # noqa: N815  the names that http.server asks for

            def log_message(self, *_: Any) -> None:
                """Nothing is logged."""

        return Handler

    def reply(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            self.bodies.append(body)
            self.asked.append(f"{request.command} {request.path}")
            self.heads.append(dict(request.headers))
            self._open += 1
            self.most = max(self.most, self._open)
            answers = self._script.get(request.path, [Answer()])
            said = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(OSError):
            self._say(request, said)
        with self._lock:
            self._open -= 1

    def _say(self, request: BaseHTTPRequestHandler, said: Answer) -> None:
        if said.silent:
            self._ended.wait(30)
            return
        if said.octets is not None:
            request.wfile.write(said.octets)
            return
        request.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(said.body)


@contextlib.contextmanager
def names(
    monkeypatch: pytest.MonkeyPatch, table: Mapping[str, Sequence[str]]
) -> Iterator[list[str]]:
    """Hosts that mean these addresses, every other one none; yields the names asked for.

    A name's addresses are given one after the other, as by somebody who rebinds it.
    """
    left = {name: list(addresses) for name, addresses in table.items()}
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        addresses = [host] if host[0].isdigit() or ":" in host else left.get(host, [])
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield asked
