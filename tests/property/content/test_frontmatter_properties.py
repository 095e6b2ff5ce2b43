"""Any text can be split; what was written as front matter is read back."""

from __future__ import annotations

import json

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.content.frontmatter import KEYS, FrontMatter, split
from mailer.errors import CheckError

CHARACTERS = st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"])
KEY = st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True)
VALUE = st.one_of(
    st.text(CHARACTERS, max_size=30), st.booleans(), st.integers(), st.dates(), st.none()
)
PIECES = st.sampled_from(
    ["---", "---json", "+++", "...", "\n", "\n\n", "    ", "title: ", "Title: x", "a: b: c", "{",
     "}", '{"a": 1}', "[", "]", "&a ", "*a", "<<: *a", "!!set ", "- ", "? ", ": ", '"', "'", "#",
     "\t", "x = 1", "[t]", "date: 2026-02-30", "\x01", "|", ">-", "%YAML 9", "\ufeff", "é", "0x",
     "1e999", "2001-01-01 25:61:61", "=", "~", "!!binary x", "!!int x", "!!float -",
     "!!timestamp x"]
)  # fmt: skip
SOURCES = st.one_of(
    st.text(CHARACTERS, max_size=200),
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(PIECES, max_size=30).map(lambda pieces: "---\n" + "".join(pieces) + "\n---\nText"),
    st.lists(PIECES, max_size=30).map(lambda pieces: "+++\n" + "".join(pieces) + "\n+++\nText"),
)


def split_or_refused(source: str) -> FrontMatter | CheckError:
    try:
        return split(source, file="x.md")
    except CheckError as error:
        return error


@given(SOURCES)
@example("+++")
@example("\n\n+++\n")
@settings(max_examples=300, deadline=None)
def test_any_text_is_split_or_refused_with_a_line(source: str) -> None:
    """E101: no other exception; and no character of the body is lost or added."""
    found = split_or_refused(source)
    if isinstance(found, CheckError):
        assert found.code == "E101"
        line = int(found.where.removeprefix("x.md:"))
        assert 1 <= line <= source.count("\n") + 1
        assert found.next
        assert found.detail.replace("\n", "").isprintable()
        return
    assert source.endswith(found.body)
    consumed = source[: len(source) - len(found.body)]
    assert found.body_line == consumed.count("\n") + 1
    assert set(found.lines.values()) <= set(range(1, source.count("\n") + 2))
    assert all(name == name.lower() and "-" not in name for name in found.fields)


@given(st.dictionaries(KEY, VALUE, min_size=1, max_size=6), st.text(CHARACTERS, max_size=50))
@settings(max_examples=150, deadline=None)
def test_yaml_is_read_back(fields: dict[str, object], body: str) -> None:
    head = yaml.safe_dump(fields)
    found = split(f"---\n{head}---\n{body}", file="x.md")
    assert found.body == body
    for key, value in fields.items():
        same = found.fields[key] == value
        assert same or (key in KEYS and value is not None and isinstance(found.fields[key], str))


@given(st.dictionaries(KEY, VALUE, min_size=1, max_size=6), st.text(CHARACTERS, max_size=50))
@settings(max_examples=150, deadline=None)
def test_json_is_read_back(fields: dict[str, object], body: str) -> None:
    plain = {key: value for key, value in fields.items() if isinstance(value, (str, int))}
    found = split(f"{json.dumps(plain)}\n{body}", file="x.md")
    assert found.body == body
    assert found.fields == plain


@given(
    st.dictionaries(
        KEY, st.from_regex(r"[A-Za-z0-9][ -~]{0,20}", fullmatch=True).map(str.strip), max_size=5
    )
)
@settings(max_examples=150, deadline=None)
def test_meta_lines_are_read_back(fields: dict[str, str]) -> None:
    fields = {"title": "A title", **fields}
    head = "".join(f"{key.capitalize()}: {value}\n" for key, value in fields.items())
    found = split(f"{head}\nText\n", file="x.md")
    assert found.fields == fields
    assert found.body == "Text\n"
