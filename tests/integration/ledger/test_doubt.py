"""Out of doubt by the relay's log, on each database (S-42, decisions 7)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from mailer.delivery import reconciling
from mailer.delivery.reconciling import Reconciler
from mailer.ledger import claims, doubt, events, mailings, recovery, settling
from mailer.ledger import reconciling as written
from mailer.ledger.schema import delivery
from mailer.ledger.schema import doubt as table
from mailer.ledger.settling import Begin, Outcome
from mailer.model import DeliveryState, HolderId, Instant, MailingState, OnDoubt, instant
from tests.samples.mailings import KEYS, addresses, enlist, frozen, look, rows
from tests.wire.courier import relay_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailer.ledger import Ledger
    from mailer.model import MailingId

SECOND = 1_000_000
BEGAN = instant(datetime(2026, 11, 24, 9, 58, tzinfo=UTC))
DOUBTED = Instant(BEGAN + 2 * SECOND)
LATER = Instant(DOUBTED + 8 * SECOND)
WAIT = 15 * SECOND
DOUBTFUL = 2  # of six; the others are accepted


def in_doubt(ledger: Ledger, on_doubt: OnDoubt) -> MailingId:
    """Six that went out at a relay named r, of which the last two were not answered."""
    enlist(ledger, *addresses(6))
    mailing = frozen(ledger)
    with ledger.write() as connection:
        batch = claims.claim(connection, holder=HolderId(1), now=BEGAN)
        assert batch is not None
        begins = [
            Begin(claimed=one, date=BEGAN, values=None, relay="r") for one in batch.deliveries
        ]
        settling.record(connection, [], begins, on_doubt=on_doubt, now=BEGAN, holder=HolderId(1))
        outcomes = [
            Outcome(
                mailing=mailing,
                seq=one.recipient.seq,
                subscriber=one.recipient.subscriber,
                address_key=one.address_key,
                resends=0,
                state=DeliveryState.IN_DOUBT if at < DOUBTFUL else DeliveryState.ACCEPTED,
                was=DeliveryState.SENDING,
                reply="lost" if at < DOUBTFUL else "250 queued",
            )
            for at, one in enumerate(reversed(batch.deliveries))
        ]
        settling.record(connection, outcomes, [], on_doubt=on_doubt, now=DOUBTED, doubt_wait=WAIT)
        claims.close_batch(connection, batch.id)
        recovery.finish(connection, on_doubt=on_doubt, now=DOUBTED)
    return mailing


def log_of(
    folder: Path,
    mailing: MailingId,
    seqs: Iterable[int],
    *,
    first: int = BEGAN - 60 * SECOND,
    until: int = LATER,
) -> Path:
    """A log that has these deliveries in its queue, and lines before and behind them."""

    def line(at: int, text: str) -> str:
        return f"{datetime.fromtimestamp(at / SECOND, UTC).isoformat()} mx postfix/{text}\n"

    path = folder / "mail.log"
    tokens = {
        seq: KEYS.delivery_token("verp", mailing=mailing, seq=seq, key_id=KEYS.newest_id)
        for seq in seqs
    }
    path.write_text(
        line(first, "smtpd[1]: connect from x")
        + "".join(
            line(BEGAN, f"qmgr[2]: ID{seq}: from=<b-{token}@b.example.org>, size=1 (queue active)")
            for seq, token in tokens.items()
        )
        + line(until, "smtpd[1]: disconnect from x"),
        encoding="ascii",
    )
    return path


def reconciler(
    ledger: Ledger, log: Path, *, name: str = "r", clock: Instant = LATER, wait: float = 0.0
) -> Reconciler:
    relay = replace(relay_at(9), label=name, log=log)
    return Reconciler(
        ledger, KEYS, [relay], helo="client.test", clock=lambda: clock, grace=5.0, wait=wait
    )


def states(ledger: Ledger, mailing: MailingId) -> list[str]:
    return [row.state for row in rows(ledger, mailing)]


def test_what_the_log_has_is_accepted_and_the_rest_queued_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    """One is there, one is not: nobody gets two, nobody is left out, and no resend is counted."""
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    assert (2, 2) == (look(ledger, mailing).resent, look(ledger, mailing).ever_in_doubt)
    *_, there, missing = [row.seq for row in rows(ledger, mailing)]
    seqs = [row.seq for row in rows(ledger, mailing) if row.seq != missing]
    asyncio.run(reconciler(ledger, log_of(tmp_path, mailing, seqs)).look())
    seen = look(ledger, mailing)
    assert ["accepted"] * 5 + ["queued"] == states(ledger, mailing)
    assert (0, 2, 2) == (seen.resent, seen.reconciled, seen.ever_in_doubt)
    found, again = rows(ledger, mailing)[-2:]
    assert f"found in the relay's log as ID{there}" == found.reply
    assert (LATER, 0, 1) == (again.due_at, again.resends, again.attempts)


@pytest.mark.parametrize("on_doubt", [OnDoubt.HOLD, OnDoubt.SKIP])
def test_other_policies_hear_of_it_too(ledger: Ledger, tmp_path: Path, on_doubt: OnDoubt) -> None:
    """What is certain needs no policy; a mailing that was declared sent goes on."""
    mailing = in_doubt(ledger, on_doubt)
    was = MailingState.SENT if on_doubt is OnDoubt.SKIP else MailingState.SENDING
    assert was is look(ledger, mailing).state
    *seqs, _ = [row.seq for row in rows(ledger, mailing)]
    asyncio.run(reconciler(ledger, log_of(tmp_path, mailing, seqs)).look())
    seen = look(ledger, mailing)
    assert (MailingState.SENDING, 5, 0, 1) == (
        seen.state,
        seen.counts["accepted"],
        seen.counts["in_doubt"],
        seen.counts["queued"],
    )


def test_it_is_said_once_and_written_down(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`trace` shows what the log said, and a second look finds nothing to do."""
    mailing = in_doubt(ledger, OnDoubt.HOLD)
    log = log_of(tmp_path, mailing, [row.seq for row in rows(ledger, mailing)])
    with caplog.at_level(logging.INFO, "mailer"):
        asyncio.run(reconciler(ledger, log).look())
        asyncio.run(reconciler(ledger, log).look())
    assert [f"m{mailing}: the log of r has 2 of 2 in doubt; 0 are sent again"] == caplog.messages
    key = rows(ledger, mailing)[-1].address_key
    with ledger.read() as connection:
        story = events.history(connection, address_key=key)
    told = [one for one in story if one.kind == events.Kind.RECONCILED]
    assert ["relay log"] == [one.actor for one in told]
    assert {"state", "reply"} == set(told[0].detail)


def test_who_cannot_be_decided_waits_for_the_policy(ledger: Ledger, tmp_path: Path) -> None:
    """A log that ends before the relay must have written says nothing yet."""
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    log = log_of(tmp_path, mailing, [1, 2, 3, 4], until=DOUBTED + SECOND)
    asyncio.run(reconciler(ledger, log).look())
    assert 2 == look(ledger, mailing).resent
    assert {DOUBTED + WAIT} == {row.due_at for row in rows(ledger, mailing)[-2:]}


@pytest.mark.parametrize(("name", "first"), [("r", BEGAN), ("another", BEGAN - 60 * SECOND)])
def test_what_no_log_will_tell_is_sent_again_at_once(
    ledger: Ledger, tmp_path: Path, name: str, first: int
) -> None:
    """The log begins too late, or it is that of another relay: the policy, without a wait."""
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    asyncio.run(reconciler(ledger, log_of(tmp_path, mailing, [], first=first), name=name).look())
    assert (2, 0) == (look(ledger, mailing).resent, look(ledger, mailing).reconciled)
    assert {LATER} == {row.due_at for row in rows(ledger, mailing)[-2:]}
    with ledger.read() as connection:
        assert [] == doubt.pending(connection)


def test_a_log_that_cannot_be_read_is_said_once(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    looking = reconciler(ledger, tmp_path / "none.log")
    asyncio.run(looking.look())
    asyncio.run(looking.look())
    assert 1 == sum("cannot be read" in message for message in caplog.messages)
    assert 2 == look(ledger, mailing).resent


def test_what_has_moved_on_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    """A resend that has begun, and a mailing that was cancelled: the log comes too late."""
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    *_, one, _ = [row.seq for row in rows(ledger, mailing)]
    with ledger.write() as connection:
        connection.execute(update(delivery).where(delivery.c.seq == one).values(batch=99))
        assert 1 == len(doubt.pending(connection))
        mailings.set_state(connection, mailing, MailingState.CANCELLED, actor="x", now=LATER)
    log = log_of(tmp_path, mailing, [row.seq for row in rows(ledger, mailing)])
    asyncio.run(reconciler(ledger, log).look())
    assert 0 == look(ledger, mailing).reconciled


def test_the_end_of_a_turn_waits_for_the_log(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says that somebody may be due again; with nothing in doubt it waits for nothing."""
    monkeypatch.setattr(reconciling, "LOOK", 0.01)
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    log = log_of(tmp_path, mailing, [row.seq for row in rows(ledger, mailing)][:-1])
    assert asyncio.run(reconciler(ledger, log, wait=15.0).settle())
    assert ["accepted"] * 5 + ["queued"] == states(ledger, mailing)
    assert not asyncio.run(reconciler(ledger, log, wait=15.0).settle())


def test_a_clock_that_was_set_back_makes_nobody_wait(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 45: the doubt seems to lie in the future; that is waited for no longer than usual."""
    monkeypatch.setattr(reconciling, "LOOK", 0.01)
    mailing = in_doubt(ledger, OnDoubt.RESEND)
    log = log_of(tmp_path, mailing, [], until=DOUBTED)
    yesterday = Instant(BEGAN - 86_400 * SECOND)
    assert not asyncio.run(reconciler(ledger, log, clock=yesterday, wait=0.05).settle())


def test_without_a_log_nothing_is_remembered(ledger: Ledger) -> None:
    enlist(ledger, *addresses(1))
    mailing = frozen(ledger)
    with ledger.write() as connection:
        batch = claims.claim(connection, holder=HolderId(1), now=BEGAN)
        assert batch is not None
        (one,) = batch.deliveries
        begins = [Begin(claimed=one, date=BEGAN, values=None)]
        settling.record(connection, [], begins, on_doubt=OnDoubt.RESEND, now=BEGAN)
    recovery.recover(ledger, on_doubt=OnDoubt.RESEND, now=DOUBTED)
    with ledger.read() as connection:
        assert 0 == connection.scalar(select(func.count()).select_from(table))
    assert [DOUBTED] == [row.due_at for row in rows(ledger, mailing)]


def test_what_a_dead_process_left_waits_for_the_log(ledger: Ledger) -> None:
    """S-41: `sending` without an answer; it may be out since it began."""
    enlist(ledger, *addresses(1))
    mailing = frozen(ledger)
    with ledger.write() as connection:
        batch = claims.claim(connection, holder=HolderId(1), now=BEGAN)
        assert batch is not None
        begins = [Begin(claimed=batch.deliveries[0], date=BEGAN, values=None, relay="r")]
        settling.record(connection, [], begins, on_doubt=OnDoubt.RESEND, now=BEGAN)
    recovery.recover(ledger, on_doubt=OnDoubt.RESEND, now=DOUBTED, doubt_wait=WAIT)
    with ledger.read() as connection:
        (one,) = doubt.pending(connection)
    assert (BEGAN, DOUBTED) == (one.began_at, one.at)
    assert [DOUBTED + WAIT] == [row.due_at for row in rows(ledger, mailing)]


def test_a_second_doubt_begins_anew(ledger: Ledger) -> None:
    """The time of the first is not that of the second."""
    mailing = in_doubt(ledger, OnDoubt.HOLD)
    one = rows(ledger, mailing)[-1]
    again = Outcome(
        mailing=mailing,
        seq=one.seq,
        subscriber=one.subscriber,
        address_key=one.address_key,
        resends=0,
        state=DeliveryState.IN_DOUBT,
        was=DeliveryState.IN_DOUBT,
        reply="lost",
    )
    with ledger.write() as connection:
        doubt.note(connection, [again], LATER)
        connection.execute(
            update(delivery).where(delivery.c.seq == one.seq).values(changed_at=LATER)
        )
        found = {each.seq: each.at for each in doubt.pending(connection)}
        assert {one.seq: LATER, one.seq - 1: DOUBTED} == found
        assert [] == written.reconcile(connection, found={}, absent=[], now=LATER)
