"""What stands around a tag: an address, a sentence, or nothing."""

from __future__ import annotations

import pytest

from mailer.content.dialects.surroundings import in_address, in_sentence

TAG = "{% x %}"


@pytest.mark.parametrize(
    ("expected", "before"),
    [
        (True, "[a]("),
        (True, "[a](<"),
        (True, "[a](/b/"),
        (True, "[a]: "),
        (True, "[a](](]:  /b"),
        (True, '<a href="/b?'),
        (True, "<https://a.example/"),
        (False, "[a](/b) "),
        (False, '<a href="/b">'),
        (False, "[a](/b\n"),
        (False, "a "),
    ],
)
def test_a_tag_is_in_an_address_or_behind_it(*, expected: bool, before: str) -> None:
    assert expected is in_address(f"{before}{TAG} z", len(before))


@pytest.mark.parametrize(
    ("expected", "before", "after"),
    [
        (True, "A ", ""),
        (True, "", " z"),
        (True, f"{TAG} a {TAG}", TAG),
        (True, f"{TAG}", f"{TAG} z"),
        (False, TAG, TAG),
        (False, "a\n", "\nz"),
        (False, "1. ", " <b>"),
        (False, "<div ", ">"),
        (False, "<div {{< y >}} ", ">"),
    ],
)
def test_a_tag_is_in_a_sentence_where_words_stand_beside_it(
    *, expected: bool, before: str, after: str
) -> None:
    start = len(before)
    assert expected is in_sentence(f"{before}{TAG}{after}", start, start + len(TAG))


def test_the_words_beside_a_tag_of_two_lines_are_those_before_and_after_it() -> None:
    tag = "{% x\n y %}"
    assert in_sentence(f"a {tag}", 2, 2 + len(tag))
    assert in_sentence(f"{tag} z", 0, len(tag))
    assert not in_sentence(f"a\n{tag}\nz", 2, 2 + len(tag))
