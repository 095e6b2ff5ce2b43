"""The dispatch loop against a scripted relay: §3.3, cases 25 to 46, as the ledger sees them.

Every test ends with counts that add up (`look` checks them against the rows).
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from mailer.delivery.dispatch import LOOK
from mailer.delivery.ticks import Ticks
from mailer.errors import ConfigError, StoppedError
from mailer.ledger import Ledger, bump_changes, events, mailings, retrying
from mailer.ledger.forgetting import forget
from mailer.ledger.schema import delivery, metadata, subscription, suppression
from mailer.model import DeliveryState, MailingState, OnDoubt, SubscriptionState
from mailer.when import now
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger, rows
from tests.wire.courier import relay_at
from tests.wire.fault_server import CAPABILITIES, Act, FaultServer, Then, drop, reset, say

if TYPE_CHECKING:
    from mailer.delivery.dispatch import Dispatcher

BYE = Then.DROP
RCPT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def run(ledger: Ledger, server: FaultServer, **how: Any) -> None:
    asyncio.run(dispatcher(ledger, server.port, **how).run())


def received(server: FaultServer) -> Counter[str]:
    """How often each address got the message."""
    return Counter(address_of(message.rcpt) for message in server.messages)


def address_of(line: bytes) -> str:
    found = RCPT.search(line)
    return (found.group(1) if found else line).decode()


def by_domain(domain: bytes, act: Act) -> Callable[[bytes], Act | None]:
    """Answer RCPT for one domain."""
    return lambda line: act if b"@" + domain + b">" in line else None


def make_due(ledger: Ledger) -> None:
    with ledger.write() as connection:
        connection.execute(
            update(delivery).where(delivery.c.due_at.is_not(None)).values(due_at=now() - 1)
        )


@pytest.mark.both_databases
def test_everybody_gets_it_once_and_every_reply_is_kept(ledger: Ledger) -> None:
    people = addresses(40)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer() as server:
        run(ledger, server)
    assert dict.fromkeys(people, 1) == received(server)
    assert MailingState.SENT is look(ledger, mailing).state
    assert {True} == {row.reply.startswith("250") for row in rows(ledger, mailing)}
    assert server.violations == []


def test_without_pipelining_everybody_gets_it_too(ledger: Ledger) -> None:
    """S-23: the client is fully correct without."""
    people = addresses(25)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer(capabilities=(b"8BITMIME",)) as server:
        run(ledger, server)
    assert dict.fromkeys(people, 1) == received(server)
    assert (look(ledger, mailing).counts["accepted"], server.violations) == (25, [])


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "dot"])
def test_a_deferred_delivery_is_tried_again_with_the_same_bytes(ledger: Ledger, stage: str) -> None:
    """Case 26, M-5, V-2: deferred, then delivered once; same triplet, same content."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    with FaultServer({stage: [say(b"451 4.7.1 greylisted")]}) as server:
        run(ledger, server)
        (row,) = rows(ledger, mailing)
        assert (row.state, row.attempts) == ("queued", 1)
        assert round((row.due_at - row.changed_at) / 60_000_000) == 5  # S-31
        assert look(ledger, mailing).deferred == 1
        assert received(server) == {}
        make_due(ledger)
        run(ledger, server)
    assert received(server) == {"ann@a.test": 1}
    envelopes = {line for line in commands(server) if line.startswith((b"MAIL", b"RCPT"))}
    assert len(envelopes) == 2
    assert MailingState.SENT is look(ledger, mailing).state


def commands(server: FaultServer) -> list[bytes]:
    return [line for transcript in server.connections for line in transcript.commands]


def test_a_refused_password_stops_once_with_a_clear_message(ledger: Ledger) -> None:
    """Case 36: no retry storm; the password is not in the message (X-10)."""
    enlist(ledger, *addresses(9))
    frozen(ledger)
    with FaultServer({"AUTH": itertools.repeat(say(b"535 5.7.8 no"))}) as server:
        relay = relay_at(server.port, user="me", password="hunter2")
        with pytest.raises(ConfigError, match="E303") as refused:
            run(ledger, server, relays=[relay])
        attempts = len(server.connections)
    assert attempts <= relay.connections
    assert "535 5.7.8 no" in refused.value.detail
    assert "hunter2" not in str(vars(refused.value))


@pytest.mark.parametrize(
    ("reply", "state", "suppressed"),
    [
        (b"550 5.1.1 no such user", "rejected", 1),
        (b"550 5.7.26 unauthenticated", "queued", 0),
        (b"452 4.2.2 mailbox full", "queued", 0),
        (b"552 5.2.2 mailbox full", "rejected", 0),
        (b"550 4.2.2 mailbox full", "rejected", 0),
    ],
)
def test_a_refusal_at_rcpt_is_classified(
    ledger: Ledger, reply: bytes, state: str, suppressed: int
) -> None:
    """Case 28, S-30: hard only for an address that does not exist; a sender fault marks nobody."""
    enlist(ledger, "bad@bad.test", *addresses(8))
    mailing = frozen(ledger)
    with FaultServer({"RCPT": by_domain(b"bad.test", say(reply))}) as server:
        run(ledger, server)
    found = {row.email: row for row in rows(ledger, mailing)}
    assert (state, reply.decode()) == (found["bad@bad.test"].state, found["bad@bad.test"].reply)
    assert look(ledger, mailing).counts["accepted"] == 8
    with ledger.read() as connection:
        kept = connection.execute(select(suppression)).all()
    assert suppressed == len(kept)
    assert all(reply.decode() == one.evidence for one in kept)


def test_a_refused_rcpt_with_data_accepted_leaks_nothing(ledger: Ledger) -> None:
    """Case 29, S-21: an empty body for the refused one, the next message is fine."""
    enlist(ledger, "bad@bad.test", *addresses(6))
    mailing = frozen(ledger)
    script = {
        "RCPT": by_domain(b"bad.test", say(b"550 5.1.1 no such user")),
        "DATA": lambda _: say(b"354 go ahead"),
    }
    with FaultServer(script) as server:
        run(ledger, server, connections=1)
    full = [message for message in server.messages if message.content.strip()]
    assert dict.fromkeys(addresses(6), 1) == Counter(address_of(one.rcpt) for one in full)
    assert (
        look(ledger, mailing).counts["accepted"],
        look(ledger, mailing).counts["rejected"],
    ) == (6, 1)


@pytest.mark.parametrize("fault", [drop(store=True), reset(store=True)])
def test_doubt_is_resent_with_identical_bytes(ledger: Ledger, fault: Act) -> None:
    """Case 31, S-42: the message was stored and no reply came; the twin can be recognised."""
    people = addresses(12)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer({"dot": [None, None, fault]}) as server:
        run(ledger, server, connections=1)
    counted = received(server)
    (twice,) = [address for address, number in counted.items() if number == 2]
    assert set(people) == set(counted)
    first, second = [one for one in server.messages if address_of(one.rcpt) == twice]
    assert (first.mail, first.content) == (second.mail, second.content)
    seen = look(ledger, mailing)
    assert (seen.counts["accepted"], seen.resent, seen.ever_in_doubt) == (12, 1, 1)


def test_doubt_can_be_held_for_the_operator(ledger: Ledger) -> None:
    """S-42 hold: the row stays in doubt, the mailing is not sent until it is decided."""
    enlist(ledger, *addresses(5))
    mailing = frozen(ledger)
    with FaultServer({"dot": [drop(store=True)]}) as server:
        run(ledger, server, on_doubt=OnDoubt.HOLD)
        seen = look(ledger, mailing)
        assert (
            seen.counts["in_doubt"],
            seen.counts["accepted"],
            seen.state,
        ) == (1, 4, MailingState.SENDING)
        with ledger.write() as connection:
            retrying.retry(connection, mailing, DeliveryState.IN_DOUBT, actor="test", now=now())
        run(ledger, server, on_doubt=OnDoubt.HOLD)
    assert MailingState.SENT is look(ledger, mailing).state


def test_a_message_over_the_relays_size_is_refused_once_for_the_mailing(ledger: Ledger) -> None:
    """Cases 16 and 37, M-30: paused once, nobody marked, nothing sent."""
    enlist(ledger, *addresses(9))
    mailing = frozen(ledger)
    offers = (b"PIPELINING", b"SIZE 1000")
    with (
        FaultServer(capabilities=offers) as server,
        pytest.raises(StoppedError, match="E313"),
    ):
        run(ledger, server)
    seen = look(ledger, mailing)
    assert (
        seen.state,
        seen.counts["rejected"],
        len(server.messages),
    ) == (MailingState.PAUSED, 0, 0)


@pytest.mark.parametrize("messages", [1, 5])
def test_a_relay_that_hangs_up_after_some_messages_gets_them_all(
    ledger: Ledger, messages: int
) -> None:
    """Case 38: connection closed after each message, or after a few: all delivered."""
    people = addresses(23)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer(hang_up_after=messages) as server:
        run(ledger, server)
    assert set(people) == set(received(server))
    assert look(ledger, mailing).counts["accepted"] == 23


def test_one_domain_that_is_always_throttled_delays_nobody_else(ledger: Ledger) -> None:
    """Case 39: one domain always 421, the others finish."""
    enlist(ledger, "x@slow.test", "y@slow.test", *addresses(30))
    mailing = frozen(ledger)
    script = {"RCPT": by_domain(b"slow.test", say(b"421 4.7.0 too fast"))}
    with FaultServer(script) as server:
        run(ledger, server)
    assert dict.fromkeys(addresses(30), 1) == received(server)
    seen = look(ledger, mailing)
    assert (seen.counts["accepted"], seen.deferred, seen.counts["rejected"]) == (30, 2, 0)


def test_a_relay_that_is_down_leaves_everything_queued_and_waiting(ledger: Ledger) -> None:
    """Case 40: `waiting`, and it resumes by itself when the relay is back."""
    people = addresses(5)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer() as server:
        port = server.port
    with pytest.raises(StoppedError, match="E310"):
        asyncio.run(dispatcher(ledger, port, patience=0.5).run())
    seen = look(ledger, mailing)
    assert (seen.state, seen.counts["queued"]) == (MailingState.WAITING, 5)
    with FaultServer() as server:
        run(ledger, server)
    assert dict.fromkeys(people, 1) == received(server)
    assert MailingState.SENT is look(ledger, mailing).state


def test_an_address_that_needs_smtputf8_is_refused_alone(ledger: Ledger) -> None:
    """M-13, case 21: 5.6.7 for that recipient only, never down-converted."""
    enlist(ledger, "jörg@a.test", "ann@a.test")
    mailing = frozen(ledger)
    with FaultServer() as server:
        run(ledger, server)
    found = {row.email: row for row in rows(ledger, mailing)}
    assert (found["jörg@a.test"].state, found["ann@a.test"].state) == ("rejected", "accepted")
    assert "5.6.7" in found["jörg@a.test"].reply
    assert received(server) == {"ann@a.test": 1}


def test_an_address_in_utf8_is_carried_where_smtputf8_is_offered(ledger: Ledger) -> None:
    """M-13, case 21, case 37: as it is, with the parameters that say so; others stay 7-bit."""
    enlist(ledger, "jörg@a.test", "ann@a.test")
    mailing = frozen(ledger)
    with FaultServer(capabilities=(*CAPABILITIES, b"SMTPUTF8")) as server:
        run(ledger, server)
    assert {"accepted"} == {row.state for row in rows(ledger, mailing)}
    by_person = {
        taken.rcpt.decode().split("<")[1].split(">")[0]: taken for taken in server.messages
    }
    assert {"jörg@a.test", "ann@a.test"} == set(by_person)
    assert b" SMTPUTF8 BODY=8BITMIME" in by_person["jörg@a.test"].mail
    assert b"SMTPUTF8" not in by_person["ann@a.test"].mail
    assert [] == server.violations


def test_an_error_that_nobody_foresaw_ends_the_run_and_gives_everything_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlist(ledger, *addresses(5))
    mailing = frozen(ledger)

    async def broken(*_: object, **__: object) -> None:
        raise TypeError("not as documented")

    monkeypatch.setattr("mailer.smtp.relay.Connection.open", broken)
    with FaultServer() as server, pytest.raises(TypeError, match="not as documented"):
        run(ledger, server)
    counts = look(ledger, mailing).counts
    assert (5, 0) == (counts["queued"], counts["claimed"])


@pytest.mark.parametrize(("rate", "answer"), [(20.0, 0.0), (200.0, 0.1)])
def test_a_rate_is_kept_without_spinning(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, rate: float, answer: float
) -> None:
    """The loop sleeps between two messages, and while a slow relay keeps every lane busy."""
    people = addresses(12)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer({"dot": slow(answer)}) as server:
        ticks = 0
        tick = Ticks.tick

        def counted(self: Ticks) -> None:
            nonlocal ticks
            ticks += 1
            tick(self)

        monkeypatch.setattr(Ticks, "tick", counted)
        run(ledger, server, rate=rate, connections=1)
    assert dict.fromkeys(people, 1) == received(server)
    assert ticks < 10 * len(people)


# --- a relay that is not well --------------------------------------------------------------------


def test_a_relay_that_takes_fewer_connections_is_not_stormed(ledger: Ledger) -> None:
    """Refused connections beside working ones are a limit, not a failure."""
    people = addresses(90)  # fewer than a connection carries: this relay takes no third one ever
    enlist(ledger, *people)
    mailing = frozen(ledger)
    refusals = itertools.chain([None, None], itertools.repeat(say(b"421 4.7.0 too many", then=BYE)))
    with FaultServer({"banner": refusals, "dot": slow(0.002)}) as server:
        run(ledger, server, connections=5)
        opened = len(server.connections)
    assert dict.fromkeys(people, 1) == received(server)
    assert opened < 20
    with ledger.read() as connection:
        kinds = [one.kind for one in events.history(connection, mailing=mailing)]
    assert "waiting" not in kinds


def test_a_relay_that_dies_at_every_content_does_not_burn_the_list(ledger: Ledger) -> None:
    enlist(ledger, *addresses(200))
    mailing = frozen(ledger)
    with (
        FaultServer({"dot": itertools.repeat(drop())}) as server,
        pytest.raises(StoppedError, match="E310"),
    ):
        run(ledger, server, patience=1.0)
    seen = look(ledger, mailing)
    assert MailingState.WAITING is seen.state
    assert seen.ever_in_doubt <= 5 + 3


def test_patience_runs_out_with_a_relay_that_defers_every_sender(ledger: Ledger) -> None:
    """§3.3 MAIL/4xx: three in a row, and the relay is left alone; nobody is marked."""
    enlist(ledger, *addresses(20))
    mailing = frozen(ledger)
    with (
        FaultServer({"MAIL": itertools.repeat(say(b"451 4.3.0 later"))}) as server,
        pytest.raises(StoppedError, match="E310"),
    ):
        run(ledger, server, patience=1.0)
    assert {(0, "queued")} == {(row.attempts, row.state) for row in rows(ledger, mailing)}


def test_a_recipient_at_whom_the_relay_hangs_up_holds_up_nobody_else(ledger: Ledger) -> None:
    people = addresses(30)
    enlist(ledger, "poison@bad.test", *people)
    frozen(ledger)
    with (
        FaultServer({"RCPT": by_domain(b"bad.test", drop())}) as server,
        pytest.raises(StoppedError, match="E310"),
    ):
        run(ledger, server, patience=1.0)
    assert dict.fromkeys(people, 1) == received(server)


def test_a_probe_whose_recipient_is_refused_lets_the_others_follow(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-open: an answer about one recipient shows that the relay works."""
    monkeypatch.setattr("mailer.delivery.pace.FIRST_PAUSE", 0.2)
    people = addresses(20)
    enlist(ledger, *people)
    frozen(ledger)
    script = {
        "banner": [say(b"421 4.3.2 starting", then=BYE)] * 5,
        "RCPT": [say(b"421 4.7.0 not now", then=BYE)],
    }
    with FaultServer(script) as server:
        run(ledger, server)
    assert len(received(server)) >= 19


# --- while it runs -------------------------------------------------------------------------------


def slow(seconds: float = 0.02) -> Iterator[Act]:
    return itertools.repeat(Act(after=seconds))


def in_flight(
    ledger: Ledger, server: FaultServer, act: Callable[[], None], *, after: int = 10
) -> None:
    """Run a mailing and act from another thread when some messages were taken."""

    def wait_and_act() -> None:
        while len(server.messages) < after:
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    run(ledger, server)
    thread.join()


@pytest.mark.both_databases
def test_who_unsubscribes_during_the_mailing_gets_no_further_rcpt(ledger: Ledger) -> None:
    """L-9, case 46: asked again before MAIL FROM; the delivery becomes cancelled."""
    people = addresses(120)
    numbers = dict(zip(people, enlist(ledger, *people), strict=True))
    mailing = frozen(ledger)
    with FaultServer({"dot": slow()}) as server:
        begun: list[int] = []
        waiting: list[str] = []

        def leave() -> None:
            with ledger.write() as connection:
                query = select(delivery.c.email).where(delivery.c.state == "queued")
                waiting.extend(connection.scalars(query))
                gone = [numbers[address] for address in waiting]
                connection.execute(
                    update(subscription)
                    .where(subscription.c.subscriber.in_(gone))
                    .values(state=SubscriptionState.UNSUBSCRIBED)
                )
                bump_changes(connection)
            begun.append(len(commands(server)))

        in_flight(ledger, server, leave)
    counts = look(ledger, mailing).counts
    assert (len(waiting), 120 - len(waiting)) == (counts["cancelled"], counts["accepted"])
    assert set() == set(waiting) & set(received(server))


@pytest.mark.both_databases
def test_pause_stops_within_one_message_per_connection(ledger: Ledger) -> None:
    enlist(ledger, *addresses(120))
    mailing = frozen(ledger)
    with FaultServer({"dot": slow()}) as server:
        at: list[int] = []

        def pause() -> None:
            with ledger.write() as connection:
                mailings.set_state(
                    connection, mailing, MailingState.PAUSED, actor="test", now=now()
                )
            at.append(len(server.messages))

        in_flight(ledger, server, pause)
    seen = look(ledger, mailing)
    assert MailingState.PAUSED is seen.state
    assert seen.counts["accepted"] == len(server.messages) <= at[0] + 3
    assert (seen.counts["sending"], seen.ever_in_doubt) == (0, 0)


@pytest.mark.both_databases
def test_a_cancel_while_a_refusal_is_on_its_way_ends_the_run(ledger: Ledger) -> None:
    """The row is cancelled when the refusal arrives: the rest is written all the same."""
    enlist(ledger, *addresses(40))
    mailing = frozen(ledger)

    def refuse(_: bytes) -> Act:
        with ledger.write() as connection:
            mailings.cancel(connection, mailing, actor="test", now=now())
        return say(b"550 5.1.1 no such user")

    with FaultServer({"RCPT": refuse}) as server:
        run(ledger, server)
    assert 40 == look(ledger, mailing).counts["cancelled"]


@pytest.mark.both_databases
def test_who_is_forgotten_meanwhile_is_not_named_by_the_reply(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)

    def refuse(_: bytes) -> Act:
        forget(ledger, "ann@a.test", operator="test", now=now())
        return say(b"550 5.1.1 <ann@a.test>: no such user")

    with FaultServer({"RCPT": refuse}) as server:
        run(ledger, server)
    with ledger.read() as connection:
        for table in metadata.sorted_tables:
            stored = map(str, connection.execute(select(table)))
            assert not [row for row in stored if "ann@a.test" in row], table.name
    assert 1 == sum(look(ledger, mailing).counts.values())


def test_a_paused_mailing_goes_on_where_it_stopped(ledger: Ledger) -> None:
    people = addresses(60)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer({"dot": slow()}) as server:

        def pause() -> None:
            with ledger.write() as connection:
                mailings.set_state(
                    connection, mailing, MailingState.PAUSED, actor="test", now=now()
                )

        in_flight(ledger, server, pause)
        with ledger.write() as connection:
            mailings.set_state(connection, mailing, MailingState.SENDING, actor="test", now=now())
        run(ledger, server)
    assert dict.fromkeys(people, 1) == received(server)
    assert MailingState.SENT is look(ledger, mailing).state


async def interrupted(
    working: Dispatcher, server: FaultServer, act: Callable[[], None], *, after: int = 10
) -> bool:
    """Run, and act from within the loop, as a signal handler does, when some were taken."""
    loop = asyncio.get_running_loop()

    def look_again() -> None:
        if len(server.messages) < after:
            loop.call_later(0.005, look_again)
        else:
            act()

    look_again()
    return await working.run()


@pytest.mark.parametrize("drains", [False, True])
def test_whoever_only_waits_for_replies_leaves_the_ledger_alone(
    ledger: Ledger, *, drains: bool
) -> None:
    """A relay may take ten minutes at the final dot (case 32); others want to write meanwhile."""
    enlist(ledger, *addresses(3))
    mailing = frozen(ledger)
    commits = 0

    @event.listens_for(ledger.engine, "commit")
    def count(_: object) -> None:
        nonlocal commits
        commits += 1

    begun = time.monotonic()
    with FaultServer({"dot": slow(1.0)}) as server:
        working = dispatcher(ledger, server.port)
        act = working.drain if drains else lambda: None
        asyncio.run(interrupted(working, server, act, after=3))
    looks = (time.monotonic() - begun) / LOOK
    assert commits < 30 + 4 * looks
    assert 0 == look(ledger, mailing).ever_in_doubt


@pytest.mark.both_databases
def test_a_drain_leaves_nothing_in_doubt(ledger: Ledger) -> None:
    """Case 42, S-44: what is out is finished, nothing new begins, the rest is queued."""
    people = addresses(120)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer({"dot": slow()}) as server:
        working = dispatcher(ledger, server.port)

        assert asyncio.run(interrupted(working, server, working.drain))
        seen = look(ledger, mailing)
        assert (seen.counts["sending"], seen.ever_in_doubt, seen.counts["claimed"]) == (0, 0, 0)
        assert seen.counts["accepted"] == len(server.messages) < 120
        run(ledger, server)
    assert dict.fromkeys(people, 1) == received(server)


@pytest.mark.both_databases
def test_an_abort_leaves_at_most_one_in_doubt_per_connection(ledger: Ledger) -> None:
    """S-44: the second signal; S-41: the doubt is bounded by the open connections."""
    people = addresses(60)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer({"dot": slow(0.05)}) as server:
        working = dispatcher(ledger, server.port)

        assert asyncio.run(interrupted(working, server, working.abort))
        seen = look(ledger, mailing)
        assert 1 <= seen.ever_in_doubt <= 3
        assert seen.counts["sending"] == 0
        run(ledger, server)
    counted = received(server)
    assert set(people) == set(counted)
    assert sum(counted.values()) - 60 <= look(ledger, mailing).ever_in_doubt


@pytest.mark.both_databases
def test_two_dispatchers_on_one_ledger_mail_nobody_twice(ledger: Ledger) -> None:
    """Case 43, S-47: also without the lock that keeps them apart, leases do."""
    people = addresses(600)
    enlist(ledger, *people)
    mailing = frozen(ledger)

    async def both(port: int) -> None:
        first, second = (dispatcher(ledger, port) for _ in range(2))
        await asyncio.gather(first.run(), second.run())

    with FaultServer() as server:
        asyncio.run(both(server.port))
    assert dict.fromkeys(people, 1) == received(server)
    assert look(ledger, mailing).counts["accepted"] == 600


def test_a_locked_database_stops_sending_until_it_is_free(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 44, S-46: nothing leaves unrecorded; it goes on by itself."""
    people = addresses(120)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    assert ledger.path is not None
    taken: list[int] = []
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    monkeypatch.setattr("mailer.delivery.ticks.RETRY_WRITE", 0.05)

    with FaultServer({"dot": slow(0.005)}) as server:

        def lock() -> None:
            assert ledger.path is not None
            with closing(sqlite3.connect(ledger.path, timeout=10)) as other:
                other.execute("BEGIN IMMEDIATE")
                time.sleep(0.3)
                taken.append(len(server.messages))
                time.sleep(0.4)
                taken.append(len(server.messages))
                other.rollback()

        in_flight(ledger, server, lock)
    assert taken[0] == taken[1]
    assert dict.fromkeys(people, 1) == received(server)
    assert look(ledger, mailing).counts["accepted"] == 120
