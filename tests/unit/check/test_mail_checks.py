"""What is wrong with a mail before it is sent (interface §4: E140, E150, E190; M-28, M-31)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from mailer.check import engine, everybody, mail
from mailer.compose.mime import Sizes
from mailer.config import CheckConfig
from mailer.content.issue import read_issue
from mailer.model import Level, Place, Recipient, Rendering, Slot
from tests.samples.messages import DATE, LINK, LINK_IN_TEXT, recipient, template
from tests.samples.messages import rendering as small

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.model import Issue
    from tests.samples.newsletter import News


@pytest.fixture
def issue(news: News) -> Issue:
    return read_issue(news.issue(), root=news.folder)


LIMITS = CheckConfig()


def sizes(*, decoded: int = 100, encoded: int = 100) -> Sizes:
    return Sizes(html_decoded=decoded, html_encoded=encoded, text_decoded=9)


@pytest.mark.parametrize(
    ("measured", "found"),
    [
        (sizes(decoded=80_000), []),
        (sizes(decoded=80_001), ["W151"]),
        (sizes(encoded=100_000), ["W151"]),
        (sizes(encoded=100_001), ["E150"]),
        (sizes(decoded=101_000, encoded=50_000), ["E150"]),
    ],
)
def test_m28_the_larger_of_decoded_and_encoded_html_counts(
    issue: Issue, measured: Sizes, found: list[str]
) -> None:
    assert found == [one.id for one in mail.check_size(measured, issue, limits=LIMITS)]


def test_m28_a_reason_lets_it_pass_and_stays_visible(issue: Issue) -> None:
    """Decisions 15: overridden by `ignore: {E150: reason}` only."""
    limited = CheckConfig(size_warn=10, size_max=50)
    assert ["E150"] == [one.id for one in mail.check_size(sizes(), issue, limits=limited)]
    issue = dataclasses.replace(issue, ignore={"E150": "an annual report"})
    found = mail.check_size(sizes(decoded=101_000), issue, limits=LIMITS)
    (finding,) = engine.excused(found, issue, LIMITS)
    assert (Level.INFO, "E150", "an annual report") == (finding.level, finding.id, finding.ignored)
    assert "101,000 bytes, over 100,000" in finding.message


# --- ways out ------------------------------------------------------------------------------------

ADDRESS = "St. John's Road 1, Sømewhere & Co"


def rendering(*, html: str, text: str, link: bool = True) -> Rendering:
    slots = (LINK, LINK_IN_TEXT) if link else ("", "")
    return small(html=(html, slots[0], "</p>"), text=(text, slots[1], "\n"))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (f"<p>{ADDRESS}", ADDRESS),
        (
            "<p>St. John&#39;s Road 1,<br>S&oslash;mewhere &amp; Co",
            "St. John's Road 1,\nSømewhere & Co",
        ),
        ("<p>St. John&apos;s <b>Road 1,</b> Sømewhere &#38; Co", ADDRESS.replace(" ", "\n")),
    ],
)
def test_e190_both_parts_have_a_link_and_the_address_however_they_are_written(
    issue: Issue, html: str, text: str
) -> None:
    """L-2, L-15."""
    assert () == mail.check_ways_out(rendering(html=html, text=text), issue, ADDRESS)


@pytest.mark.parametrize(
    ("html", "text", "link", "said"),
    [
        (ADDRESS, ADDRESS, False, ["HTML part has no unsubscribe", "text part has no unsubscribe"]),
        ("St. John's Road", ADDRESS, True, ["HTML part has no postal address"]),
        (ADDRESS, "Road 1, St. John's Sømewhere & Co", True, ["text part has no postal address"]),
    ],
)
def test_e190_what_lacks_a_way_out_stops_the_mailing(
    issue: Issue, html: str, text: str, *, link: bool, said: list[str]
) -> None:
    found = mail.check_ways_out(rendering(html=html, text=text, link=link), issue, ADDRESS)
    assert {"E190"} == {one.id for one in found}
    assert len(said) == len(found)
    assert all(part in one.message for part, one in zip(said, found, strict=True))


# --- composing for everybody ---------------------------------------------------------------------


def people(count: int, **of_the_last: object) -> Iterator[Recipient]:
    for seq in range(1, count + 1):
        attributes = of_the_last if seq == count else {"city": "Exampleton"}
        yield recipient(seq=seq, email=f"p{seq}@d{seq % 3}.test", attributes=attributes)


def city(expression: str = "subscriber.city") -> Rendering:
    slot = Slot(expression=expression, place=Place.HTML, line=7)
    plain = dataclasses.replace(slot, place=Place.TEXT)
    return small(html=("<p>", slot, "</p>", LINK), text=(plain, "\n", LINK_IN_TEXT))


def compose_all(
    given: Rendering, recipients: Iterable[Recipient], issue: Issue, *, samples: int = 0
) -> everybody.Composed:
    """What composing the base for everybody shows."""
    return everybody.compose_all(
        {"": template(given)},
        recipients,
        issues={"": issue},
        limits=LIMITS,
        date=DATE,
        samples=samples,
    )


def test_m31_the_one_of_a_thousand_who_lacks_a_value_is_named(issue: Issue) -> None:
    """Case 14, E140."""
    composed = compose_all(city(), people(1000), issue, samples=2)
    (finding,) = composed.findings
    assert ("E140", 7) == (finding.id, finding.line)
    assert finding.message == "{{ subscriber.city }} has no value for 1 of 1,000: p1000@d1.test"
    assert "subscriber.city or 'reader'" in finding.next_step
    assert (1000, 2) == (composed.recipients, len(composed.samples))
    assert {"d0.test": 333, "d1.test": 334, "d2.test": 333} == composed.domains


def test_a_few_of_many_who_lack_a_value_are_named(issue: Issue) -> None:
    everybody = (one._replace(attributes={}) for one in people(9))
    (finding,) = compose_all(city(), everybody, issue).findings
    assert finding.message.endswith("9 of 9: p1@d1.test, p2@d2.test, p3@d0.test …")


def test_a_default_is_a_value(issue: Issue) -> None:
    composed = compose_all(city('subscriber.city or "somewhere"'), people(1000), issue)
    assert () == composed.findings


def test_m28_a_long_value_of_one_person_counts(issue: Issue) -> None:
    """E150: the longest variant decides, with real values."""
    composed = compose_all(city(), people(3, city="x" * 101_000), issue)
    assert ["E150"] == [one.id for one in composed.findings]
    assert composed.largest > 101_000


def test_nobody_is_composed_for_where_there_is_nobody(issue: Issue) -> None:
    composed = compose_all(city(), (), issue, samples=5)
    assert (0, 0, ()) == (composed.recipients, composed.largest, composed.findings)


def test_each_variant_is_composed_for_its_own_and_its_file_is_named(issue: Issue) -> None:
    """E140 says in which file somebody's value is missing; a sample of each variant is kept."""
    german = dataclasses.replace(issue, file="issues/winter.de.md")
    readers = [one._replace(variant="language=de" if one.seq == 9 else "") for one in people(10)]
    composed = everybody.compose_all(
        {"": template(small()), "language=de": template(city("subscriber.town"))},
        readers,
        issues={"": issue, "language=de": german},
        limits=LIMITS,
        date=DATE,
        samples=3,
    )
    (finding,) = composed.findings
    assert ("E140", "issues/winter.de.md") == (finding.id, finding.file)
    assert finding.message.endswith("has no value for 1 of 1: p9@d0.test")
    assert {"": 9, "language=de": 1} == composed.variants
    assert (10, 3) == (composed.recipients, len(composed.samples))
    with_default = {"": template(small()), "language=de": template(city())}
    again = everybody.compose_all(
        with_default,
        readers,
        issues={"": issue, "language=de": german},
        limits=LIMITS,
        date=DATE,
        samples=3,
    )
    assert [1, 2, 3, 9] == [one.seq for one, _ in again.samples]
