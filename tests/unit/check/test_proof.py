"""Where something stands: the line and column of what was made of it."""

from __future__ import annotations

import pytest

from mailer.check.places import Place
from mailer.check.reading import sayings
from tests.samples.proofs import proof

BODY = """\
Hello `https://shop.dev/a`,

see [one](/a), [two](https://shop.dev/ab) and [three][3],
<a href="https://x.net/?a=1&amp;b=2">four</a>, <https://shop.dev/a>.

![five](/pictures/winter%20sun.png)

[3]: https://x.net/ünder
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("one", Place(3, 11)),
        ("two", Place(3, 22)),
        ("three", Place(8, 6)),
        ("four", Place(4, 10)),
        ("https://shop.dev/a", Place(4, 49)),
    ],
)
def test_a_link_is_found_however_its_address_was_written(text: str, place: Place) -> None:
    made = proof(BODY)
    link = next(link for link in made.links if link.text == text)
    assert place == made.address(link.url, link.number)


def test_an_image_is_found_by_its_name() -> None:
    made = proof(BODY)
    assert (6, True) == (made.address(made.images[0].url).line, "winter" in made.images[0].url)


def test_equal_addresses_are_told_apart_by_their_order() -> None:
    made = proof("[a](https://x.net)\n\n[b](https://x.net)\n")
    lines = [made.address(link.url, link.number).line for link in made.links]
    assert [1, 3] == lines


def test_words_are_found_through_markup_and_line_ends() -> None:
    made = proof("First.\n\nThe *quick* **brown\nfox** jumps over [the dog](https://x.net).\n")
    assert Place(3, 1) == made.words("The quick brown fox jumps over the dog.")
    assert Place() == made.words("The quick red fox")
    assert Place() == made.words("")


def test_a_key_of_the_front_matter_has_its_line_in_every_table() -> None:
    made = proof(lines={"title": 2, "mailer.subject": 7})
    assert Place(7) == made.key("subject", "title")
    assert Place() == made.key("preheader")


def test_the_blocks_of_a_text_are_told_without_code() -> None:
    made = proof("# A *title*\n\n- one `code` more\n- two\n\n> said\n\n```\nx\n```\n")
    assert ["A title", "one … more", "two", "said"] == [
        one for one in sayings(made.tree) if one not in ("…", "Winter opening hours")
    ]


def test_web_links_are_each_once_and_none_is_a_single_readers() -> None:
    body = (
        "[a](https://x.net) [b](https://x.net) [c](mailto:a@x.net) [d](#top) "
        '[e](https://y.net/{{ subscriber.number or "1" }}) [f](http://z.net/)'
    )
    assert ["https://x.net", "http://z.net/"] == [link.url for link in proof(body).web_links]


def test_what_was_released_is_made_again() -> None:
    made = proof("[a](https://x.net) and ![b](/b.png)\n")
    before = made.links, made.images, made.said, made.subject
    made.release()
    assert "tree" not in vars(made)
    assert before == (made.links, made.images, made.said, made.subject)
    assert ["https://x.net"] == [made.anchors[link.at].get("href") for link in made.links]
