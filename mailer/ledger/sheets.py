"""A CSV file of people, as spreadsheets and other programs write it; it knows no ledger.

A file is read twice: `examine` finds out encoding, delimiter and columns and walks the whole
structure, so that a file that cannot be read to its end changes nothing; `rows` then streams.
Neither holds more than one record in memory.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.errors import CheckError, NotFoundError
from mailer.ledger import columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.ledger.columns import Columns

FILE_OCTETS = 100 * 1024 * 1024
CELL = 1024 * 1024
LINE_OCTETS = 4 * CELL
_CHUNK = 1024 * 1024

_MARKS = (  # longest first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheets still write; where two fit equally well, the earlier is taken.
_LEGACY = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949", "mac_roman"),
)
_DELIMITERS = (",", ";", "\t", "|")

# What a spreadsheet would run as a formula, behind any quotes that guard it already.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file that can be read to its end.

    Attributes:
        name: how messages call the file.
        digest: SHA-256 of its octets, hexadecimal.
        guessed: words of the file as the guessed encoding shows them; empty if none was guessed.
        rows: how many records follow the header; empty ones do not count.
    """

    path: Path = field(repr=False)
    name: str
    digest: str
    encoding: str
    guessed: str
    delimiter: str
    columns: Columns
    rows: int


def safe_cell(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (X-3)."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain_cell(cell: str) -> str:
    """The inverse of `safe_cell`; every other leading quote stays."""
    return cell[1:] if _GUARDED.match(cell) else cell


def file_digest(path: Path) -> str:
    """SHA-256 of a file's octets, hexadecimal: the form in which a file was imported."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def examine(path: Path, name: str) -> Sheet:
    """Read a whole file once and say how it is to be read.

    Raises:
        NotFoundError: E508, there is no such file.
        CheckError: E502 no column of addresses, E503 two columns of one name, E504 broken quoting,
            E505 larger than the limits of X-17, E506 unknown encoding.
    """
    if not path.is_file():
        raise NotFoundError("E508", "There is no such file", where=name)
    if path.stat().st_size > FILE_OCTETS:
        raise CheckError(
            "E505",
            f"The file is larger than {FILE_OCTETS // 1024**2} MB",
            where=name,
            next_step="split it: its parts are imported like the whole",
        )
    head, is_utf8 = _scan(path, name)
    encoding, guessed = _encoding(path, name, head, is_utf8=is_utf8)
    delimiter, line, header = _header(path, name, encoding)
    understood = columns.understand([plain_cell(cell) for cell in header], f"{name}:{line}")
    return Sheet(
        path=path,
        name=name,
        digest=file_digest(path),
        encoding=encoding,
        guessed=guessed,
        delimiter=delimiter,
        columns=understood,
        rows=sum(1 for _ in _records(path, name, encoding, delimiter)) - 1,
    )


def rows(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Every record below the header with the line on which it begins."""
    records = _records(sheet.path, sheet.name, sheet.encoding, sheet.delimiter)
    next(records)
    return records


def _header(path: Path, name: str, encoding: str) -> tuple[str, int, list[str]]:
    """Delimiter, line and cells of the header.

    The delimiter is the one under which the header names addresses and most columns: unlike
    statistics over the rows, that cannot be misled by commas and semicolons in their cells.
    """
    found: list[tuple[str, int, list[str]]] = []
    broken: CheckError | None = None
    for delimiter in _DELIMITERS:
        try:
            found.append((delimiter, *next(_records(path, name, encoding, delimiter), (1, []))))
        except CheckError as error:
            broken = broken or error
    if broken is not None and not found:
        raise broken
    return max(found, key=lambda read: (columns.names_addresses(read[2]), len(read[2])))


def _records(
    path: Path, name: str, encoding: str, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    # The module's own limit is 128 KB; it can only be set for the whole process.
    csv.field_size_limit(CELL)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
        line = 1
        try:
            for cells in reader:
                if any(cells):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise _broken(str(error), f"{name}:{line}") from error
        except UnicodeError as error:
            raise _undecodable(name, f"It is not {encoding}: {error}.") from error


def _broken(said: str, where: str) -> CheckError:
    if "field limit" in said:
        return CheckError(
            "E505",
            f"A cell is larger than {CELL // 1024**2} MB",
            where=where,
            detail="Often a quotation mark is opened here and never closed. Nothing was stored.",
            next_step="shorten the cell, or close the quotation mark",
        )
    return CheckError(
        "E504",
        "A quotation mark is not closed in this record",
        where=where,
        detail=f"The reader said: {said}. Nothing was stored.",
        next_step='close it, or write "" for a quotation mark inside a cell',
    )


def _undecodable(name: str, why: str) -> CheckError:
    return CheckError(
        "E506",
        "The file's encoding is not known",
        where=name,
        detail=f"{why} Nothing was stored.",
        next_step='save it as "CSV UTF-8" and import it again',
    )


# --- encoding ------------------------------------------------------------------------------------


def _scan(path: Path, name: str) -> tuple[bytes, bool]:
    """The first octets, and whether all is UTF-8; refuses endless lines before csv sees them."""
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
    head, is_utf8, line = b"", True, 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            head = head or chunk[:4096]
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            line = line + len(chunk) if end < 0 else len(chunk) - end
            if line > LINE_OCTETS:
                raise _broken("field limit", name)
            try:
                decoder.decode(chunk if is_utf8 else b"")
            except UnicodeDecodeError:
                is_utf8 = False
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    return head, is_utf8


def _encoding(path: Path, name: str, head: bytes, *, is_utf8: bool) -> tuple[str, str]:
    """The encoding, and words that show it if it had to be guessed."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, ""
    # Addresses and delimiters are ASCII, so that UTF-16 has about as many zeros as letters.
    if head.count(0) * 4 > len(head):
        return ("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"), ""
    return ("utf-8", "") if is_utf8 else _guess(path, name)


def _guess(path: Path, name: str) -> tuple[str, str]:
    """The likeliest legacy encoding, judged by the words that are not ASCII."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  40 ms that UTF-8 does not need

    words = _foreign_words(path)
    # A few names are too short a text to judge; repeated, they are long enough.
    found = from_bytes(b"\n".join(words * 5), cp_isolation=list(_LEGACY), threshold=0.5)
    best = min(
        found,
        key=lambda fit: (round(fit.chaos, 2) - fit.coherence, _LEGACY.index(fit.encoding)),
        default=None,
    )
    if best is None:
        raise _undecodable(name, "It is not UTF-8, and nothing else fits.")
    return best.encoding, b", ".join(words[:3]).decode(best.encoding, "replace")


def _foreign_words(path: Path, *, octets: int = 16_384) -> list[bytes]:
    words: dict[bytes, None] = {}
    size = 0
    with path.open("rb") as file:
        while size < octets and (chunk := file.read(_CHUNK)):
            for cell in re.split(rb'[,;\t|"\r\n]+', chunk):
                if not cell.isascii() and cell not in words:
                    words[cell] = None
                    size += len(cell)
    return list(words)
