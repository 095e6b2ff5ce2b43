"""How a CSV file is read: encodings, delimiters, limits, formulas (X-3, X-17, case 22)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from mailer.errors import CheckError, NotFoundError
from mailer.ledger import sheets

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "email,name\nzoe@example.org,Zoë\n"


def examined(folder: Path, content: bytes | str) -> sheets.Sheet:
    """What is found out about a file."""
    path = folder / "people.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sheets.examine(path, "people.csv")


@pytest.mark.parametrize(
    ("octets", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32"),
    ],
)
def test_case_22_unicode_in_any_form_is_recognised(
    tmp_path: Path, octets: bytes, encoding: str
) -> None:
    sheet = examined(tmp_path, octets)

    assert (encoding, "") == (sheet.encoding, sheet.guessed)
    assert list(sheets.rows(sheet)) == [(2, ["zoe@example.org", "Zoë"])]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["Jürgen Groß", "André Leclercq"]),
        ("cp1252", ["José Muñoz"]),
        ("cp1250", ["Jiří Dvořák", "Šárka Nováčková"]),
        ("cp1251", ["Владимир Петров", "Анна Каренина"]),
        ("koi8_r", ["Владимир Петров", "Анна Каренина"]),
        ("cp932", ["山田太郎", "鈴木花子さん"]),
    ],
)
def test_a_legacy_encoding_is_guessed_and_shown(
    tmp_path: Path, encoding: str, names: list[str]
) -> None:
    lines = "".join(f"person@example.org,{name}\n" for name in names)
    sheet = examined(tmp_path, f"email,name\n{lines}".encode(encoding))

    assert names == [cells[1] for _, cells in sheets.rows(sheet)]
    assert ", ".join(names) == sheet.guessed


def test_octets_that_no_encoding_explains_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E506") as caught:
        examined(tmp_path, b"email,name\na@example.org,\x81\x8d\x8f\x90\x9d\xff\xfe\x00\n")

    assert caught.value.where == "people.csv"
    assert "UTF-8" in caught.value.next


def test_utf_16_that_breaks_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E506"):
        examined(tmp_path, TEXT.encode("utf-16")[:-1])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_of_the_header(tmp_path: Path, delimiter: str) -> None:
    text = f"name{delimiter}email\nA, b; c | d{delimiter}a@example.org\n"
    if delimiter != "\t":
        text = text.replace("A, b; c | d", '"A, b; c | d"')
    sheet = examined(tmp_path, text)

    assert delimiter == sheet.delimiter
    assert list(sheets.rows(sheet)) == [(2, ["A, b; c | d", "a@example.org"])]


def test_quoted_headers_of_another_delimiter_are_no_error(tmp_path: Path) -> None:
    assert examined(tmp_path, '"email";"name"\n"a@example.org";"A"\n').delimiter == ";"


def test_a_file_with_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert examined(tmp_path, "email\na@example.org\n").rows == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_lines(tmp_path: Path, end: str) -> None:
    sheet = examined(tmp_path, end.join(["", "email", "", "a@example.org", ",,", "b@example.org"]))

    assert list(sheets.rows(sheet)) == [(4, ["a@example.org"]), (6, ["b@example.org"])]


def test_a_record_is_named_by_its_first_line(tmp_path: Path) -> None:
    sheet = examined(tmp_path, 'email,note\na@example.org,"one\ntwo"\nb@example.org,\n')

    assert [line for line, _ in sheets.rows(sheet)] == [2, 4]


def test_case_22_an_unclosed_quote_is_refused_where_it_opens(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E504") as caught:
        examined(tmp_path, 'email,name\na@example.org,A\nb@example.org,"B\nc@example.org,C\n')

    assert caught.value.where == "people.csv:3"


def test_case_22_an_unclosed_quote_that_a_later_one_seems_to_close(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E504") as caught:
        examined(tmp_path, 'email,name\nb@example.org,"B\nc@example.org,"Cy"\n')

    assert caught.value.where == "people.csv:2"


def test_x_17_a_cell_over_1_mb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E505 A cell is larger than 1 MB") as caught:
        examined(tmp_path, "email,name\na@example.org,A\nb@example.org," + "x" * (sheets.CELL + 1))

    assert caught.value.where == "people.csv:3"


def test_case_22_a_cell_of_10_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="E505"):
        examined(tmp_path, 'email,name\nb@example.org,"' + "x" * 10_000_000)


def test_x_17_a_cell_of_1_mb_is_read(tmp_path: Path) -> None:
    sheet = examined(tmp_path, "email,name\nb@example.org," + "x" * sheets.CELL)

    assert [len(cells[1]) for _, cells in sheets.rows(sheet)] == [sheets.CELL]


def test_x_17_a_file_over_100_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    with path.open("wb") as file:
        file.truncate(sheets.FILE_OCTETS + 1)

    with pytest.raises(CheckError, match="E505 The file is larger than 100 MB"):
        sheets.examine(path, "people.csv")


def test_x_17_nul_reaches_the_line_that_holds_it(tmp_path: Path) -> None:
    sheet = examined(tmp_path, "email,name\na@example.org,A\0\n")

    assert list(sheets.rows(sheet)) == [(2, ["a@example.org", "A\0"])]


@pytest.mark.parametrize("content", ["", "\n\n", "email"])
def test_an_empty_file_is_no_traceback(tmp_path: Path, content: str) -> None:
    if content == "email":
        assert examined(tmp_path, content).rows == 0
    else:
        with pytest.raises(CheckError, match="E502"):
            examined(tmp_path, content)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="E508"):
        sheets.examine(tmp_path / "none.csv", "none.csv")


def test_the_limit_of_cells_is_that_of_this_module(tmp_path: Path) -> None:
    examined(tmp_path, TEXT)

    assert csv.field_size_limit() == sheets.CELL


@pytest.mark.parametrize(
    "value",
    [
        '=HYPERLINK("http://evil.example")',
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠1",
        "'=1",
        "''=1",
    ],
)
def test_x_3_formulas_are_guarded_and_come_back(value: str) -> None:
    guarded = sheets.safe_cell(value)

    assert f"'{value}" == guarded
    assert value == sheets.plain_cell(guarded)


@pytest.mark.parametrize("value", ["", "Ann", "'tis", "'", "O'Brien", "''", "1+1", "a@b.org"])
def test_x_3_everything_else_stays_as_it_is(value: str) -> None:
    assert value == sheets.safe_cell(value) == sheets.plain_cell(value)
