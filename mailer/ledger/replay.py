"""What the journal knows and a restored database does not, written into it (interface §1.6 D).

::

    the journal says   the database has                     what becomes of it
    ─────────────────┼────────────────────────────────────┼─────────────────────────────────────────
    accepted         │ a delivery of the issue, not so    │ accepted
                     │ none                               │ remembered: no later freeze takes them
    in doubt         │ a delivery that is queued          │ in doubt: a person decides
                     │ none                               │ remembered
    unsubscribed     │ the person                         │ unsubscribed, unless taken back later
                     │ nobody                             │ a person without address, who stays away
    suppressed       │ whatever                           │ suppressed, unless taken back later
    forgotten        │ the person                         │ erased

Only lines behind the database's own number are read: it knows the others, and what an operator made
of them since. Doing it twice, or half and then again, ends in the same state. The order of the file
does not matter either: what was taken back is read first, and is few.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, null, select, update

from mailer.ledger import departures, noting, standing
from mailer.ledger.database import bump_changes
from mailer.ledger.departures import ACTOR, KNOWN
from mailer.ledger.dialect import RowUpdate, insert_new, restart_numbers
from mailer.ledger.lines import Kind, Line
from mailer.ledger.mailings import set_state
from mailer.ledger.schema import delivery, issue, list_, mailing, meta, received
from mailer.model import DeliveryState, Instant, MailingId, MailingState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailer.ledger.database import Ledger

AT_ONCE = 500
"""Lines per transaction: others wait for a moment, and a killed replay goes on where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did.

    Attributes:
        written: how many deliveries were `accepted`, `in doubt` or `remembered`, and how many
            people `unsubscribed`, `resubscribed`, `suppressed`, `unsuppressed` and `forgotten`.
        missed: scheduled mailings whose time has passed.
    """

    written: Counter[str]
    missed: list[MailingId]


def replay(ledger: Ledger, *, now: Instant) -> Replayed:
    """Write into the database what its journal knows; the caller holds the lock of the service.

    Raises:
        OperationalError: the database cannot be written; the same call again goes on.
    """
    known = _fall_behind(ledger)
    done: Counter[str] = Counter()
    back = departures.taken_back(ledger, after=known)
    for lines in _chunks(iter(back.values())):
        with ledger.write() as connection:
            noting.mute(connection)
            for line in lines:
                departures.take_back(connection, line, done)
    for lines in _chunks(ledger.journal.lines(after=known)):
        with ledger.write() as connection:
            noting.mute(connection)
            _deliveries(connection, lines, done)
            _keep_numbers(connection, lines)
            for line in lines:
                later = back.get(departures.about(line))
                if later is None or later.n < line.n:
                    departures.depart(connection, line, done)
    with ledger.write() as connection:
        if not ledger.journal.alone:  # the other machines' journals know something, too
            standing.remember_restore(connection, known)
        return Replayed(written=+done, missed=_end(connection, now=now))


def accept_loss(ledger: Ledger, *, now: Instant) -> list[MailingId]:
    """Go on with what the database knows; returns the scheduled mailings that are too late."""
    _fall_behind(ledger)
    with ledger.write() as connection:
        return _end(connection, now=now)


def _fall_behind(ledger: Ledger) -> int:
    """How far the database goes; from now on it counts from the end of its journal."""
    tail = ledger.journal.tail()
    with ledger.write() as connection:
        known = noting.counter(connection)
        if tail.highest > known:
            noting.fall_behind(connection, known=known, highest=tail.highest)
        since = (standing.behind(connection), standing.restored(connection), known)
    return min(number for number in since if number is not None)


def _end(connection: Connection, *, now: Instant) -> list[MailingId]:
    """Nothing is behind any more; what should have begun meanwhile waits for a person."""
    missed = [MailingId(number) for number in standing.late(connection, now=now)]
    for number in missed:
        reason = "its time passed while the database was an old one"
        set_state(connection, number, MailingState.MISSED, actor=ACTOR, now=now, reason=reason)
    connection.execute(delete(meta).where(meta.c.key == "behind"))
    bump_changes(connection)
    return missed


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while chunk := list(islice(lines, AT_ONCE)):
        yield chunk


# --- deliveries ----------------------------------------------------------------------------------


class _Row(NamedTuple):
    mailing: int
    seq: int
    state: str


_MOVE = RowUpdate(
    update(delivery)
    .where(delivery.c.mailing == bindparam("mailing_"), delivery.c.seq == bindparam("seq_"))
    .values(
        state=bindparam("state_"),
        due_at=null(),
        batch=null(),
        reply=bindparam("reply_"),
        changed_at=bindparam("changed_at_"),
    ),
    "mailing_ seq_ state_ reply_ changed_at_",
)
_UNSETTLED = (DeliveryState.QUEUED, DeliveryState.SENDING)


def _deliveries(connection: Connection, lines: Sequence[Line], done: Counter[str]) -> None:
    """Who has an issue, and who may have it; of several lines about one, `accepted` counts."""
    by_issue: dict[str, dict[bytes, Line]] = defaultdict(dict)
    for line in lines:
        if line.kind in (Kind.ACCEPTED, Kind.IN_DOUBT):
            told = by_issue[line.issue].get(line.key)
            if told is None or told.kind is Kind.IN_DOUBT:
                by_issue[line.issue][line.key] = line
    for slug, told_of in by_issue.items():
        number = _issue(connection, slug)
        rows = _rows(connection, number, list(told_of))
        _settle(connection, [(rows[key], told_of[key]) for key in rows], done)
        unknown = [{"address_key": key, "issue": number} for key in told_of if key not in rows]
        if unknown:
            statement = insert_new(connection, received)
            done["remembered"] += connection.execute(statement, unknown).rowcount


def _issue(connection: Connection, slug: str) -> int:
    number: int | None = connection.scalar(select(issue.c.id).where(issue.c.slug == slug))
    if number is None:
        statement = insert(issue).values(slug=slug).returning(issue.c.id)
        return int(connection.scalars(statement).one())
    return number


_TOKENS = 2**31
"""Numbers of mailings fit into their tokens (decisions 9); a damaged line may hold any."""


def _keep_numbers(connection: Connection, lines: Sequence[Line]) -> None:
    """Give the number of no mailing again that the database does not know.

    Mails that are out carry it: a bounce, or a click, would be about somebody else (V-1).
    """
    told = {line.mailing: line for line in lines if line.mailing and line.mailing < _TOKENS}
    known = select(mailing.c.id).where(mailing.c.id.in_(list(told)))
    for number in told.keys() - set(connection.scalars(known)):
        line = told[number]
        list_id = connection.scalar(select(list_.c.id).where(list_.c.slug == line.list))
        if list_id is not None:
            lost = {
                "id": number,
                "issue": _issue(connection, line.issue),
                "list": list_id,
                "state": MailingState.CANCELLED,
                "reason": KNOWN,
                "revision": 0,
                "due_at": line.at,
                "started_by": ACTOR,
                "created_at": line.at,
                "finished_at": line.at,
                "recipients": 0,
            }
            connection.execute(insert(mailing).values(lost))
            restart_numbers(connection, [mailing])


def _rows(connection: Connection, number: int, keys: Sequence[bytes]) -> dict[bytes, _Row]:
    query = select(
        delivery.c.address_key, delivery.c.mailing, delivery.c.seq, delivery.c.state
    ).where(delivery.c.issue == number, delivery.c.address_key.in_(keys))
    return {bytes(row[0]): _Row(*row[1:]) for row in connection.execute(query)}


def _settle(connection: Connection, told: Sequence[tuple[_Row, Line]], done: Counter[str]) -> None:
    moves = []
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row, line in told:
        accepted = line.kind is Kind.ACCEPTED
        if row.state == DeliveryState.ACCEPTED or not (accepted or row.state in _UNSETTLED):
            continue
        state = DeliveryState.ACCEPTED if accepted else DeliveryState.IN_DOUBT
        moves.append((row.mailing, row.seq, state.value, KNOWN, line.at))
        change = counts[row.mailing]
        change[state.value] += 1
        change["ever_in_doubt"] += not accepted
        if row.state != DeliveryState.QUEUED:  # which no counter counts
            change[row.state] -= 1
        done["accepted"] += accepted
        done["in doubt"] += not accepted
    if moves:
        _MOVE.run(connection, moves)
    for number, change in counts.items():
        more = {mailing.c[name]: mailing.c[name] + by for name, by in change.items()}
        connection.execute(update(mailing).where(mailing.c.id == number).values(more))
