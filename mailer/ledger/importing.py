"""A file of people becomes subscriptions: a verdict per line, in batches that each are complete.

A crash leaves whole batches behind; the same command again goes on where they end, because nobody
is added twice. Until its last batch an import counts as unfinished, and `imported` does not know
the file.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, insert, select, update

from mailer.address import AddressError, normalise
from mailer.ledger import sheets
from mailer.ledger.audience import list_number
from mailer.ledger.engines import Lock
from mailer.ledger.entries import CONTROL, Consent, Entry, Verdict
from mailer.ledger.joining import decide, join
from mailer.ledger.schema import import_file, list_
from mailer.ledger.seen import Seen
from mailer.model import Instant, ListId, SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mailer.ledger.columns import Columns
    from mailer.ledger.database import Ledger
    from mailer.ledger.sheets import Sheet

BATCH = 5000
"""Rows per transaction: the write lock is held for about 20 ms, shorter than a relay's answer."""

PROBLEMS = 100
"""How many skipped lines a report keeps; `on_lines` sees them all."""

_UNFINISHED = "unfinished:"
_STATES: dict[str, SubscriptionState] = {
    **dict.fromkeys(
        ("confirmed", "subscribed", "active", "enabled", "true"), SubscriptionState.CONFIRMED
    ),
    **dict.fromkeys(("pending", "unconfirmed"), SubscriptionState.PENDING),
    **dict.fromkeys(
        ("unsubscribed", "inactive", "disabled", "false"), SubscriptionState.UNSUBSCRIBED
    ),
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*").fullmatch
_BLANKS = " \u00a0"  # what people paste around a value; controls must stay to be refused (M-11)


class Line(NamedTuple):
    """One line of a file: where it begins, what became of it, and why if it cannot be imported.

    `code` is E501 (no address) or E512 (a value that cannot be stored) for an invalid line.
    """

    number: int
    verdict: Verdict
    address: str
    reason: str = ""
    code: str = ""


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
    list_id, batch = None, None
    if dry_run:
        with ledger.read() as connection:
            list_id = connection.scalar(select(list_.c.id).where(list_.c.slug == list_slug))
    else:
        list_id, batch = _begin(ledger, sheet, list_slug, operator, now)
    consent = Consent(source="import", operator=operator, reason=reason, at=now, batch=batch)
    counts: Counter[Verdict] = Counter()
    problems: list[Line] = []
    for lines in _batches(ledger, sheet, state, list_id, consent):
        counts.update(line.verdict for line in lines)
        problems += [line for line in lines if line.reason][: PROBLEMS - len(problems)]
        if on_lines is not None:
            on_lines(lines)
    if batch is not None:
        _finish(ledger, batch, sheet)
    return ImportReport(
        sheet=sheet,
        list=list_slug,
        batch=batch,
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


def _batches(
    ledger: Ledger,
    sheet: Sheet,
    state: SubscriptionState,
    list_id: ListId | None,
    consent: Consent,
) -> Iterator[list[Line]]:
    """Read outside the transaction, decide and write inside, a batch at a time."""
    # A file that grows meanwhile is another file.
    records = islice(sheets.rows(sheet), sheet.rows)
    reader = _Reader(ledger, sheet, state)
    while chunk := list(islice(records, BATCH)):
        lines, entries = reader.read(chunk)
        asked = list(entries.values())
        if consent.batch is None or list_id is None:
            with ledger.read() as connection:
                verdicts = [move.verdict for move in decide(connection, list_id, asked)]
        else:
            with ledger.write(Lock.PEOPLE, copying=True) as connection:
                verdicts = join(connection, list_id, asked, consent)
        for index, verdict in zip(entries, verdicts, strict=True):
            if verdict is not Verdict.ADDED:
                lines[index] = lines[index]._replace(verdict=verdict)
        yield lines


# --- one line ------------------------------------------------------------------------------------


class _InvalidError(Exception):
    """This line cannot be imported."""

    def __init__(self, reason: str, code: str = "E512") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class _Reader:
    """Cells become entries; remembers the keys of the whole file."""

    def __init__(self, ledger: Ledger, sheet: Sheet, state: SubscriptionState) -> None:
        self._key = ledger.normalised_key
        self._columns = sheet.columns
        self._names = [(at, f"{quote(name)}:") for at, name in sheet.columns.attributes]
        self._state = state
        self._seen = Seen(sheet.rows)

    def read(self, records: Iterable[tuple[int, list[str]]]) -> tuple[list[Line], dict[int, Entry]]:
        """A line for each record, and by its index the entry of each that asks for something.

        Those are taken to be added, as most are.
        """
        lines: list[Line] = []
        entries: dict[int, Entry] = {}
        for number, cells in records:
            try:
                entry = self._entry(cells)
            except _InvalidError as error:
                shown = self._shown(cells)
                lines.append(Line(number, Verdict.INVALID, shown, error.reason, error.code))
                continue
            if not self._seen.add(entry.key):
                reason = "The address stands in an earlier line."
                lines.append(Line(number, Verdict.DUPLICATE, entry.given, reason))
                continue
            entries[len(lines)] = entry
            lines.append(Line(number, Verdict.ADDED, entry.given))
        return lines, entries

    def _shown(self, cells: list[str]) -> str:
        column = self._columns.email
        cell = cells[column] if column < len(cells) else ""
        return CONTROL.sub("�", cell.strip(_BLANKS)[:80])

    def _entry(self, cells: list[str]) -> Entry:
        columns = self._columns
        if "'" in self._check(cells):
            cells = [sheets.plain_cell(cell.strip(_BLANKS)) for cell in cells]
        else:
            cells = [cell.strip(_BLANKS) for cell in cells]
        given = cells[columns.email]
        try:
            normalised = normalise(given)
        except AddressError as error:
            raise _InvalidError(error.reason, "E501") from error
        return Entry(
            given,
            normalised,
            self._key(normalised),
            _name(cells, columns),
            "" if columns.language is None else _language(cells[columns.language]),
            self._attributes(cells),
            self._state if columns.status is None else self._status(cells[columns.status]),
        )

    def _attributes(self, cells: list[str]) -> str:
        """The other columns as a JSON object, put together by hand: 0.5 instead of 3 µs.

        An empty cell is no attribute, so that templates can say `default`.
        """
        return (
            "{" + ",".join([name + quote(cells[at]) for at, name in self._names if cells[at]]) + "}"
        )

    def _check(self, cells: list[str]) -> str:
        """All cells in one, once they are as many as there are columns and hold no controls."""
        width = self._columns.width
        if len(cells) != width:
            if any(cells[width:]):
                raise _InvalidError(f"The line has {len(cells)} cells, the first line {width}.")
            # Spreadsheets leave empty cells at the end of a line out, or write too many.
            cells += [""] * (width - len(cells))
        whole = "".join(cells)
        if found := CONTROL.search(whole):
            column = next(at for at, cell in enumerate(cells, 1) if CONTROL.search(cell))
            raise _InvalidError(f"Cell {column} holds the control character U+{ord(found[0]):04X}.")
        return whole

    def _status(self, cell: str) -> SubscriptionState:
        if not cell:
            return self._state
        state = _STATES.get(cell.casefold())
        if state is None:
            raise _InvalidError(
                f'The status "{cell[:40]}" is none of confirmed, pending, unsubscribed.'
            )
        return state


def _name(cells: list[str], columns: Columns) -> str:
    """The whole name; its parts make one only where no column holds the whole."""
    if columns.name is not None:
        return cells[columns.name]
    parts = (cells[at] for at in (columns.given, columns.family) if at is not None)
    return " ".join(part for part in parts if part)


def _language(cell: str) -> str:
    tag = cell.replace("_", "-")
    if tag and not _LANGUAGE(tag):
        raise _InvalidError(f'The language "{cell[:40]}" is no tag such as en or pt-BR.')
    return tag
