"""A restored database learns from its journal what it has forgotten (case 47)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from mailer.ledger import (
    Ledger,
    audience,
    claims,
    forgetting,
    freezing,
    open_ledger,
    overview,
    replay,
    retrying,
    standing,
)
from mailer.ledger.schema import (
    delivery,
    mailing,
    meta,
    received,
    subscriber,
    subscription,
    suppression,
)
from mailer.model import (
    DeliveryState,
    Instant,
    ListId,
    MailingId,
    MailingState,
    SubscriberId,
    SubscriptionState,
)
from tests.samples.mailings import addresses, enlist, frozen, look, new_ledger, plan, rows
from tests.samples.restored import NOW, backup, deliver, lines_of, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.ledger.replay import Replayed
    from tests.wire.postgres import Postgres

WEEKLY = ListId(1)
LATER = Instant(NOW + 1_000_000)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = new_ledger(tmp_path)
    yield opened
    opened.close()


def after(folder: Path, ledger: Ledger, happens: Callable[[Ledger], object]) -> Ledger:
    """The ledger as it was, beside the journal of what has happened since."""
    ledger.close()
    copy = backup(folder)
    newest = new_ledger(folder)
    happens(newest)
    newest.close()
    restore(folder, copy)
    return new_ledger(folder)


def reconcile(ledger: Ledger) -> Replayed:
    """Replay; afterwards it may send."""
    done = replay.replay(ledger, now=LATER)
    standing.admit(ledger, instance="", now=LATER)
    return done


def state_of(ledger: Ledger, person: int) -> str | None:
    """Where a person stands on the list."""
    with ledger.read() as connection:
        found: str | None = connection.scalar(
            select(subscription.c.state).where(subscription.c.subscriber == person)
        )
    return found


def suppress(ledger: Ledger, address: str) -> None:
    with ledger.write() as connection:
        audience.suppress(
            connection,
            ledger.address_key(address),
            address=address,
            bounce_class="hard:address",
            evidence="550 5.1.1",
            source="m1",
            now=NOW,
        )


def unsuppress(ledger: Ledger, address: str) -> None:
    with ledger.write() as connection:
        key = ledger.address_key(address)
        audience.unsuppress(connection, key, operator="op", reason="works", now=NOW)


# --- deliveries ----------------------------------------------------------------------------------


def test_nobody_who_has_the_issue_is_claimed_again(ledger: Ledger, tmp_path: Path) -> None:
    """And the counts add up, as `look` demands."""
    enlist(ledger, *addresses(10))
    number = frozen(ledger)
    deliver(ledger, 2)
    accepted: list[bytes] = []
    ledger = after(tmp_path, ledger, lambda newest: accepted.extend(deliver(newest, 5)))
    done = reconcile(ledger)
    assert {"accepted": 5} == dict(done.written)
    seen = look(ledger, number)
    assert (7, 3) == (seen.counts["accepted"], seen.counts["queued"])
    left = deliver(ledger, 10)
    assert 3 == len(left)
    assert not set(left) & set(accepted)
    ledger.close()


def test_doubt_stays_doubt_and_is_never_sent_again_by_itself(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The relay may have it; what was accepted later is accepted."""
    enlist(ledger, *addresses(4))
    number = frozen(ledger)

    def happens(newest: Ledger) -> None:
        deliver(newest, 2, DeliveryState.IN_DOUBT)
        deliver(newest, 1)

    ledger = after(tmp_path, ledger, happens)
    assert {"in doubt": 2, "accepted": 1} == dict(reconcile(ledger).written)
    seen = look(ledger, number)
    assert (2, 2) == (seen.counts["in_doubt"], seen.ever_in_doubt)
    assert 1 == len(deliver(ledger, 10))
    ledger.close()


def test_who_got_an_issue_whose_mailing_is_lost_is_left_out_of_a_new_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Decisions 6: "already got this issue", though no delivery says so."""
    enlist(ledger, *addresses(5))

    def happens(newest: Ledger) -> None:
        frozen(newest)
        deliver(newest, 3)

    ledger = after(tmp_path, ledger, happens)
    done = reconcile(ledger)
    assert {"remembered": 3} == dict(done.written)
    number = freezing.freeze(ledger, plan(), now=LATER)
    assert (2, 2) == (number, look(ledger, number).recipients)  # m1 stands in mails that are out
    other = freezing.freeze(ledger, plan(issue="spring"), now=LATER)
    assert 5 == look(ledger, other).recipients
    ledger.close()


def test_a_delivery_that_an_operator_queued_again_before_the_backup_stays_queued(
    ledger: Ledger, tmp_path: Path
) -> None:
    """What the database knows is not told again: only lines behind its own number count."""
    enlist(ledger, *addresses(2))
    number = frozen(ledger)
    deliver(ledger, 1, DeliveryState.IN_DOUBT)
    with ledger.write() as connection:
        retrying.retry(connection, number, DeliveryState.IN_DOUBT, actor="op", now=NOW)
    ledger = after(tmp_path, ledger, lambda newest: suppress(newest, "x@x.test"))
    reconcile(ledger)
    assert 2 == look(ledger, number).counts["queued"]
    ledger.close()


# --- departures and suppressions -----------------------------------------------------------------


def test_who_left_stays_away(ledger: Ledger, tmp_path: Path) -> None:
    """Interface §1.6 D: a restore must not subscribe anybody again."""
    ann, bob = enlist(ledger, "ann@a.test", "bob@b.test")
    ledger = after(
        tmp_path,
        ledger,
        lambda newest: audience.unsubscribe(
            newest, SubscriberId(ann), WEEKLY, via="one-click", now=NOW
        ),
    )
    assert {"unsubscribed": 1} == dict(reconcile(ledger).written)
    assert ("unsubscribed", "confirmed") == (state_of(ledger, ann), state_of(ledger, bob))
    ledger.close()


def test_who_came_and_left_since_the_backup_is_not_imported_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Case 23: the database does not know them, their keyed address it does."""
    enlist(ledger, "ann@a.test")

    def happens(newest: Ledger) -> None:
        (person,) = enlist(newest, "new@b.test")
        audience.unsubscribe(newest, SubscriberId(person), WEEKLY, via="page", now=NOW)

    ledger = after(tmp_path, ledger, happens)
    reconcile(ledger)
    again = audience.add(ledger, "weekly", "new@b.test", source="import", now=LATER)
    assert "unsubscribed" == again
    ledger.close()


@pytest.mark.parametrize("back", [False, True])
def test_the_last_word_counts_whatever_the_order_of_the_lines(
    ledger: Ledger, tmp_path: Path, *, back: bool
) -> None:
    """Lines of several processes, or lines that were late, need not stand in their order."""
    (ann,) = enlist(ledger, "ann@a.test")

    def happens(newest: Ledger) -> None:
        audience.unsubscribe(newest, SubscriberId(ann), WEEKLY, via="page", now=NOW)
        suppress(newest, "ann@a.test")
        audience.resubscribe(newest, SubscriberId(ann), WEEKLY, via="page", now=NOW)
        unsuppress(newest, "ann@a.test")
        if not back:
            audience.unsubscribe(newest, SubscriberId(ann), WEEKLY, via="page", now=NOW)
            suppress(newest, "ann@a.test")

    ledger = after(tmp_path, ledger, happens)
    path = tmp_path / "mailer.journal"
    first, *rest = path.read_bytes().rstrip(b"\n").splitlines()
    path.write_bytes(b"\n".join([first, *reversed(rest), b""]))
    reconcile(ledger)
    assert ("confirmed" if back else "unsubscribed") == state_of(ledger, ann)
    with ledger.read() as connection:
        assert (not back) == bool(connection.execute(select(suppression)).all())
    ledger.close()


def test_a_departure_that_was_taken_back_since_the_backup_is_taken_back(
    ledger: Ledger, tmp_path: Path
) -> None:
    (ann,) = enlist(ledger, "ann@a.test")
    audience.unsubscribe(ledger, SubscriberId(ann), WEEKLY, via="page", now=NOW)
    suppress(ledger, "bob@b.test")

    def happens(newest: Ledger) -> None:
        audience.resubscribe(newest, SubscriberId(ann), WEEKLY, via="page", now=NOW)
        unsuppress(newest, "bob@b.test")

    ledger = after(tmp_path, ledger, happens)
    assert {"resubscribed": 1, "unsuppressed": 1} == dict(reconcile(ledger).written)
    assert SubscriptionState.CONFIRMED == state_of(ledger, ann)
    ledger.close()


def test_who_was_forgotten_is_forgotten_again(ledger: Ledger, tmp_path: Path) -> None:
    """A backup brings back what a person had the right to have erased."""
    (ann,) = enlist(ledger, "ann@a.test")
    ledger = after(
        tmp_path,
        ledger,
        lambda newest: forgetting.forget(newest, "ann@a.test", operator="op", now=NOW),
    )
    reconcile(ledger)
    with ledger.read() as connection:
        row = connection.execute(select(subscriber).where(subscriber.c.id == ann)).one()
    assert (None, None) == (row.email, row.address)
    ledger.close()


# --- doing it ------------------------------------------------------------------------------------


def test_doing_it_twice_or_half_changes_nothing_more(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle it goes on: the database stays an old one until all is written."""
    people = enlist(ledger, *addresses(6))
    number = frozen(ledger)

    def happens(newest: Ledger) -> None:
        deliver(newest, 3)
        audience.unsubscribe(newest, SubscriberId(people[5]), WEEKLY, via="page", now=NOW)

    ledger = after(tmp_path, ledger, happens)
    monkeypatch.setattr(replay, "AT_ONCE", 1)
    written = 0

    def killed(*arguments: object) -> None:
        nonlocal written
        written += 1
        if written == 3:
            raise KeyboardInterrupt
        deliveries(*arguments)  # type: ignore[arg-type]  # whatever it takes

    deliveries = replay._deliveries
    with monkeypatch.context() as kill:
        kill.setattr(replay, "_deliveries", killed)
        with pytest.raises(KeyboardInterrupt):
            replay.replay(ledger, now=LATER)
    assert 2 == look(ledger, number).counts["accepted"]
    error = standing.trouble(ledger, instance="", now=LATER)
    assert error is not None
    assert "E602" == error.code

    assert {"accepted": 1, "unsubscribed": 1} == dict(reconcile(ledger).written)
    assert {} == +reconcile(ledger).written
    assert 3 == look(ledger, number).counts["accepted"]
    assert [1, 2, 3, 4] == [line.n for line in lines_of(ledger)]
    ledger.close()


def test_scheduled_mailings_past_their_time_are_missed(ledger: Ledger, tmp_path: Path) -> None:
    """Interface §1.6 D: missed, not sent."""
    enlist(ledger, *addresses(3))
    past = freezing.freeze(ledger, plan(issue="past", due_at=NOW - 1), now=NOW)
    ahead = freezing.freeze(ledger, plan(issue="ahead", due_at=LATER + 1), now=NOW)
    ledger = after(tmp_path, ledger, lambda newest: suppress(newest, "x@x.test"))
    lost = standing.forgotten(ledger, now=LATER)
    assert lost is not None
    assert 1 == lost.missed
    assert [past] == reconcile(ledger).missed
    states = {one: look(ledger, one).state for one in (past, ahead)}
    assert {past: MailingState.MISSED, ahead: MailingState.SCHEDULED} == states
    ledger.close()


def test_what_happens_afterwards_is_numbered_behind_the_journal(
    ledger: Ledger, tmp_path: Path
) -> None:
    """So that the same database, restored once more, is recognised once more."""
    enlist(ledger, *addresses(6))
    frozen(ledger)
    ledger = after(tmp_path, ledger, lambda newest: deliver(newest, 2))
    reconcile(ledger)
    deliver(ledger, 1)
    assert [1, 2, 3] == [line.n for line in lines_of(ledger)]
    ledger.close()


def test_without_what_was_lost_it_goes_on_as_it_is(ledger: Ledger, tmp_path: Path) -> None:
    """`--accept-loss`: the operator's decision; an older backup is still recognised."""
    enlist(ledger, *addresses(4))
    number = frozen(ledger)
    ledger = after(tmp_path, ledger, lambda newest: deliver(newest, 2))
    replay.accept_loss(ledger, now=LATER)
    standing.admit(ledger, instance="", now=LATER)
    assert 4 == look(ledger, number).counts["queued"]
    assert 4 == len(deliver(ledger, 10))
    ledger.close()


def test_an_old_copy_of_the_same_number_is_not_confused_by_another_mailing(
    ledger: Ledger, tmp_path: Path
) -> None:
    """A mailing's number may be given anew after a restore: the issue counts."""
    enlist(ledger, *addresses(4))

    def happens(newest: Ledger) -> None:
        frozen(newest, issue="spring")
        deliver(newest, 2)

    ledger = after(tmp_path, ledger, happens)
    winter = frozen(ledger)  # has the number that spring had
    assert MailingId(1) == winter
    reconcile(ledger)
    assert 4 == look(ledger, winter).counts["queued"]
    with ledger.read() as connection:
        assert 2 == len(connection.execute(select(received)).all())
        assert 1 == len(connection.execute(select(mailing.c.id)).all())
    ledger.close()


def test_on_a_server_each_machine_replays_its_own_journal(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Also if the other one's goes further: what was restored is remembered."""
    url = postgres.lend()
    one = open_ledger(url, journal=tmp_path / "one" / "mailer.journal")
    two = open_ledger(url, journal=tmp_path / "two" / "mailer.journal")
    enlist(one, *addresses(6))
    frozen(one)
    first, second = deliver(two, 1), deliver(one, 2)
    with one.write() as connection:  # as if all that came from a backup of before
        connection.execute(update(delivery).values(state="queued", batch=None))
        connection.execute(update(mailing).values(accepted=0))
        connection.execute(update(meta).where(meta.c.key == "journal").values(value="0"))
    assert {"accepted": 2} == dict(reconcile(one).written)
    assert standing.trouble(two, instance="", now=LATER) is None
    assert {"accepted": 1} == dict(reconcile(two).written)
    with one.read() as connection:
        rows = connection.execute(select(delivery).where(delivery.c.state == "accepted")).all()
    assert {*first, *second} == {bytes(row.address_key) for row in rows}
    one.close()
    two.close()
    postgres.take_back(url)


def test_every_row_that_was_set_says_how_it_is_known(ledger: Ledger, tmp_path: Path) -> None:
    enlist(ledger, *addresses(2))
    number = frozen(ledger)
    ledger = after(tmp_path, ledger, lambda newest: deliver(newest, 1))
    reconcile(ledger)
    replies = {row.reply for row in rows(ledger, number) if row.state == DeliveryState.ACCEPTED}
    assert {"known from the journal only"} == replies
    with ledger.read() as connection:
        assert overview.overviews(connection)
        assert claims.changes(connection)
    ledger.close()
