"""A file of people becomes subscriptions: a verdict per line, in batches that each are complete.

A crash leaves whole batches behind; the same command again goes on where they end, because nobody
is added twice. Until its last batch an import counts as unfinished, and `imported` does not know
the file.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from mailer.ledger import sheets
from mailer.ledger.audience import list_number
from mailer.ledger.deciding import decide
from mailer.ledger.engines import Lock
from mailer.ledger.entries import Consent, Verdict
from mailer.ledger.joining import join_all
from mailer.ledger.reading import Reader
from mailer.ledger.schema import import_file, list_
from mailer.model import Instant, ListId, SubscriptionState

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mailer.ledger.database import Ledger
    from mailer.ledger.entries import Packed
    from mailer.ledger.reading import Line, Part
    from mailer.ledger.sheets import Sheet

BATCH = 20_000
"""Rows per transaction: the write lock is held for about 0.2 s."""

PROBLEMS = 100
"""How many skipped lines a report keeps; `on_lines` sees them all."""

_UNFINISHED = "unfinished:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did, or would do.

    Attributes:
        batch: the number shown as i7; None for a dry run.
        lines: how many people the file names; empty lines do not count.
        counts: how many lines got which verdict.
        problems: the first invalid and duplicate lines.
    """

    sheet: Sheet
    list: str
    batch: int | None
    lines: int
    counts: Mapping[Verdict, int]
    problems: Sequence[Line]

    @property
    def imported(self) -> int:
        """Lines whose person is on the list as the file says."""
        return self.lines - self.skipped

    @property
    def skipped(self) -> int:
        """Lines that nothing was done for."""
        return sum(count for verdict, count in self.counts.items() if verdict.skipped)


def import_csv(
    ledger: Ledger,
    path: Path,
    *,
    list_slug: str,
    operator: str,
    now: Instant,
    name: str = "",
    state: SubscriptionState = SubscriptionState.CONFIRMED,
    reason: str = "",
    dry_run: bool = False,
    on_lines: Callable[[Sequence[Line]], None] | None = None,
) -> ImportReport:
    """Put everybody whom a CSV file names onto a list, and state that these people agreed.

    Args:
        ledger: where to.
        path: the file.
        list_slug: a list that the ledger has, unless it is a dry run.
        operator: who imports.
        now: when.
        name: how messages call the file; its path if empty.
        state: for lines without a status of their own.
        reason: why these people may be mailed.
        dry_run: decide and report, write nothing.
        on_lines: is told what became of each line, a batch at a time, once that is stored.

    Raises:
        NotFoundError: E507 no such list, E508 no such file.
        CheckError: E502 to E506, the file cannot be read to its end; nothing was imported.
    """
    sheet = sheets.examine(path, name or str(path))
    list_id, number = None, None
    if dry_run:
        with ledger.read() as connection:
            list_id = connection.scalar(select(list_.c.id).where(list_.c.slug == list_slug))
    else:
        list_id, number = _begin(ledger, sheet, list_slug, operator, now)
    consent = Consent(source="import", operator=operator, reason=reason, at=now, batch=number)
    counts: Counter[Verdict] = Counter()
    problems: list[Line] = []
    reader = Reader(sheet, ledger.normalised_key, state, keep_addresses=on_lines is not None)
    for parts, others in _written(ledger, reader, list_id, consent):
        counts += _count(parts, others)
        first = 0
        for part in parts:
            problems += part.skipped[: PROBLEMS - len(problems)]
            if on_lines is not None:
                on_lines(part.told(others, first))
            first += len(part.numbers)
    if number is not None:
        _finish(ledger, number, sheet)
    return ImportReport(
        sheet=sheet,
        list=list_slug,
        batch=number,
        lines=counts.total(),
        counts=counts,
        problems=problems,
    )


def imported(connection: Connection, digest: str) -> bool:
    """Whether a file of this content (`sheets.file_digest`) was imported to its end."""
    found = connection.scalar(
        select(import_file.c.id).where(import_file.c.digest == digest).limit(1)
    )
    return found is not None


def _begin(
    ledger: Ledger, sheet: Sheet, list_slug: str, operator: str, now: Instant
) -> tuple[ListId, int]:
    """List and number of this import; the same content for the same list is the same import."""
    with ledger.write(Lock.PEOPLE) as connection:
        list_id = list_number(connection, list_slug)
        known = connection.scalar(
            select(import_file.c.id).where(
                import_file.c.list == list_id,
                import_file.c.digest.in_([sheet.digest, _UNFINISHED + sheet.digest]),
            )
        )
        if known is not None:
            return list_id, int(known)
        values = {
            "file": sheet.name,
            "digest": _UNFINISHED + sheet.digest,
            "list": list_id,
            "operator": operator,
            "created_at": now,
        }
        row = connection.execute(insert(import_file).values(values)).inserted_primary_key
        assert row is not None
        return list_id, int(row[0])


def _finish(ledger: Ledger, batch: int, sheet: Sheet) -> None:
    with ledger.write(Lock.PEOPLE) as connection:
        connection.execute(
            update(import_file).where(import_file.c.id == batch).values(digest=sheet.digest)
        )


def _written(
    ledger: Ledger, reader: Reader, list_id: ListId | None, consent: Consent
) -> Iterator[tuple[list[Part], dict[int, Verdict]]]:
    """Batches with the verdicts of their entries that are not added, each once it is stored.

    The next batch is read while a thread writes one; nothing is written while the caller looks.
    """
    with ThreadPoolExecutor(1) as thread:
        parts, entries = reader.batch(BATCH)
        while parts:
            writing = thread.submit(_write, ledger, list_id, entries, consent)
            following, entries = reader.batch(BATCH)
            yield parts, writing.result()
            parts = following


def _write(
    ledger: Ledger, list_id: ListId | None, entries: deque[Packed], consent: Consent
) -> dict[int, Verdict]:
    # What the database has got needs no room here any more.
    each = (entries.popleft() for _ in range(len(entries)))
    if consent.batch is None or list_id is None:
        with ledger.read() as connection:
            return decide(connection, list_id, each)
    with ledger.write(Lock.PEOPLE, copying=True) as connection:
        return join_all(connection, list_id, each, consent)


def _count(parts: Sequence[Part], others: Mapping[int, Verdict]) -> Counter[Verdict]:
    counts = Counter(others.values())
    counts.update(line.verdict for part in parts for line in part.skipped)
    counts[Verdict.ADDED] = sum(len(part.numbers) for part in parts) - len(others)
    return counts
