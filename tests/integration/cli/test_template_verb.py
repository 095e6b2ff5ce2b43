"""`mailer template`: list, eject and check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mailer.cli import main
from mailer.render.library import shipped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("news")
Captured = pytest.CaptureFixture[str]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    monkeypatch.chdir(tmp_path)
    run("init", ".", "--no-input")
    capsys.readouterr()
    return tmp_path


def _json(capsys: Captured) -> Any:
    return json.loads(capsys.readouterr().out)


def _own(news: Path, name: str, text: str) -> None:
    path = news / "templates" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_new_newsletter_has_the_built_in_templates(capsys: Captured) -> None:
    assert run("template", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["default", "digest", "letter"] == [line.split()[0] for line in lines]
    assert "for issues that name none" in lines[0]
    assert all("built-in" in line for line in lines)


def test_the_list_says_what_is_yours_and_what_it_changes(news: Path, capsys: Captured) -> None:
    block = "{% extends 'builtin/letter.mjml' %}{% block footer %}{% endblock %}"
    _own(news, "letter.mjml", block)
    _own(news, "words.jinja", "{% set words = {} %}")
    _own(news, "summer.mjml", "<mjml></mjml>")
    run("template", "list")
    text = capsys.readouterr().out
    assert "letter      yours\n" in text
    assert "  templates/letter.mjml  extends builtin/letter.mjml, changes footer" in text
    assert "  templates/words.jinja  instead of the built-in one" in text
    assert "summer      yours\n  templates/summer.mjml\n" in text
    run("template", "list", "--json")
    data = _json(capsys)
    assert ("mailer.templates/1", "default") == (data["schema"], data["default"])
    letter = next(one for one in data["templates"] if one["name"] == "letter")
    assert {
        "file": "templates/letter.mjml",
        "own": True,
        "instead": True,
        "extends": "builtin/letter.mjml",
        "blocks": ["footer"],
    } == letter["parts"][0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["letter"], ["letter.css", "letter.head.css", "letter.mjml"]),
        (["default", "footer", "words"], ["partials/footer.mjml", "words.jinja"]),
        (["digest", "css", "head.css"], ["digest.css", "digest.head.css"]),
        (["default", "partials/masthead.mjml", "masthead"], ["partials/masthead.mjml"]),
    ],
)
def test_eject_copies_the_built_in_files(
    news: Path, capsys: Captured, arguments: list[str], expected: list[str]
) -> None:
    assert run("template", "eject", *arguments, "--json") == 0
    data = _json(capsys)
    assert {f"templates/{name}" for name in expected} == set(data["wrote"])
    for name in expected:
        assert (shipped("templates") / name).read_bytes() == (
            news / "templates" / name
        ).read_bytes()
    assert run("template", "check") == 0


def test_eject_never_overwrites(news: Path, capsys: Captured) -> None:
    _own(news, "letter.css", "MINE")
    run("template", "eject", "letter")
    text = capsys.readouterr().out
    assert "kept   templates/letter.css, which was there" in text
    assert "wrote  templates/letter.mjml" in text
    assert (news / "templates" / "letter.css").read_text() == "MINE"


@pytest.mark.parametrize(
    ("arguments", "message", "step"),
    [
        (["eject", "lettr"], "There is no built-in template lettr", "did you mean letter?"),
        (
            ["eject", "default", "foter"],
            "There is no part of default foter",
            "did you mean footer?",
        ),
        (
            ["eject", "letter", "digest.css"],
            "no part of letter digest.css",
            "did you mean letter.css?",
        ),
        (["check", "summer"], "There is no template summer", "mailer template list"),
    ],
)
def test_what_does_not_exist_is_an_error_with_the_nearest(
    news: Path, capsys: Captured, arguments: list[str], message: str, step: str
) -> None:
    assert run("template", *arguments, "--json") == 9
    error = _json(capsys)
    assert ("E207", step) == (error["code"], error["next"])
    assert message in error["message"]
    assert [] == list((news / "templates").iterdir())


def test_an_own_template_is_no_built_in_one(news: Path) -> None:
    _own(news, "summer.mjml", "x")
    assert run("template", "eject", "summer") == 9


def test_check_tells_what_is_wrong_in_which_file(news: Path, capsys: Captured) -> None:
    _own(news, "partials/footer.mjml", "\n<mj-section colour='red'></mj-section>")
    assert run("template", "check") == 3
    text = capsys.readouterr().out
    assert "templates/partials/footer.mjml" in text
    assert "2  ✖ E201  <mj-section> has no attribute colour" in text
    assert "default, digest, letter: 1 error · 0 warnings" in text


def test_check_looks_at_the_named_template_alone(news: Path, capsys: Captured) -> None:
    _own(news, "letter.mjml", "{{ nothing }}")
    assert run("template", "check", "digest") == 0
    assert run("template", "check", "letter", "--json") == 3
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert ("mailer.template-check/1", ["letter"]) == (data["schema"], data["templates"])
    (found,) = data["findings"]
    assert ("E204", "templates/letter.mjml", 1) == (found["id"], found["file"], found["line"])


def test_check_needs_no_secret(news: Path) -> None:
    (news / ".env").unlink()
    assert run("template", "check", "default") == 0
