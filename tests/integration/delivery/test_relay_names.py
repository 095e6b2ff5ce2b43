"""Case 40: the relay's name does not resolve, moves, or leads into a black hole; mail goes on."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from mailer.ledger import Ledger, events
from mailer.model import MailingState
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger
from tests.wire.courier import relay_at
from tests.wire.fault_server import FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "relay.test"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = new_ledger(tmp_path)
    yield opened
    opened.close()


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...], asked: list[str]) -> None:
    """A name server: each answer once, the last one from then on; an empty one is none."""
    real = socket.getaddrinfo
    coming = itertools.chain(answers, itertools.repeat(answers[-1]))

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        if host != NAME:
            return real(host, port, *rest, **more)
        found = next(coming)
        asked.append(",".join(found))
        if not found:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("mailer.delivery.pace.FIRST_PAUSE", 0.05)
    monkeypatch.setattr("mailer.delivery.dispatch.LOOK", 0.05)


def send(ledger: Ledger, server: FaultServer) -> None:
    relay = dataclasses.replace(relay_at(server.port, host=NAME), connections=2)
    asyncio.run(dispatcher(ledger, relays=[relay]).run())


def test_names_that_do_not_resolve_or_move_are_waited_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`waiting` while DNS is down or the old address is dead; it resumes by itself."""
    people = addresses(12)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    asked: list[str] = []
    nobody_there = ("127.0.0.2",)
    with FaultServer() as server:
        resolver(monkeypatch, *[()] * 4, *[nobody_there] * 4, ("127.0.0.1",), asked=asked)
        send(ledger, server)
    assert [1] * 12 == list(Counter(one.rcpt for one in server.messages).values())
    assert MailingState.SENT is look(ledger, mailing).state
    with ledger.read() as connection:
        assert events.history(connection, mailing=mailing, kinds=["waiting"])
    assert {"", "127.0.0.2", "127.0.0.1"} == set(asked)


def test_an_address_that_swallows_everything_costs_one_moment(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An IPv6 black hole is one: the next address is tried beside it."""
    enlist(ledger, *addresses(12))
    mailing = frozen(ledger)
    with FaultServer() as server, contextlib.ExitStack() as waiting:
        hole = waiting.enter_context(socket.socket())
        hole.bind(("127.0.0.2", server.port))
        hole.listen(0)
        for _ in range(4):  # Linux drops what comes then, and no answer ever comes
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.2", server.port))
        resolver(monkeypatch, ("127.0.0.2", "127.0.0.1"), asked=[])
        send(ledger, server)
    assert 12 == len(server.messages)
    assert MailingState.SENT is look(ledger, mailing).state
