"""`mailer init`, `new` and `config show` (interface §1.1, §2.2)."""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.cli import VERBS, main
from mailer.cli.project import _slug
from mailer.config import load_config, require_secret
from tests.wire.programs import program

KEY = "kO3vBq0xW9zT-7yLrJm2NfUeHs5_aCdG1iPbXwRt4Yk"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- init ----------------------------------------------------------------------------------------


def test_init_makes_a_newsletter_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "news", "--no-input") == 0
    config = load_config(Path("news"), None, environ={})
    assert (config.relay.host, config.relay.port) == ("127.0.0.1", 1025)
    assert config.newsletter.url == "http://127.0.0.1:8000"
    assert len(require_secret(config)[0]) >= 43
    assert Path("news/subscribers/weekly.csv").is_file()
    assert Path("news/templates").is_dir()
    assert "✔ news is a newsletter" in capsys.readouterr().out


def test_the_secret_is_new_each_time_private_and_ignored_by_git() -> None:
    """X-1: random, generated on init, mode 0600."""
    run("init", "one", "--no-input")
    run("init", "two", "--no-input")
    env = Path("one/.env")
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert re.fullmatch(r"MAILER_SECRET_KEY=[A-Za-z0-9_-]{43}\n", env.read_text())
    assert env.read_text() != Path("two/.env").read_text()
    assert ".env" in Path("one/.gitignore").read_text().splitlines()


def test_flags_answer_the_questions() -> None:
    code = run(
        "init",
        "news",
        "--no-input",
        *("--name", 'Ann\'s "Q" \\ Letter #1'),
        *("--from", "Ann <ann@exämple.org>"),
        *("--relay", "smtp+starttls://me@smtp.example.org"),
        *("--url", "https://news.example.org/"),
        *("--address", "Straße 1, Köln"),
    )
    assert code == 0
    config = load_config(Path("news"), None, environ={})
    assert config.newsletter.name == 'Ann\'s "Q" \\ Letter #1'
    assert config.lists["weekly"].title == config.newsletter.name
    assert config.newsletter.sender.address == "ann@xn--exmple-cua.org"
    assert (config.relay.security, config.relay.user) == ("starttls", "me")
    assert config.newsletter.url == "https://news.example.org"
    assert config.newsletter.address == "Straße 1, Köln"
    assert config.bounce_address == "bounces@xn--exmple-cua.org"


def test_the_sender_is_called_like_the_newsletter_unless_told_otherwise() -> None:
    run("init", "news", "--no-input", "--name", 'The "Q" Letter')
    sender = load_config(Path("news"), None, environ={}).newsletter.sender
    assert sender.name == 'The "Q" Letter'


@pytest.mark.parametrize(
    ("flag", "value", "code"),
    [
        ("--from", "nobody", "E001"),
        ("--relay", "smtp.example.org", "E001"),
        ("--relay", "smtps://me:hunter2-hunter2@smtp.example.org", "E001"),
        ("--relay", "smtp://smtp.example.org", "E405"),
        ("--url", "http://news.example.org", "E001"),
        ("--name", "a\nb", "E001"),
        ("--name", "a<b", "E001"),
        ("--address", " ", "E001"),
    ],
)
def test_an_unusable_answer_writes_nothing(
    flag: str, value: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("init", "news", "--no-input", flag, value) in {2, 4}
    shown = capsys.readouterr()
    assert code in shown.err
    assert "hunter2" not in shown.err + shown.out
    assert not Path("news").exists()


def test_init_never_overwrites_and_says_what_it_kept(capsys: pytest.CaptureFixture[str]) -> None:
    Path("news").mkdir()
    kept = {
        "mailer.toml": "[newsletter]\n",
        ".env": "MAILER_SECRET_KEY=mine\n",
        ".gitignore": "mine\n",
    }
    for name, content in kept.items():
        (Path("news") / name).write_text(content)
    assert run("init", "news", "--no-input", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert set(kept) == set(data["kept"])
    assert data["schema"] == "mailer.init/1"
    for name, content in kept.items():
        assert content == (Path("news") / name).read_text()


def test_init_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--no-input")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run("init", "--no-input", "--json") == 0
    assert json.loads(capsys.readouterr().out)["wrote"] == []
    assert before == {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def test_init_does_not_write_through_a_link() -> None:
    Path("news").mkdir()
    Path("news/.env").symlink_to("elsewhere")
    run("init", "news", "--no-input")
    assert not Path("news/elsewhere").exists()


def test_folders_that_hold_something_get_no_sample() -> None:
    for name in ("issues/mine.md", "subscribers/mine.csv"):
        path = Path("news") / name
        path.parent.mkdir(parents=True)
        path.write_text("mine")
    run("init", "news", "--no-input")
    assert [path.name for path in Path("news/issues").iterdir()] == ["mine.md"]
    assert [path.name for path in Path("news/subscribers").iterdir()] == ["mine.csv"]


def test_init_names_only_verbs_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Decisions 23."""
    run("init", "news", "--no-input", "--json")
    steps = json.loads(capsys.readouterr().out)["next"]
    assert steps[0] == "cd news"
    assert "mailer catch" in steps
    assert all(step.split()[1] in VERBS for step in steps[1:])
    run("init", "other", "--no-input", "--json", "--relay", "smtps://me@smtp.example.org")
    assert "mailer catch" not in json.loads(capsys.readouterr().out)["next"]


def test_init_refuses_a_file_as_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("news").write_text("")
    assert run("init", "news", "--no-input") == 2
    assert "That is a file" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert run("init", "file/news", "--no-input") == 1
    assert "E002" in capsys.readouterr().err


def test_init_makes_a_repository_unless_there_is_one() -> None:
    program("git")
    run("init", "news", "--no-input")
    assert Path("news/.git").is_dir()
    run("init", "news/inner", "--no-input")
    assert not Path("news/inner/.git").exists()


def test_init_works_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert run("init", "news", "--no-input") == 0
    assert not Path("news/.git").exists()


# --- new -----------------------------------------------------------------------------------------


def test_new_begins_a_draft(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--no-input")
    capsys.readouterr()
    title = 'Winter: "opening" hours — & Grüße 🎄'
    assert run("new", title) == 0
    path = Path(capsys.readouterr().out.strip())
    today = datetime.now(UTC).date()
    assert f"{today}-winter-opening-hours-gruse.md".replace("gruse", "grusse") == path.name
    assert path.parent == Path.cwd() / "issues"
    head, body = path.read_text().removeprefix("---\n").split("---\n", 1)
    assert {"title": title, "date": today, "status": "draft"} == yaml.safe_load(head)
    assert body.strip() == ""


def test_new_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--no-input")
    run("new", "Winter")
    path = Path(capsys.readouterr().out.splitlines()[-1])
    path.write_text("written")
    assert run("new", "Winter") == 0
    shown = capsys.readouterr()
    assert str(path) == shown.out.strip()
    assert "was there already" in shown.err
    assert path.read_text() == "written"


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "a\0b"])
def test_a_title_is_one_line(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 1, M-11."""
    run("init", "--no-input")
    assert run("new", title) == 2
    assert "E004" in capsys.readouterr().err


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_title_makes_an_id(title: str) -> None:
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?", _slug(title))


def test_a_title_without_latin_letters_is_called_issue() -> None:
    assert _slug("冬の営業時間") == "issue"


# --- config show ---------------------------------------------------------------------------------


def test_config_show_tells_values_and_origins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--no-input")
    monkeypatch.setenv("MAILER_RELAY_CONNECTIONS", "3")
    capsys.readouterr()
    assert run("config", "show", "--origin") == 0
    rows = [re.split(r"\s{2,}", row) for row in capsys.readouterr().out.splitlines()]
    assert ["newsletter.name", "The Weekly", "mailer.toml:4"] in rows
    assert ["relay.connections", "3", "environment"] in rows
    assert ["relay.insecure", "false", "default"] in rows
    assert ["newsletter.site", "http://127.0.0.1:8000", "default: newsletter.url"] in rows
    assert ["secret_key", "set", ".env:1"] in rows


def test_config_show_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--no-input")
    capsys.readouterr()
    assert run("--json", "config", "show") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "mailer.config/1"
    assert {"key": "relay.max_wait", "value": "4h", "origin": "default"} in data["settings"]


def test_config_show_works_without_a_secret_key(capsys: pytest.CaptureFixture[str]) -> None:
    run("init", "--no-input")
    Path(".env").unlink()
    capsys.readouterr()
    assert run("config", "show") == 0
    assert re.search(r"^secret_key +not set$", capsys.readouterr().out, re.MULTILINE)


def test_no_output_ever_holds_a_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-10: every way to print the configuration, and every way that it can fail."""
    run("init", "--no-input")
    secrets = {
        "MAILER_SECRET_KEY": KEY,
        "MAILER_RELAY_PASSWORD": "hunter2-hunter2",
        "MAILER_DATABASE_URL": "postgresql://u:hunter2-hunter2@db.example.org/x",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    broken = {
        "MAILER_RELAY_URL": "smtps://u:hunter2-hunter2@smtp.example.org",
        "MAILER_NEWSLETTER_URL": "https://u:hunter2-hunter2@news.example.org:hunter2-hunter2",
        "MAILER_RELAY_PASWORD": "hunter2-hunter2",
        "MAILER_DATABASE_URL": "mysql://u:hunter2-hunter2@db",
        "MAILER_SECRET_KEY": "hunter2-hunter2",
    }
    seen = ""
    for flags in (["config", "show"], ["config", "show", "--origin", "--json"]):
        for name, value in {"MAILER_NOTHING": "x", **broken}.items():
            with monkeypatch.context() as context:
                context.setenv(name, value)
                run("-vv", *flags)
            shown = capsys.readouterr()
            seen += shown.out + shown.err
    assert "set" in seen
    assert "Traceback" in seen
    assert "hunter2" not in seen
    assert KEY not in seen
