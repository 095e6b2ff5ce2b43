"""The built-in style sheets keep to what inliner and clients can be trusted with."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from mailer.config.look import DARK, LIGHT, MONO, SANS, TOKENS
from mailer.render.library import Library
from mailer.render.theme import Theme

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = ("default", "digest", "letter")
WAYS = {"usual": ("ltr", False), "right to left": ("rtl", False), "lean": ("ltr", True)}
CASES = pytest.mark.parametrize(("template", "way"), list(product(TEMPLATES, WAYS)))
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SIMPLE = re.compile(r"(?:[a-z][a-z0-9]*|(?:[a-z][a-z0-9]*)?(?:\.[a-z-]+)+)")
LONGHANDS = re.compile(r"(?:margin|padding|border|background|font)-.+")
WHOLE = {"font-size", "background-color", "font-weight", "border-collapse", "border-radius"}


def _known(way: str = "usual") -> dict[str, Any]:
    direction, lean = WAYS[way]
    theme: dict[str, Any] = {
        "light": LIGHT,
        "dark": DARK,
        "font": SANS,
        "mono": MONO,
    }
    theme |= {"width": 600, "logo": "", "logo_width": 160}
    issue = {"direction": direction, "language": "en", "number": "", "byline": None, "page": ""}
    issue["date"] = "24 November 2026"
    newsletter = {"name": "The Harbour Weekly"}
    return {"theme": theme, "issue": issue, "newsletter": newsletter, "lean": lean}


def _sheet(root: Path, template: str, kind: str, known: dict[str, Any]) -> str:
    theme = Theme(root, pack=lambda value: value)
    return theme.render(template, kind, known, where="").text


def _rules(sheet: str) -> list[tuple[list[str], list[tuple[str, str]]]]:
    found = []
    for selectors, body in RULE.findall(sheet):
        lines = [line.partition(":") for line in body.split(";") if line.strip()]
        declared = [(name.strip(), value.strip()) for name, _, value in lines]
        found.append(([one.strip() for one in selectors.split(",")], declared))
    return found


@CASES
def test_what_is_inlined_has_elements_classes_and_descendants_only(
    tmp_path: Path, template: str, way: str
) -> None:
    """Outside of these the inliner decides otherwise than a browser does."""
    sheet = _sheet(tmp_path, template, "css", _known(way))
    rules = _rules(sheet)
    assert len(rules) > 40
    parts = {part for selectors, _ in rules for one in selectors for part in one.split()}
    assert [] == [part for part in parts if not SIMPLE.fullmatch(part)]
    assert "!important" not in sheet
    assert "/*" not in sheet


@CASES
def test_no_longhand_changes_a_part_of_a_shorthand(tmp_path: Path, template: str, way: str) -> None:
    sides = {"border-left", "border-right", "border-top", "border-bottom"}  # whole edges
    for selectors, declared in _rules(_sheet(tmp_path, template, "css", _known(way))):
        longhands = {name for name, _ in declared if LONGHANDS.fullmatch(name)} - WHOLE - sides
        assert set() == longhands, selectors


@CASES
def test_what_stays_is_small_flat_and_wins(tmp_path: Path, template: str, way: str) -> None:
    """Some clients drop a sheet with comments, nested at-rules or more than 8 KB, whole."""
    sheet = _sheet(tmp_path, template, "head.css", _known(way))
    assert len(sheet) < 8192
    assert "/*" not in sheet
    depth = most = 0
    for sign in re.findall(r"[{}]|@[a-z]+", sheet):
        assert sign[0] != "@" or depth == 0
        depth += {"{": 1, "}": -1}.get(sign, 0)
        most = max(most, depth)
    assert (0, 2) == (depth, most)
    assert re.search(r"\S!important", sheet) is None  # it needs a space before it


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize(("stacked", "name"), [(False, "Tides"), (True, "Tides of the harbour")])
def test_on_a_phone_a_long_name_stands_above_the_date(
    tmp_path: Path, name: str, direction: str, *, stacked: bool
) -> None:
    known = _known()
    known["newsletter"]["name"] = name
    known["issue"] |= {"direction": direction, "number": "12"}
    sheet = _sheet(tmp_path, "default", "head.css", known)
    start = {"ltr": "left", "rtl": "right"}[direction]
    rule = "display: block; padding: 0 !important; text-align: " + start
    assert stacked == (rule in sheet.partition("max-width: 480px")[2])


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_dark_sheet_beats_every_inlined_colour(tmp_path: Path, template: str) -> None:
    sheet = _sheet(tmp_path, template, "head.css", _known())
    dark = sheet.partition("prefers-color-scheme: dark")[2]
    coloured = [
        (selectors, declared)
        for selectors, declared in _rules(dark)
        if any("#" in value for _, value in declared)
    ]
    assert len(coloured) > 15
    for selectors, declared in coloured:
        assert all(value.endswith(" !important") for _, value in declared), selectors


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_colour_is_a_token(tmp_path: Path, template: str) -> None:
    """What is configured reaches everything: no colour is written into a template."""
    known = _known()
    known["theme"]["light"] = {token.name: "#010101" for token in TOKENS}
    known["theme"]["dark"] = {token.name: "#020202" for token in TOKENS}
    sheets = "".join(_sheet(tmp_path, template, kind, known) for kind in ("css", "head.css"))
    assert {"#010101", "#020202"} == set(re.findall(r"#[0-9a-f]{3,8}\b", sheets))
    sources = (Library(tmp_path).read(one) for one in Library(tmp_path).all())
    assert [] == [source for source in sources if re.search(r"#[0-9a-f]{6}\b", source)]


def test_every_token_is_used(tmp_path: Path) -> None:
    known = _known()
    numbers = {token.name: f"#{number:06x}" for number, token in enumerate(TOKENS, start=1)}
    known["theme"] |= {"light": numbers, "dark": dict.fromkeys(numbers, "#ffffff")}
    mjml = Library(tmp_path)
    frame = mjml.find("default.mjml")
    assert frame is not None
    css = _sheet(tmp_path, "default", "css", known)
    unused = [name for name, colour in numbers.items() if colour not in css]
    assert {"page"} == set(unused)
    assert "light.card" in mjml.read(frame)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_every_language_has_every_word(tmp_path: Path, language: str) -> None:
    (tmp_path / "templates").mkdir()
    source = "{% from 'words.jinja' import languages with context %}"
    source += "{{ languages[language] | list | sort }}"
    (tmp_path / "templates" / "own.txt").write_text(source)
    known = _known()
    english, other = (
        _sheet(tmp_path, "own", "txt", {**known, "language": one}) for one in ("en", language)
    )
    assert english == other
    assert "unsubscribe" in english
