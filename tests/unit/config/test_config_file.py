"""Finding the file and reading its lines (interface §1.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.config import load_config
from mailer.config.toml import line_numbers, parse_document
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = """\
[newsletter]
name = "The Weekly"
from = "The Weekly <weekly@example.org>"
url = "https://news.example.org"
address = "1 Example Street, Exampleton"
[relay]
url = "smtp://127.0.0.1:1025"
"""


def fault(folder: Path | None, file: Path | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(folder, file, environ={})
    return caught.value


def test_mailer_toml_is_found_upwards_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mailer.toml").write_text(SMALLEST)
    below = tmp_path / "issues" / "winter"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert tmp_path == load_config(None, None, environ={}).root


def test_a_named_folder_is_not_searched_upwards(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").write_text(SMALLEST)
    below = tmp_path / "below"
    below.mkdir()
    assert fault(below).code == "E400"


def test_without_a_newsletter_the_next_step_is_init(tmp_path: Path) -> None:
    error = fault(tmp_path)
    assert (error.code, error.next, error.exit) == ("E400", "mailer init", 4)
    assert str(tmp_path) == error.where


def test_tool_mailer_in_pyproject_counts_where_there_is_no_mailer_toml(tmp_path: Path) -> None:
    table = SMALLEST.replace("[", "[tool.mailer.").replace('"The Weekly"', '"In pyproject"')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n' + table)
    config = load_config(tmp_path, None, environ={})
    assert config.newsletter.name == "In pyproject"
    assert config.origins["newsletter.name"] == "pyproject.toml:4"
    (tmp_path / "mailer.toml").write_text(SMALLEST)
    assert load_config(tmp_path, None, environ={}).newsletter.name == "The Weekly"


def test_an_unrelated_or_broken_pyproject_on_the_way_up_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mailer.toml").write_text(SMALLEST)
    for name, text in (("a", "[tool.ruff]\n"), ("a/b", "[[[")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert tmp_path == load_config(None, None, environ={}).root


def test_a_named_file_wins_over_everything(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").write_text("broken")
    other = tmp_path / "staging.toml"
    other.write_text(SMALLEST)
    assert load_config(tmp_path, other, environ={}).origins["relay.url"] == "staging.toml:7"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[newsletter]\nname = "x\n', "mailer.toml:2"),
        ("a = 1\na = 2\n", "mailer.toml:2"),
        ("day = 2026-13-45\n", "mailer.toml:1"),
        (f"a = {'9' * 5000}\n", "mailer.toml"),
        (f"a = {'[' * 5000}{']' * 5000}\n", "mailer.toml"),
        ("nul = '\0'\n", "mailer.toml:1"),
    ],
)
def test_what_is_no_toml_is_e403_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "mailer.toml").write_text(text)
    error = fault(tmp_path)
    assert ("E403", where) == (error.code, error.where)


def test_a_file_in_another_encoding_is_e403_with_the_offset(tmp_path: Path) -> None:
    (tmp_path / "mailer.toml").write_bytes(b'name = "K\xe4se"')
    error = fault(tmp_path)
    assert error.code == "E403"
    assert "offset 9" in error.detail


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    text = "\N{BYTE ORDER MARK}" + SMALLEST.replace("\n", "\r\n")
    (tmp_path / "mailer.toml").write_bytes(text.encode())
    assert load_config(tmp_path, None, environ={}).origins["relay.url"] == "mailer.toml:7"


def test_the_line_of_each_key_is_known_whatever_stands_before_it() -> None:
    text = (
        "# [relay] is not here\n"
        "[groups]\n"
        "editors = [\n"
        "  'a]@example.org', # ]\n"
        "]\n"
        "[newsletter] # yes\n"
        'address = """\n'
        "[relay]\n"
        'url = "not this one"\n'
        '"""\n'
        '"name" = "x"\n'
        "lists.weekly.title = 'x'\n"
        "[relay]\n"
        "url = '''\n'''\n"
        "rate = { a = 1, b = '}' }\n"
    )
    lines = line_numbers(text)
    assert {
        ("groups", "editors"): 3,
        ("newsletter",): 6,
        ("newsletter", "address"): 7,
        ("newsletter", "name"): 11,
        ("newsletter", "lists", "weekly", "title"): 12,
        ("relay",): 13,
        ("relay", "url"): 14,
        ("relay", "rate"): 16,
        ("relay", "rate", "b"): 16,
    }.items() <= lines.items()


def test_a_long_list_of_addresses_is_read_in_linear_time() -> None:
    rows = "".join(f'  "person{n}@example.org",\n' for n in range(20_000))
    document = parse_document(f"[groups]\nall = [\n{rows}]\n[relay]\n", name="mailer.toml")
    assert document is not None
    assert document.where("relay") == "mailer.toml:20004"
