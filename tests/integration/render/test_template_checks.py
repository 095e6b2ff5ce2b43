"""What is wrong with a template, and with the colours of [theme]."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailer.check.templates import check_colours, check_template, usual_findings
from tests.samples.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mailer.model import Finding

SECTION = "<mj-section><mj-column>{}</mj-column></mj-section>"


def _studio(root: Path, files: dict[str, str] | None = None, more: str = "") -> Studio:
    for name, text in (files or {}).items():
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Studio(root, more)


def _check(studio: Studio, name: str = "default") -> list[Finding]:
    usual = usual_findings(studio.config)
    return list(check_template(name, studio.config, file=f"templates/{name}.mjml", usual=usual))


def _ids(findings: Iterable[Finding]) -> list[str]:
    return sorted({one.id for one in findings})


def _block(name: str, markup: str) -> dict[str, str]:
    block = f"{{% block {name} %}}{markup}{{% endblock %}}"
    return {"default.mjml": f"{{% extends 'builtin/default.mjml' %}}\n{block}"}


@pytest.mark.parametrize("template", ["default", "letter", "digest"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_wrong_with_the_built_in_templates(
    tmp_path: Path, template: str, language: str
) -> None:
    studio = _studio(tmp_path)
    showcase = f'language = "{language}"\n[lists.'
    config = (tmp_path / "mailer.toml").read_text().replace("[lists.", showcase)
    (tmp_path / "mailer.toml").write_text(config)
    assert [] == _check(studio, template)
    assert [] == list(check_colours(studio.config))


def test_a_mail_without_a_way_out_is_found(tmp_path: Path) -> None:
    """E190: the unsubscribe link and the postal address (L-2, L-15)."""
    found = _check(_studio(tmp_path, _block("footer", SECTION.format("<mj-text>x</mj-text>"))))
    assert ["E190"] == _ids(found)
    assert {"templates/default.mjml"} == {one.file for one in found}
    messages = " ".join(one.message for one in found)
    assert "The HTML part has no unsubscribe link" in messages
    assert "The HTML part has no postal address" in messages


@pytest.mark.parametrize(
    ("code", "line", "markup"),
    [
        ("E201", 2, "<mj-text colour='red'>x</mj-text>"),
        ("E201", 2, "<mj-foo></mj-foo>"),
        ("E201", 2, "<mj-text align='a\nb'>x</mj-text>"),
        ("E202", 2, "<mj-section></mj-section>"),
        ("E204", 2, "{{ nothing }}"),
        ("E204", 3, "\n{% include '../../etc/passwd' %}"),
        ("E205", 2, "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"),
    ],
)
def test_an_error_of_a_template_is_a_finding_with_its_line(
    tmp_path: Path, code: str, line: int, markup: str
) -> None:
    (found,) = _check(_studio(tmp_path, _block("opening", markup)))
    assert (code, "templates/default.mjml", line) == (found.id, found.file, found.line)
    assert found.next_step
    assert "\n" not in found.message


def test_text_that_is_hard_to_read_is_found_in_the_template(tmp_path: Path) -> None:
    """W160, in light; W162 for what is small."""
    markup = "<mj-text color='#aaaaaa' font-size='11px'>hard words to read</mj-text>"
    found = _check(_studio(tmp_path, _block("opening", markup)))
    assert ["W160", "W162"] == _ids(found)
    assert {"templates/default.mjml"} == {one.file for one in found}


def test_what_is_usual_is_no_finding_of_a_template(tmp_path: Path) -> None:
    """The caller renders the untouched default once, for all templates."""
    markup = "<mj-text color='#aaaaaa' font-size='11px'>hard words to read</mj-text>"
    studio = _studio(tmp_path, _block("opening", markup))
    usual = frozenset(replace(one, file="") for one in _check(studio) if one.id == "W160")
    found = check_template("default", studio.config, file="x", usual=usual)
    assert ["W162"] == _ids(found)


def test_a_style_sheet_that_clients_drop_is_found(tmp_path: Path) -> None:
    """W153, the whole of it is lost then, dark mode too."""
    rules = "".join(f".content .x{number} {{ color: #123456; }}\n" for number in range(300))
    block = f"{{% block own %}}{rules}{{% endblock %}}"
    files = {"default.head.css": f"{{% extends 'builtin/default.head.css' %}}{block}"}
    assert ["W153"] == _ids(_check(_studio(tmp_path, files)))


def test_what_clients_do_not_show_is_found(tmp_path: Path) -> None:
    """W170."""
    files = _block("opening", "<mj-text><p style='display: grid'>x</p></mj-text>")
    assert ["W170"] == _ids(_check(_studio(tmp_path, files)))


def test_a_colour_of_the_configuration_is_found_where_it_stands(tmp_path: Path) -> None:
    """W160, once for each colour, and not again for each template."""
    studio = _studio(tmp_path, more='\n[theme.light]\nlink = "#9ab"\n')
    (found,) = check_colours(studio.config)
    assert ("W160", "mailer.toml") == (found.id, found.file)
    assert 'link = "#9ab"' == (tmp_path / "mailer.toml").read_text().splitlines()[found.line - 1]
    assert "[theme.light] link #99aabb is hard to read upon card 2.4:1, page 2.1:1" in found.message
    assert [] == _check(studio)


def test_a_ground_of_the_configuration_is_found_too(tmp_path: Path) -> None:
    found = list(check_colours(_studio(tmp_path, more='\n[theme.dark]\ncard = "#eee"\n').config))
    assert {"mailer.toml"} == {one.file for one in found}
    assert any(one.message.startswith("[theme.dark] text #d3d9df") for one in found)
