"""`mailer subscribers` and `mailer suppressions` as people type them (interface §2.2, §2.7)."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from mailer.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = """
[newsletter]
name = "The Weekly"
from = "The Weekly <weekly@example.org>"
url = "https://news.example.org"
address = "1 Example Street, Exampleton"
{lists}
[relay]
url = "smtp://127.0.0.1:1025"
[bounces]
address = "bounces@example.org"
"""
WEEKLY = '[lists.weekly]\ntitle = "The Weekly"\n'
MONTHLY = '[lists.monthly]\ntitle = "The Monthly"\n'

type_of_run = "Callable[..., tuple[int, str, str]]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newsletter with one list."""
    (tmp_path / "mailer.toml").write_text(CONFIG.format(lists=WEEKLY))
    (tmp_path / "subscribers").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mailer(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line: exit code, stdout, stderr."""
    del folder

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        out, err = capfd.readouterr()
        code = stopped.value.code
        assert isinstance(code, int)
        return code, out, err

    return run


def table(text: str) -> list[list[str]]:
    """CSV as rows."""
    return list(csv.reader(io.StringIO(text)))


def test_decisions_11_import_without_a_file_imports_every_list(folder: Path, mailer: Any) -> None:
    (folder / "mailer.toml").write_text(CONFIG.format(lists=WEEKLY + MONTHLY))
    (folder / "subscribers/weekly.csv").write_text("email\nann@example.org\nben@example.org\n")
    (folder / "subscribers/monthly.csv").write_text("email\nann@example.org\n")

    code, out, err = mailer("subscribers", "import")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "✔ subscribers/monthly.csv → monthly: 1 lines · 1 added · batch i1",
        "✔ subscribers/weekly.csv → weekly: 2 lines · 2 added · batch i2",
    ]


def test_decisions_11_a_list_that_is_not_configured_is_an_error_that_names_it(
    folder: Path, mailer: Any
) -> None:
    (folder / "subscribers/weekly.csv").write_text("email\nann@example.org\n")
    (folder / "subscribers/yearly.csv").write_text("email\nann@example.org\n")

    code, out, err = mailer("subscribers", "import")
    assert (code, out) == (9, "")
    assert "✖ E507 There is no list yearly" in err
    assert "add [lists.yearly] to mailer.toml" in err
    assert mailer("subscribers", "list")[1] == ""


def test_import_without_any_file_says_where_to_put_one(mailer: Any) -> None:
    code, _, err = mailer("subscribers", "import")

    assert code == 9
    assert "E511" in err


def test_the_sample_of_e501_is_printed_as_it_stands(folder: Path, mailer: Any) -> None:
    lines = "".join(f"p{number}@example.org\n" for number in range(2000))
    (folder / "subscribers/weekly.csv").write_text(f'email\n"ann@example,org"\n{lines}')

    code, out, err = mailer("subscribers", "import")
    assert code == 0
    assert err == (
        '✖ E501 subscribers/weekly.csv:2  "ann@example,org" is not an address\n'
        "  The domain holds a comma. 1 of 2,001 lines skipped, 2,000 imported (batch i1).\n"
        "  → correct the line and import the file again: nobody is added twice\n"
    )
    assert out == (
        "✔ subscribers/weekly.csv → weekly: 2,001 lines · 2,000 added · 1 skipped: invalid · "
        "batch i1\n"
    )


def test_case_22_a_broken_file_stops_with_file_and_line(folder: Path, mailer: Any) -> None:
    (folder / "subscribers/weekly.csv").write_text('email,name\nann@example.org,"Ann\n')

    code, out, err = mailer("subscribers", "import")
    assert (code, out) == (3, "")
    assert "✖ E504 A quotation mark is not closed in this record\n  subscribers/weekly.csv:2" in err


def test_import_tells_everything_as_json(folder: Path, mailer: Any) -> None:
    (folder / "fair.csv").write_text("email\nann@example.org\nnobody\n")

    code, out, _ = mailer("subscribers", "import", "fair.csv", "--list", "weekly", "--json")
    assert code == 0
    assert json.loads(out) == {
        "schema": "mailer.subscribers.import/1",
        "dry_run": False,
        "files": [
            {
                "file": "fair.csv",
                "list": "weekly",
                "batch": "i1",
                "encoding": "utf-8",
                "lines": 2,
                "imported": 1,
                "skipped": 1,
                "counts": {"added": 1, "invalid": 1},
                "problems": [
                    {
                        "line": 3,
                        "address": "nobody",
                        "verdict": "invalid",
                        "code": "E501",
                        "reason": "It holds no @.",
                    }
                ],
            }
        ],
    }


def test_a_report_has_a_verdict_for_every_line(folder: Path, mailer: Any) -> None:
    text = "email\n=ann@example.org\n=ANN@example.org\nnobody\n"
    (folder / "fair.csv").write_text(text)

    mailer("subscribers", "import", "fair.csv", "--list", "weekly", "--report", "verdicts.csv")
    assert table((folder / "verdicts.csv").read_text()) == [
        ["file", "line", "address", "verdict", "reason"],
        ["fair.csv", "2", "'=ann@example.org", "added", ""],
        [
            "fair.csv",
            "3",
            "'=ANN@example.org",
            "skipped: duplicate",
            "The address stands in an earlier line.",
        ],
        ["fair.csv", "4", "nobody", "skipped: invalid", "It holds no @."],
    ]


def test_a_dry_run_before_there_is_a_database_makes_none(folder: Path, mailer: Any) -> None:
    (folder / "subscribers/weekly.csv").write_text("email\nann@example.org\nnobody\n")

    code, out, err = mailer("subscribers", "import", "--dry-run")
    assert code == 0
    assert "1 added · 1 skipped: invalid · nothing was stored" in out
    assert "1 of 2 lines skipped, 1 would be imported." in err
    assert [one.name for one in (folder / "subscribers").iterdir()] == ["weekly.csv"]


def test_a_guessed_encoding_is_said(folder: Path, mailer: Any) -> None:
    text = "email;name\nann@example.org;José Muñoz\n"
    (folder / "subscribers/weekly.csv").write_bytes(text.encode("cp1252"))

    _, _, err = mailer("subscribers", "import", "-q")
    assert '▲ subscribers/weekly.csv is not UTF-8; read as cp1252: "José Muñoz"' in err


def test_add_prints_what_was_done_and_show_the_consent(mailer: Any) -> None:
    code, out, _ = mailer("subscribers", "add", "Me@Example.org", "--reason", "owner")
    assert (code, out) == (0, "✔ added: Me@Example.org · weekly\n")

    _, shown, _ = mailer("subscribers", "show", "me@example.org", "--json")
    story = json.loads(shown)
    (place,) = story["subscriptions"]
    assert story["email"] == "Me@Example.org"
    assert (place["list"], place["state"], place["reason"]) == ("weekly", "confirmed", "owner")
    assert [one["kind"] for one in story["events"]] == ["subscribed"]

    _, text, _ = mailer("subscribers", "show", "me@example.org")
    assert "· add · by " in text
    assert '· "owner"' in text


def test_x_8_an_argument_that_is_no_address_is_a_usage_error(mailer: Any) -> None:
    for verb in ("add", "show", "forget"):
        code, out, err = mailer("subscribers", verb, "ann@example,org")
        assert (code, out) == (2, "")
        assert '✖ E501 "ann@example,org" is not an address\n  The domain holds a comma.' in err


def test_case_3_a_name_with_a_newline_is_a_usage_error(mailer: Any) -> None:
    code, _, err = mailer("subscribers", "add", "ann@example.org", "--name", "Ann\nBcc: x@y.org")

    assert code == 2
    assert "E512" in err


def test_with_several_lists_one_must_be_named(folder: Path, mailer: Any) -> None:
    (folder / "mailer.toml").write_text(CONFIG.format(lists=WEEKLY + MONTHLY))

    code, _, err = mailer("subscribers", "add", "ann@example.org")
    assert code == 2
    assert "E513" in err
    assert "weekly, monthly" in err


@pytest.mark.parametrize("title", ['"a > b"', '"a\\nb"'])
def test_case_5_a_list_title_that_cannot_stand_in_a_header_is_refused(
    folder: Path, mailer: Any, title: str
) -> None:
    (folder / "mailer.toml").write_text(CONFIG.format(lists=f"[lists.weekly]\ntitle = {title}\n"))

    code, out, err = mailer("subscribers", "add", "ann@example.org")
    assert (code, out) == (4, "")
    assert "[lists.weekly] title" in err


def test_list_prints_people_and_counts_them_on_stderr(mailer: Any) -> None:
    mailer("subscribers", "add", "ann@example.org", "--name", "Ann")
    mailer("subscribers", "add", "ben@example.org")

    code, out, err = mailer("subscribers", "list", "--state", "confirmed")
    assert (code, err) == (0, "2 in all\n")
    assert out.splitlines()[0].split() == ["ann@example.org", "confirmed", "weekly", "Ann"]

    _, data, _ = mailer("subscribers", "list", "--json")
    assert json.loads(data)["schema"] == "mailer.subscribers/1"
    assert [one["email"] for one in json.loads(data)["subscribers"]] == [
        "ann@example.org",
        "ben@example.org",
    ]


def test_x_3_export_is_quoted_and_guarded_and_imports_again(folder: Path, mailer: Any) -> None:
    mailer("subscribers", "add", "ann@example.org", "--name", '=HYPERLINK("http://x.test")')

    code, out, err = mailer("subscribers", "export")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == (
        '"ann@example.org","\'=HYPERLINK(""http://x.test"")","","confirmed"'
    )
    (folder / "subscribers/weekly.csv").write_text(out)
    assert "1 unchanged" in mailer("subscribers", "import")[1]


def test_forget_asks_and_needs_yes_where_nobody_answers(mailer: Any) -> None:
    mailer("subscribers", "add", "ann@example.org")

    code, _, err = mailer("subscribers", "forget", "ann@example.org", "--no-input")
    assert code == 7
    assert "add --yes" in err
    code, out, _ = mailer("subscribers", "forget", "ann@example.org", "--yes")
    assert (code, out) == (0, "✔ forgotten: ann@example.org\n")
    assert "ann@example.org" not in mailer("subscribers", "export")[1]


def test_case_23_nobody_who_left_is_added_by_hand(mailer: Any) -> None:
    mailer("subscribers", "add", "ann@example.org")
    mailer("subscribers", "forget", "ann@example.org", "--yes")

    code, _, err = mailer("subscribers", "add", "ann@example.org")
    assert code == 7
    assert "✖ E509 ann@example.org left weekly" in err


def test_b_21_suppressing_and_lifting(mailer: Any) -> None:
    reason = "asked by telephone"
    code, out, _ = mailer("suppressions", "add", "ann@example.org", "--reason", reason)
    assert (code, out) == (0, "✔ suppressed: ann@example.org\n")
    assert "already" in mailer("suppressions", "add", "Ann@example.org")[1]

    code, _, err = mailer("subscribers", "add", "ann@example.org")
    assert code == 7
    assert "✖ E510 ann@example.org is suppressed" in err

    _, data, _ = mailer("suppressions", "list", "--json")
    (one,) = json.loads(data)["suppressions"]
    assert (one["address"], one["class"], one["evidence"]) == ("ann@example.org", "manual", reason)
    assert reason in mailer("suppressions", "list")[1]

    code, _, _ = mailer("suppressions", "remove", "ann@example.org", "--reason", "works")
    assert code == 0
    _, data, _ = mailer("subscribers", "add", "ann@example.org", "--json")
    assert json.loads(data)["verdict"] == "added"
    _, data, _ = mailer("subscribers", "show", "ann@example.org", "--json")
    lifted = json.loads(data)["events"][1]
    assert (lifted["kind"], lifted["detail"]["reason"]) == ("unsuppressed", "works")


@pytest.mark.parametrize(
    "arguments",
    [
        ("subscribers", "show", "ann@example.org"),
        ("subscribers", "forget", "ann@example.org", "--yes"),
        ("suppressions", "remove", "ann@example.org"),
        ("subscribers", "export"),
        ("subscribers", "list", "--list", "yearly"),
        ("subscribers", "import", "none.csv", "--list", "weekly"),
    ],
)
def test_what_is_not_there_is_not_found(mailer: Any, arguments: tuple[str, ...]) -> None:
    code, out, err = mailer(*arguments)

    assert (code, out) == (9, "")
    assert err.startswith("✖ E5")


def test_an_error_is_json_where_json_is_asked_for(mailer: Any) -> None:
    code, out, _ = mailer("subscribers", "show", "ann@example.org", "--json")

    assert code == 9
    error = json.loads(out)
    assert (error["schema"], error["code"], error["exit"]) == ("mailer.error/1", "E514", 9)


@pytest.mark.parametrize(
    "verb",
    [
        *(("subscribers", verb) for verb in ("import", "add", "list", "show", "export", "forget")),
        *(("suppressions", verb) for verb in ("list", "add", "remove")),
    ],
)
def test_help_shows_an_example_first(mailer: Any, verb: tuple[str, str]) -> None:
    code, out, _ = mailer(*verb, "--help")

    assert code == 0
    assert f"  mailer {verb[0]} {verb[1]}" in out[: out.index("Options:")]
