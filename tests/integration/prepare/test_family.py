"""The files of one issue: the base, the variants' names, and what must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.config import load_config
from mailer.content.issue import read_issue
from mailer.errors import CheckError
from mailer.prepare.variants import check_family, family
from tests.samples.studio import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.model import Issue


class Desk:
    """Files of one issue, and a list of this language."""

    def __init__(self, root: Path, *, newsletter: str = "en", readers: str = "") -> None:
        self.root = root
        (root / "issues").mkdir()
        more = f'language = "{readers}"\n' if readers else ""
        text = CONFIG.replace("[lists.weekly]\n", f"[lists.weekly]\n{more}")
        text = text.replace("[newsletter]\n", f'[newsletter]\nlanguage = "{newsletter}"\n')
        (root / "mailer.toml").write_text(text)
        self.config = load_config(root, None, environ={})

    def write(self, name: str, *front: str) -> Issue:
        """A file with these lines of front matter."""
        path = self.root / "issues" / f"{name}.md"
        path.write_text("\n".join(("---", "title: T", *front, "---", "", "Words.", "")))
        return read_issue(path, root=self.root)

    def family(self, *issues: Issue) -> dict[str, Issue]:
        """What becomes of these files; the first is the one that was meant."""
        return family(
            issues[0],
            issues[1:],
            chosen=self.config.lists["weekly"],
            newsletter=self.config.newsletter,
        )

    def files(self, *issues: Issue) -> dict[str, str]:
        """The same by the names of the files."""
        return {name: one.file[7:-3] for name, one in self.family(*issues).items()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


PRO = ("id: winter", "for: {plan: pro}")


def test_an_issue_alone_is_for_everybody(desk: Desk) -> None:
    issue = desk.write("winter")
    assert {"": issue} == desk.family(issue)


def test_a_suffix_and_a_condition_name_a_variant(desk: Desk) -> None:
    files = desk.files(
        desk.write("winter"),
        desk.write("winter.de"),
        desk.write("winter-pro", *PRO),
        desk.write("winter-pro.de", *PRO),
    )
    assert {
        "": "winter",
        "language=de": "winter.de",
        "plan=pro": "winter-pro",
        "language=de&plan=pro": "winter-pro.de",
    } == files


def test_for_may_name_the_language(desk: Desk) -> None:
    german = desk.write("winter-zwei", "id: winter", "for: {language: de}")
    found = desk.family(desk.write("winter"), german)
    assert {"", "language=de"} == set(found)
    assert "de" == found["language=de"].language


def test_the_bases_own_language_is_no_condition(desk: Desk) -> None:
    """Whoever is pro gets the pro variant, whatever they read."""
    issues = desk.write("winter", "lang: en"), desk.write("winter-pro", "lang: en", *PRO)
    assert {"": "winter", "plan=pro": "winter-pro"} == desk.files(*issues)


def test_a_variant_for_some_is_written_in_the_bases_language(tmp_path: Path) -> None:
    desk = Desk(tmp_path, readers="de")
    found = desk.family(desk.write("winter"), desk.write("winter-pro", *PRO))
    assert "de" == found["plan=pro"].language


def test_a_variant_named_by_its_file_leaves_everybody_their_own(desk: Desk) -> None:
    pro, base = desk.write("winter-pro", *PRO), desk.write("winter")
    assert {"": "winter", "plan=pro": "winter-pro"} == desk.files(pro, base)


def test_a_translation_named_by_its_file_is_the_base(desk: Desk) -> None:
    german, english = desk.write("winter.de"), desk.write("winter")
    assert {"": "winter.de", "language=en": "winter"} == desk.files(german, english)


def test_a_list_in_another_language_makes_the_translation_the_base(tmp_path: Path) -> None:
    """Interface §3.3: the file without a language is in the newsletter's."""
    desk = Desk(tmp_path, newsletter="en", readers="de")
    german, english = desk.write("winter.de"), desk.write("winter")
    found = desk.family(german, english)
    assert ["winter.de", "winter"] == [one.file[7:-3] for one in found.values()]
    assert "en" == found["language=en"].language


def test_two_files_for_the_same_people_are_e106(desk: Desk) -> None:
    with pytest.raises(CheckError, match="E106") as caught:
        desk.family(desk.write("winter.en"), desk.write("winter"))
    assert "issues/winter.en.md\nissues/winter.md" == caught.value.where
    with pytest.raises(CheckError, match="E106"):
        desk.family(desk.write("winter"), desk.write("a", *PRO), desk.write("b", *PRO, "lang: en"))


def test_a_variant_without_a_file_for_everybody_is_e129(desk: Desk) -> None:
    with pytest.raises(CheckError, match="E129") as caught:
        desk.family(desk.write("winter-pro", *PRO))
    assert "winter is for plan=pro, and no file for everybody else" == caught.value.message


@pytest.mark.parametrize(
    ("base", "variant", "odd"),
    [
        ((), (), ""),
        (("list: weekly",), ("list: weekly",), ""),
        ((), ("list: weekly",), ""),
        ((), ("list: daily",), "another list"),
        (("send_at: 2027-01-01 09:00",), (), ""),
        (("send_at: 2027-01-01 09:00",), ("send_at: 2027-01-01 09:00",), ""),
        (("send_at: 2027-01-01 09:00",), ("send_at: 2027-01-01 10:00",), "another send_at"),
        ((), ("send_at: 2027-01-01 10:00",), "another send_at"),
        (("status: ready",), (), ""),
        ((), ("status: ready",), ""),
        (("status: ready",), ("draft: true",), "a draft"),
        (("draft: true",), ("draft: true",), ""),
        (("draft: true",), (), ""),
        ((), ("list: daily", "published: false"), "another list, a draft"),
    ],
)
def test_what_there_is_once_per_mailing_must_agree(
    desk: Desk, base: tuple[str, ...], variant: tuple[str, ...], odd: str
) -> None:
    """E129: a translation that is not ready stops the mailing, rather than be left out of it."""
    found = desk.family(desk.write("winter", *base), desk.write("winter.de", *variant))
    said = list(check_family(found, chosen=desk.config.lists["weekly"]))
    assert [odd] * bool(odd) == [one.message.partition(": ")[2] for one in said]
    assert [("E129", "issues/winter.de.md")] * bool(odd) == [(one.id, one.file) for one in said]
