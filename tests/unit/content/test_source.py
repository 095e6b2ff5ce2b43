"""Where something stands in an issue: lines of the file, of what is no code."""

from __future__ import annotations

import pytest

from mailer.content.source import Source, mask_blocks, mask_code

BODY = "a <b>\n`<b>`\n\n```\n<b>\n```\n<!-- <b> -->\n<b> <B>\n"


@pytest.fixture
def source() -> Source:
    return Source(body=BODY, file="issues/x.md", body_line=10)


def test_the_nth_match_outside_of_code_has_a_line(source: Source) -> None:
    assert [10, 17, 17, 0] == [source.line_matching("<b>", number) for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("line", "needle"), [(10, "a"), (13, "```"), (17, "<B>"), (0, "gone"), (0, "")]
)
def test_a_needle_has_the_line_where_it_first_stands(
    source: Source, line: int, needle: str
) -> None:
    assert line == source.line_of(needle)


def test_the_beginning_and_the_end_of_a_line_are_in_it(source: Source) -> None:
    assert [10, 10, 11, 18] == [source.line_at(offset) for offset in (0, 5, 6, len(BODY))]


def test_findings_are_remembered_once_and_by_lines(source: Source) -> None:
    for line in (12, 11, 12):
        source.report("W113", "removed", line=line)
    assert [("W113", 11), ("W113", 12)] == [(one.id, one.line) for one in source.findings]


@pytest.mark.parametrize(
    ("masked", "text"),
    [
        ("a     b", "a `x` b"),
        ("a       b", "a ``x`` b"),
        ("   \n \n   ", "```\nx\n```"),
        ("> ", "> "),
        ("a `x", "a `x"),
        ("a `x\n\ny` b", "a `x\n\ny` b"),
    ],
)
def test_code_is_blanked_and_every_line_stays(masked: str, text: str) -> None:
    assert masked == mask_code(text)
    assert text.count("\n") == mask_blocks(text).count("\n")
