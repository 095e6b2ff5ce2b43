"""Several relays: routes, weights, failover, one that refuses us, idle connections (S-4)."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from mailer.config import Quota, RelayConfig
from mailer.errors import ConfigError, StoppedError
from mailer.ledger import Ledger, mailings, pacing
from mailer.ledger.schema import delivery, quota_use
from mailer.model import Instant, MailingState
from mailer.when import now
from tests.samples.mailings import addresses, dispatcher, enlist, frozen, look, new_ledger, rows
from tests.wire.courier import relay_at
from tests.wire.fault_server import Act, FaultServer, Then, drop, say

RCPT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)
CLOSED = Then.DROP


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    opened = new_ledger(database)
    yield opened
    opened.close()


def relay(label: str, server: FaultServer | int, **how: Any) -> RelayConfig:
    port = server if isinstance(server, int) else server.port
    return dataclasses.replace(relay_at(port), label=label, **{"connections": 2, **how})


def run(ledger: Ledger, *relays: RelayConfig, **how: Any) -> None:
    asyncio.run(dispatcher(ledger, relays=relays, **how).run())


def received(*servers: FaultServer) -> Counter[str]:
    """How often each address got the message, from all of them."""
    found = (RCPT.search(one.rcpt) for server in servers for one in server.messages)
    return Counter(match.group(1).decode() for match in found if match)


def carried(ledger: Ledger, mailing: Any) -> dict[str, str]:
    """Which relay each address was sent through."""
    return {row.email: row.relay for row in rows(ledger, mailing)}


def states(ledger: Ledger, *relays: RelayConfig) -> dict[str, pacing.RelayState]:
    with ledger.read() as connection:
        return {state.name: state for state in pacing.states(connection, relays, now())}


# --- routes and weights --------------------------------------------------------------------------


def test_a_message_goes_to_the_relay_that_names_its_domain_or_list(ledger: Ledger) -> None:
    """The delivery row says which relay it went through."""
    enlist(ledger, *addresses(20))
    enlist(ledger, "ann@club.test", list_slug="club")
    first, second = frozen(ledger), frozen(ledger, issue="other", list_slug="club")
    with FaultServer() as a, FaultServer() as b, FaultServer() as c:
        run(
            ledger,
            relay("rest", a),
            relay("one", b, domains=("d1.test",)),
            relay("club", c, lists=("club",)),
        )
        assert ["ann@club.test"] == list(received(c))
        assert {address for address in addresses(20) if "@d1." in address} == set(received(b))
        assert dict.fromkeys(addresses(20), 1) == received(a, b)
    assert {"rest": 16, "one": 4} == Counter(carried(ledger, first).values())
    assert {"ann@club.test": "club"} == carried(ledger, second)


def test_shares_follow_the_weights(ledger: Ledger) -> None:
    people = addresses(200)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer() as a, FaultServer() as b:
        run(ledger, relay("three", a, weight=3), relay("one", b, weight=1))
        assert dict.fromkeys(people, 1) == received(a, b)
    shares = Counter(carried(ledger, mailing).values())
    assert 135 <= shares["three"] <= 165


# --- failover ------------------------------------------------------------------------------------


def test_a_relay_that_is_down_is_stood_in_for_by_those_that_name_nobody(ledger: Ledger) -> None:
    people = addresses(30)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer() as gone:
        port = gone.port
    with FaultServer() as spare:
        relays = relay("gone", port, domains=("d0.test", "d1.test")), relay("spare", spare)
        run(ledger, *relays)
        assert dict.fromkeys(people, 1) == received(spare)
    assert MailingState.SENT is look(ledger, mailing).state
    found = states(ledger, *relays)
    assert found["gone"].down_since is not None
    assert "connect" in found["gone"].trouble
    assert (None, "") == (found["spare"].down_since, found["spare"].trouble)


@pytest.mark.both_databases
def test_a_message_is_the_same_whichever_relay_carries_it(ledger: Ledger) -> None:
    """Bytes, Message-ID and envelope: receivers can drop the twin (M-5, decisions 2)."""
    enlist(ledger, "ann@a.test")
    mailing = frozen(ledger)
    with FaultServer({"dot": [drop(store=True)]}) as first, FaultServer() as second:
        named = relay("first", first, domains=("a.test",))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mailer.delivery.pace.FAILURES", 1)
            run(ledger, named, relay("second", second))
        (one,), (twin,) = first.messages, second.messages
    assert (one.mail, one.rcpt, one.content) == (twin.mail, twin.rcpt, twin.content)
    assert (1, "second") == (look(ledger, mailing).ever_in_doubt, rows(ledger, mailing)[0].relay)


def test_a_relay_that_comes_back_takes_its_part_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interface §1.6 A: half-open with one connection; what names it goes there again."""
    monkeypatch.setattr("mailer.delivery.pace.FIRST_PAUSE", 0.05)
    people = addresses(300, domains=2)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    busy = [say(b"421 4.3.2 starting", then=CLOSED)] * 6
    slow = itertools.repeat(Act(after=0.003))
    with FaultServer({"banner": busy}) as back, FaultServer({"dot": slow}) as spare:
        relays = relay("back", back, domains=("d1.test",)), relay("spare", spare)
        run(ledger, *relays)
        assert dict.fromkeys(people, 1) == received(back, spare)
        assert received(back)
    assert None is states(ledger, *relays)["back"].down_since
    assert 300 == look(ledger, mailing).counts["accepted"]


def test_a_relay_that_an_earlier_run_left_down_is_ok_once_it_serves(ledger: Ledger) -> None:
    enlist(ledger, "ann@a.test")
    frozen(ledger)
    with FaultServer() as server:
        back = relay("back", server)
        with ledger.write() as connection:
            pacing.set_trouble(connection, "back", "connect refused", since=now(), now=now())
        run(ledger, back)
    found = states(ledger, back)["back"]
    assert (None, "") == (found.down_since, found.trouble)


def test_when_all_relays_are_down_the_mailing_waits(ledger: Ledger) -> None:
    enlist(ledger, *addresses(5))
    mailing = frozen(ledger)
    with FaultServer() as one, FaultServer() as two:
        ports = one.port, two.port
    with pytest.raises(StoppedError, match="E310"):
        run(ledger, relay("one", ports[0]), relay("two", ports[1]), patience=0.5)
    seen = look(ledger, mailing)
    assert (MailingState.WAITING, 5) == (seen.state, seen.counts["queued"])


# --- one that refuses us -------------------------------------------------------------------------


def refusing() -> FaultServer:
    return FaultServer({"AUTH": itertools.repeat(say(b"535 5.7.8 no"))})


def test_a_relay_that_refuses_us_is_stopped_and_the_others_go_on(ledger: Ledger) -> None:
    """S-12: nobody is marked; status can say which is stopped and why."""
    people = addresses(30)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with refusing() as bad, FaultServer() as good:
        relays = (
            relay("bad", bad, user="me", password="wrong", domains=("d1.test",)),
            relay("good", good),
        )
        run(ledger, *relays)
        assert dict.fromkeys(people, 1) == received(good)
        assert len(bad.connections) <= 2
    assert MailingState.SENT is look(ledger, mailing).state
    assert states(ledger, *relays)["bad"].trouble.startswith("E303")


def test_what_no_other_relay_may_carry_is_paused(ledger: Ledger) -> None:
    """Its list is named by the relay that refuses us, and no relay is for everybody."""
    enlist(ledger, "ann@a.test")
    enlist(ledger, "bob@b.test", list_slug="club")
    weekly, club = frozen(ledger), frozen(ledger, issue="other", list_slug="club")
    with refusing() as bad, FaultServer() as good, pytest.raises(ConfigError, match="E303"):
        run(
            ledger,
            relay("bad", bad, user="me", password="wrong", lists=("club",)),
            relay("good", good, lists=("weekly",)),
        )
    assert MailingState.PAUSED is look(ledger, club).state
    assert MailingState.PAUSED is not look(ledger, weekly).state


def test_if_every_relay_refuses_us_everything_is_paused(ledger: Ledger) -> None:
    enlist(ledger, *addresses(9))
    mailing = frozen(ledger)
    with refusing() as one, refusing() as two, pytest.raises(ConfigError, match="E303"):
        run(
            ledger,
            relay("one", one, user="me", password="wrong"),
            relay("two", two, user="me", password="wrong"),
        )
    seen = look(ledger, mailing)
    assert (MailingState.PAUSED, 9) == (seen.state, seen.counts["queued"])


UNKNOWN = say(b"550 5.1.8 sender unknown")


def test_a_relay_that_refuses_the_sender_is_stood_in_for_by_the_others(ledger: Ledger) -> None:
    """Decisions 16 speak of a sender whom nobody takes; which relay it was is told."""
    people = addresses(30)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer({"MAIL": itertools.repeat(UNKNOWN)}) as bad, FaultServer() as good:
        relays = relay("bad", bad), relay("good", good)
        run(ledger, *relays)
        assert dict.fromkeys(people, 1) == received(good)
        asked = sum(line.startswith(b"MAIL") for one in bad.connections for line in one.commands)
        assert 1 <= asked <= 4  # what was on its way on two connections, and their next ones
    assert MailingState.SENT is look(ledger, mailing).state
    assert {1} == {row.attempts for row in rows(ledger, mailing)}
    assert states(ledger, *relays)["bad"].trouble == (
        "E311 The relay refused the sender (550 5.1.8 sender unknown)"
    )


def test_a_sender_whom_every_relay_refuses_pauses_the_mailing(ledger: Ledger) -> None:
    enlist(ledger, *addresses(9))
    mailing = frozen(ledger)
    script = {"MAIL": itertools.repeat(UNKNOWN)}
    with (
        FaultServer(script) as one,
        FaultServer(script) as two,
        pytest.raises(StoppedError, match="E311"),
    ):
        run(ledger, relay("one", one), relay("two", two))
    seen = look(ledger, mailing)
    assert (MailingState.PAUSED, 9) == (seen.state, seen.counts["queued"])


def test_another_mailings_sender_is_still_taken_by_that_relay(ledger: Ledger) -> None:
    """And then nothing is wrong with it."""
    people = addresses(20)
    enlist(ledger, *people)
    enlist(ledger, *people, list_slug="club")
    first, second = frozen(ledger), frozen(ledger, issue="other", list_slug="club")
    with FaultServer({"MAIL": [UNKNOWN]}) as one, FaultServer() as spare:
        # Only the first message of all is of the first mailing for certain.
        relays = relay("one", one, connections=1, domains=("d0.test",)), relay("spare", spare)
        run(ledger, *relays)
    assert {"spare"} == set(carried(ledger, first).values())
    assert {"one": 4, "spare": 16} == Counter(carried(ledger, second).values())
    assert "" == states(ledger, *relays)["one"].trouble


def test_what_only_a_relay_that_refuses_the_sender_may_carry_is_paused(ledger: Ledger) -> None:
    """Others may carry a part of the mailing: that does not make it whole."""
    enlist(ledger, *addresses(10))
    mailing = frozen(ledger)
    with (
        FaultServer({"MAIL": itertools.repeat(UNKNOWN)}) as bad,
        FaultServer() as good,
        pytest.raises(StoppedError, match="E311"),
    ):
        run(ledger, relay("bad", bad, lists=("weekly",)), relay("good", good, domains=("d1.test",)))
    assert MailingState.PAUSED is look(ledger, mailing).state
    assert {"person1@d1.test", "person6@d1.test"} >= set(received(good))


def test_an_address_in_utf8_goes_to_the_relay_that_carries_it(ledger: Ledger) -> None:
    """M-13: refused only if no relay can."""
    enlist(ledger, "jörg@a.test", *addresses(10))
    mailing = frozen(ledger)
    offers = (b"PIPELINING", b"8BITMIME", b"SMTPUTF8")
    with FaultServer() as plain, FaultServer(capabilities=offers) as able:
        run(ledger, relay("plain", plain), relay("able", able))
    assert 11 == look(ledger, mailing).counts["accepted"]
    assert "able" == carried(ledger, mailing)["jörg@a.test"]


SMALL = (b"PIPELINING", b"8BITMIME", b"SIZE 1000")


def test_a_message_goes_to_a_relay_that_takes_one_so_large(ledger: Ledger) -> None:
    """M-30: another relay's limit stops nothing."""
    people = addresses(20)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer(capabilities=SMALL) as small, FaultServer() as able:
        run(ledger, relay("small", small), relay("able", able))
        assert dict.fromkeys(people, 1) == received(able)
        assert [] == small.messages
    assert MailingState.SENT is look(ledger, mailing).state


def test_a_message_too_large_for_every_relay_pauses_the_mailing(ledger: Ledger) -> None:
    """M-30: once, and nobody is marked."""
    enlist(ledger, *addresses(20))
    mailing = frozen(ledger)
    with (
        FaultServer(capabilities=SMALL) as one,
        FaultServer(capabilities=SMALL) as two,
        pytest.raises(StoppedError, match="E313"),
    ):
        run(ledger, relay("one", one), relay("two", two))
    seen = look(ledger, mailing)
    assert (MailingState.PAUSED, 20) == (seen.state, seen.counts["queued"])


# --- connections ---------------------------------------------------------------------------------


def test_a_connection_carries_so_many_messages(ledger: Ledger) -> None:
    """S-4: `messages`; then QUIT and a fresh one."""
    people = addresses(25)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer() as server:
        run(ledger, relay("one", server, messages=5, connections=1))
        assert dict.fromkeys(people, 1) == received(server)
        assert {5} == set(Counter(one.connection for one in server.messages).values())
        assert 5 == sum(b"QUIT" in one.commands for one in server.connections)


def test_a_connection_without_work_takes_leave(ledger: Ledger) -> None:
    """S-4 idle: a slow relay next door keeps the run going, the idle connection ends before."""
    enlist(ledger, "ann@fast.test", *[f"p{number}@slow.test" for number in range(4)])
    frozen(ledger)
    with (
        FaultServer() as fast,
        FaultServer({"dot": itertools.repeat(Act(after=0.3))}) as slow,
    ):
        left_at: list[int] = []

        def leaves(_: bytes) -> Act | None:
            left_at.append(len(slow.messages))
            return None

        fast._script["QUIT"] = leaves
        run(
            ledger,
            relay("fast", fast, domains=("fast.test",), idle=0.1),
            relay("slow", slow, connections=1),
        )
    assert left_at
    assert left_at[0] < 4


def test_a_relay_that_defers_every_sender_gets_fewer_connections(ledger: Ledger) -> None:
    """Interface §1.6 A: 451 slows the relay down; nobody's attempt is used up."""
    people = addresses(40)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    later = itertools.chain([None] * 8, [say(b"451 4.3.2 busy")] * 2, itertools.repeat(None))
    with FaultServer({"MAIL": later, "dot": itertools.repeat(Act(after=0.002))}) as server:
        run(ledger, relay("one", server, connections=6))
        assert dict.fromkeys(people, 1) == received(server)
    assert {1} == {row.attempts for row in rows(ledger, mailing)}


# --- the pace ------------------------------------------------------------------------------------


def both(ledger: Ledger, *relays: RelayConfig) -> None:
    """Two dispatchers at once, as two processes are."""

    async def side_by_side() -> None:
        first, second = (dispatcher(ledger, relays=relays) for _ in range(2))
        await asyncio.gather(first.run(), second.run())

    asyncio.run(side_by_side())


@pytest.mark.both_databases
def test_a_rate_is_shared_by_all_who_send(ledger: Ledger) -> None:
    """S-32: no second has more than the rate allows, whoever sends."""
    people = addresses(320)  # two batches: both have something
    enlist(ledger, *people)
    frozen(ledger)
    arrived: list[float] = []

    def note(_: bytes) -> None:
        arrived.append(time.monotonic())

    with FaultServer({"MAIL": note}) as server:
        both(ledger, relay("one", server, rate=400.0))
        assert dict.fromkeys(people, 1) == received(server)
    arrived.sort()
    # Envelopes are counted as they come in, a little later than they were allowed to leave.
    took = arrived[-1] - arrived[0]
    assert 320 <= 400 * (took + 0.1) + 1


def test_a_used_up_quota_holds_what_is_left_until_there_is_room(ledger: Ledger) -> None:
    """Nothing is sent, nobody is marked; a run that is told to stop leaves it queued."""
    enlist(ledger, *addresses(30))
    mailing = frozen(ledger)
    with FaultServer() as server:
        limited = relay("one", server, quota=Quota(messages=12, seconds=86_400))
        working = dispatcher(ledger, relays=[limited])

        async def until_it_waits() -> None:
            running = asyncio.create_task(working.run())
            await asyncio.sleep(0.5)
            working.drain()
            await running

        asyncio.run(until_it_waits())
        assert 12 == len(server.messages)
        seen = look(ledger, mailing)
        assert (18, 12) == (seen.counts["queued"], seen.counts["accepted"])
        assert 12 == states(ledger, limited)["one"].quota_used
        with ledger.write() as connection:
            connection.execute(update(quota_use).values(slot=quota_use.c.slot - 25))
        run(ledger, dataclasses.replace(limited, quota=Quota(messages=40, seconds=86_400)))
    assert MailingState.SENT is look(ledger, mailing).state


DAY = 86_400


def test_without_a_daemon_a_run_ends_while_every_quota_is_used_up(ledger: Ledger) -> None:
    """It says until when; nobody is marked, nothing is held, and the next run goes on."""
    people = addresses(30)
    enlist(ledger, *people)
    mailing = frozen(ledger)
    with FaultServer() as server:
        limited = relay("one", server, quota=Quota(messages=12, seconds=DAY))
        for _ in range(2):  # the second one finds nothing left of it
            working = dispatcher(ledger, relays=[limited], quota_wait=60.0)
            assert False is asyncio.run(working.run())
            assert states(ledger, limited)["one"].quota_until == working.quota_until
            assert (working.quota_until or 0) > now()
        assert 12 == len(server.messages)
        seen = look(ledger, mailing)
        assert (MailingState.SENDING, 18, 0) == (
            seen.state,
            seen.counts["queued"],
            seen.counts["claimed"],
        )
        run(ledger, relay("one", server))
        assert dict.fromkeys(people, 1) == received(server)


def test_a_quota_that_is_used_up_ends_nothing_while_another_relay_can_carry_it(
    ledger: Ledger,
) -> None:
    people = addresses(30)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer() as one, FaultServer() as two:
        limited = relay("one", one, quota=Quota(messages=5, seconds=DAY))
        run(ledger, limited, relay("two", two), quota_wait=60.0)
        assert dict.fromkeys(people, 1) == received(one, two)


def test_what_other_relays_carry_is_sent_before_a_run_ends_for_a_quota(ledger: Ledger) -> None:
    people = addresses(30)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer() as one, FaultServer({"dot": itertools.repeat(Act(after=0.02))}) as two:
        limited = relay("one", one, quota=Quota(messages=2, seconds=DAY), domains=("d0.test",))
        # Only those that name nobody stand in, and there are none.
        other = relay("two", two, domains=("d1.test", "d2.test", "d3.test", "d4.test"))
        run(ledger, limited, other, quota_wait=60.0)
        assert (2, 24) == (len(one.messages), len(two.messages))


def test_a_relay_that_is_down_beside_one_without_quota_ends_a_run_too(ledger: Ledger) -> None:
    """Else cron would stay for as long as the quota lasts."""
    enlist(ledger, *addresses(30))
    frozen(ledger)
    with FaultServer() as gone:
        port = gone.port
    with FaultServer() as server:
        limited = relay("one", server, quota=Quota(messages=12, seconds=DAY))
        working = dispatcher(
            ledger, relays=[limited, relay("gone", port)], patience=0.5, quota_wait=60.0
        )
        asyncio.run(working.run())
        assert (12, True) == (len(server.messages), working.quota_until is not None)


def test_a_short_wait_stays_in_the_foreground(ledger: Ledger) -> None:
    """A rate, or a quota that has room again within a minute."""
    people = addresses(4)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer() as server:
        brief = relay("one", server, quota=Quota(messages=3, seconds=1))
        run(ledger, dataclasses.replace(brief, rate=20.0), quota_wait=60.0)
        assert dict.fromkeys(people, 1) == received(server)


def from_another_process(act: Callable[[], None], when: Callable[[], bool]) -> threading.Thread:
    def wait_and_act() -> None:
        while not when():
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


def test_a_rate_set_by_an_operator_holds_from_the_next_message_on(ledger: Ledger) -> None:
    """Without it the mailing would take ten minutes."""
    people = addresses(60)
    enlist(ledger, *people)
    frozen(ledger)
    with FaultServer() as server:

        def hurry() -> None:
            with ledger.write() as connection:
                pacing.set_rate(connection, "one", "5000/s", now(), "test")

        thread = from_another_process(hurry, lambda: len(server.messages) >= 2)
        slow = relay("one", server, rate=0.1)
        with ledger.write() as connection:
            pacing.set_rate(connection, "one", "50/s", now(), "test")
        run(ledger, slow)
        thread.join()
        assert dict.fromkeys(people, 1) == received(server)
    assert "5000/s" == states(ledger, slow)["one"].override


@pytest.mark.both_databases
@pytest.mark.parametrize("word", [MailingState.PAUSED, MailingState.CANCELLED])
def test_an_operator_is_heard_within_one_message_per_connection(
    ledger: Ledger, word: MailingState
) -> None:
    """Interface §1.6 B, with several relays."""
    enlist(ledger, *addresses(150))
    mailing = frozen(ledger)
    slow = {"dot": itertools.repeat(Act(after=0.02))}
    with FaultServer(slow) as a, FaultServer(slow) as b:
        at: list[int] = []

        def speak() -> None:
            with ledger.write() as connection:
                if word is MailingState.PAUSED:
                    mailings.set_state(connection, mailing, word, actor="test", now=now())
                else:
                    mailings.cancel(connection, mailing, actor="test", now=now())
            at.append(len(a.messages) + len(b.messages))

        thread = from_another_process(speak, lambda: len(a.messages) >= 8)
        run(ledger, relay("a", a), relay("b", b))
        thread.join()
        assert len(a.messages) + len(b.messages) <= at[0] + 4
    seen = look(ledger, mailing)
    assert (word, 0, 0) == (seen.state, seen.counts["sending"], seen.ever_in_doubt)
    with ledger.read() as connection:
        left = connection.scalars(select(delivery.c.state)).all()
    assert {"accepted", "queued" if word is MailingState.PAUSED else "cancelled"} == set(left)


def test_what_a_relay_says_while_it_is_down_does_not_change_since_when(ledger: Ledger) -> None:
    """The newest words count, and the oldest time."""
    config = RelayConfig(host="r", port=25, security="")
    with ledger.write() as connection:
        for at, why in enumerate(("421 closing", "connection refused")):
            since = Instant(7 + at)
            pacing.set_trouble(connection, config.name, why, since=since, now=since)
        (found,) = pacing.states(connection, [config], Instant(9))
    assert (7, "connection refused") == (found.down_since, found.trouble)
