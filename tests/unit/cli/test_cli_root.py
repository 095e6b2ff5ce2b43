"""The command line as a whole: help, misspelt verbs, errors, tracebacks (interface §2.1, §2.7)."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

import mailer.cli
from mailer.cli import VERBS, main
from mailer.cli.context import App, report_error
from mailer.errors import ConfigError, MailerError, SafetyError

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("sqlalchemy", "lxml", "starlette", "uvicorn", "apscheduler", "markdown", "jinja2", "yaml")


def run(*arguments: str) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_imports_nothing_heavy() -> None:
    """`mailer --help` stays fast, however much the verbs need."""
    script = (
        "import sys\nfrom mailer.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "\n  mailer send --dry-run" in done.stdout  # an example on a line of its own


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-h") == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert f"\n  {verb} " in shown


@pytest.mark.parametrize(
    "verb", [verb for verb, (module, _, _) in VERBS.items() if "project" in module]
)
def test_the_table_of_verbs_points_at_commands(verb: str) -> None:
    module, attribute, _ = VERBS[verb]
    assert getattr(importlib.import_module(module), attribute).name == verb


def test_a_misspelt_verb_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sned") == 2
    assert capsys.readouterr().err == "✖ E001 mailer has no verb sned\n  → did you mean send?\n"
    assert run("zzz") == 2
    assert "→ mailer --help" in capsys.readouterr().err


def test_a_misspelt_verb_of_a_noun_gets_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "shwo") == 2
    assert (
        "✖ E001 mailer config has no verb shwo\n  → did you mean show?" in capsys.readouterr().err
    )


def test_a_misspelt_option_gets_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "show", "--orgin") == 2
    error = capsys.readouterr().err
    assert error.startswith("✖ E001 No such option '--orgin'")
    assert "--origin" in error


def test_an_error_says_what_where_why_and_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    error = ConfigError("E499", "What", where="where:1", detail="why\nand more", next_step="do it")
    assert report_error(error, as_json=False) == 4
    shown = capsys.readouterr()
    assert shown.err == "✖ E499 What\n  where:1\n  why\n  and more\n  → do it\n"
    assert shown.out == ""


def test_a_place_that_the_message_begins_with_is_not_repeated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report_error(ConfigError("E401", "mailer.toml:7  no", where="mailer.toml:7"), as_json=False)
    assert capsys.readouterr().err == "✖ E401 mailer.toml:7  no\n"


def test_with_json_an_error_is_one_object_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-C", str(tmp_path), "config", "show", "--json") == 4
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "schema": "mailer.error/1",
        "code": "E400",
        "message": "There is no newsletter here: neither mailer.toml nor [tool.mailer] "
        "in pyproject.toml",
        "where": str(tmp_path),
        "detail": "",
        "next": "mailer init",
        "exit": 4,
    }
    assert shown.err == ""


def test_usage_errors_have_that_shape_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "new") == 2
    body = json.loads(capsys.readouterr().out)
    assert (body["code"], body["exit"]) == ("E001", 2)
    assert body["next"] == "mailer new --help"


def test_tracebacks_come_at_vv_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags, expected in (((), False), (("-v",), False), (("-vv",), True), (("-v", "-v"), True)):
        assert run("-C", str(tmp_path), *flags, "config", "show") == 4
        error = capsys.readouterr().err
        assert expected == ("Traceback" in error)
        assert "✖ E400" in error


def test_what_nobody_foresaw_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the cause")

    monkeypatch.setattr(mailer.cli.cli, "main", broken)
    assert run("status") == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "✖ E000 Something unexpected happened: ZeroDivisionError\n  the cause\n"
    )
    assert "Traceback" not in error
    assert run("-vv", "status") == 1
    assert "ZeroDivisionError: the cause" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, stop: BaseException) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr(mailer.cli.cli, "main", stopped)
    assert run("status") == 130


def test_a_reader_who_leaves_is_no_error(tmp_path: Path) -> None:
    """`mailer … | head -1`."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m mailer --help | head -1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def app(**changes: object) -> App:
    options = {
        "folder": None,
        "config_file": None,
        "as_json": False,
        "quiet": False,
        "verbose": 0,
        "no_input": True,
    }
    return App(**(options | changes))  # type: ignore[arg-type]


def test_without_a_person_a_question_is_refused() -> None:
    """Interface §2.3, §2.6: exit 7."""
    with pytest.raises(SafetyError) as caught:
        app().confirm("Send to 3 people?", yes=False)
    assert (caught.value.code, caught.value.exit, caught.value.next) == ("E701", 7, "add --yes")
    app().confirm("Send to 3 people?", yes=True)


def test_talk_goes_to_stderr_and_data_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    app().say("talk")
    app(quiet=True).say("silence")
    app().emit("mailer.x/1", {"a": "ä"}, "for people")
    app(as_json=True).emit("mailer.x/1", {"a": "ä"}, "for people")
    shown = capsys.readouterr()
    assert shown.err == "talk\n"
    assert shown.out == 'for people\n{"schema": "mailer.x/1", "a": "ä"}\n'


def test_every_error_class_has_an_exit_code_of_its_own() -> None:
    """Interface §2.6."""
    codes = {kind.__name__: kind.exit for kind in MailerError.__subclasses__()}
    assert {
        "UsageError": 2,
        "CheckError": 3,
        "ConfigError": 4,
        "StoppedError": 6,
        "SafetyError": 7,
        "LockedError": 8,
        "NotFoundError": 9,
    }.items() <= codes.items()
