"""One slot of a list is taken once, whoever looks (interface §1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.ledger import slots
from mailer.model import Instant

if TYPE_CHECKING:
    from mailer.ledger import Ledger

MONDAY, TUESDAY = Instant(1_000_000), Instant(2_000_000)


def test_nobody_has_looked_at_first(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert slots.last_taken(connection, "weekly") is None


def test_what_was_taken_is_remembered_for_each_list(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert slots.take(connection, "weekly", MONDAY, since=None)
    with ledger.read() as connection:
        assert MONDAY == slots.last_taken(connection, "weekly")
        assert slots.last_taken(connection, "monthly") is None


def test_of_two_who_look_at_once_one_takes_it(ledger: Ledger) -> None:
    """Both read the same; the second to write finds that it was taken since."""
    with ledger.write() as connection:
        assert slots.take(connection, "weekly", MONDAY, since=None)
        assert not slots.take(connection, "weekly", MONDAY, since=None)
    with ledger.write() as connection:
        assert slots.take(connection, "weekly", TUESDAY, since=MONDAY)
    with ledger.write() as connection:
        assert not slots.take(connection, "weekly", TUESDAY, since=MONDAY)
        assert TUESDAY == slots.last_taken(connection, "weekly")
