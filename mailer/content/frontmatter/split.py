"""The head of an issue in any format that site generators use, as fields with line numbers.

====================  ==========================================  ===============================
first characters      format                                      known from
====================  ==========================================  ===============================
``---``               YAML; ``---json`` and ``---toml`` say else  Jekyll, Hugo, VuePress, Eleventy
``+++``               TOML                                        Hugo, Zola
``{``                 a JSON object                               Hugo
``Key: value``        lines up to a blank one, one key known      Pelican, Python-Markdown
anything else         none                                        plain Markdown
====================  ==========================================  ===============================

What the fields mean is the business of `fields` and `meanings`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailer.content.frontmatter.heads import (
    PARSERS,
    TABLES,
    TEXT_KEYS,
    Head,
    Parsed,
    decode_json,
    name_of,
)

KEYS = TEXT_KEYS | frozenset({"date", "draft", "published", "authors", "feed", "for", "ignore"})
"""Every key of ours (interface §1.0)."""

_FENCED = re.compile(r"(?:[ \t]*\n)*(---|\+\+\+)(yaml|json|toml|)[ \t]*(?:\n|\Z)", re.IGNORECASE)
_END = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*(?:\n|\Z)", re.MULTILINE),
}
_KEY_LINE = re.compile(r"""^["']?[^\W\d][\w -]*["']?[ \t]*:""", re.MULTILINE)
_JSON = re.compile(r"""\s*\{\s*["}]""")
_META = re.compile(r"([A-Za-z][\w -]{0,40}):(?:[ \t]+(.*)|[ \t]*)\Z")
_META_MORE = re.compile(r"(?: {4,}|\t)[ \t]*(.*)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The head of an issue, and what follows it.

    Attributes:
        fields: key -> value; keys are lower-case with `-` as `_`, also in the tables `mailer`,
            `extra` and `params`.
        lines: key -> line in the file; a key of such a table as "mailer.subject".
        body: the Markdown after the head.
        body_line: line in the file of the first line of `body`.
        form: "yaml", "toml", "json", "meta" for `Key: value` lines, or "" for none.
    """

    fields: dict[str, object]
    lines: dict[str, int]
    body: str
    body_line: int
    form: str = ""


def split(source: str, *, file: str) -> FrontMatter:
    """Part an issue's text (LF line ends, no byte order mark) into fields and body.

    Raises:
        CheckError: E101 with file, line and what the parser said.
    """
    fenced = _FENCED.match(source)
    if fenced:
        return _fenced(source, file, fenced)
    if _JSON.match(source):
        return _json_object(source, file)
    return _meta_lines(source, file)


def _fenced(source: str, file: str, opening: re.Match[str]) -> FrontMatter:
    mark, kind = opening[1], opening[2].lower()
    end = _END[mark].search(source, opening.end())
    text = source[opening.end() : end.start() if end else len(source)]
    head = Head(text, file, source.count("\n", 0, opening.end()) + 1)
    if not kind and mark == "---" and text.strip() and not _KEY_LINE.search(text):
        return _no_head(source)  # two rules with prose between them
    if end is None:
        if mark == "---" and not _KEY_LINE.match(text):
            return _no_head(source)  # a rule that opens the text
        head.refuse(
            f"It begins with {mark} and never ends.",
            line=source.count("\n", 0, opening.start(1)) + 1,
            next_step=f"put a line {mark} after the last key",
        )
    form = kind or {"---": "yaml", "+++": "toml"}[mark]
    return _finish(head, PARSERS[form](head), form, source=source, end=end.end())


def _json_object(source: str, file: str) -> FrontMatter:
    head = Head(source, file, 1)
    parsed, end = decode_json(head)
    newline = source.find("\n", end)
    if source[end : newline if newline >= 0 else None].strip():
        head.refuse(
            "Text follows the closing brace.",
            line=source.count("\n", 0, end) + 1,
            next_step="begin the text on a line of its own",
        )
    after = newline + 1 if newline >= 0 else len(source)
    return _finish(head, parsed, "json", source=source, end=after)


def _meta_lines(source: str, file: str) -> FrontMatter:
    """`Key: value` lines up to a blank line, if each line is one and a key is known."""
    pairs: list[tuple[str, int, list[str]]] = []
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    end = first
    while end < len(lines) and lines[end].strip():
        pair, more = _META.match(lines[end]), _META_MORE.match(lines[end])
        if pair:
            pairs.append((pair[1].strip(), end + 1, [(pair[2] or "").strip()]))
        elif more and pairs:
            pairs[-1][2].append(more[1].strip())
        else:
            return _no_head(source)
        end += 1
    if not KEYS.intersection(name_of(key) for key, _, _ in pairs):
        return _no_head(source)
    head = Head(source, file, 1)
    table: dict[str, str] = {}
    for key, line, parts in pairs:
        if key in table:
            head.refuse_twice(key, line=line)
        table[key] = "\n".join(parts)
    places: dict[tuple[str, ...], int] = {(key,): line for key, line, _ in pairs}
    offset = min(sum(len(line) + 1 for line in lines[: end + 1]), len(source))
    return _finish(head, (table, places), "meta", source=source, end=offset)


def _no_head(source: str) -> FrontMatter:
    return FrontMatter(fields={}, lines={}, body=source, body_line=1)


def _finish(head: Head, parsed: Parsed, form: str, *, source: str, end: int) -> FrontMatter:
    table, places = parsed
    lines = {
        ".".join(map(name_of, path)): head.line + line - 1
        for path, line in places.items()
        if len(path) == 1 or (path[0:1] and name_of(path[0]) in TABLES and len(path[1:]) == 1)
    }
    fields = _by_name(table, head, lines)
    for name in TABLES:
        inner = fields.get(name)
        if isinstance(inner, dict):
            fields[name] = _by_name(inner, head, lines, prefix=f"{name}.")
    return FrontMatter(
        fields=fields,
        lines=lines,
        body=source[end:],
        body_line=source.count("\n", 0, end) + 1,
        form=form,
    )


def _by_name(
    table: Mapping[Any, object], head: Head, lines: Mapping[str, int], *, prefix: str = ""
) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in table.items():
        name = name_of(key)
        if name in fields:
            head.refuse_twice(str(key), line=lines.get(prefix + name, head.line))
        fields[name] = value
    return fields
