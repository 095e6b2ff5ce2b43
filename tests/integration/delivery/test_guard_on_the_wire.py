"""A domain is held, a mailing paused, while it is being sent (S-33, decisions 16, §2.2)."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mailer.errors import StoppedError
from mailer.ledger import Ledger, claims, holds, starting
from mailer.ledger.schema import delivery, suppression
from mailer.model import MailingState
from mailer.when import now
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger
from tests.wire.fault_server import FaultServer, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.wire.fault_server import Act

UNAUTHENTICATED = b"550 5.7.26 unauthenticated mail is not accepted"
NO_SUCH_USER = b"550 5.1.1 no such user"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = new_ledger(tmp_path)
    yield opened
    opened.close()


def run(ledger: Ledger, server: FaultServer, **how: Any) -> None:
    asyncio.run(dispatcher(ledger, server.port, **how).run())


def at(domain: str, act: Act) -> Callable[[bytes], Act | None]:
    """Answer RCPT for one domain."""
    return lambda line: act if f"@{domain}>".encode() in line else None


def people(count: int, domain: str) -> list[str]:
    return [f"{domain[0]}{number}@{domain}" for number in range(count)]


def suppressed(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return len(connection.execute(select(suppression)).all())


def test_ten_equal_faults_of_one_domain_hold_it_and_the_others_go_on(ledger: Ledger) -> None:
    """Decisions 16: nobody is marked or suppressed; released, the domain gets its mail."""
    enlist(ledger, *people(25, "gmail.test"), *people(30, "other.test"))
    mailing = frozen(ledger)
    with FaultServer({"RCPT": at("gmail.test", say(UNAUTHENTICATED))}) as server:
        run(ledger, server)
    seen = look(ledger, mailing)
    assert (seen.counts["accepted"], seen.counts["queued"], seen.held) == (30, 25, 25)
    assert (seen.state, seen.counts["rejected"], suppressed(ledger)) == (MailingState.SENDING, 0, 0)
    assert list(seen.holds) == ["gmail.test"]
    assert "550 5.7.26 unauthenticated" in seen.holds["gmail.test"]
    # At most one more was offered on each of the other connections.
    asked = sum(
        b"gmail" in line
        for transcript in server.connections
        for line in transcript.commands
        if line.startswith(b"RCPT")
    )
    assert 10 <= asked <= 10 + 2 * 3
    with ledger.write() as connection:
        holds.release(connection, mailing, "gmail.test", "op", now())
    with FaultServer() as server:
        run(ledger, server)
    seen = look(ledger, mailing)
    assert (MailingState.SENT, 55, 0) == (seen.state, seen.counts["accepted"], seen.held)


def test_with_only_held_rows_left_a_run_ends_and_is_not_called_again(ledger: Ledger) -> None:
    """Nothing is claimable, so nobody spins; the mailing is not sent."""
    enlist(ledger, *people(12, "gmail.test"))
    mailing = frozen(ledger)
    with FaultServer({"RCPT": itertools.repeat(say(UNAUTHENTICATED))}) as server:
        run(ledger, server)
        run(ledger, server)
    with ledger.read() as connection:
        assert claims.claimable(connection, now=now()) == set()
    assert (look(ledger, mailing).state, look(ledger, mailing).held) == (MailingState.SENDING, 12)


def test_yahoos_permanently_deferred_holds(ledger: Ledger) -> None:
    """§2.2: 421 4.7.1 [TS03]."""
    enlist(ledger, *people(12, "yahoo.test"), *people(5, "other.test"))
    mailing = frozen(ledger)
    deferred = say(b"421 4.7.1 [TS03] All messages will be permanently deferred")
    with FaultServer({"RCPT": at("yahoo.test", deferred)}) as server:
        for _ in range(3):
            run(ledger, server)
            make_due(ledger)
    seen = look(ledger, mailing)
    assert (["yahoo.test"], 5) == (list(seen.holds), seen.counts["accepted"])


def test_a_throttle_is_no_fault(ledger: Ledger) -> None:
    """§2.2: what waiting mends holds nothing."""
    enlist(ledger, *people(12, "gmail.test"))
    mailing = frozen(ledger)
    slow = itertools.repeat(say(b"451 4.7.28 unusual rate"))
    with FaultServer({"RCPT": slow}) as server:
        run(ledger, server)
    seen = look(ledger, mailing)
    assert ({}, 0, MailingState.SENDING) == (dict(seen.holds), seen.held, seen.state)


def make_due(ledger: Ledger) -> None:
    with ledger.write() as connection:
        connection.execute(
            update(delivery).where(delivery.c.due_at < holds.HELD).values(due_at=now() - 1)
        )


def test_from_three_domains_the_mailing_is_paused(ledger: Ledger) -> None:
    """Decisions 16; the relay's words and what to do stand in the error and in the reason."""
    enlist(ledger, *addresses(40))
    mailing = frozen(ledger)
    fault = itertools.repeat(say(UNAUTHENTICATED))
    with (
        FaultServer({"RCPT": fault}) as server,
        pytest.raises(StoppedError, match="E312") as stopped,
    ):
        run(ledger, server)
    seen = look(ledger, mailing)
    assert (MailingState.PAUSED, 0, {}, 0) == (
        seen.state,
        seen.counts["rejected"],
        dict(seen.holds),
        suppressed(ledger),
    )
    assert seen.reason.startswith('E312 10 equal replies "550 5.7.26 unauthenticated')
    assert "SPF" in stopped.value.next
    assert f"mailer resume m{mailing}" in stopped.value.next


def refused(name: str) -> Callable[[bytes], Act | None]:
    return lambda line: say(NO_SUCH_USER) if name.encode() in line else None


def test_too_many_that_do_not_exist_pause_the_mailing(ledger: Ledger) -> None:
    """S-33: 5 % of the first 200; those are suppressed, everybody else stays queued."""
    dead = [f"dead{number}@d{number % 5}.test" for number in range(60)]
    enlist(ledger, *addresses(340), *dead)
    mailing = frozen(ledger)
    with (
        FaultServer({"RCPT": refused("<dead")}) as server,
        pytest.raises(StoppedError, match="E315") as stopped,
    ):
        run(ledger, server)
    seen = look(ledger, mailing)
    found = re.search(r"(\d+) of the first (\d+) \(.*%\) do not exist \(limit 5 %\)", seen.reason)
    assert found is not None
    hard, settled = map(int, found.groups())
    assert 200 <= settled <= 200 + 2 * 3
    assert (MailingState.PAUSED, hard) == (seen.state, suppressed(ledger))
    assert seen.counts["queued"] > 150
    assert f"mailer bounces list --mailing m{mailing}" in stopped.value.next
    with ledger.write() as connection:
        starting.resume(connection, mailing, actor="op", now=now())
    with FaultServer({"RCPT": refused("<dead")}) as server:
        run(ledger, server)
    seen = look(ledger, mailing)
    assert (MailingState.SENT, 340, 60) == (
        seen.state,
        seen.counts["accepted"],
        seen.counts["rejected"],
    )
