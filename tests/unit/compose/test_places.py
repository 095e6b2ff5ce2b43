from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mailer.compose.expressions import MissingValueError
from mailer.compose.places import Places
from mailer.errors import CheckError, LedgerError
from mailer.model import Place, Slot, Template
from tests.samples.messages import recipient, rendering

URL = "https://news.example.org/u/TOKEN"


def slot(expression: str, place: Place = Place.TEXT) -> Slot:
    return Slot(expression=expression, place=place, line=7)


def places(*text: str | Slot, subject: Template = ("s",), html: Template = ("h",)) -> Places:
    given = rendering(subject=subject, html=html, text=text)
    return Places(given, {"title": "The <Weekly>", "slug": "weekly"})


def text_of(compiled: Places, stored: tuple[str, ...] | None = None, **changes: Any) -> str:
    filled, _ = compiled.fill(recipient(**changes), URL, stored)
    texts, numbers = compiled.text
    return texts[0] + "".join(
        filled[at] + text for at, text in zip(numbers, texts[1:], strict=True)
    )


@pytest.mark.parametrize(
    ("place", "value", "escaped"),
    [
        (Place.TEXT, "<b> & 'x'", "<b> & 'x'"),
        (Place.HTML, "<img src=x onerror=..>", "&lt;img src=x onerror=..&gt;"),
        (Place.HTML, "\"a\" & 'b'", "&quot;a&quot; &amp; &#x27;b&#x27;"),
        (Place.HTML, "{{7*7}} {% raw %}", "{{7*7}} {% raw %}"),
        (Place.URL, 'https://x.org/?a=1&b="2"', "https://x.org/?a=1&amp;b=&quot;2&quot;"),
        (Place.URL, "HTTP://x.org/é", "HTTP://x.org/é"),
        (Place.URL, "mailto:ann@example.org", "mailto:ann@example.org"),
        (Place.URL_PART, "a b&c/ü?", "a%20b%26c%2F%C3%BC%3F"),
        (Place.URL_PART, '"><script>', "%22%3E%3Cscript%3E"),
    ],
)
def test_a_value_is_escaped_for_its_place(place: Place, value: str, escaped: str) -> None:
    """X-4, case 12: values are data and never rendered again."""
    assert text_of(places(slot("subscriber.name", place)), name=value) == escaped + "\n"


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//example.org",
        "/relative",
        "https://",
        "https://x.org/a b",
        "https://x.org/\na",
        "mailto:a@b.org\r\nBcc: c@d.org",
        "xhttps://x.org",
    ],
)
def test_a_link_needs_a_known_scheme(value: str) -> None:
    """X-4, case 18: E140 names the slot."""
    with pytest.raises(CheckError, match="E140") as caught:
        text_of(places(slot("subscriber.name", Place.URL)), name=value)
    assert "subscriber.name" in caught.value.detail
    assert caught.value.where == "line 7"


@pytest.mark.parametrize("char", ["\0", "\ud800"])
def test_a_value_that_cannot_be_mailed_is_refused(char: str) -> None:
    """Case 10."""
    with pytest.raises(CheckError, match="E140") as caught:
        text_of(places(slot("subscriber.name")), name=f"Ann{char}é")
    assert char not in str(caught.value)


@pytest.mark.parametrize("char", ["\0", "\udfff"])
def test_an_issue_that_cannot_be_mailed_is_refused(char: str) -> None:
    """Case 10."""
    with pytest.raises(CheckError, match="E109"):
        places(f"Hello {char}")


def test_odd_but_harmless_characters_are_kept() -> None:
    """Case 10: U+FFFE, RTL override, combining marks."""
    odd = "\ufffe\u202ee" + "\u0301" * 50 + "\x1b\x85"
    assert text_of(places(slot("subscriber.name")), name=odd) == odd + "\n"


def test_the_values_of_an_expression() -> None:
    """Decisions 13: attributes plus email, name, language; list; unsubscribe_url."""
    compiled = places(
        slot("subscriber.email ~ subscriber.name ~ subscriber.language ~ subscriber.town"),
        slot("list.slug"),
        slot("unsubscribe_url"),
    )
    text = text_of(compiled, language="de", attributes={"town": "Ulm", "email": "not this"})
    assert text == f"ann@example.netAnndeUlmweekly{URL}\n"


def test_a_missing_value_is_named() -> None:
    """M-31, case 14."""
    with pytest.raises(MissingValueError, match=r"subscriber\.town"):
        text_of(places(slot("subscriber.town")))


def test_values_of_different_kinds_that_are_compared_are_an_error() -> None:
    with pytest.raises(CheckError, match="E140"):
        text_of(places(slot('"x" if subscriber.age > 3 else "y"')), attributes={"age": "old"})


def test_an_expression_that_is_none_is_an_error_with_its_line() -> None:
    with pytest.raises(CheckError, match="E140") as caught:
        places(slot("view_url"))
    assert caught.value.where == "line 7"


def test_what_names_only_the_list_is_fixed_text() -> None:
    compiled = places("In ", slot("list.title", Place.HTML), "\n")
    assert compiled.text == (["In The &lt;Weekly&gt;\n"], [])


def test_nothing_is_stored_without_subscriber_slots() -> None:
    """Decisions 2: links are made again from ids and key."""
    compiled = places(slot("unsubscribe_url"), slot("list.title"))
    assert compiled.fill(recipient(), URL, None) == ([URL], None)


def test_each_subscriber_expression_is_stored_once_and_raw() -> None:
    """Decisions 2."""
    compiled = places(
        slot("subscriber.name"),
        slot("unsubscribe_url"),
        slot("subscriber.email"),
        html=(slot("subscriber.name", Place.HTML), slot("subscriber.name", Place.URL_PART)),
    )
    _, stored = compiled.fill(recipient(name="A & B"), URL, None)
    assert stored == ("A & B", "ann@example.net")


def test_stored_values_stand_in_for_the_subscriber() -> None:
    """Decisions 2, case 46: the person may have changed, or be gone."""
    compiled = places(slot("subscriber.name"), " ", slot("unsubscribe_url"))
    assert text_of(compiled, ("Ann",), name="Renamed") == f"Ann {URL}\n"


def test_stored_values_of_another_rendering_are_refused() -> None:
    compiled = places(slot("subscriber.name"))
    with pytest.raises(LedgerError, match="E640"):
        text_of(compiled, ("Ann", "Bob"))


def test_a_date_is_written_in_the_language_of_the_rendering() -> None:
    made = replace(rendering(text=(slot("subscriber.joined | date"),)), language="de")
    compiled = Places(made, {"title": "The Weekly", "slug": "weekly"})
    assert text_of(compiled, attributes={"joined": "2026-11-04"}) == "4. November 2026\n"


def test_a_value_that_is_no_date_is_e140_for_its_person() -> None:
    compiled = places(slot("subscriber.joined | date"))
    assert text_of(compiled, attributes={"joined": "2026-11-04"}) == "4 November 2026\n"
    with pytest.raises(CheckError) as caught:
        text_of(compiled, attributes={"joined": "last spring"})
    assert caught.value.code == "E140"
    assert '"last spring" is no date' in caught.value.detail


def test_what_is_no_date_for_anybody_is_found_with_its_line() -> None:
    with pytest.raises(CheckError) as caught:
        places(slot("list.title | date"))
    assert ("E140", "line 7") == (caught.value.code, caught.value.where)
