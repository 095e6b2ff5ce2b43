"""The deliveries that a process has claimed: nothing of a batch is lost before it is settled."""

from __future__ import annotations

import pytest

from mailer.delivery.feed import Feed, leaving
from mailer.ledger.claims import Batch, Claimed
from mailer.model import MailingId
from tests.samples.messages import recipient


def claimed(seq: int, batch: int = 1) -> Claimed:
    return Claimed(
        recipient=recipient(seq=seq),
        address_key=b"",
        batch=batch,
        attempts=0,
        resends=0,
        revision=1,
        date=None,
        values=None,
    )


def filled(*sizes: int) -> tuple[Feed, list[Claimed]]:
    """A feed of batches 1, 2, … with so many deliveries each."""
    feed, everything, seq = Feed(), [], 0
    for number, size in enumerate(sizes, start=1):
        deliveries = [claimed(seq + each, number) for each in range(size)]
        seq += size
        feed.add(Batch(id=number, mailing=MailingId(42), deliveries=deliveries))
        everything += deliveries
    return feed, everything


def test_deliveries_come_in_claim_order_and_a_returned_one_comes_first() -> None:
    feed, (first, second, third) = filled(2, 1)
    assert [first, second] == [feed.next(), feed.next()]
    feed.put_back(second)
    assert [second, third] == [feed.next(), feed.next()]
    with pytest.raises(IndexError):
        feed.next()


def test_a_batch_is_over_only_when_the_last_of_it_is_settled() -> None:
    feed, (first, second, third) = filled(3)
    for _ in range(3):
        feed.next()
    assert [] == feed.ended(leaving([first, second]))
    assert [1] == feed.ended(leaving([first, second, third]))


def test_asking_changes_nothing_until_it_is_made_true() -> None:
    """The commit may fail; then nothing has happened (S-41)."""
    feed, (first, second) = filled(2)
    assert [] == feed.ended(leaving([first])) == feed.ended(leaving([second]))
    feed.leave(leaving([first]), over=())
    assert [1] == feed.ended(leaving([second]))


def test_a_batch_that_is_over_is_forgotten() -> None:
    feed, (first, second, other) = filled(2, 1)
    feed.leave(leaving([first]), over=[1])
    assert [] == feed.ended(leaving([second]))
    assert [2] == feed.ended(leaving([other]))


def test_nothing_is_offered_after_a_drain_but_batches_stay_known() -> None:
    feed, (only,) = filled(1)
    feed.clear()
    assert 0 == len(feed)
    assert [1] == feed.ended(leaving([only]))


def test_who_left_is_dropped_wherever_they_wait() -> None:
    feed, (first, second, third) = filled(3)
    feed.drop({second.key})
    assert [first, third] == list(feed)
