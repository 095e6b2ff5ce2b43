"""What relays have really received, told by the test that plays them, and what must hold of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mailer.ledger.holds import HELD
from mailer.ledger.mailings import LIVE
from mailer.ledger.schema import delivery, hold, mailing
from mailer.model import DeliveryState, MailingState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from mailer.delivery.parcels import Parcel
    from mailer.model import MailingId

Key = tuple[str, bytes]
"""An issue and the keyed hash of an address: what may arrive once (decisions 6)."""

LISTS = {1: "weekly", 2: "monthly"}
COUNTED = ("sending", "accepted", "rejected", "in_doubt", "cancelled")
CONTENT_DIFFERS = "a later copy of a delivery is not the first one's bytes"


@dataclass
class Truth:
    """What happened outside the ledger.

    Attributes:
        issues: mailing -> its issue.
        copies: how often a relay has taken an issue for an address.
        doubts: how often nobody could know whether it had, so that one more copy is forgiven.
        asked: how often a person asked for one more copy.
        gone: list and address of those who left, and ("", address) of those never to be mailed.
        ever_gone: the same, also of those who came back.
        first: the first content of each delivery.
        doubted: ever_in_doubt of each mailing, which only grows.
        restores: how often an old database was put back.
    """

    issues: dict[MailingId, str] = field(default_factory=dict)
    copies: Counter[Key] = field(default_factory=Counter)
    doubts: Counter[Key] = field(default_factory=Counter)
    asked: Counter[Key] = field(default_factory=Counter)
    gone: set[tuple[str, bytes]] = field(default_factory=set)
    ever_gone: set[bytes] = field(default_factory=set)
    first: dict[tuple[MailingId, int], bytes] = field(default_factory=dict)
    doubted: dict[int, int] = field(default_factory=dict)
    restores: int = 0

    def key(self, parcel: Parcel) -> Key:
        """What may arrive once."""
        claimed = parcel.claimed
        return self.issues[claimed.recipient.mailing], claimed.address_key

    # --- what happens ----------------------------------------------------------------------------

    def leaves(self, parcel: Parcel) -> None:
        """The content of a message leaves: the same bytes each time (M-5, decisions 2)."""
        first = self.first.setdefault(parcel.claimed.key, parcel.message.content)
        assert first == parcel.message.content, CONTENT_DIFFERS

    def receive(self, parcel: Parcel) -> None:
        """A relay takes a message for good: once, unless it was in doubt or asked for by hand."""
        key = self.key(parcel)
        self.copies[key] += 1
        assert self.copies[key] <= 1 + self.doubts[key] + self.asked[key], key

    def doubt(self, parcel: Parcel) -> None:
        """From now on nobody knows whether a relay took it."""
        self.doubts[self.key(parcel)] += 1

    def leave(self, list_slug: str, address_key: bytes) -> None:
        """Somebody left a list, or without its name: must not be mailed at all."""
        self.gone.add((list_slug, address_key))
        self.ever_gone.add(address_key)

    def copy(self) -> Truth:
        """What is known now, for a copy of the database."""
        return deepcopy(self)

    def restore(self, then: Truth) -> None:
        """An old database stands in for the new one: it knows other first contents."""
        self.first, self.doubted = dict(then.first), dict(then.doubted)
        self.restores += 1

    # --- before a transaction --------------------------------------------------------------------

    def may_begin(self, connection: Connection, parcel: Parcel) -> bool:
        """Whether a delivery may begin, as the ledger stands before the transaction that says so.

        That is: it is queued in a mailing that is being sent, its domain is not held, its revision
        is its own or the newest, and it is for nobody who left (L-9).
        """
        claimed = parcel.claimed
        recipient = claimed.recipient
        head = connection.execute(select(mailing).where(mailing.c.id == recipient.mailing)).one()
        row = connection.execute(
            select(delivery).where(
                delivery.c.mailing == recipient.mailing, delivery.c.seq == recipient.seq
            )
        ).one()
        held = select(hold.c.domain).where(hold.c.mailing == recipient.mailing)
        away = {(slug, claimed.address_key) for slug in ("", LISTS[head.list])}
        return (
            head.state in LIVE
            and row.state == DeliveryState.QUEUED
            and (row.revision or head.revision) == claimed.revision
            and claimed.domain not in connection.scalars(held).all()
            and not away & self.gone
        )


# --- what always holds ---------------------------------------------------------------------------


def check(connection: Connection, truth: Truth, *, lanes: int) -> None:
    """Everything that holds of a ledger after every transaction."""
    heads = _all(connection, "mailing")
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in _all(connection, "delivery"):
        rows[row.mailing].append(row)
    for head in heads:
        _counts(head, rows[head.id])
        _doubt(head, truth)
        _over(head, rows[head.id])
    _revisions(connection, heads, rows)
    _queued(connection, [row for several in rows.values() for row in several])
    sending = Counter(row.holder for one in rows.values() for row in one if row.state == "sending")
    assert all(number <= lanes for number in sending.values()), "two on one connection (S-41)"
    if not truth.restores:
        twins = sum(number - 1 for number in truth.copies.values() if number > 1)
        ever = sum(head.ever_in_doubt for head in heads)
        assert twins <= ever + sum(truth.asked.values()), "more twins than doubts"


def _all(connection: Connection, table: str) -> Sequence[Any]:
    return connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608  a name of ours


def _counts(head: Any, rows: list[Any]) -> None:
    states = Counter(row.state for row in rows)
    assert head.recipients == len(rows)
    for name in COUNTED:
        assert getattr(head, name) == states[name], (head.id, name)
    for row in rows:
        assert (row.issue is None) == (row.state == DeliveryState.CANCELLED)


def _doubt(head: Any, truth: Truth) -> None:
    assert truth.doubted.get(head.id, 0) <= head.ever_in_doubt, "it only grows"
    truth.doubted[head.id] = head.ever_in_doubt


def _over(head: Any, rows: list[Any]) -> None:
    if head.state == MailingState.SENT:
        assert not {"queued", "sending"} & {row.state for row in rows}, f"m{head.id} is not sent"


def _revisions(connection: Connection, heads: Sequence[Any], rows: dict[int, list[Any]]) -> None:
    """Who began with a revision has it, everybody else the newest."""
    kept: Counter[tuple[int, int]] = Counter()
    for row in _all(connection, "revision"):
        kept[row.mailing, row.number] += row.recipients
    for head in heads:
        counted = Counter(row.revision or head.revision for row in rows[head.id])
        for number in range(1, head.revision + 1):
            assert counted[number] == kept[head.id, number], (head.id, number)


def _queued(connection: Connection, rows: list[Any]) -> None:
    """What is queued will be met: it waits for a time, or stands in one batch that is open."""
    open_ = [lease for lease in _all(connection, "batch") if not lease.done]
    own = {lease.id for lease in open_ if lease.first is None}
    for row in rows:
        if row.state != DeliveryState.QUEUED:
            assert row.due_at is None
        elif row.due_at is not None:
            assert row.batch is None
            assert 0 < row.due_at <= HELD
        elif row.batch is not None:
            assert row.batch in own, (row.mailing, row.seq, "its batch is closed: it is lost")
        else:
            ranges = [
                lease
                for lease in open_
                if lease.mailing == row.mailing
                and lease.first is not None
                and lease.first <= row.seq <= lease.last
            ]
            assert len(ranges) == 1, (row.mailing, row.seq, "its batch is closed: it is lost")
