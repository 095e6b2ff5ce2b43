"""What came back: recorded once with its evidence, and dead addresses suppressed (§4.1 to §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailer.ledger import Ledger, events, retrying, returns
from mailer.ledger.schema import delivery, mailing, suppression
from mailer.model import Bounce, BounceClass, DeliveryState, Instant, MailingId, MailingState
from tests.samples.mailings import addresses, enlist, frozen, look, new_ledger

SENT = Instant(5_000_000)
BACK = Instant(6_000_000)
AGAIN = Instant(7_000_000)


@pytest.fixture
def ledger(database: Path) -> Iterator[Ledger]:
    """Five people who all accepted m1."""
    opened = new_ledger(database)
    enlist(opened, *addresses(5))
    frozen(opened)
    with opened.write() as connection:
        accepted = {"state": DeliveryState.ACCEPTED, "changed_at": SENT, "attempts": 1}
        connection.execute(update(delivery).values(accepted))
        connection.execute(update(mailing).values(accepted=5, state=MailingState.SENT))
    yield opened
    opened.close()


def bounce(
    seq: int | None = 1,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    kind: BounceClass | None = BounceClass.HARD_ADDRESS,
) -> Bounce:
    return Bounce(
        action=action,
        status=status,
        diagnostic=f"550 {status} <ann@a.test>: no",
        recipient="ann@a.test",
        evidence="From: MAILER-DAEMON\n\nreport",
        bounce_class=kind,
        mailing=None if seq is None else MailingId(1),
        seq=seq,
    )


def record(
    ledger: Ledger,
    *bounces: Bounce,
    suppresses: bool = True,
    digest: str = "d1",
    now: Instant = BACK,
) -> list[bool]:
    return returns.record(ledger, [(one, suppresses) for one in bounces], digest=digest, now=now)


def suppressed(ledger: Ledger) -> list[tuple[str, str, str]]:
    with ledger.read() as connection:
        columns = (suppression.c.address, suppression.c.bounce_class, suppression.c.source)
        return [tuple(row) for row in connection.execute(select(*columns))]


def recorded(ledger: Ledger) -> list[tuple[str, str | None]]:
    with ledger.read() as connection:
        return [(one.kind, email) for one, email in returns.returned(connection)]


def test_b20_b23_a_dead_address_is_suppressed_with_its_evidence(ledger: Ledger) -> None:
    assert [True] == record(ledger, bounce())
    with ledger.read() as connection:
        email = connection.scalar(select(delivery.c.email).where(delivery.c.seq == 1))
        evidence = connection.scalar(select(suppression.c.evidence))
    assert [(email, "hard:address", "m1")] == suppressed(ledger)
    assert "From: MAILER-DAEMON\n\nreport" == evidence
    assert [("bounced", email)] == recorded(ledger)


def test_what_says_nothing_about_the_address_is_only_logged(ledger: Ledger) -> None:
    """A 5.7.1 is about us (§4.2): recorded against the delivery, nobody suppressed."""
    policy = bounce(status="5.7.1", kind=BounceClass.SENDER_FAULT)
    assert [True] == record(ledger, policy, suppresses=False)
    assert [] == suppressed(ledger)
    assert 1 == len(recorded(ledger))


def test_b9_the_same_failure_is_recorded_once_however_often_it_comes(ledger: Ledger) -> None:
    assert [True] == record(ledger, bounce())
    assert [False] == record(ledger, bounce(), digest="another copy of it")
    assert [True] == record(ledger, bounce(status="5.2.2", kind=BounceClass.MAILBOX_FULL))
    assert 2 == len(recorded(ledger))


def test_b2_what_names_no_delivery_of_ours_suppresses_nobody(ledger: Ledger) -> None:
    """Case 57: a forged report is logged, once, and marks nobody."""
    assert [True] == record(ledger, bounce(None))
    assert [False] == record(ledger, bounce(None))
    assert [True] == record(ledger, bounce(None), digest="another")
    assert [] == suppressed(ledger)
    assert [("reported", None)] * 2 == recorded(ledger)


def test_a_token_of_a_delivery_that_is_gone_names_nobody(ledger: Ledger) -> None:
    assert [True] == record(ledger, replace(bounce(), seq=99))
    assert [("reported", None)] == recorded(ledger)
    assert [] == suppressed(ledger)


@pytest.mark.parametrize("action", ["delayed", "delivered"])
def test_a_note_on_the_way_is_no_bounce(ledger: Ledger, action: str) -> None:
    """Case 58, B-3."""
    record(ledger, bounce(action=action, status="4.4.1", kind=None))
    assert [] == suppressed(ledger)
    with ledger.read() as connection:
        assert 0 == events.count_bounced(connection, MailingId(1))


def test_one_report_about_three_people_is_three_entries(ledger: Ledger) -> None:
    """Case 59."""
    assert [True, True, True] == record(ledger, *(bounce(seq) for seq in (1, 2, 3)))
    assert 3 == len(suppressed(ledger))


def test_a_return_is_found_by_its_number_and_nothing_else_is(ledger: Ledger) -> None:
    record(ledger, bounce())
    with ledger.read() as connection:
        ((listed, _),) = returns.returned(connection)
        found = returns.one_return(connection, listed.id)
        assert found is not None
        assert listed == found[0]
        other = [one.id for one in events.history(connection) if one.kind != "bounced"]
        assert [None] * len(other) == [returns.one_return(connection, each) for each in other]


def test_the_beginning_of_what_is_no_report_is_kept_for_people() -> None:
    kept = returns.unrecognised(b"From: x\r\n\r\n\x1b[31mred\x00 caf\xc3\xa9 \xff" + b"y" * 5000)
    assert ("unrecognised", None) == (kept.action, kept.bounce_class)
    assert kept.evidence.startswith("From: x\n\n�[31mred� café �y")
    assert len(kept.evidence) <= 2048


# --- trying again --------------------------------------------------------------------------------


def retry(ledger: Ledger, state: DeliveryState = DeliveryState.REJECTED) -> int:
    with ledger.write() as connection:
        return retrying.retry(connection, MailingId(1), state, actor="ann", now=AGAIN)


def set_rows(ledger: Ledger, seq: int, **values: object) -> None:
    with ledger.write() as connection:
        connection.execute(update(delivery).where(delivery.c.seq == seq).values(**values))


def test_retry_takes_back_that_nobody_was_there(ledger: Ledger) -> None:
    """S-33: the guard counts what stands, and those who fail again once."""
    record(ledger, bounce(1), bounce(2), bounce(3, status="5.7.1", kind=None), suppresses=False)
    set_rows(ledger, 4, state=DeliveryState.REJECTED, bounce_class=BounceClass.HARD_DOMAIN)
    set_rows(ledger, 5, state=DeliveryState.REJECTED, bounce_class=BounceClass.SENDER_FAULT)
    forgets = update(delivery).where(delivery.c.seq == 2).values(email=None)
    with ledger.write() as connection:
        connection.execute(update(mailing).values(accepted=3, rejected=2, hard=3))
        connection.execute(forgets)  # who is not queued again
    assert 4 == retry(ledger)
    with ledger.read() as connection:
        assert 1 == connection.scalar(select(mailing.c.hard))


def test_retry_covers_what_was_accepted_and_bounced_since(ledger: Ledger) -> None:
    """Interface §2.2: failed is rejected, or accepted and since bounced."""
    record(ledger, bounce(1, status="5.7.1", kind=BounceClass.SENDER_FAULT), suppresses=False)
    set_rows(ledger, 2, state=DeliveryState.REJECTED)
    with ledger.write() as connection:
        connection.execute(update(mailing).values(accepted=4, rejected=1))
    assert 2 == retry(ledger)
    seen = look(ledger, MailingId(1))
    assert (2, 3, 0) == (seen.counts["queued"], seen.counts["accepted"], seen.counts["rejected"])
    assert MailingState.SENDING is seen.state


def test_retry_never_covers_who_was_suppressed_by_the_bounce(ledger: Ledger) -> None:
    record(ledger, bounce(1))
    assert 0 == retry(ledger)
    assert MailingState.SENT is look(ledger, MailingId(1)).state


def test_a_bounce_of_an_earlier_attempt_is_not_tried_again_twice(ledger: Ledger) -> None:
    record(ledger, bounce(1, status="5.7.1", kind=BounceClass.SENDER_FAULT), suppresses=False)
    assert 1 == retry(ledger)
    later = Instant(AGAIN + 1)
    set_rows(ledger, 1, state=DeliveryState.ACCEPTED, due_at=None, changed_at=later)
    with ledger.write() as connection:
        connection.execute(update(mailing).values(accepted=5, state=MailingState.SENT))
    assert 0 == retry(ledger)
    look(ledger, MailingId(1))


def test_doubt_alone_does_not_touch_what_failed(ledger: Ledger) -> None:
    set_rows(ledger, 1, state=DeliveryState.IN_DOUBT)
    set_rows(ledger, 2, state=DeliveryState.REJECTED)
    with ledger.write() as connection:
        connection.execute(update(mailing).values(accepted=3, rejected=1, in_doubt=1))
    assert 1 == retry(ledger, DeliveryState.IN_DOUBT)
    counts = look(ledger, MailingId(1)).counts
    assert (1, 1, 0) == (counts["queued"], counts["rejected"], counts["in_doubt"])


def test_a_paused_mailing_stays_paused(ledger: Ledger) -> None:
    set_rows(ledger, 1, state=DeliveryState.REJECTED)
    with ledger.write() as connection:
        connection.execute(update(mailing).values(accepted=4, rejected=1, state="paused"))
    assert 1 == retry(ledger)
    assert MailingState.PAUSED is look(ledger, MailingId(1)).state
