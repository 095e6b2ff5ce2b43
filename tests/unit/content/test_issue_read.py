"""What a file means: fallbacks, E102 to E114, release, byline (interface §1.0, decisions 17)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailer.content.issue import read_issue
from mailer.content.shelf import duplicate_ids
from mailer.errors import CheckError, NotFoundError
from mailer.model import Byline, Issue, Release

if TYPE_CHECKING:
    from pathlib import Path

BODY = "# The heading\n\nFirst sentence of the text is long enough. Second sentence.\n"


def read(root: Path, source: str | bytes, name: str = "issues/2026-11-24-winter.md") -> Issue:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return read_issue(path, root=root)


def head(root: Path, *lines: str) -> Issue:
    return read(root, "\n".join(["---", *lines, "---", BODY]))


def ids(issue: Issue) -> list[str]:
    return [finding.id for finding in issue.findings]


def test_a_site_generators_issue_is_understood_as_it_is(tmp_path: Path) -> None:
    """The kind of front matter that the first real issue has: no title, a `head` list."""
    issue = head(
        tmp_path,
        "date: 2026-11-24",
        "author: Ann Boatwright",
        "author_site: https://ann.example",
        "author_image: https://ann.example/ann.png",
        "feed: false",
        "head:",
        "  - [meta, { name: twitter:card , content: summary }]",
        '  - [meta, { name: twitter:description , content: "What the harbour did this week" }]',
    )
    assert issue.id == "2026-11-24-winter"
    assert issue.file == "issues/2026-11-24-winter.md"
    assert "The heading" == issue.subject == issue.heading
    assert issue.preheader == "What the harbour did this week"
    byline = Byline(
        author="Ann Boatwright", site="https://ann.example", image="https://ann.example/ann.png"
    )
    assert byline == issue.byline
    assert datetime(2026, 11, 24) == issue.date  # noqa: DTZ001  naive: the list's zone
    assert Release.BY_HAND is issue.release
    assert not issue.feed
    assert issue.body_line == 11
    assert issue.meta["head"][0][1]["content"] == "summary"  # type: ignore[index]
    assert issue.findings == ()


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf# A heading\r\n\r\nText\r\n"
    assert hashlib.sha256(raw).hexdigest() == read(tmp_path, raw).digest


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        (["subject: S", "title: T"], "S"),
        (["title: T"], "T"),
        (["title:", "mailer: {subject: M}"], "M"),
        (["subject: S", "mailer: {subject: M}"], "M"),
        (["extra: {title: E}"], "E"),
        (["params: {subject: P}", "title: T"], "P"),
        (["title: No"], "No"),
        (["title: 2026-11-24"], "2026-11-24"),
        (["title: >-", "  over", "  two lines"], "over two lines"),
        ([], "The heading"),
    ],
)
def test_the_subject_comes_from_the_first_source_that_has_one(
    tmp_path: Path, lines: list[str], subject: str
) -> None:
    issue = head(tmp_path, "feed: true", *lines)
    assert subject == issue.subject
    assert issue.findings == ()


def test_without_any_heading_the_subject_is_the_stem(tmp_path: Path) -> None:
    assert read(tmp_path, "Only text.\n").subject == "2026-11-24-winter"


@pytest.mark.parametrize(
    ("lines", "preheader"),
    [
        (["preheader: P", "description: D"], "P"),
        (["description: D", "summary: S"], "D"),
        (["summary: S", "excerpt: E"], "S"),
        (["excerpt: E"], "E"),
        (["description: |", "  over", "  lines"], "over lines"),
        (["head: [[meta, {property: 'og:description', content: O}]]"], "O"),
        (["head: [[meta, {name: description, content: N}], [link, {rel: x}]]"], "N"),
        (["head: [[meta, {name: description, content: ''}]]"], "First sentence of the text is"),
        (["head: nonsense"], "First sentence of the text is long enough."),
        ([], "First sentence of the text is long enough."),
    ],
)
def test_the_preheader_comes_from_the_first_source_that_has_one(
    tmp_path: Path, lines: list[str], preheader: str
) -> None:
    issue = head(tmp_path, "feed: true", *lines)
    assert issue.preheader.startswith(preheader)
    assert issue.findings == ()


@pytest.mark.parametrize("line", ['subject: ""', "subject:", "subject: '  '"])
def test_an_explicitly_empty_subject_is_e102(tmp_path: Path, line: str) -> None:
    issue = head(tmp_path, "title: There is a title", line)
    assert ids(issue) == ["E102"]
    assert issue.findings[0].line == 3
    assert issue.findings[0].next_step == 'subject: "…"'


@pytest.mark.parametrize(
    "sign",
    ["\r\nBcc: v@x.test", "\n", "\x00", "\x1f", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"],
)
@pytest.mark.parametrize("key", ["subject", "preheader", "author", "reply_to"])
def test_control_characters_are_e102_and_do_no_harm(tmp_path: Path, key: str, sign: str) -> None:
    """Case 1, M-11: rejected, not stripped; what is shown of it cannot hurt."""
    escaped = "".join(f"\\u{ord(each):04x}" for each in sign)
    issue = read(tmp_path, f'{{"{key}": "a{escaped}b"}}\n{BODY}')
    assert ids(issue) == ["E102"]
    shown = f"{issue.subject}{issue.preheader}{issue.byline}{issue.reply_to}"
    assert sign[0] not in shown
    assert "\ufffd" in shown


def test_an_encoded_word_in_a_subject_stays_literal_text(tmp_path: Path) -> None:
    """Case 2: nothing decodes it."""
    written = "=?utf-8?q?x=0D=0ABcc=3A_v=40e.org?="
    assert written == head(tmp_path, f'subject: "{written}"').subject


@pytest.mark.parametrize(
    ("key", "near"),
    [("suject", "subject"), ("pre-heder", "preheader"), ("lists", "list"), ("Authr", "author")],
)
def test_a_near_miss_of_our_keys_is_w103(tmp_path: Path, key: str, near: str) -> None:
    issue = head(tmp_path, "title: A title", f"{key}: x")
    assert [(finding.id, finding.line) for finding in issue.findings] == [("W103", 3)]
    assert f"did you mean {near}?" in issue.findings[0].message


def test_a_near_miss_in_a_table_of_ours_is_w103_too(tmp_path: Path) -> None:
    issue = head(tmp_path, "mailer:", "  suject: x")
    assert [(finding.id, finding.line) for finding in issue.findings] == [("W103", 3)]


def test_keys_of_site_generators_are_no_misspellings(tmp_path: Path) -> None:
    known = (
        "tags slug layout categories category permalink aliases image cover weight toc head "
        "lastmod publishDate expiryDate updated subtitle series keywords sidebar lead url "
        "header robots canonical comments math type gravatar twitter number issue modified"
    )
    lines = [f"{key}: x" for key in known.split()]
    issue = head(tmp_path, *lines)
    assert ids(issue) == []
    assert issue.meta["publishdate"] == "x"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("date: 2026-11-20", datetime(2026, 11, 20)),  # noqa: DTZ001
        ("date: 2026-11-20 10:30", datetime(2026, 11, 20, 10, 30)),  # noqa: DTZ001
        ("date: 2026-11-20T10:30:00Z", datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        ('date: "2026-11-20 10:30:00 +0000"', datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        ("date: 2026/11/20", datetime(2026, 11, 20)),  # noqa: DTZ001
        ("feed: true", datetime(2026, 11, 24)),  # noqa: DTZ001  from the stem
    ],
)
def test_dates_as_people_write_them(tmp_path: Path, line: str, expected: datetime) -> None:
    issue = head(tmp_path, line)
    assert expected == issue.date
    assert ids(issue) == []


def test_without_a_date_anywhere_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, BODY, "issues/winter.md").date is None


@pytest.mark.parametrize("written", ["tomorrow", "2026-13-45", '"2026-(TODO: MM-DD)"', "[1, 2]"])
def test_a_date_that_is_none_is_w104_and_as_if_absent(tmp_path: Path, written: str) -> None:
    issue = head(tmp_path, "title: A title", f"date: {written}")
    assert [(finding.id, finding.line) for finding in issue.findings] == [("W104", 3)]
    assert datetime(2026, 11, 24) == issue.date  # noqa: DTZ001  from the stem


@pytest.mark.parametrize(
    ("dialect", "written", "day"),
    [
        ("docusaurus", "11-24-2026", "2026-11-24"),
        ("docusaurus", "01-02-2026", "2026-01-02"),
        ("pelican", "1/2/2026 10:30", "2026-01-02"),
        ("jekyll", "01-02-2026", "2026-02-01"),
        ("plain", "24.11.2026", "2026-11-24"),
        ("plain", "1.2.2026", "2026-02-01"),
        ("plain", "24/11/2026", "2026-11-24"),
        ("plain", "2026-8-4", "2026-08-04"),
        ("plain", "2026.08.04", "2026-08-04"),
        ("plain", "Nov 24, 2026", "2026-11-24"),
        ("plain", "Tuesday, 24th November 2026", "2026-11-24"),
        ("plain", "Tue, 24 Nov 2026 09:00:00 +0100", "2026-11-24"),
        ("plain", "2026-11-24 9:05 +0100", "2026-11-24"),
        ("plain", "2026-11-24 09:05:01 UTC", "2026-11-24"),
        ("eleventy", "Last Modified", "2026-11-20"),
    ],
)
def test_dates_as_site_generators_read_them(
    tmp_path: Path, dialect: str, written: str, day: str
) -> None:
    path = tmp_path / "issues" / "2026-11-20-winter.md"
    path.parent.mkdir()
    path.write_text(f"---\ndate: '{written}'\n---\n{BODY}")
    issue = read_issue(path, root=tmp_path, dialect=dialect)
    assert issue.date is not None
    assert day == issue.date.date().isoformat()
    assert issue.findings == ()


@pytest.mark.parametrize(
    ("lines", "page"),
    [
        (["permalink: /news/winter/"], "/news/winter/"),
        (["permalink: news/winter/index.html"], "/news/winter/"),
        (["permalink: /:year/:title/"], ""),
        (['permalink: "/{{ page.fileSlug }}/"'], ""),
        (["permalink: false"], ""),
        (["url: https://example.org/winter"], "https://example.org/winter"),
        (["slug: /156"], "156"),
        (["slug: winter-hours", "url: /x/"], "/x/"),
        (["canonical_url: https://example.org/a?b=1"], "https://example.org/a?b=1"),
        (["canonical_url: /a"], ""),
        (["extra: {slug: w}"], "w"),
        (["title: x"], ""),
    ],
)
def test_an_issue_says_where_it_stands_on_the_web(
    tmp_path: Path, lines: list[str], page: str
) -> None:
    assert page == head(tmp_path, *lines).page_path


@pytest.mark.parametrize(
    ("line", "audience"),
    [
        ("for: {plan: pro}", {"plan": "pro"}),
        (
            "for: {plan: pro, Shoe size: 41, member: true}",
            {"plan": "pro", "shoe_size": "41", "member": "true"},
        ),
        ("for: {version: 1.10, language: no}", {"version": "1.10", "language": "no"}),
        ("title: x", {}),
    ],
)
def test_a_variant_says_whom_it_is_for(tmp_path: Path, line: str, audience: dict[str, str]) -> None:
    issue = head(tmp_path, line)
    assert audience == issue.audience
    assert issue.findings == ()


@pytest.mark.parametrize(
    "line",
    ["for: pro", "for: {}", "for: [a]", "for: {email: a@b.c}", "for: {x: }", "for: {x-: [1]}"],
)
def test_readers_that_cannot_be_chosen_so_are_e106(tmp_path: Path, line: str) -> None:
    issue = head(tmp_path, "title: x", line)
    assert [(finding.id, finding.line) for finding in issue.findings] == [("E106", 3)]
    assert issue.audience == {}


def test_variants_share_an_id_and_are_no_twins(tmp_path: Path) -> None:
    read(tmp_path, "---\nid: w\n---\nText\n", "issues/a.md")
    read(tmp_path, "---\nid: w\nfor: {plan: pro}\n---\nText\n", "issues/b.md")
    assert duplicate_ids(tmp_path) == []
    read(tmp_path, "---\nid: w\nfor: {plan: pro}\n---\nText\n", "issues/c.md")
    assert [finding.id for finding in duplicate_ids(tmp_path)] == ["E106"]


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ("## News\n\n## Jobs\n", "2026-11-24-winter"),
        ("# News\n\n# Jobs\n", "2026-11-24-winter"),
        ("## News\n\ntext\n\n### More\n", "News"),
        ("## First\n\n# The title\n\n## Last\n", "The title"),
        ("The title\n===\n\n## News\n", "The title"),
    ],
)
def test_a_subject_is_made_of_the_heading_that_stands_for_the_whole(
    tmp_path: Path, body: str, subject: str
) -> None:
    assert subject == read(tmp_path, body).subject


def test_a_title_in_the_head_stands_in_for_a_heading(tmp_path: Path) -> None:
    lines = "---\nhead: [[meta, {property: 'og:title', content: O}]]\n---\nText\n"
    assert read(tmp_path, lines).subject == "O"


def test_addresses_in_a_foreign_table_of_authors_may_be_relative(tmp_path: Path) -> None:
    issue = head(tmp_path, "authors: [{name: Ann, url: /ann, image_url: /img/ann.png}]")
    assert Byline(author="Ann") == issue.byline
    assert issue.findings == ()


def test_zolas_taxonomies_hold_authors(tmp_path: Path) -> None:
    issue = read(tmp_path, "+++\n[taxonomies]\nauthors = ['Ann', 'Ben']\n+++\nText\n")
    assert Byline(author="Ann, Ben") == issue.byline


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("send_at: 2026-11-26 09:00 Europe/Berlin", "2026-11-26 09:00 Europe/Berlin"),
        ("send-at: 2026-11-26 09:00", "2026-11-26 09:00"),
        ("feed: true", ""),
    ],
)
def test_send_at_stays_as_it_is_written(tmp_path: Path, line: str, text: str) -> None:
    assert text == head(tmp_path, line).send_at


@pytest.mark.parametrize(
    ("lines", "release", "findings"),
    [
        ([], Release.BY_HAND, []),
        (["status: published"], Release.BY_HAND, []),
        (["status: final"], Release.BY_HAND, []),
        (["published: 2026-11-24"], Release.BY_HAND, []),
        (["published: true", "draft: false"], Release.BY_HAND, []),
        (["status: Ready"], Release.READY, []),
        (["draft: true"], Release.DRAFT, []),
        (["published: false"], Release.DRAFT, []),
        (["status: draft"], Release.DRAFT, []),
        (["status: hidden"], Release.DRAFT, []),
        (["status: skip"], Release.DRAFT, []),
        (["draft: true", "status: ready"], Release.DRAFT, ["W108"]),
        (["published: no", "status: ready"], Release.DRAFT, ["W108"]),
        (["status: drafft"], Release.DRAFT, ["W103"]),
        (["status: redy"], Release.BY_HAND, ["W103"]),
        (["draft: perhaps"], Release.DRAFT, ["E101"]),
    ],
)
def test_release(tmp_path: Path, lines: list[str], release: Release, findings: list[str]) -> None:
    """Draft wins over ready (W108); what is unclear is not mailed."""
    issue = head(tmp_path, "feed: true", *lines)
    assert release is issue.release
    assert findings == ids(issue)


@pytest.mark.parametrize(
    ("line", "author", "site"),
    [
        ("author: Ann", "Ann", ""),
        ("authors: [Ann, Ben]", "Ann, Ben", ""),
        ('author: "Ann <https://ann.example>"', "Ann", "https://ann.example"),
        ('author: "Ann <ann@example.org>"', "Ann", ""),
        ("author: {name: Ann, url: https://ann.example}", "Ann", "https://ann.example"),
        ("authors: [{name: Ann}, {title: x, name: Ben}]", "Ann, Ben", ""),
        ("authors: 'Pen, Ann; Pencil, Ben; Pen, Ann'", "Ann Pen, Ben Pencil", ""),
        ("author: '[Ann](https://ann.example) (Docks), **Ben**'", "Ann (Docks), Ben", ""),
    ],
)
def test_bylines_as_site_generators_write_them(
    tmp_path: Path, line: str, author: str, site: str
) -> None:
    assert Byline(author=author, site=site) == head(tmp_path, line).byline


def test_no_author_no_byline(tmp_path: Path) -> None:
    assert head(tmp_path, "author_site: https://ann.example").byline is None


def test_an_author_image_must_be_absolute(tmp_path: Path) -> None:
    issue = head(tmp_path, "author: Ann", "author_image: javascript:alert(1)")
    assert ids(issue) == ["E120"]
    assert Byline(author="Ann") == issue.byline


@pytest.mark.parametrize(
    ("name", "line", "identity", "language"),
    [
        ("2026-11-24-winter.md", "feed: true", "2026-11-24-winter", ""),
        ("2026-11-24-winter.de.md", "feed: true", "2026-11-24-winter", "de"),
        ("winter.pt-BR.markdown", "feed: true", "winter", "pt-BR"),
        ("release.v2.md", "feed: true", "release.v2", ""),
        ("about.js.md", "feed: true", "about.js", ""),
        ("Grüße & Küsse!.md", "feed: true", "grusse-kusse", ""),
        ("winter/index.md", "feed: true", "winter", ""),
        ("winter/index.de.md", "feed: true", "winter", "de"),
        ("winter.md", "id: w1", "w1", ""),
        ("winter.md", "id: 1.10", "1.10", ""),
        ("winter.de.md", "language: en", "winter", "en"),
        ("winter.md", "lang: no", "winter", "no"),
    ],
)
def test_id_and_language(
    tmp_path: Path, name: str, line: str, identity: str, language: str
) -> None:
    issue = read(tmp_path, f"---\n{line}\n---\n{BODY}", f"issues/{name}")
    assert (identity, language) == (issue.id, issue.language)
    assert ids(issue) == []


@pytest.mark.parametrize("written", ["Winter!", "..", ".hidden", "-x", "a/b", "a b"])
def test_an_id_that_is_not_allowed_is_e106(tmp_path: Path, written: str) -> None:
    issue = head(tmp_path, f"id: {written!r}")
    assert ids(issue) == ["E106"]
    assert "/" not in issue.id
    assert not issue.id.startswith((".", "-"))


def test_a_stem_without_usable_letters_is_e106(tmp_path: Path) -> None:
    issue = read(tmp_path, BODY, "issues/七月.md")
    assert ids(issue) == ["E106"]


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("feed: true", ""),
        ("template: plain", "plain"),
        ("template: plain.mjml", "plain"),
        ("template: page.html", ""),
    ],
)
def test_template(tmp_path: Path, line: str, template: str) -> None:
    """Another generator's page template is not ours."""
    assert template == head(tmp_path, line).template


@pytest.mark.parametrize(
    "line", ["template: ../x", "list: a b", "language: x y", "title: [a]", "feed: 7"]
)
def test_a_value_that_cannot_be_is_e101(tmp_path: Path, line: str) -> None:
    issue = head(tmp_path, "draft: false", line)
    assert [(finding.id, finding.line) for finding in issue.findings] == [("E101", 3)]


def test_ignore_needs_reasons(tmp_path: Path) -> None:
    issue = head(tmp_path, "ignore: {e150: a long one, W124: ''}")
    assert issue.ignore == {"E150": "a long one"}
    assert ids(issue) == ["W192"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        " \n\t\n",
        "![A boat](/boat.png)\n",
        "[![A boat](/boat.png)](https://example.org)\n",
        '<p align="center"><img src="/boat.png" alt="A boat"></p>\n',
        "<!-- nothing yet -->\n",
        "![A boat][b]\n\n[b]: /boat.png\n",
        "---\n\n***\n",
    ],
)
def test_an_issue_that_says_nothing_is_e114(tmp_path: Path, body: str) -> None:
    """Case 15: empty, only white space, or an image alone."""
    assert ids(read(tmp_path, f"---\ntitle: A title\n---\n{body}")) == ["E114"]


@pytest.mark.parametrize(
    "body", ["Text\n", "# Heading\n", "```\nx = 1\n```\n", "![b](/b.png) 日本\n"]
)
def test_an_issue_that_says_something_is_not_e114(tmp_path: Path, body: str) -> None:
    assert ids(read(tmp_path, f"---\ntitle: A title\n---\n{body}")) == []


def test_crlf_and_a_byte_order_mark_make_no_difference(tmp_path: Path) -> None:
    """Case 17."""
    plain = read(tmp_path, "---\ntitle: A title\n---\nOne\n\nTwo\n")
    dressed = read(tmp_path, b"\xef\xbb\xbf---\r\ntitle: A title\r\n---\r\nOne\r\n\r\nTwo\r\n")
    assert (plain.subject, plain.body, plain.body_line) == (
        dressed.subject,
        dressed.body,
        dressed.body_line,
    )


def test_a_bare_carriage_return_is_a_line_end(tmp_path: Path) -> None:
    """Case 9: the text is kept, and no bare CR reaches the mail."""
    assert read(tmp_path, b"One\rTwo\r\n.\r").body == "One\nTwo\n.\n"


@pytest.mark.parametrize(
    ("raw", "line", "offset"),
    [
        (b"# Gr\xfc\xdfe\n", 1, "offset 4"),
        (b"one\ntwo \x96 three\n", 2, "offset 8"),
        ("# Heading\n".encode("utf-16"), 1, "offset 0"),
        (b"ok\nno\x00\n", 2, "byte 5"),
    ],
)
def test_what_is_no_utf8_text_is_e109_with_its_offset(
    tmp_path: Path, raw: bytes, line: int, offset: str
) -> None:
    """Cases 10 and 17."""
    with pytest.raises(CheckError) as caught:
        read(tmp_path, raw)
    assert caught.value.code == "E109"
    assert f"issues/2026-11-24-winter.md:{line}" == caught.value.where
    assert offset in caught.value.detail
    assert caught.value.next


def test_a_missing_file_is_e115(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        read_issue(tmp_path / "issues/none.md", root=tmp_path)
    assert caught.value.code == "E115"
