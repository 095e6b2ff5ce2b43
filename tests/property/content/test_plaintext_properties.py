"""Wrapping breaks lines and nothing else; every line keeps its width (M-26)."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.content.markdown import convert
from mailer.content.plaintext.lines import columns, wrap
from mailer.content.web import Web

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
WORD = st.one_of(
    st.from_regex(r"[a-z]{1,20}", fullmatch=True),
    st.from_regex(r"[\u3042-\u3096\u4e00-\u4e20]{1,30}", fullmatch=True),
    st.sampled_from(["https://e.example/" + "x" * 100, "tok0123456789s0", "e\u0301", "—", "🎉"]),
)


@given(TEXT, st.integers(1, 80))
@settings(max_examples=300, deadline=None)
def test_wrapping_changes_only_white_space(text: str, width: int) -> None:
    joined = "".join(wrap(text, width))
    assert re.sub(r"[ \t\r\n\f\v]", "", joined) == re.sub(r"[ \t\r\n\f\v]", "", text)


@given(st.lists(WORD, min_size=1, max_size=60).map(" ".join), st.integers(20, 80))
@settings(max_examples=200, deadline=None)
def test_a_line_is_too_long_only_where_one_word_is(text: str, width: int) -> None:
    for line in wrap(text, width):
        assert line == line.strip()
        assert columns(line) <= width or " " not in line


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["{}", "# {}", "### {}", "- {}", "1. {}", "> {}", "> - {}", "- [x] {}"]
            ),
            st.lists(WORD, min_size=1, max_size=40).map(" ".join),
        ),
        max_size=5,
    )
)
@settings(max_examples=150, deadline=None)
def test_the_text_part_is_tidy(blocks: list[tuple[str, str]]) -> None:
    body = "\n\n".join(shape.format(words) for shape, words in blocks)
    document = convert(
        body, title="A title", web=Web(site="https://e.example"), file="x", body_line=1
    )
    text = document.text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    assert "\u00a0" not in text
    for line in text.splitlines():
        assert line == line.rstrip()
        assert columns(line) <= 76 or "://" in line
