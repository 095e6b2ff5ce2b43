"""Which template wins, and errors that name its file and line (E204, E205)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mailer.config.look import DARK, LIGHT, MONO, SANS
from mailer.errors import CheckError
from mailer.render.library import shipped
from mailer.render.theme import Theme

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.render.marks import Rendered


END = "{% endfor %}"
SILENT = """\
{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}
{{ m(40) }}"""
DOUBLING = (
    "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}" + END
)
KNOWN = {
    "issue": {
        "subject": "Subject",
        "preheader": "Preheader",
        "date": "24 November 2026",
        "number": "12",
        "language": "en",
        "direction": "ltr",
        "page": "",
        "byline": None,
    },
    "newsletter": {"name": "N", "address": "A", "site": "https://example.org"},
    "list": {"title": "L"},
    "theme": {
        "light": LIGHT,
        "dark": DARK,
        "font": SANS,
        "mono": MONO,
        "width": 600,
        "logo": "",
        "logo_width": 160,
    },
    "content": "CONTENT",
    "head_style": "",
    "filler": "",
    "lean": False,
}


def _render(
    root: Path, files: dict[str, str], kind: str = "mjml", template: str = "own"
) -> Rendered:
    for name, text in files.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    theme = Theme(root, pack=lambda value: value)
    known = {"issue": {"subject": "a & b"}, "content": "CONTENT"}
    return theme.render(template, kind, known, where="issues/x.md")


def _refusal(root: Path, files: dict[str, str], template: str = "own") -> CheckError:
    with pytest.raises(CheckError) as caught:
        _render(root, files, template=template)
    return caught.value


def test_a_file_of_the_newsletter_wins_and_the_others_stay(tmp_path: Path) -> None:
    files = {"own.mjml": '{% include "partials/footer.mjml" %}', "partials/footer.mjml": "MINE"}
    assert _render(tmp_path, files).text == "MINE"
    assert "unsubscribe" in (shipped("templates") / "partials/footer.mjml").read_text()


def test_an_own_template_without_text_or_css_uses_the_defaults(tmp_path: Path) -> None:
    files = {"own.mjml": "x", "default.txt": "{{ content }}!"}
    assert _render(tmp_path, files, kind="txt").text == "CONTENT!"
    assert _render(tmp_path, {"own.txt": "own"}, kind="txt").text == "own"


def test_mjml_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    """X-4: text without escaping, or subjects would read &amp;."""
    files = {"own.mjml": "{{ issue.subject }}", "own.txt": "{{ issue.subject }}"}
    assert _render(tmp_path, files).text == "a &amp; b"
    assert _render(tmp_path, files, kind="txt").text == "a & b"


def test_what_a_template_prints_is_packed_in_mjml_alone(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for kind in ("mjml", "txt"):
        (tmp_path / f"templates/own.{kind}").write_text("{{ 'a' }}{{ none }}{{ x }}")
    theme = Theme(tmp_path, pack=lambda value: f"[{value}]")
    assert theme.render("own", "mjml", {"x": 1}, where="").text == "[a][1]"
    assert theme.render("own", "txt", {"x": 1}, where="").text == "a1"


@pytest.mark.parametrize(
    ("where", "detail", "source"),
    [
        ("own.mjml:2", "'unknown' is undefined", "one\n{{ unknown }}"),
        ("own.mjml:3", "no attribute 'colour'", "one\n\n{{ issue.colour }}"),
        ("own.mjml:2", "'subscriber' is undefined", "one\n{% if subscriber.vip %}x{% endif %}"),
        ("own.mjml:2", "Expected an expression", "one\n{% if %}"),
        ("own.mjml:2", "Unexpected end of template", "\n{% if 1 %}"),
        ("own.mjml:2", "No filter named 'safe'", "\n{{ content | safe }}"),
        ("own.mjml:2", "division by zero", "\n{{ 1 / 0 }}"),
        ("own.mjml:2", "unsupported operand", "\n{{ 1 + 'a' }}"),
        ("own.mjml:2", "at least one item", "\n{{ cycler() }}"),
        ("own.mjml:2", "is unsafe", "\n{{ ''.__class__ }}"),
        ("own.mjml:2", "Range too big", "\n{% for i in range(10**9) %}{% endfor %}"),
        ("own.mjml:2", "no such page", "\n{{ view_url }}"),
        ("part.mjml:2", "'unknown' is undefined", "\n\n{% include 'part.mjml' %}"),
    ],
)
def test_a_mistake_names_the_template_and_its_line(
    tmp_path: Path, where: str, detail: str, source: str
) -> None:
    """E204, case 13."""
    error = _refusal(tmp_path, {"own.mjml": source, "part.mjml": "\n{{ unknown }}"})
    assert ("E204", f"templates/{where}") == (error.code, error.where)
    assert detail in error.detail


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("own.mjml:2", "\n{{ 'a' * 10**10 }}"),
        ("own.mjml:1", "{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}"),
        ("own.mjml:1", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}\n{{ m() }}"),
        ("either", "{% include 'other.mjml' %}"),
        ("either", "{% extends 'other.mjml' %}"),
        ("own.mjml:2", "\n{% for i in range(9999) %}{% for j in range(9999) %}" + 2 * END),
        ("own.mjml:1", SILENT),
        ("own.mjml:1", DOUBLING),
        ("own.mjml:1", "{% for i in range(9999) %}{% for j in range(9999) %}endless" + 2 * END),
    ],
)
def test_a_template_without_end_is_stopped_within_seconds(
    tmp_path: Path, where: str, source: str
) -> None:
    """E205, X-5, case 13: endless recursion, loops without output, memory, much output."""
    other = source.replace("other.mjml", "own.mjml")
    started = time.monotonic()
    error = _refusal(tmp_path, {"own.mjml": source, "other.mjml": other})
    # Of two that call each other the one is named in which the stack came to its end.
    places = ("own.mjml:1", "other.mjml:1") if where == "either" else (where,)
    assert "E205" == error.code
    assert error.where in {f"templates/{place}" for place in places}
    assert time.monotonic() - started < 5


def test_a_template_that_was_changed_is_compiled_again(tmp_path: Path) -> None:
    assert _render(tmp_path, {"own.mjml": "one"}).text == "one"
    assert _render(tmp_path, {"own.mjml": "two"}).text == "two"
    assert _render(tmp_path, {"own.mjml": "one"}).text == "one"


def test_a_missing_template_names_the_issue_and_what_there_is(tmp_path: Path) -> None:
    error = _refusal(tmp_path, {"mine.mjml": "x"}, template="nope")
    assert (error.code, error.where) == ("E204", "issues/x.md")
    assert "default.mjml, digest.mjml, letter.mjml, mine.mjml" in error.detail


@pytest.mark.parametrize("name", ["missing.mjml", "../../../etc/passwd"])
def test_a_missing_include_names_the_line_that_asks_for_it(tmp_path: Path, name: str) -> None:
    error = _refusal(tmp_path, {"own.mjml": f"\n{{% include '{name}' %}}"})
    assert (error.code, error.where) == ("E204", "templates/own.mjml:2")
    assert name in error.message


def test_a_template_outside_the_folders_cannot_be_named(tmp_path: Path) -> None:
    (tmp_path / "secret.mjml").write_text("secret")
    assert "There is no template" in _refusal(tmp_path, {"x": ""}, template="../secret").message


def test_a_built_in_template_is_called_so(tmp_path: Path) -> None:
    theme = Theme(tmp_path, pack=lambda value: value)
    with pytest.raises(CheckError) as caught:
        theme.render("default", "txt", {}, where="issues/x.md")
    assert caught.value.where.startswith("built-in templates/")


def test_each_place_of_the_product_knows_its_line(tmp_path: Path) -> None:
    files = {
        "own.mjml": "first\n{% if true %}\n  third {{ content }}\n{% endif %}\n"
        "{% include 'part.mjml' %}\nsixth",
        "part.mjml": "{# a comment\nof two lines #}in the\npart",
    }
    product = _render(tmp_path, files)
    places = {
        "first": "own.mjml:1",
        "third": "own.mjml:3",
        "CONTENT": "own.mjml:3",
        "in the": "part.mjml:2",
        "part": "part.mjml:3",
        "sixth": "own.mjml:6",
    }
    for word, place in places.items():
        assert f"templates/{place}" == product.where(product.text.index(word))
    assert "\0" not in product.text


# --- changing one thing of a built-in template ----------------------------------------------------


@pytest.mark.parametrize("name", ["own.mjml", "builtin/own.mjml"])
def test_a_template_that_stands_for_no_other_cannot_extend_itself(
    tmp_path: Path, name: str
) -> None:
    error = _refusal(tmp_path, {"own.mjml": f"{{% extends '{name}' %}}"})
    assert ("E204", "There is no template builtin/own.mjml") == (error.code, error.message)
    assert "templates/own.mjml:1" == error.where


@pytest.mark.parametrize("name", ["default.txt", "builtin/default.txt"])
def test_a_template_can_extend_the_built_in_one_that_it_stands_for(
    tmp_path: Path, name: str
) -> None:
    known = {"default.txt": f"{{% extends '{name}' %}}{{% block footer %}}MINE{{% endblock %}}"}
    text = _full(tmp_path, known, kind="txt")
    assert "CONTENT" in text
    assert text.strip().endswith("MINE")


def test_a_partial_can_hold_the_built_in_one_that_it_stands_for(tmp_path: Path) -> None:
    files = {"partials/footer.mjml": "BEFORE{% include 'partials/footer.mjml' %}"}
    text = _full(tmp_path, files)
    assert text.index("BEFORE") < text.index("Unsubscribe")


@pytest.mark.parametrize("template", ["default", "letter", "digest"])
def test_one_block_of_a_template_changes_and_the_others_stay(tmp_path: Path, template: str) -> None:
    block = "{% block masthead %}<mj-raw>MINE</mj-raw>{% endblock %}"
    files = {f"{template}.mjml": f"{{% extends 'builtin/{template}.mjml' %}}{block}"}
    text = _full(tmp_path, files, template=template)
    assert "MINE" in text
    assert "dateline" not in text
    assert "Unsubscribe" in text


def test_what_is_changed_in_one_template_leaves_the_others_alone(tmp_path: Path) -> None:
    block = "{% block footer %}MINE{% endblock %}"
    files = {"default.mjml": f"{{% extends 'builtin/default.mjml' %}}{block}"}
    assert "MINE" in _full(tmp_path, files)
    assert "MINE" not in _full(tmp_path, {}, template="letter")


def _full(
    root: Path, files: dict[str, str], *, template: str = "default", kind: str = "mjml"
) -> str:
    for name, text in files.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    theme = Theme(root, pack=lambda value: value)
    return theme.render(template, kind, KNOWN, where="issues/x.md").text
