"""Precedence, and secrets that are neither in files that are committed nor ever printed."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

import pytest

from mailer.config import Config, load_config, load_settings, require_secret
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

KEY = "kO3vBq0xW9zT-7yLrJm2NfUeHs5_aCdG1iPbXwRt4Yk"
OLDER = "Zp8sQ1uVn6cM_x4LgT0bEwJ7-rKyHd2fIoA9tU5vRj3"

PLAIN = """\
[newsletter]
name = "The Weekly"
from = "The Weekly <weekly@example.org>"
url = "https://news.example.org"
address = "1 Example Street, Exampleton"
[relay]
url = "smtp+starttls://user@smtp.example.org"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mailer.toml").write_text(PLAIN)
    return tmp_path


def load(folder: Path, **environ: str) -> Config:
    return load_config(folder, None, environ=environ)


def fault(folder: Path, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder, **environ)
    return caught.value


def test_each_source_wins_over_those_after_it(folder: Path) -> None:
    """Environment > `_FILE` or credential > `.env` > file > default."""
    key, name = "newsletter.name", "MAILER_NEWSLETTER_NAME"
    (folder / "mailer.toml").write_text(PLAIN.replace('name = "The Weekly"\n', ""))
    assert fault(folder).code == "E404"
    seen: list[tuple[str, str]] = []
    environ: dict[str, str] = {}

    def look() -> None:
        config = load(folder, **environ)
        seen.append((config.newsletter.name, config.origins[key]))

    (folder / "mailer.toml").write_text(PLAIN)
    look()
    (folder / ".env").write_text(f"# two lines\n{name}='in .env'\n")
    look()
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "newsletter_name").write_text("credential\n")
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    look()
    (folder / "name").write_text("its own file\n")
    environ[f"{name}_FILE"] = str(folder / "name")
    look()
    environ[name] = "environment"
    look()
    assert [
        ("The Weekly", "mailer.toml:2"),
        ("in .env", ".env:2"),
        ("credential", "credential newsletter_name"),
        ("its own file", f"{name}_FILE"),
        ("environment", "environment"),
    ] == seen


def test_an_empty_variable_counts_as_absent(folder: Path) -> None:
    assert load(folder, MAILER_NEWSLETTER_NAME="").newsletter.name == "The Weekly"


def test_dotenv_is_not_exported_to_the_environment(folder: Path) -> None:
    (folder / ".env").write_text(f"export MAILER_SECRET_KEY={KEY}\n")
    assert (KEY.encode(),) == load(folder).secret_keys
    assert "MAILER_SECRET_KEY" not in os.environ


def test_dotenv_expands_no_variables(folder: Path) -> None:
    """A password may hold a dollar sign and braces."""
    (folder / ".env").write_text("MAILER_RELAY_PASSWORD='${HOME}$x'\n")
    assert load(folder).relay.password == "${HOME}$x"


def test_a_broken_dotenv_is_told_with_its_line_and_without_its_text(folder: Path) -> None:
    (folder / ".env").write_text("A=1\nMAILER_RELAY_PASSWORD='hunter2-hunter2\n")
    error = fault(folder)
    assert (error.code, error.where) == ("E408", ".env:2")
    assert "hunter2" not in f"{error.message}{error.detail}{error.next}"


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("MAILER_RELAY_CONNECTIONS", "many", "must be a whole number"),
        ("MAILER_RELAY_CONNECTIONS", "9" * 5000, "must be a whole number"),
        ("MAILER_RELAY_INSECURE", "perhaps", "must be true or false"),
        ("MAILER_DELIVERY_FAIL_RATIO", "half", "must be a number"),
        ("MAILER_RELAY_URL", "gopher://x", "must begin with"),
        ("MAILER_NEWSLETTER_NAME", "a\udcffb", "control character"),
    ],
)
def test_an_unusable_variable_is_named(folder: Path, variable: str, text: str, reason: str) -> None:
    error = fault(folder, **{variable: text})
    assert error.code == "E405"
    assert error.message.startswith(f"environment  {variable}: ")
    assert reason in error.message


def test_numbers_and_truth_are_read_from_text(folder: Path) -> None:
    relay = load(
        folder,
        MAILER_RELAY_CONNECTIONS="3",
        MAILER_RELAY_URL="smtp://relay.example.org",
        MAILER_RELAY_INSECURE="true",
        MAILER_DELIVERY_FAIL_RATIO="0.5",
    ).relay
    assert (relay.connections, relay.insecure) == (3, True)


def test_a_misspelt_variable_of_ours_is_an_error(folder: Path) -> None:
    error = fault(folder, MAILER_RELAY_PASWORD="hunter2-hunter2")
    assert (error.code, error.next) == ("E401", "did you mean MAILER_RELAY_PASSWORD?")
    assert "hunter2" not in error.message
    (folder / ".env").write_text("MAILER_DATABASE_URI=x\n")
    assert fault(folder).next == "did you mean MAILER_DATABASE_URL?"


def test_variables_of_other_programs_are_none_of_our_business(folder: Path) -> None:
    assert load(folder, MAILER_DSN="smtp://x", MAILER="x", MAILERS_RELAY_X="1")


def test_an_unreadable_secret_file_is_e408(folder: Path) -> None:
    error = fault(folder, MAILER_SECRET_KEY_FILE=str(folder / "nowhere"))
    assert ("E408", str(folder / "nowhere")) == (error.code, error.where)


def test_the_key_ring_is_newest_first(folder: Path) -> None:
    """X-1: the first key signs, all verify."""
    for text in (f"{KEY} {OLDER}", f"{KEY},{OLDER}", f" {KEY} ,\n{OLDER}\n"):
        assert (KEY.encode(), OLDER.encode()) == load(folder, MAILER_SECRET_KEY=text).secret_keys


@pytest.mark.parametrize(
    "text",
    [
        "short",
        KEY[:31],
        f"{KEY} short",
        "change-me-" * 5,
        "my-secret-key-for-the-newsletter-2026",
        "a" * 64,
        "abababababababababababababababababab",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_a_key_that_can_be_guessed_is_refused(folder: Path, text: str) -> None:
    """X-1: at least 32 characters, and none that stands in a sample."""
    error = fault(folder, MAILER_SECRET_KEY=text)
    assert error.code == "E407"
    assert "token_urlsafe" in error.next
    assert text not in f"{error.message}{error.detail}"


def test_a_missing_key_is_told_when_it_is_needed(folder: Path) -> None:
    config = load(folder)
    with pytest.raises(ConfigError, match="MAILER_SECRET_KEY is not set") as caught:
        require_secret(config)
    assert (caught.value.code, caught.value.exit) == ("E402", 4)
    assert "token_urlsafe" in caught.value.next
    assert (KEY.encode(),) == require_secret(load(folder, MAILER_SECRET_KEY=KEY))


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ('[relay]\npassword = "hunter2-hunter2"', "MAILER_RELAY_PASSWORD"),
        ('[relay]\nurl = "smtps://u:hunter2-hunter2@smtp.example.org"', "MAILER_RELAY_PASSWORD"),
        ('secret_key = "hunter2-hunter2"', "MAILER_SECRET_KEY"),
        ('[database]\nurl = "postgresql://u:hunter2-hunter2@db/x"', "MAILER_DATABASE_URL"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    folder: Path, change: str, step: str
) -> None:
    """Decisions 19; X-10."""
    (folder / "mailer.toml").write_text(change)
    with pytest.raises(ConfigError) as caught:
        load(folder)
    said = f"{caught.value.message}{caught.value.detail}{caught.value.next}"
    assert caught.value.code == "E406"
    assert step in said
    assert "hunter2" not in said


def test_a_password_in_the_relay_url_is_refused_from_anywhere(folder: Path) -> None:
    error = fault(folder, MAILER_RELAY_URL="smtps://u:hunter2-hunter2@smtp.example.org")
    assert "belongs in MAILER_RELAY_PASSWORD" in error.message
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_no_secret_appears_in_a_repr_or_among_the_shown_values(folder: Path) -> None:
    """X-10: grep everything for the secret."""
    environ = {
        "MAILER_SECRET_KEY": KEY,
        "MAILER_RELAY_PASSWORD": "hunter2-hunter2",
        "MAILER_DATABASE_URL": "postgresql://u:hunter2-hunter2@db.example.org/x",
    }
    config = load(folder, **environ)
    assert config.relay.password == "hunter2-hunter2"
    assert environ["MAILER_DATABASE_URL"] == config.database_url
    _, settings = load_settings(folder, None, environ=environ)
    shown = {setting.name: setting.shown() for setting in settings}
    assert shown["database.url"] == "postgresql://u:•••@db.example.org/x"
    assert (shown["secret_key"], shown["relay.password"]) == ("set", "set")
    for text in (repr(config), str(shown), str(config.origins)):
        assert "hunter2" not in text
        assert KEY not in text


@pytest.mark.parametrize("secret", ["hunter2\nQUIT", "a\0b", "a\rb"])
def test_a_password_that_could_break_the_protocol_is_refused(folder: Path, secret: str) -> None:
    assert "line end or NUL" in fault(folder, MAILER_RELAY_PASSWORD=secret).message
