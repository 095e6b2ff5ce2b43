"""docs/standards.tsv: every rule that the code cites, with the module that keeps it and a proof."""

from __future__ import annotations

import csv
import re

import pytest

from tests.samples import pages

RULE = re.compile(r"\b[MLVSBX]-\d{1,2}\b")


def table() -> list[dict[str, str]]:
    """The rows of the table."""
    with (pages.DOCS / "standards.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


ROWS = table()


def order(rule: str) -> tuple[int, int]:
    """Where a rule stands: by letter, then by number."""
    letter, _, number = rule.partition("-")
    return "MLVSBX".index(letter), int(number)


def test_each_rule_has_one_row_in_order() -> None:
    rules = [row["id"] for row in ROWS]
    assert sorted(set(rules), key=order) == rules


def test_every_rule_that_the_program_cites_has_a_row() -> None:
    sources = (pages.ROOT / "mailer").rglob("*.py")
    cited = {rule for path in sources for rule in RULE.findall(path.read_text(encoding="utf-8"))}
    assert set() == cited - {row["id"] for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_the_module_and_the_test_exist_and_the_test_file_cites_the_rule(
    row: dict[str, str],
) -> None:
    assert (pages.ROOT / row["module"]).is_file()
    assert pages.is_a_test(row["test"]), row["test"]
    text = pages.read(row["test"].partition("::")[0])
    spelt_in_a_name = row["id"].lower().replace("-", "_")
    assert re.search(rf"\b{row['id']}\b|_{spelt_in_a_name}_", text), f"{row['id']} is not cited"
