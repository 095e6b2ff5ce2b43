"""Lines of a file become what they ask for, or are skipped, hundreds at a time."""

from __future__ import annotations

import re
import time
from array import array
from collections import deque
from itertools import islice
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, NamedTuple

from mailer.address import AddressError, normalise
from mailer.ledger import sheets
from mailer.ledger.entries import CONTROL, Packed, Texts, Verdict, dump
from mailer.ledger.seen import Seen
from mailer.model import SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailer.ledger.columns import Columns
    from mailer.ledger.sheets import Sheet

PART = 500
"""Lines that are in memory as objects, and that one JSON text holds."""

GIVE_WAY = 50
"""Lines between two moments at which the thread that writes may go on."""

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


class Part(NamedTuple):
    """Some lines, as they are kept until they are written.

    Attributes:
        numbers: the lines that ask for something.
        addresses: theirs, each in a line; empty if nobody wants to know.
        skipped: the other lines.
    """

    numbers: Sequence[int]
    addresses: str
    skipped: list[Line]

    def told(self, others: Mapping[int, Verdict], first: int) -> list[Line]:
        """What became of every line: it was added, or got another verdict.

        Args:
            others: other verdicts by the place of the line, counting those of `numbers`.
            first: the place of the first one here.
        """
        addresses = self.addresses.split("\n") if self.numbers else []
        asked = enumerate(zip(self.numbers, addresses, strict=True), first)
        added = Verdict.ADDED
        lines = [Line(number, others.get(n, added), address) for n, (number, address) in asked]
        return sorted(lines + self.skipped)


class _InvalidError(Exception):
    """This line cannot be imported."""

    def __init__(self, reason: str, code: str = "E512") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Reader:
    """Reads a file once; remembers the keys of the whole file.

    Args:
        sheet: the file.
        key: the keyed hash of a normalised address.
        state: for lines without a status of their own.
        keep_addresses: somebody will ask what became of each line.
    """

    def __init__(
        self,
        sheet: Sheet,
        key: Callable[[str], bytes],
        state: SubscriptionState,
        *,
        keep_addresses: bool,
    ) -> None:
        # A file that grows meanwhile is another file.
        self._records = islice(sheets.rows(sheet), sheet.rows)
        self._key = key
        self._columns = sheet.columns
        self._names = [(at, f"{quote(name)}:") for at, name in sheet.columns.attributes]
        self._state = state
        self._keep_addresses = keep_addresses
        self._seen = Seen(sheet.rows)

    def batch(self, lines: int) -> tuple[list[Part], deque[Packed]]:
        """The next so many lines, none at the end of the file, and what they ask for."""
        parts, entries = [], deque[Packed]()
        records = islice(self._records, lines)
        while some := list(islice(records, PART)):
            part, packed = self._part(some)
            parts.append(part)
            entries.append(packed)
        return parts, entries

    def _part(self, records: Sequence[tuple[int, list[str]]]) -> tuple[Part, Packed]:
        numbers, keys, entries, skipped = array("L"), [], [], []
        clean = self._are_clean([cells for _, cells in records])
        for place, (number, cells) in enumerate(records):
            if not place % GIVE_WAY:
                time.sleep(0)  # or the other thread waits for 5 ms after each of its statements
            try:
                normalised, texts = self._asked(cells if clean else self._clean(cells))
            except _InvalidError as error:
                shown = self._shown(cells)
                skipped.append(Line(number, Verdict.INVALID, shown, error.reason, error.code))
                continue
            numbers.append(number)
            keys.append(self._key(normalised))
            entries.append(texts)
        for place in reversed(self._seen.add(keys)):
            reason = "The address stands in an earlier line."
            number, (address, *_) = numbers.pop(place), entries.pop(place)
            skipped.append(Line(number, Verdict.DUPLICATE, address, reason))
            del keys[place]
        addresses = "\n".join([given for given, *_ in entries]) if self._keep_addresses else ""
        packed = Packed(len(keys), b"".join(keys), dump(entries))
        return Part(numbers, addresses, sorted(skipped)), packed

    def _shown(self, cells: list[str]) -> str:
        column = self._columns.email
        cell = cells[column] if column < len(cells) else ""
        return CONTROL.sub("�", cell.strip(_BLANKS)[:80])

    def _are_clean(self, rows: Sequence[list[str]]) -> bool:
        """Whether `_clean` would leave all of these as they are, as it mostly does."""
        width = self._columns.width
        if any(len(cells) != width for cells in rows):
            return False
        text = "\n".join(["", *map("\n".join, rows), ""])
        return (
            text.count("\n") == len(rows) * width + 1
            and not ("\n " in text or " \n" in text or "\n'" in text)
            and text.replace("\n", "").isprintable()
        )

    def _clean(self, cells: list[str]) -> list[str]:
        """As many cells as there are columns, without controls and what surrounds values."""
        width = self._columns.width
        if len(cells) != width:
            if any(cells[width:]):
                raise _InvalidError(f"The line has {len(cells)} cells, the first line {width}.")
            # Spreadsheets leave empty cells at the end of a line out, or write too many.
            cells = [*cells[:width], *[""] * (width - len(cells))]
        if found := CONTROL.search("".join(cells)):
            column = next(at for at, cell in enumerate(cells, 1) if CONTROL.search(cell))
            raise _InvalidError(f"Cell {column} holds the control character U+{ord(found[0]):04X}.")
        return [sheets.plain_cell(cell.strip(_BLANKS)) for cell in cells]

    def _asked(self, cells: list[str]) -> tuple[str, Texts]:
        """The normalised address and the texts of an entry."""
        columns = self._columns
        given = cells[columns.email]
        try:
            normalised = normalise(given)
        except AddressError as error:
            raise _InvalidError(error.reason, "E501") from error
        return normalised, (
            given,
            None if normalised == given else normalised,
            _name(cells, columns),
            "" if columns.language is None else _language(cells[columns.language]),
            self._attributes(cells) if self._names else "{}",
            self._state if columns.status is None else self._status(cells[columns.status]),
        )

    def _attributes(self, cells: list[str]) -> str:
        """The other columns as a JSON object, put together by hand: 0.5 instead of 3 µs.

        An empty cell is no attribute, so that templates can say `default`.
        """
        return (
            "{" + ",".join([name + quote(cells[at]) for at, name in self._names if cells[at]]) + "}"
        )

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
