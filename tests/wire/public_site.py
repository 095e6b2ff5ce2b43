"""A newsletter's public application with a ledger of its own, asked in-process or over a socket."""

from __future__ import annotations

import asyncio
import functools
import socket
import tempfile
import threading
import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sqlalchemy import select

from mailer.catch.inbox import inbox
from mailer.cli.services import listen
from mailer.compose.links import Keyring
from mailer.config import load_config
from mailer.ledger import Ledger, audience, open_ledger
from mailer.ledger.schema import metadata, subscriber
from mailer.model import Instant, ListId, SubscriberId
from mailer.web.public import application
from mailer.web.server import server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import uvicorn
    from starlette.applications import Starlette

    from mailer.catch.store import Store

OLD_KEY = b"Zp8sQ1uVn6cM_x4LgT0bEwJ7-rKyHd2fIoA9tU5vRj3"
NEW_KEY = b"kO3vBq0xW9zT-7yLrJm2NfUeHs5_aCdG1iPbXwRt4Yk"
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = (b"content-type", b"application/x-www-form-urlencoded")

TOML = """\
[newsletter]
name = "The Weekly"
from = "The Weekly <weekly@example.org>"
reply_to = "hello@example.org"
url = "{url}"
address = "1 Example Street, Exampleton"
[lists.weekly]
title = "The Weekly & <Friends>"
[relay]
url = "smtp://127.0.0.1:1025"
"""


@functools.cache
def _new_database() -> bytes:
    """An empty ledger: migrated once, copied for every test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mailer.db"
        open_ledger(f"sqlite:{path}").close()
        return path.read_bytes()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Site:
    """The application, its ledger, and one subscriber with an unsubscribe token."""

    def __init__(self, folder: Path, url: str = "https://news.example.org") -> None:
        toml = TOML.format(url=url).replace("& <Friends>", "& Friends")
        (folder / "mailer.toml").write_text(toml)
        self.config = load_config(folder, None, environ={})
        database = Path(self.config.database_url.removeprefix("sqlite:"))
        database.parent.mkdir()
        database.write_bytes(_new_database())
        self.ledger: Ledger = open_ledger(self.config.database_url)
        self.keyring = Keyring((NEW_KEY, OLD_KEY))
        with self.ledger.write() as connection:
            self.list_number: ListId = audience.ensure_list(
                connection,
                slug="weekly",
                title=self.config.lists["weekly"].title,
                list_id="weekly.example.org",
                feedback_sender="theweekly",
                now=Instant(1),
            )
        self.subscriber = self.add("ann@example.org")
        self.token = self.keyring.unsubscribe_token(self.subscriber, self.list_number)
        self.app: Starlette = application(self.ledger, self.keyring, self.config)

    def add(self, address: str) -> SubscriberId:
        """Another subscriber of the list."""
        audience.add(self.ledger, "weekly", address, source="add", now=Instant(2))
        with self.ledger.read() as connection:
            number = connection.scalar(select(subscriber.c.id).where(subscriber.c.email == address))
        return SubscriberId(number or 0)

    def token_of(self, address: str) -> str:
        """The token of a new subscriber."""
        return self.keyring.unsubscribe_token(self.add(address), self.list_number)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table: equal dumps mean that nothing changed."""
        with self.ledger.read() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in metadata.sorted_tables
            }

    def events(self) -> list[str]:
        """The kinds of what happened, in order."""
        return [row[2] for row in self.dump()["event"]]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = ((b"host", b"news.example.org"), FORM),
    ) -> Answer:
        """One request, in-process."""
        return self.ask_all([(method, path, body, headers)])[0]

    def ask_all(
        self, requests: Sequence[tuple[str, str, bytes, Sequence[tuple[bytes, bytes]]]]
    ) -> list[Answer]:
        """Requests one after the other, in-process."""

        async def all_of_them() -> list[Answer]:
            return [await _ask(self.app, *request) for request in requests]

        return asyncio.run(all_of_them())


async def _ask(
    app: Starlette, method: str, path: str, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> Answer:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    sent: list[Any] = []

    told = False

    async def receive() -> Any:
        nonlocal told
        if told:
            await asyncio.Event().wait()  # a client that stays: nothing more comes from it
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    return Answer(
        status=start["status"],
        headers={name.decode(): value.decode() for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in sent),
    )


def served(site: Site) -> AbstractContextManager[int]:
    """The site behind a real socket; gives the port."""
    return _running(server(site.app))


def caught(store: Store) -> AbstractContextManager[int]:
    """The inbox of what was caught behind a real socket; gives the port."""
    return _running(server(inbox(store)))


@contextmanager
def _running(running: uvicorn.Server) -> Iterator[int]:
    listener = listen("127.0.0.1", 0)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        running.should_exit = running.force_exit = True
        thread.join(10)
        listener.close()


def raw(port: int, *pieces: bytes, pause: float = 0, timeout: float = 10) -> bytes:
    """Octets out, piece by piece; octets in until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            if not pause:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The server has closed: what it said before is still to be read.
        return _all_of(connection)


def _all_of(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer
