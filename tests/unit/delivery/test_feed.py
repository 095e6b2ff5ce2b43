"""The deliveries that a process has claimed: nothing of a batch is lost before it is settled."""

from __future__ import annotations

from collections import Counter

import pytest

from mailer.delivery.feed import ONLY, Feed, leaving
from mailer.delivery.pace import Meter
from mailer.delivery.routes import Route
from mailer.ledger.claims import Batch, Claimed
from mailer.model import MailingId
from tests.samples.messages import recipient


def claimed(seq: int, batch: int = 1, *, domain: str = "a.test") -> Claimed:
    return Claimed(
        recipient=recipient(seq=seq, email=f"person{seq}@{domain}"),
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
    assert [first, second] == [feed.next(feed.rings[ONLY]), feed.next(feed.rings[ONLY])]
    feed.put_back(second)
    assert [second, third] == [feed.next(feed.rings[ONLY]), feed.next(feed.rings[ONLY])]
    with pytest.raises(IndexError):
        feed.next(feed.rings[ONLY])


def test_a_batch_is_over_when_the_last_of_it_is_settled_and_then_forgotten() -> None:
    feed, (first, second, third, other) = filled(3, 1)
    assert [] == feed.leave(leaving([first, second]))
    assert [1, 2] == feed.leave(leaving([third, other]))
    assert [] == feed.leave(leaving([third, other]))


def test_a_batch_that_is_given_back_is_not_closed() -> None:
    feed, (only,) = filled(1)
    feed.forget([1])
    assert [] == feed.leave(leaving([only]))


def test_nothing_is_offered_after_a_drain_but_batches_stay_known() -> None:
    feed, (only,) = filled(1)
    feed.clear()
    assert 0 == len(feed)
    assert [1] == feed.leave(leaving([only]))


def test_who_left_is_dropped_wherever_they_wait() -> None:
    feed, (first, second, third) = filled(3)
    feed.drop({second.key})
    assert [first, third] == list(feed)


# --- domains -------------------------------------------------------------------------------------


def mixed(*domains: str) -> Feed:
    """A feed of one batch, one delivery for each of these domains in this order."""
    feed = Feed()
    deliveries = [claimed(seq, domain=domain) for seq, domain in enumerate(domains)]
    feed.add(Batch(id=1, mailing=MailingId(42), deliveries=deliveries))
    return feed


def taken(feed: Feed, count: int, route: Route = ONLY) -> list[str]:
    """The domains of the next deliveries."""
    return [feed.next(feed.rings[route]).domain for _ in range(count)]


def test_the_domains_of_a_batch_come_in_turn() -> None:
    """S-32: one large domain does not hold up the small ones behind it."""
    feed = mixed(*["big.test"] * 6, "b.test", "c.test")
    assert ["big.test", "b.test", "c.test", "big.test"] == taken(feed, 4)
    assert ["big.test"] * 4 == taken(feed, 4)
    assert 0 == len(feed) == feed.rings[ONLY].ready


def test_a_domain_without_leave_to_send_holds_up_nobody() -> None:
    """Case 39."""
    feed = mixed(*["slow.test"] * 3, *["a.test"] * 3)
    feed.meters = {"slow.test": Meter(left=1)}
    feed.sort()
    assert {"slow.test": 1, "a.test": 3} == Counter(taken(feed, 4))
    ring = feed.rings[ONLY]
    assert (2, 0) == (len(feed), ring.ready)
    with pytest.raises(IndexError):
        feed.next(ring)
    feed.meters["slow.test"].left = 2
    feed.sort()
    assert ["slow.test"] * 2 == taken(feed, 2)


def test_what_comes_back_to_a_domain_without_leave_waits_there() -> None:
    feed = mixed("slow.test")
    feed.meters = {"slow.test": Meter(left=1)}
    back = feed.next(feed.rings[ONLY])
    feed.put_back(back)
    assert (1, 0) == (len(feed), feed.rings[ONLY].ready)
    feed.meters = {}
    feed.sort()
    assert back == feed.next(feed.rings[ONLY])


def test_the_last_of_a_queue_can_be_taken_out_in_their_order() -> None:
    feed = mixed(*["slow.test"] * 5, "a.test")
    assert [3, 4] == [one.recipient.seq for one in feed.take_last(feed.rings[ONLY], "slow.test", 2)]
    assert 4 == len(feed) == feed.rings[ONLY].ready


def test_each_route_has_a_ring_of_its_own() -> None:
    routes = {"a.test": Route((0,)), "b.test": Route((1,))}
    feed = Feed(lambda one: routes[one.domain])
    deliveries = [claimed(seq, domain=name) for seq, name in enumerate(["a.test", "b.test"] * 2)]
    feed.add(Batch(id=1, mailing=MailingId(42), deliveries=deliveries))
    assert ["b.test", "b.test"] == taken(feed, 2, routes["b.test"])
    assert 2 == len(feed)
    elsewhere = Route((7,))
    feed.put_back(feed.next(feed.rings[routes["a.test"]]), elsewhere)
    assert ["a.test"] == taken(feed, 1, elsewhere)
