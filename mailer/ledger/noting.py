"""What the transactions of a ledger tell its journal: notes, the counter, the lines that are owed.

The counter `n` is one for all processes; it is raised by the transaction that notes, last of all,
so that nobody waits longer for it than a commit takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    cast,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from mailer.ledger import lines
from mailer.ledger.dialect import RowStatement, insert_new, read_value
from mailer.ledger.schema import issue, list_, mailing, meta, owed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from mailer.ledger.lines import Kind
    from mailer.model import Instant, ListId, MailingId


NOTES = "journal"
"""Where a connection keeps them while its transaction lasts."""


class Notes(NamedTuple):
    """What the transaction of a connection will tell the journal, in `connection.info`."""

    taken: list[tuple[str, bytes, str, int]]
    fields: dict[int, str]  # mailing -> what its lines say of it


def note(
    connection: Connection,
    kind: Kind,
    *address_keys: bytes,
    at: Instant,
    list_id: ListId | None = None,
    bounce_class: str = "",
) -> None:
    """Let the journal know, once this transaction is committed, what happened to addresses."""
    notes: Notes | None = connection.info.get(NOTES)
    if notes is None or not address_keys:
        return
    slug = "" if list_id is None else _slug(connection, list_id)
    fields = lines.about(list_=slug, bounce_class=bounce_class)
    notes.taken.extend((kind, key, fields, at) for key in address_keys)


def note_deliveries(
    connection: Connection, moved: Iterable[tuple[Kind, bytes, MailingId]], *, at: Instant
) -> None:
    """As `note`, for deliveries that were accepted or are in doubt."""
    notes: Notes | None = connection.info.get(NOTES)
    if notes is None:
        return
    for kind, address_key, number in moved:
        fields = notes.fields.get(number)
        if fields is None:
            fields = notes.fields[number] = _of_mailing(connection, number)
        notes.taken.append((kind, address_key, fields, at))


def mute(connection: Connection) -> None:
    """Note nothing in this transaction: it repeats what the journal has said."""
    connection.info.pop(NOTES, None)


def _slug(connection: Connection, list_id: ListId) -> str:
    return connection.scalar(select(list_.c.slug).where(list_.c.id == list_id)) or ""


def _of_mailing(connection: Connection, number: MailingId) -> str:
    row = connection.execute(
        select(issue.c.slug, list_.c.slug)
        .select_from(mailing.join(issue, issue.c.id == mailing.c.issue).join(list_))
        .where(mailing.c.id == number)
    ).one()
    return lines.about(mailing=number, issue=row[0], list_=row[1])


_COUNTER = meta.c.key == literal_column("'journal'")
_NUMBER = select(meta.c.value).where(_COUNTER)
_MORE = cast(meta.c.value, BigInteger) + bindparam("more_", type_=BigInteger)
_ADVANCE = RowStatement(
    update(meta).where(_COUNTER).values(value=cast(_MORE, Text)).returning(meta.c.value), "more_"
)
_OWE = RowStatement(insert(owed).values(n=bindparam("n_"), lines=bindparam("lines_")), "n_ lines_")
_OWE_ANEW = RowStatement(
    update(owed)
    .where(owed.c.n == bindparam("paid_", type_=BigInteger))
    .values(n=bindparam("n_"), lines=bindparam("lines_"))
    .returning(owed.c.n),
    "paid_ n_ lines_",
)
_PAID = RowStatement(delete(owed).where(owed.c.n == bindparam("n_")), "n_")


def counter(connection: Connection) -> int:
    """How far the database has counted what the journal must know."""
    return int(read_value(connection, _NUMBER) or 0)


def is_new(connection: Connection) -> bool:
    """Whether no line was ever in the file: whatever was counted is still owed."""
    debts: Sequence[str] = connection.scalars(select(owed.c.lines)).all()
    return counter(connection) == sum(text.count("\n") for text in debts)


def fall_behind(connection: Connection, *, known: int, highest: int) -> None:
    """The database knows less than its journal: remember how far it went, and count on from there.

    Without that, what is written now would make an old database look as new as its journal.
    """
    values = {"key": "behind", "value": str(known)}
    connection.execute(insert_new(connection, meta).values(values))
    connection.execute(update(meta).where(_COUNTER).values(value=str(highest)))


def owe(connection: Connection, notes: Notes, before: Sequence[int]) -> tuple[int, str]:
    """Count what was noted and keep its lines here until they are in the file, as others are.

    `before` are the numbers of those others.

    Returns:
        The number of the last line, under which they are owed, and the lines.
    """
    last = int(_ADVANCE.run(connection, len(notes.taken)))
    first = last + 1 - len(notes.taken)
    text = "".join([lines.write(n, *taken) for n, taken in enumerate(notes.taken, first)])
    # Commit after commit there is one, whose row serves again.
    *older, latest = before or (0,)
    paid(connection, older)
    if not latest or _OWE_ANEW.run(connection, latest, last, text) is None:
        _OWE.run(connection, last, text)
    return last, text


def paid(connection: Connection, numbers: Sequence[int]) -> None:
    """These lines are in the file."""
    for n in numbers:
        _PAID.run(connection, n)
