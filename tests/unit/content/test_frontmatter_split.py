"""Front matter in every format that interface §1.0 names; E101 says line and reason."""

from __future__ import annotations

import json
from datetime import date

import pytest

from mailer.content.frontmatter import split
from mailer.errors import CheckError


@pytest.mark.parametrize(
    ("source", "fields", "body_line"),
    [
        ("---\ntitle: Boats\ndraft: true\n---\n\nText\n", {"title": "Boats", "draft": True}, 5),
        ("---\ntitle: Boats\n...\nText\n", {"title": "Boats"}, 4),
        ("\n \n---\ntitle: Boats\n---\nText\n", {"title": "Boats"}, 6),
        ("---yaml\ntitle: Boats\n---\nText\n", {"title": "Boats"}, 4),
        ('---json\n{"title": "Boats"}\n---\nText\n', {"title": "Boats"}, 4),
        ('---toml\ntitle = "Boats"\n---\nText\n', {"title": "Boats"}, 4),
        ('+++\ntitle = "Boats"\nfeed = false\n+++\nText\n', {"title": "Boats", "feed": False}, 5),
        ('{\n  "title": "Boats"\n}\nText\n', {"title": "Boats"}, 4),
        ('{"title": "Boats"}\n\nText\n', {"title": "Boats"}, 2),
        ("Title: Boats\nTags: a, b\n\nText\n", {"title": "Boats", "tags": "a, b"}, 4),
        ("---\n---\nText\n", {}, 3),
        ("Text\n", {}, 1),
        ("", {}, 1),
    ],
)
def test_every_format_gives_fields_and_the_line_of_the_body(
    source: str, fields: dict[str, object], body_line: int
) -> None:
    found = split(source, file="x.md")
    assert fields == found.fields
    assert body_line == found.body_line
    assert source.endswith(found.body)
    assert "Text" in found.body or not source


@pytest.mark.parametrize(
    "source",
    [
        "---\n\nA rule above, a rule below.\n\n---\n\nText\n",
        "---\nWe say x = 1\n---\n",
        "---\n# A heading between rules\n---\n",
        "---\n\nA rule that opens the text, and no key follows.\n",
        "Note: this is prose\nand goes on\n\n",
        "Remember: one unknown key is no front matter\n\nText\n",
        "https://example.org is an address\n\nText\n",
        "{{ list.title }} opens the text\n",
        "{% if x %}\n",
        "    indented\n\nTitle: too late\n",
    ],
)
def test_what_only_looks_like_front_matter_stays_text(source: str) -> None:
    found = split(source, file="x.md")
    assert found.fields == {}
    assert source == found.body


def test_keys_compare_without_case_and_hyphen_equals_underscore() -> None:
    """Also inside the tables of ours, of Zola and of Hugo (interface §1.0)."""
    source = "---\nAuthor-Site: https://a.example\nMailer:\n  Reply-To: x\nExtra: {Feed: no}\n---\n"
    found = split(source, file="x.md")
    assert found.fields["author_site"] == "https://a.example"
    assert found.fields["mailer"] == {"reply_to": "x"}
    assert found.fields["extra"] == {"feed": False}
    assert found.lines == {
        "author_site": 2,
        "mailer": 3,
        "mailer.reply_to": 4,
        "extra": 5,
        "extra.feed": 5,
    }


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('+++\ntitle = "a"\n[extra]\nsubject = "b"\n+++\n', {"title": 2, "extra.subject": 4}),
        ('{\n"title": "a",\n"params": {\n"subject": "b"}}\n', {"title": 2, "params.subject": 4}),
        ("Title: a\nSummary: b\n    more\nDate: c\n\n", {"title": 1, "summary": 2, "date": 4}),
    ],
)
def test_lines_are_those_of_the_file(source: str, lines: dict[str, int]) -> None:
    found = split(source, file="x.md").lines
    assert lines == {key: found[key] for key in lines}


def test_meta_lines_go_on_with_four_spaces() -> None:
    found = split("Title: One\nSummary: a\n    b\n\tc\n\nText", file="x.md")
    assert found.fields == {"title": "One", "summary": "a\nb\nc"}


def test_a_yaml_text_key_means_what_it_spells() -> None:
    """`no` is Norwegian, 1.10 is not 1.1, and a date that is none stays text."""
    found = split("---\nlang: no\nid: 1.10\ndate: 2026-13-45\nfeed: no\n---\n", file="x.md")
    assert found.fields == {"lang": "no", "id": "1.10", "date": "2026-13-45", "feed": False}


def test_yaml_keeps_dates_lists_and_tables() -> None:
    found = split("---\ndate: 2026-11-24\nhead:\n  - [meta, {name: x}]\n---\n", file="x.md")
    assert {"date": date(2026, 11, 24), "head": [["meta", {"name": "x"}]]} == found.fields


def test_a_colon_in_a_title_is_explained() -> None:
    """E101 quotes the line, says what the parser said, and which quotes to add."""
    with pytest.raises(CheckError) as caught:
        split("---\ndraft: true\ntitle: Issue: two\n---\n", file="issues/x.md")
    assert caught.value.code == "E101"
    assert caught.value.where == "issues/x.md:3"
    assert caught.value.detail == "title: Issue: two\nmapping values are not allowed here"
    assert caught.value.next == 'put quotes around the value: title: "Issue: two"'


@pytest.mark.parametrize(
    ("source", "where", "said"),
    [
        ("---\ntitle: @home\n---\n", "x.md:2", "cannot start any token"),
        ("---\ntitle: [a\n---\n", "x.md:3", "expected ',' or ']'"),
        ('---\na: 1\ntitle: "a\n---\n', "x.md:4", "quoted scalar"),
        ("---\na:\n\tb: 1\n---\n", "x.md:3", "cannot start any token"),
        ("---\na: *b\n---\n", "x.md:2", "undefined alias"),
        ("---\na: !!python/object:os.system x\n---\n", "x.md:2", "could not determine"),
        ("---\na: \x01\n---\n", "x.md:2", "U+0001"),
        ("---\ntitle:x\n---\n", "x.md:2", "no `key: value` lines"),
        ("---\ntitle: a\n", "x.md:1", "never ends"),
        ('+++\ntitle = "a"\n', "x.md:1", "never ends"),
        ("---\na: 1\nb: 2\nA: 3\n---\n", "x.md:4", "stands twice"),
        ("---\na: {b: 1,\n c: 2, b: 3}\n---\n", "x.md:3", "stands twice"),
        ("---\nmailer:\n  re-to: 1\n  re_to: 2\n---\n", "x.md:4", "stands twice"),
        ("---\na: " + "[" * 700 + "\n---\n", "x.md:2", "nested"),
        ("---\na: &a [*a]\n---\n", "x.md:2", "hold themselves"),
        ("+++\na = 1\nb = nothing\n+++\n", "x.md:3", "Invalid value"),
        ('+++\ntitle = "a"\ntitle = "b"\n+++\n', "x.md:3", "overwrite"),
        ('+++\ntitle = "a"\nTitle = "b"\n+++\n', "x.md:3", "stands twice"),
        ('{\n"title": "a",\n}\n', "x.md:3", "double quotes"),
        ('{"a": 1,\n"a": 2}\n', "x.md:2", "stands twice"),
        ('{"a": 1} text\n', "x.md:1", "Text follows"),
        ('---json\n["a: b"]\n---\n', "x.md:2", "not a JSON object"),
        ('---json\n{"a": 1}\nb: 2\n---\n', "x.md:3", "Text follows"),
        ("Title: a\nTitle: b\n\nText\n", "x.md:2", "stands twice"),
    ],
)
def test_what_cannot_be_read_is_e101_with_line_and_reason(
    source: str, where: str, said: str
) -> None:
    with pytest.raises(CheckError) as caught:
        split(source, file="x.md")
    assert ("E101", where) == (caught.value.code, caught.value.where)
    assert said in caught.value.detail
    assert caught.value.next


def test_a_yaml_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 12):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    with pytest.raises(CheckError) as caught:
        split("---\n" + "\n".join(lines) + "\n---\n", file="x.md")
    assert caught.value.code == "E101"
    assert "aliases" in caught.value.detail


def test_a_modest_alias_and_a_merge_key_are_fine() -> None:
    found = split("---\na: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n---\n", file="x.md")
    assert found.fields == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


def test_control_characters_are_not_quoted_into_a_terminal() -> None:
    with pytest.raises(CheckError) as caught:
        split("---\na: \x1b[31m\n---\n", file="x.md")
    assert "\x1b" not in caught.value.detail
    assert "\\u001b[31m" in caught.value.detail


def test_a_long_line_is_quoted_short() -> None:
    with pytest.raises(CheckError) as caught:
        split("---\na: b: " + "c" * 10_000 + "\n---\n", file="x.md")
    assert len(caught.value.detail) < 300


def test_json_with_escapes_keeps_them() -> None:
    value = 'quotes " and \\ and ü'
    found = split(json.dumps({"title": value}) + "\nText", file="x.md")
    assert value == found.fields["title"]
