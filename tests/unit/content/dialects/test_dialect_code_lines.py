"""Which lines are code, as CommonMark reads them, in lists and quotes too."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from mailer.content.dialects.code import Line, code_lines

MARKS = {Line.PROSE: ".", Line.OPENING: "[", Line.CODE: "c", Line.CLOSING: "]"}


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("a\n```\nb\n```\nc", ".[c]."),
        ("~~~\n```\n~~~", "[c]"),
        ("````\n```\n````", "[c]"),
        ("```a`b\nc", ".."),
        ("```\nnever closed", "[c"),
        ("- a\n  ```\n  b\n  ```\nc", ".[c]."),
        ("- a\n  ```\n  b\nc", ".[c."),
        ("1. a\n\n   ```\n   b\n   ```", "..[c]"),
        ("- ```\n  a\n  ```", "[c]"),
        ("> ```\n> a\n> ```\nb", "[c]."),
        ("> ```\n> a\nb", "[c."),
        ("a\n\n    b\n\n    c\nd", "..c.c."),
        ("a\n    b", ".."),
        ("- a\n\n    b", "..."),
        ("- a\n\n      b", "..c"),
        ("- a\n    - b\n\n        c", "...."),
        ("# a\n    b", ".c"),
        ("> a\n    b", ".."),
        ("* * *\n\n    a", "..c"),
        ("\ta", "c"),
    ],
)
def test_code_lines(text: str, marks: str) -> None:
    assert marks == "".join(MARKS[kind] for kind in code_lines(text.split("\n")))
    assert marks.strip(".") == "" or "<code" in MarkdownIt().render(text)


def test_children_of_components_are_no_code_for_being_indented() -> None:
    kinds = code_lines(["<A>", "", "    b"], loose={2})
    assert [Line.PROSE] * 3 == kinds
