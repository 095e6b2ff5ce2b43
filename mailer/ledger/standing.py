"""May this ledger send? Not an old copy of it, nor a copy on another machine (interface §1.6 D).

::

    the journal beside it     what it means                       mailing
    ──────────────────────────┼───────────────────────────────────┼──────────────────────────────
    ends where it does        │ nothing was forgotten             │ goes on
    ends before it            │ lines are owed, or it is an old   │ goes on once they are added
    ends behind it            │ the database was restored         │ E602
    is missing                │ nobody knows, unless both are new │ E618
    names another salt        │ it is that of another ledger      │ E619
    whatever                  │ the database was used elsewhere   │ E620

Each ends by `mailer restore reconcile`. Reading, importing, leaving and test copies go on.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from mailer.errors import SafetyError
from mailer.ledger import noting, snapshot
from mailer.ledger.journal import JournalError
from mailer.ledger.lines import Kind
from mailer.ledger.schema import mailing, meta, owed
from mailer.model import Instant, MailingState, moment

if TYPE_CHECKING:
    from mailer.ledger.database import Ledger

log = logging.getLogger("mailer")

MACHINE_ID = Path("/etc/machine-id")
_MACHINE = "machine "


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What a journal knows and the database beside it does not.

    Attributes:
        known: how far the database goes.
        highest: how far the journal goes.
        at: when its newest line was noted.
        missed: scheduled mailings whose time has passed.
    """

    known: int
    highest: int
    at: Instant
    deliveries: int
    unsubscribes: int
    suppressions: int
    missed: int


def admit(ledger: Ledger, *, instance: str, now: Instant) -> None:
    """Let this ledger send: bring its journal up to date, and remember where it is used.

    `instance` is what the operator calls this installation, or empty.

    Raises:
        SafetyError: E602, E618, E619 or E620; nothing may be sent.
    """
    refuse(ledger, instance=instance, now=now)
    me = name_of(ledger, instance)
    with ledger.read() as connection:
        new = me and instance_of(connection) is None
    if new:
        with ledger.write() as connection:
            name(connection, me)
    _catch_up(ledger)


def refuse(ledger: Ledger, *, instance: str, now: Instant) -> None:
    """`admit` without writing anything.

    Raises:
        SafetyError: as `admit`.
    """
    error = trouble(ledger, instance=instance, now=now)
    if error is not None:
        raise error


def trouble(ledger: Ledger, *, instance: str, now: Instant) -> SafetyError | None:
    """Why this ledger may not send; None if it may. Writes nothing."""
    lost = forgotten(ledger, now=now)
    if lost is not None:
        return _older(lost)
    error = unaccounted(ledger)
    if error is not None:
        return error
    with ledger.read() as connection:
        stored = instance_of(connection)
    if stored is not None and stored != name_of(ledger, instance):
        return elsewhere(ledger, stored)
    return None


def unaccounted(ledger: Ledger) -> SafetyError | None:
    """Why nobody can tell whether the database is an old one; None if its journal is there."""
    journal = ledger.journal
    if journal.exists:
        return _another(ledger) if journal.salt() != ledger.salt else None
    with ledger.read() as connection:
        new = noting.is_new(connection)
    return None if new or not journal.alone else _missing(ledger)


def restored(connection: Connection) -> int | None:
    """How far a server's ledger went when it was restored last; its machines' journals go on."""
    found = connection.scalar(select(meta.c.value).where(meta.c.key == "restored"))
    return None if found is None else int(found)


def remember_restore(connection: Connection, known: int) -> None:
    """Another machine's journal must be replayed from there, too."""
    connection.execute(delete(meta).where(meta.c.key == "restored"))
    connection.execute(insert(meta).values(key="restored", value=str(known)))


def behind(connection: Connection) -> int | None:
    """How far a database went that was found older than its journal; None if it was not."""
    found = connection.scalar(select(meta.c.value).where(meta.c.key == "behind"))
    return None if found is None else int(found)


def forgotten(ledger: Ledger, *, now: Instant) -> Forgotten | None:
    """What the journal knows beyond the database, which is counted; None if that is nothing."""
    tail = ledger.journal.tail()  # before the database: somebody could write between
    with ledger.read() as connection:
        known, since = noting.counter(connection), behind(connection)
        missed = len(late(connection, now=now))
    if since is None and tail.highest <= known:
        return None
    start = known if since is None else since
    found = dict.fromkeys(Kind, 0)
    for line in ledger.journal.lines(after=start):
        found[line.kind] += 1
    return Forgotten(
        known=start,
        highest=tail.highest,
        at=Instant(tail.at or 0),
        deliveries=found[Kind.ACCEPTED],
        unsubscribes=found[Kind.UNSUBSCRIBED] + found[Kind.FORGOTTEN],
        suppressions=found[Kind.SUPPRESSED],
        missed=missed,
    )


def late(connection: Connection, *, now: Instant) -> list[int]:
    """Scheduled mailings whose time has passed: a restored ledger does not send them."""
    scheduled = (mailing.c.state == MailingState.SCHEDULED, mailing.c.due_at <= now)
    return list(connection.scalars(select(mailing.c.id).where(*scheduled)))


# --- a journal that ends too early ---------------------------------------------------------------


def _catch_up(ledger: Ledger) -> None:
    """Add what is owed; what cannot be written now is kept and goes first when it can."""
    journal, before = ledger.journal, ledger.journal.tail()
    with ledger.read() as connection:
        known = noting.counter(connection)
        debts = [(row.n, row.lines) for row in connection.execute(select(owed).order_by(owed.c.n))]
    if not debts and before.highest >= known:
        return
    after = journal.tail()  # again: what was owed a moment ago may have been added since
    journal.owe(debts, after, known=known)
    try:
        # Beside an embedded database the journal has every line, or it is an old one.
        if journal.alone and known > max([after.highest, *(n for n, _ in debts)]):
            lines = snapshot.append(ledger)
            log.warning("%s ended early: %d lines were added", journal.path, lines)
        journal.pay()
    except JournalError as error:
        log.warning("%s: %s", error, error.detail)
    else:
        with ledger.write():
            pass  # what was paid is owed no more


# --- the instance --------------------------------------------------------------------------------


def name_of(ledger: Ledger, instance: str) -> str:
    """What this installation is called: as the operator says, else after the machine.

    A server's ledger is there for several machines: only what the operator says counts.
    """
    if instance or ledger.path is None:
        return instance
    try:
        number = MACHINE_ID.read_text().strip()
    except OSError:
        return ""
    # The number itself is nothing to hand out: machine-id(5).
    return _MACHINE + hashlib.sha256(f"mailer {number}".encode()).hexdigest()[:12] if number else ""


def name(connection: Connection, instance: str) -> None:
    """Remember where the ledger is used; empty: nowhere in particular."""
    connection.execute(delete(meta).where(meta.c.key == "instance"))
    if instance:
        connection.execute(insert(meta).values(key="instance", value=instance))


def instance_of(connection: Connection) -> str | None:
    """What the installation is called that the ledger was last used on; None if none is."""
    stored: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == "instance"))
    server = connection.dialect.name == "postgresql"
    # A ledger that moved to a server has left its machine.
    return None if stored and server and stored.startswith(_MACHINE) else stored


# --- what is said --------------------------------------------------------------------------------


def _older(lost: Forgotten) -> SafetyError:
    detail = (
        f"The journal knows {many(lost.deliveries, 'delivery', 'deliveries')}, "
        f"{many(lost.unsubscribes, 'unsubscribe')} and "
        f"{many(lost.suppressions, 'suppression')} that this database does not."
    )
    if lost.missed:
        are = "mailing is past its" if lost.missed == 1 else "mailings are past their"
        detail += f"\n{lost.missed:,} scheduled {are} time: missed, not sent."
    return SafetyError(
        "E602",
        f"This database is older than its journal ({lost.known:,} < {lost.highest:,}; "
        f"{moment(lost.at):%-d %b %H:%M} UTC). Nothing will be sent",
        detail=detail,
        next_step="mailer restore reconcile                  replays them, then continues\n"
        "    mailer restore reconcile --accept-loss    without them: type the number of deliveries",
    )


def many(number: int, one: str, more: str = "") -> str:
    """So many of them: 1 delivery, 2,000 deliveries."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _missing(ledger: Ledger) -> SafetyError:
    return SafetyError(
        "E618",
        "The journal of this database is missing. Nothing will be sent",
        where=str(ledger.journal.path),
        detail="Without it nobody can tell whether the database is an old copy.",
        next_step="put it back, or if there is none: mailer restore reconcile --accept-loss",
    )


def _another(ledger: Ledger) -> SafetyError:
    return SafetyError(
        "E619",
        "The journal beside this database is not its own. Nothing will be sent",
        where=str(ledger.journal.path),
        detail="It belongs to another ledger, or its first line was damaged.",
        next_step="put the right one there; if there is none, move this one away, then: "
        "mailer restore reconcile --accept-loss",
    )


def elsewhere(ledger: Ledger, stored: str) -> SafetyError:
    """The error for a ledger that was last used on another installation."""
    return SafetyError(
        "E620",
        "This database belongs to another installation. Nothing will be sent",
        where=ledger.where,
        detail=f'It was last used on "{stored}", which may be sending from its own.',
        next_step="if that has ended for good: mailer restore reconcile --adopt",
    )
