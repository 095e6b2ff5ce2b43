"""Which parts of an issue take most, where they are, and where to cut (M-28)."""

from __future__ import annotations

import pytest

from mailer.render.blocks import Block, largest, mark, measure, split, unmark, where_to_cut
from tests.samples.issues import issue

SECTIONS = """\
<p>Dear reader, this is what happened.</p>
<h2>First <em>things</em></h2>
<p>one</p>
<ul>
<li>two</li>
</ul>
<h2>Second &amp; last</h2>
<p>three</p>
"""
MARKDOWN = """\
Dear reader, this is what happened.

## First *things*

one
- two

Second & last
---

three
"""


def test_a_block_is_a_heading_with_what_follows_it() -> None:
    blocks, pieces = split(SECTIONS, issue(MARKDOWN))
    assert [
        Block(name="Dear reader, this is what happened.", line=5),
        Block(name="First things", level=2, line=7),
        Block(name="Second & last", level=2, line=12),
    ] == list(blocks)
    assert SECTIONS == "".join(pieces)


def test_without_headings_every_paragraph_is_a_block() -> None:
    content = "<p>one</p>\n<table><tr><td>two</td></tr></table>\n<p>" + "three " * 20 + "</p>"
    blocks, _ = split(content, issue("one\n\ntwo\n\n" + "three " * 20))
    assert ["one", "two", "three three three three three three three three …"] == [
        block.name for block in blocks
    ]
    assert [5, 7, 9] == [block.line for block in blocks]


def test_headings_of_one_name_are_told_apart_by_their_lines() -> None:
    blocks, _ = split("<h2>News</h2><p>a</p>" * 3, issue("## News\n\na\n\n" * 3))
    assert [5, 9, 13] == [block.line for block in blocks]


def test_what_is_not_found_has_no_line() -> None:
    blocks, _ = split("<h2>A</h2><h2>Title</h2><h2>B</h2>", issue("## A\n\n## B\n"))
    assert [5, 0, 7] == [block.line for block in blocks]


def test_sizes_are_those_of_the_document_that_was_made() -> None:
    blocks, pieces = split(SECTIONS, issue(MARKDOWN))
    document = f"<html>{mark(pieces)}</html>".replace("<p>", '<p style="margin:0">')
    plain = unmark(document)
    measured = measure(blocks, document, 2 * len(plain.encode()))
    around = len("<html></html>")
    assert 2 * (len(plain) - around) == sum(block.octets for block in measured)
    assert measured[1].octets == 2 * len(pieces[1].replace("<p>", '<p style="margin:0">'))


def test_the_largest_come_first() -> None:
    blocks = [
        Block(name=name, octets=size) for name, size in zip("abcd", (3, 9, 1, 7), strict=True)
    ]
    assert ["b", "d", "a"] == [block.name for block in largest(blocks)]


def _block(name: str, octets: int, level: int = 2) -> Block:
    return Block(name=name, level=level, octets=octets)


@pytest.mark.parametrize(
    ("expected", "blocks"),
    [
        ("a", [_block("a", 3000), _block("b", 3000), _block("c", 5000)]),
        ("b", [_block("a", 1000), _block("b", 3000), _block("c", 5000)]),
        ("", [_block("a", 9000), _block("b", 100)]),
        # The section of a higher heading holds those of lower ones.
        ("a", [_block("t", 10, 1), _block("a", 2000), _block("b", 4000), _block("c", 4000, 3)]),
        ("b", [_block("a", 2000), _block("b", 100), _block("c", 1000, 3), _block("d", 8000)]),
        # Of two headings with one name the first would be meant.
        ("a", [_block("a", 2000), _block("a", 1000), _block("b", 8000)]),
        ("", [_block("x", 2000, 0), _block("y", 8000, 0)]),
    ],
)
def test_a_cut_is_behind_the_last_section_that_fits(expected: str, blocks: list[Block]) -> None:
    whole = 1000 + sum(block.octets for block in blocks)
    assert expected == where_to_cut(blocks, octets=whole, limit=6000)


def test_what_fits_is_not_cut() -> None:
    assert "" == where_to_cut([_block("a", 100), _block("b", 100)], octets=1000, limit=1000)
