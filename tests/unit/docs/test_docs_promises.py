"""What README promises is proved by tests that exist; its figures come from the benchmark."""

from __future__ import annotations

import re

from tests.samples import pages

README = pages.read("README.md")
SECTIONS = pages.sections(README)
PROMISES = pages.rows(SECTIONS["What it promises, and the test of each promise"])
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")


def test_every_promise_names_tests_that_exist() -> None:
    assert PROMISES
    for promise, proof in PROMISES:
        assert TEST.search(proof), promise
        assert [] == [test for test in TEST.findall(proof) if not pages.is_a_test(test)], promise


def test_tests_that_any_page_names_exist() -> None:
    named = [test for page in pages.pages() for test in TEST.findall(page.read_text("utf-8"))]
    assert [] == [test for test in named if not pages.is_a_test(test)]


def test_figures_stand_between_the_marks_that_the_benchmark_looks_for() -> None:
    figures = SECTIONS["Figures"]
    assert re.fullmatch(r"\s*<!-- bench -->\n.+\n<!-- /bench -->\s*", figures, re.DOTALL)
    assert 1 == README.count("<!-- bench -->")


def test_the_targets_of_make_that_any_page_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", pages.read("Makefile"), re.MULTILINE))
    named = {
        target
        for page in pages.pages()
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert set() == named - targets


def test_readme_fits_on_a_few_screens() -> None:
    assert README.count("\n") <= 150
