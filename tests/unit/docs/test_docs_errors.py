"""Every code of the program is on its page, once, in the section of its hundred; and no other.

What is found in issues and templates has a page of its own: `test_docs_checks`.
"""

from __future__ import annotations

import re

from mailer.check.catalogue import BY_ID
from tests.samples import pages

PAGE = pages.read("docs/errors.md")
CODE = re.compile(r"\b[EWI]\d{3}\b")
LISTED = [row[0] for row in pages.rows(PAGE)]


def used() -> set[str]:
    """The codes that occur in the program."""
    sources = (pages.ROOT / "mailer").rglob("*.py")
    return {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_is_documented_and_no_other() -> None:
    elsewhere = used() - set(BY_ID)
    assert (set(), set()) == (elsewhere - set(LISTED), set(LISTED) - elsewhere)
    assert sorted(set(LISTED)) == sorted(LISTED)


def test_a_code_stands_in_the_section_of_its_hundred() -> None:
    for title, section in pages.sections(PAGE).items():
        hundreds = {row[0][1] for row in pages.rows(section)}
        assert 1 == len(hundreds), title


def test_every_code_has_a_meaning_and_what_asks_for_something_a_next_step() -> None:
    silent = [row[0] for row in pages.rows(PAGE) if not row[1] or not (row[2] or row[0] == "E702")]
    assert [] == silent


def test_codes_that_other_pages_name_exist() -> None:
    named = {
        code for page in pages.pages() for code in CODE.findall(page.read_text(encoding="utf-8"))
    }
    assert set() == named - set(LISTED) - set(BY_ID)
