"""Headings, header cells, language, style sheets (interface §4: W153, W161)."""

from __future__ import annotations

import pytest

from mailer.check import structure
from tests.samples.proofs import PAGE, proof


def test_w161_a_heading_that_skips_a_level_is_found() -> None:
    """As raw HTML of a page builder has it; what Markdown skips is mended where it is rendered."""
    made = proof("Words.\n")
    assert [] == list(structure.check_headings(made))
    made.tree.append(made.tree.makeelement("h4"))
    made.tree[-1].text = "Words"
    (found,) = structure.check_headings(made)
    assert ("W161", 'the heading "Words" skips a level', 1) == (
        found.id,
        found.message,
        found.line,
    )


def test_w161_headings_one_below_the_other_are_fine() -> None:
    body = "## A\n\n### B\n\n### C\n\n#### D\n\n## E\n\n### F\n"
    assert [] == list(structure.check_headings(proof(body)))


ROWS = "<tr><td>Mon</td><td>10</td></tr><tr><td>Tue</td><td>11</td></tr>"


@pytest.mark.parametrize(
    "table",
    [f"<table>{ROWS}</table>", "| | |\n|---|---|\n| Mon | 10 |\n| Tue | 11 |\n"],
)
def test_w161_a_table_whose_columns_have_no_names(table: str) -> None:
    (found,) = structure.check_tables(proof(f"Words.\n\n{table}\n"))
    assert ("W161", "this table has no header cells") == (found.id, found.message)
    assert found.line >= 3


@pytest.mark.parametrize(
    "table",
    [
        "| Day | Hour |\n|---|---|\n| Mon | 10 |\n| Tue | 11 |\n",
        f"<table><tr><td><img src='/a.png' alt='a'></td><td>Words</td></tr>{ROWS}</table>",
        "<table><tr><td>One</td></tr><tr><td>Two</td></tr></table>",
        "<table><tr><td>One</td><td>row</td></tr></table>",
        "> quoted\n",
        "    code\n",
    ],
)
def test_w161_named_columns_and_layout_are_fine(table: str) -> None:
    assert [] == list(structure.check_tables(proof(f"Words.\n\n{table}\n")))


@pytest.mark.parametrize(("lang", "count"), [("en", 0), ("", 1), ("und", 1)])
def test_w161_a_mail_names_its_language(lang: str, count: int) -> None:
    html = f'<!DOCTYPE html><html lang="{lang}"><body><p>Words</p></body></html>'
    assert count == len(list(structure.check_language(proof(html=html))))


@pytest.mark.parametrize(("size", "count"), [(8192, 0), (8193, 1)])
def test_w153_a_style_sheet_that_gmail_drops(size: int, count: int) -> None:
    html = PAGE.format(css="a" * size, body="<p>Words</p>")
    found = list(structure.check_styles(proof(html=html)))
    assert ["W153"] * count == [one.id for one in found]
