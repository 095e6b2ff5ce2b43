"""YAML, TOML and JSON as tables with the line of each key, or a refusal that says where and why."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from mailer.config.toml import line_numbers
from mailer.errors import CheckError

Parsed = tuple[dict[Any, Any], dict[tuple[str, ...], int]]
"""A table, and path of a key -> line in the head's text, from 1."""

TABLES = ("mailer", "extra", "params")
"""Tables that may hold our keys, too: ours, Zola's, Hugo's."""

_TEXT_KEYS_NAMES = (
    "subject title preheader description summary excerpt id send_at status list language lang "
    "author author_site author_image template reply_to cut_after"
)
TEXT_KEYS = frozenset(_TEXT_KEYS_NAMES.split())
"""Keys of ours whose value is text: YAML's `lang: no` and `id: 1.10` mean what they spell."""

_YAML_PAIR = re.compile(r"^(\s*(?:- )?[\w-]+):[ \t]+(.+?)[ \t]*$")
_LONGEST_QUOTE = 100
_LARGEST = 10_000
"""Values that one head may hold once its aliases are written out: YAML bombs are far above."""


@dataclass(frozen=True, slots=True)
class Head:
    """The text of a head, and where it begins in which file."""

    text: str
    file: str
    line: int

    def refuse(
        self, said: str, *, line: int, next_step: str = "", cause: Exception | None = None
    ) -> NoReturn:
        """Raise E101 for a line of the file, quoting it."""
        quoted = _shown(self.line_text(line))
        raise CheckError(
            "E101",
            "The front matter cannot be read",
            where=f"{self.file}:{line}",
            detail="\n".join(part for part in (quoted, said) if part),
            next_step=next_step or "correct this line",
        ) from cause

    def line_text(self, line: int) -> str:
        """A line of the head by its number in the file; empty outside."""
        lines = self.text.split("\n")
        return lines[line - self.line] if 0 <= line - self.line < len(lines) else ""

    def refuse_twice(self, key: str, *, line: int) -> NoReturn:
        """Raise E101 for a key that stands twice."""
        self.refuse(f"The key {key} stands twice.", line=line, next_step=f"keep one {key}")


def _shown(line: str) -> str:
    line = line.strip()
    line = line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in line)


def name_of(key: object) -> str:
    """A key as we compare it: case does not count, and `-` equals `_` (interface §1.0)."""
    return str(key).strip().lower().replace("-", "_")


class _Loader(yaml.SafeLoader):
    """YAML's safe subset; a date that is none stays the text that it is."""


def _timestamp(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def parse_yaml(head: Head) -> Parsed:
    """Read a YAML mapping; no Python objects, no bombs, no key twice."""
    try:
        loader = _Loader(head.text)
        root = loader.get_single_node()
        if root is None:
            return {}, {}
        if not isinstance(root, yaml.MappingNode):
            head.refuse("It holds no `key: value` lines.", line=head.line)
        _bounded(root, {}, head)
        places: dict[tuple[str, ...], int] = {}
        _visit(root, (), head, places)
        return loader.construct_document(root), places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = head.line + (mark.line if mark else 0)
        said = ": ".join(part for part in (error.context, error.problem) if part)
        head.refuse(said, line=line, next_step=_advice(head, line), cause=error)
    except yaml.reader.ReaderError as error:
        place = int(error.position)
        line = head.line + head.text.count("\n", 0, place)
        said = f"The character U+{ord(head.text[place]):04X} is not allowed."
        head.refuse(said, line=line, next_step="remove it", cause=error)
    except (RecursionError, ValueError, TypeError, OverflowError) as error:
        # What PyYAML lets through from the constructors of Python's own types.
        head.refuse(_said(error), line=head.line, cause=error)


def _said(error: Exception) -> str:
    return "too deeply nested" if isinstance(error, RecursionError) else str(error)


def _advice(head: Head, line: int) -> str:
    written = head.line_text(line)
    if "\t" in written[: len(written) - len(written.lstrip())]:
        return "indent with spaces, not with a tab"
    pair = _YAML_PAIR.match(written)
    if pair and pair[2][0] not in "\"'|>[{":
        quoted = pair[2].replace("\\", "\\\\").replace('"', '\\"')
        return f'put quotes around the value: {pair[1].strip()}: "{quoted}"'
    return ""


def _bounded(node: yaml.Node, sizes: dict[int, int], head: Head) -> int:
    """The values under a node with its aliases written out; refuses bombs and circles."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in sizes:
        size = sizes[id(node)]
    else:
        sizes[id(node)] = _LARGEST + 1  # what a circle through this node finds
        size = 1 + sum(_bounded(child, sizes, head) for child in _children(node))
        sizes[id(node)] = size
    if size > _LARGEST:
        head.refuse(
            "Its aliases (*name) hold themselves or far too much.",
            line=head.line + node.start_mark.line,
            next_step="write the values out",
        )
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value)


def _visit(
    node: yaml.Node, path: tuple[str, ...], head: Head, places: dict[tuple[str, ...], int]
) -> None:
    """Note the lines of keys; refuse a key that stands twice; let text keys be text."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _visit(item, (*path, ""), head, places)
    if not isinstance(node, yaml.MappingNode):
        return
    ours = not path or (len(path) == 1 and name_of(path[0]) in TABLES)
    seen: set[str] = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name and name in seen:
            head.refuse_twice(name, line=head.line + key.start_mark.line)
        seen.add(name)
        places[(*path, name)] = key.start_mark.line + 1
        written = (ours and name_of(name) in TEXT_KEYS) or name_of(path[0] if path else "") == "for"
        if written and isinstance(value, yaml.ScalarNode):
            _as_text(value)
        _visit(value, (*path, name), head, places)


def _as_text(node: yaml.ScalarNode) -> None:
    if node.tag != "tag:yaml.org,2002:null":
        node.tag = "tag:yaml.org,2002:str"


def parse_toml(head: Head) -> Parsed:
    """Read a TOML document."""
    try:
        return tomllib.loads(head.text), line_numbers(head.text)
    except (ValueError, RecursionError) as error:
        said = _said(error)
        place = re.search(r"at line (\d+)", said)
        line = head.line + int(place[1]) - 1 if place else head.line
        said = re.sub(r" \(at .*\)$", "", said)
        advice = "text values stand in double quotes"
        head.refuse(said, line=line, next_step=advice, cause=error)


def parse_json(head: Head) -> Parsed:
    """Read a JSON object that fills the head."""
    parsed, end = decode_json(head)
    rest = head.text[end:]
    if rest.strip():
        end += len(rest) - len(rest.lstrip())
        line = head.line + head.text.count("\n", 0, end)
        head.refuse("Text follows the closing brace.", line=line)
    return parsed


def decode_json(head: Head) -> tuple[Parsed, int]:
    """Read the JSON object at the beginning of the head, and say where it ends."""

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in items]
        for key in keys:
            if keys.count(key) > 1:
                place = max(head.text.rfind(f'"{key}"'), 0)
                head.refuse_twice(key, line=head.line + head.text.count("\n", 0, place))
        return dict(items)

    start = len(head.text) - len(head.text.lstrip())
    try:
        value, end = json.JSONDecoder(object_pairs_hook=pairs).raw_decode(head.text, start)
    except json.JSONDecodeError as error:
        head.refuse(error.msg, line=head.line + error.lineno - 1, cause=error)
    except (ValueError, RecursionError) as error:
        head.refuse(_said(error), line=head.line, cause=error)
    if not isinstance(value, dict):
        head.refuse("It is not a JSON object.", line=head.line)
    return (value, _json_lines(value, head.text)), end


def _json_lines(table: Mapping[str, object], text: str) -> dict[tuple[str, ...], int]:
    """The line of each key, found by its spelling: good enough for a message."""
    places: dict[tuple[str, ...], int] = {}
    for key, value in table.items():
        start = max(text.find(json.dumps(key, ensure_ascii=False)), 0)
        places[(key,)] = text.count("\n", 0, start) + 1
        for inner in value if isinstance(value, dict) else ():
            place = max(text.find(json.dumps(inner, ensure_ascii=False), start), 0)
            places[(key, inner)] = text.count("\n", 0, place) + 1
    return places


PARSERS: Mapping[str, Callable[[Head], Parsed]] = {
    "yaml": parse_yaml,
    "toml": parse_toml,
    "json": parse_json,
}
