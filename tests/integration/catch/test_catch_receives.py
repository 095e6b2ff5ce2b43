"""`mailer catch` as a server: octets over SMTP become files, whatever the octets are."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mailer.catch.receive import receiver
from mailer.catch.store import Store
from mailer.cli.services import listen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from threading import Thread

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")


@contextmanager
def catching(store: Store) -> Iterator[int]:
    """The server in a thread; gives the port."""
    import threading  # noqa: PLC0415  only here

    listener = listen("127.0.0.1", 0)
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with await loop.create_server(lambda: receiver(store), sock=listener):
            await ended.wait()

    thread: Thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class Client:
    """A blocking SMTP client that says exactly what it is told."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")
        self.banner = self.reply()

    def reply(self) -> bytes:
        """The last line of the next reply."""
        while (line := self._file.readline())[3:4] == b"-":
            pass
        return line

    def say(self, octets: bytes) -> None:
        """Send as it is."""
        self._socket.sendall(octets)

    def ask(self, command: bytes) -> bytes:
        """One command, one reply."""
        self.say(command + b"\r\n")
        return self.reply()

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self._socket.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_content_arrives_octet_for_octet_without_its_dots(store: Store) -> None:
    with catching(store) as port:
        client = Client(port)
        assert client.banner.startswith(b"220 catch.localhost")
        client.ask(b"EHLO me")
        client.ask(b"MAIL FROM:<b-token@example.org>")
        client.ask(b"RCPT TO:<ann@example.org>")
        assert client.ask(b"DATA").startswith(b"354")
        answer = client.ask(b"Subject: x\r\n\r\n..two dots\r\n\xff\xfe 8-bit\r\nlast\r\n.")
        assert answer.startswith(b"250 2.0.0 kept as ")
        name = answer.split()[-1].decode()
        client.close()
    assert store.content(name) == b"Subject: x\r\n\r\n.two dots\r\n\xff\xfe 8-bit\r\nlast\r\n"
    assert store.envelope(name).mail_from == "b-token@example.org"


def test_two_thousand_pipelined_messages_all_arrive_in_order(store: Store) -> None:
    """RFC 2920: the next envelope behind the previous final dot."""
    count = 2_000
    with catching(store) as port:
        client = Client(port)
        client.say(b"EHLO me\r\n")
        lines = []
        while (line := client._file.readline())[3:4] == b"-":
            lines.append(line)
        assert b"250-PIPELINING\r\n" in lines
        for number in range(count):
            client.say(
                b"MAIL FROM:<a@example.org>\r\nRCPT TO:<p%d@example.org>\r\nDATA\r\n"
                b"Subject: n%d\r\n\r\nbody\r\n.\r\n" % (number, number)
            )
            codes = [client.reply()[:3] for _ in range(4)]
            assert codes == [b"250", b"250", b"354", b"250"]
        client.close()
    assert count == len(store)
    names = store.newest(0, count)[::-1]
    assert [f"p{number}@example.org" for number in range(count)] == [
        store.envelope(name).rcpt_to[0] for name in names
    ]


def test_a_recipient_is_needed_and_a_broken_off_message_is_not_kept(store: Store) -> None:
    with catching(store) as port:
        client = Client(port)
        client.ask(b"EHLO me")
        client.ask(b"MAIL FROM:<a@example.org>")
        assert client.ask(b"DATA").startswith(b"503")
        client.ask(b"RCPT TO:<ann@example.org>")
        client.ask(b"DATA")
        client.say(b"Subject: half a mess")
        client.close()
    assert len(store) == 0
