"""Which file a template's name means, and that none outside of the folders is read (E204, E206)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailer.errors import CheckError, MailerError
from mailer.render import library as library_module
from mailer.render.library import Library, shipped


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "templates" / "partials").mkdir(parents=True)
    return tmp_path


def _own(root: Path, name: str, text: str = "MINE") -> Path:
    path = root / "templates" / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_theme_stands_beside_the_package_in_a_checkout() -> None:
    assert (shipped("templates") / "default.mjml").is_file()


def test_an_installed_package_has_the_theme_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "mailer" / "_shipped" / "templates"
    inside.mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    here = tmp_path / "mailer" / "render" / "library.py"
    monkeypatch.setattr(library_module, "__file__", str(here))
    assert inside == shipped("templates")


def test_an_incomplete_installation_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "mailer" / "render" / "library.py"
    monkeypatch.setattr(library_module, "__file__", str(here))
    with pytest.raises(MailerError, match="E206 issues is missing"):
        shipped("issues")


def test_a_file_of_the_newsletter_wins_and_the_built_in_one_keeps_a_name(root: Path) -> None:
    path = _own(root, "partials/footer.mjml")
    library = Library(root)
    own = library.find("partials/footer.mjml")
    builtin = library.find("builtin/partials/footer.mjml")
    assert own is not None
    assert builtin is not None
    assert (path, True, True) == (own.path, own.own, own.instead)
    assert ("MINE", "templates/partials/footer.mjml") == (library.read(own), own.shown)
    assert "unsubscribe_url" in library.read(builtin)
    assert "built-in templates/partials/footer.mjml" == builtin.shown


def test_a_newsletter_without_templates_has_the_built_in_ones(tmp_path: Path) -> None:
    library = Library(tmp_path)
    assert {"default", "letter", "digest"} == set(library.templates())
    assert not any(one.own for one in library.all())


def test_own_templates_are_named_with_the_built_in_ones(root: Path) -> None:
    _own(root, "summer.mjml")
    _own(root, "default.mjml")
    (root / "templates" / "notes.md").write_text("no template")
    library = Library(root)
    assert ["default", "digest", "letter", "summer"] == library.templates()
    own = {one.name: one.instead for one in library.all() if one.own}
    assert {"summer.mjml": False, "default.mjml": True} == own


@pytest.mark.parametrize(
    "name",
    [
        "../secret.mjml",
        "../../etc/passwd",
        "/etc/passwd",
        "partials/../../secret.mjml",
        "builtin/../pyproject.toml",
        "..\\secret.mjml",
        "./default.mjml",
        "partials",
        "default.mjml\0",
        "",
        "builtin/",
        "nothing.mjml",
    ],
)
def test_no_name_leads_out_of_the_folders(root: Path, name: str) -> None:
    (root / "secret.mjml").write_text("secret")
    assert Library(root).find(name) is None


@pytest.mark.parametrize("target", ["secret.mjml", "/etc/passwd"])
def test_a_link_that_leads_out_of_the_folder_is_refused(root: Path, target: str) -> None:
    (root / "secret.mjml").write_text("secret")
    (root / "templates" / "own.mjml").symlink_to(root / target)
    with pytest.raises(CheckError) as caught:
        Library(root).find("own.mjml")
    assert ("E204", "templates/own.mjml") == (caught.value.code, caught.value.where)
    assert str((root / target).resolve()) in caught.value.detail


def test_a_folder_that_leads_out_is_refused_too(root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "x.mjml").write_text("x")
    (root / "templates" / "linked").symlink_to(root / "elsewhere")
    with pytest.raises(CheckError, match="E204"):
        Library(root).find("linked/x.mjml")


def test_links_within_the_folder_and_a_linked_folder_of_templates_are_fine(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.mjml").write_text("A")
    (shared / "b.mjml").symlink_to(shared / "a.mjml")
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "templates").symlink_to(shared)
    library = Library(tmp_path / "news")
    found = library.find("b.mjml")
    assert found is not None
    assert "A" == library.read(found)


@pytest.mark.parametrize(
    ("detail", "raw"),
    [("byte 2 is not UTF-8", b"ab\xff"), ("more than 1,000,000 bytes", b"a" * 1_000_001)],
)
def test_a_file_that_is_no_text_is_an_error(root: Path, detail: str, raw: bytes) -> None:
    (root / "templates" / "own.mjml").write_bytes(raw)
    library = Library(root)
    found = library.find("own.mjml")
    assert found is not None
    with pytest.raises(CheckError) as caught:
        library.read(found)
    assert ("E204", "templates/own.mjml") == (caught.value.code, caught.value.where)
    assert detail in caught.value.detail


def test_a_pipe_is_no_template(root: Path) -> None:
    """Nobody waits for what never comes."""
    os.mkfifo(root / "templates" / "own.mjml")
    assert Library(root).find("own.mjml") is None


def test_a_name_that_no_file_can_have_is_an_error(root: Path) -> None:
    with pytest.raises(CheckError, match="E204"):
        Library(root).find(f"{'a' * 300}.mjml")


def test_a_file_that_vanishes_is_an_error(root: Path) -> None:
    path = _own(root, "own.mjml")
    library = Library(root)
    found = library.find("own.mjml")
    assert found is not None
    path.unlink()
    with pytest.raises(CheckError, match="cannot be read"):
        library.read(found)
