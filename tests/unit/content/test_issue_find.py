"""Which files are issues, and how one is named (interface §1.0, §1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.content.shelf import duplicate_ids, find_issue, issue_files, sibling_files
from mailer.errors import CheckError, NotFoundError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def shelf(root: Path, *names: str) -> Path:
    for name in names:
        path = root / "issues" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Some text.\n")
    return root


def shown(root: Path, path: Path) -> str:
    return path.relative_to(root / "issues").as_posix()


def test_issues_are_markdown_files_and_folders_with_an_index(tmp_path: Path) -> None:
    shelf(
        tmp_path,
        "b.md",
        "a.markdown",
        "c.mdx",
        "d/index.md",
        "d/index.de.md",
        "d/notes.md",
        "d/boat.png",
        "_draft.md",
        "_old/index.md",
        ".hidden.md",
        "README.md",
        "readme.markdown",
        "notes.txt",
    )
    (tmp_path / "issues" / "folder.md").mkdir()
    found = [shown(tmp_path, path) for path in issue_files(tmp_path)]
    assert found == ["a.markdown", "b.md", "c.mdx", "d/index.de.md", "d/index.md"]


def test_without_a_folder_there_are_no_issues(tmp_path: Path) -> None:
    assert issue_files(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("2026-11-24-winter", "2026-11-24-winter.md"),
        ("winter", "2026-11-24-winter.md"),
        ("WINTER", "2026-11-24-winter.md"),
        ("issues/2026-11-24-winter.md", "2026-11-24-winter.md"),
        ("2026-11-24-winter.de", "2026-11-24-winter.de.md"),
        ("spring", "spring.md"),
        ("spring-cleaning", "spring-cleaning/index.md"),
        ("issues/spring-cleaning", "spring-cleaning/index.md"),
        ("clean", "spring-cleaning/index.md"),
        ("special", "other.md"),
    ],
)
def test_an_issue_is_named_by_id_file_or_part_of_its_id(
    tmp_path: Path, name: str, file: str
) -> None:
    shelf(
        tmp_path,
        "2026-11-24-winter.md",
        "2026-11-24-winter.de.md",
        "spring.md",
        "spring-cleaning/index.md",
    )
    (tmp_path / "issues/other.md").write_text("---\nid: special\n---\nText\n")
    assert file == shown(tmp_path, find_issue(name, root=tmp_path))


def test_a_file_outside_the_folder_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf(tmp_path, "a.md")
    (tmp_path / "elsewhere.md").write_text("Text\n")
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "elsewhere.md").samefile(find_issue("elsewhere.md", root=tmp_path / "x"))


def test_an_ambiguous_part_lists_what_it_fits(tmp_path: Path) -> None:
    shelf(tmp_path, "2026-winter.md", "2025-winter.md")
    with pytest.raises(UsageError) as caught:
        find_issue("winter", root=tmp_path)
    assert caught.value.code == "E116"
    assert caught.value.detail == "issues/2025-winter.md\nissues/2026-winter.md"


def test_language_siblings_alone_are_ambiguous(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.de.md", "winter.fr.md")
    with pytest.raises(UsageError):
        find_issue("winter", root=tmp_path)
    assert shown(tmp_path, find_issue("winter.fr", root=tmp_path)) == "winter.fr.md"


@pytest.mark.parametrize(
    ("language", "file"),
    [("de", "winter.de.md"), ("de-AT", "winter.de.md"), ("fr", "winter.fr.md"), ("en", None)],
)
def test_of_language_siblings_alone_the_one_in_the_lists_language_is_meant(
    tmp_path: Path, language: str, file: str | None
) -> None:
    shelf(tmp_path, "winter.de.md", "winter.fr.md")
    if file is None:
        with pytest.raises(UsageError, match="E116"):
            find_issue("winter", root=tmp_path, language=language)
    else:
        assert file == shown(tmp_path, find_issue("winter", root=tmp_path, language=language))


def test_the_sibling_in_the_lists_language_comes_before_the_one_without_any(
    tmp_path: Path,
) -> None:
    """Interface §3.3: translations fall back to the list's language."""
    shelf(tmp_path, "winter.md", "winter.de.md")
    assert "winter.md" == shown(tmp_path, find_issue("winter", root=tmp_path, language="en"))
    assert "winter.de.md" == shown(tmp_path, find_issue("winter", root=tmp_path, language="de"))


def test_a_variant_for_some_is_no_twin_and_never_meant_by_the_id(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md")
    for name, plan in (("a-pro.md", "pro"), ("b-free.md", "free")):
        text = f"---\nid: winter\nfor: {{plan: {plan}}}\n---\nText\n"
        (tmp_path / "issues" / name).write_text(text)
    assert [] == duplicate_ids(tmp_path)
    base = find_issue("winter", root=tmp_path)
    assert "winter.md" == shown(tmp_path, base)
    assert ["a-pro.md", "b-free.md"] == [
        shown(tmp_path, path) for path in sibling_files(tmp_path)[base.resolve()]
    ]
    assert "a-pro.md" == shown(tmp_path, find_issue("a-pro", root=tmp_path))


def test_two_variants_for_the_same_are_e106(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md")
    for name in ("a.md", "b.md"):
        (tmp_path / "issues" / name).write_text("---\nid: winter\nfor: {plan: pro}\n---\nText\n")
    assert ["E106"] == [finding.id for finding in duplicate_ids(tmp_path)]
    with pytest.raises(CheckError, match="E106"):
        find_issue("issues/b.md", root=tmp_path)


def test_a_file_elsewhere_has_no_siblings(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.de.md")
    (tmp_path / "winter.md").write_text("Text\n")
    assert [tmp_path / "issues" / "winter.de.md"] == list(sibling_files(tmp_path))


def test_an_issue_is_found_by_another_way_to_its_file(tmp_path: Path) -> None:
    shelf(tmp_path / "real", "winter.md", "winter.de.md")
    (tmp_path / "link").symlink_to("real")
    way = tmp_path / "link" / "issues" / "winter.md"
    assert "winter.md" == shown(tmp_path / "real", find_issue(str(way), root=tmp_path / "real"))
    siblings = sibling_files(tmp_path / "real")[way.resolve()]
    assert ["winter.de.md"] == [shown(tmp_path / "real", path) for path in siblings]


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md", "spring.md")
    with pytest.raises(NotFoundError) as caught:
        find_issue("wintr", root=tmp_path)
    assert caught.value.code == "E115"
    assert caught.value.next == "did you mean winter?"


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md")
    with pytest.raises(NotFoundError):
        find_issue("issues/summer.md", root=tmp_path)


@pytest.mark.parametrize("name", ["winter", "issues/winter.md", "issues/b.md"])
def test_two_files_with_one_id_are_e106(tmp_path: Path, name: str) -> None:
    shelf(tmp_path, "winter.md")
    (tmp_path / "issues/b.md").write_text("---\nid: winter\n---\nText\n")
    with pytest.raises(CheckError) as caught:
        find_issue(name, root=tmp_path)
    assert caught.value.code == "E106"
    assert {"issues/b.md", "issues/winter.md"} == set(caught.value.where.splitlines())


def test_duplicate_ids_are_found_over_all_files(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md", "winter.de.md", "Winter!.md", "winter/index.md", "spring.md")
    found = duplicate_ids(tmp_path)
    assert {"E106"} == {finding.id for finding in found}
    assert len(found) == 2


def test_language_siblings_share_their_id(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md", "winter.de.md", "winter.fr.md")
    assert duplicate_ids(tmp_path) == []
    assert shown(tmp_path, find_issue("winter", root=tmp_path)) == "winter.md"


def test_an_unreadable_neighbour_hides_nobody(tmp_path: Path) -> None:
    shelf(tmp_path, "winter.md")
    (tmp_path / "issues/broken.md").write_text("---\na: b: c\n---\n")
    (tmp_path / "issues/latin.md").write_bytes(b"\xff")
    assert shown(tmp_path, find_issue("winter", root=tmp_path)) == "winter.md"
    assert shown(tmp_path, find_issue("broken", root=tmp_path)) == "broken.md"
