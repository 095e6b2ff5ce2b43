"""The page of checks is the catalogue that the program has; every finding's id is in it."""

from __future__ import annotations

import re

from mailer.check.catalogue import BY_ID, CHECKS, Network
from mailer.model import CLIENTS
from tests.samples import pages

PAGE = pages.read("docs/checks.md")
TABLE = pages.rows(pages.sections(PAGE)["Every check"])
NETWORK = {Network.NO: "", Network.YES: "yes", Network.PARTLY: "in part"}
ABOUT_ISSUES = re.compile(r"\b[EWI][12]\d{2}\b")
NO_FINDINGS = {"E115", "E116", "E206", "E207"}
"""Which issue or template is meant, and what the installation lacks: before anything is checked."""


def test_the_table_has_every_check_as_the_program_knows_it() -> None:
    rows = [[one.id, one.finds, one.why, one.step, NETWORK[one.network]] for one in CHECKS]
    assert rows == TABLE


def test_ids_are_unique_and_in_the_order_of_their_numbers() -> None:
    numbers = [int(check.id[1:]) for check in CHECKS]
    assert sorted(numbers) == numbers
    assert len(BY_ID) == len(CHECKS)


def test_every_id_that_the_program_uses_about_issues_and_templates_is_in_the_catalogue() -> None:
    sources = (pages.ROOT / "mailer").rglob("*.py")
    used = {
        code for path in sources for code in ABOUT_ISSUES.findall(path.read_text(encoding="utf-8"))
    }
    assert NO_FINDINGS == used - set(BY_ID)


def test_what_can_be_ignored_is_every_warning_and_three_errors() -> None:
    ignorable = {check.id for check in CHECKS if check.ignorable}
    assert {"E110", "E121", "E150"} == {check for check in ignorable if check[0] != "W"}
    assert {check.id for check in CHECKS if check.id[0] == "W"} <= ignorable


def test_every_family_of_clients_is_named() -> None:
    assert [] == [name for name in CLIENTS if f"`{name}`" not in PAGE]
