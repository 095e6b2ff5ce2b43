"""What a template is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.render.library import Library
from mailer.render.parts import Part, parts

if TYPE_CHECKING:
    from pathlib import Path


def _parts(root: Path, template: str, files: dict[str, str]) -> dict[str, Part]:
    for name, text in files.items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {part.file.shown: part for part in parts(Library(root), template)}


def test_the_default_draws_in_every_built_in_partial(tmp_path: Path) -> None:
    found = _parts(tmp_path, "default", {})
    assert {
        "built-in templates/default.mjml",
        "built-in templates/default.css",
        "built-in templates/default.head.css",
        "built-in templates/default.txt",
        "built-in templates/words.jinja",
        "built-in templates/partials/footer.mjml",
    } <= set(found)
    assert not any(part.file.own for part in found.values())
    assert "built-in templates/letter.css" not in found


def test_the_others_draw_in_the_default_and_its_text_part(tmp_path: Path) -> None:
    found = _parts(tmp_path, "letter", {})
    assert "builtin/default.css" == found["built-in templates/letter.css"].extends
    assert "built-in templates/default.mjml" in found
    assert "built-in templates/default.txt" in found


@pytest.mark.parametrize("name", ["default.mjml", "builtin/default.mjml"])
def test_an_own_file_extends_the_built_in_one_of_its_name(tmp_path: Path, name: str) -> None:
    own = f"{{% extends '{name}' %}}{{% block footer %}}x{{% endblock %}}"
    found = _parts(tmp_path, "default", {"default.mjml": own})
    mine = found["templates/default.mjml"]
    assert (True, name, ("footer",)) == (mine.file.instead, mine.extends, mine.blocks)
    assert "footer" in found["built-in templates/default.mjml"].blocks


def test_an_own_partial_is_found_in_each_template_that_draws_it_in(tmp_path: Path) -> None:
    for template in ("default", "letter", "digest"):
        found = _parts(tmp_path, template, {"partials/footer.mjml": "x"})
        assert found["templates/partials/footer.mjml"].file.own
        assert "built-in templates/partials/footer.mjml" not in found


@pytest.mark.parametrize("text", ["{% if %}", "{% extends name %}", "{% include name %}"])
def test_what_cannot_be_followed_draws_in_nothing(tmp_path: Path, text: str) -> None:
    found = _parts(tmp_path, "own", {"own.mjml": text})
    assert "templates/own.mjml" in found
    assert "" == found["templates/own.mjml"].extends


def test_files_that_draw_in_each_other_end(tmp_path: Path) -> None:
    files = {"own.mjml": "{% include 'a.mjml' %}", "a.mjml": "{% include 'own.mjml' %}"}
    found = _parts(tmp_path, "own", files)
    assert {"templates/own.mjml", "templates/a.mjml"} <= set(found)
