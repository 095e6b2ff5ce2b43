"""A TOML file as nested tables, with the line of every key."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Strings and comments are skipped as a whole, so that what remains of brackets and line ends is
# structure.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]",
    re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
# tool.mailer.relay.1.KEY, lists.NAME.KEY and two more; what lies deeper is an unknown key anyway.
_DEEPEST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One configuration file.

    Attributes:
        name: how messages call the file, such as "mailer.toml".
        table: what it holds for us.
        lines: path of a key -> the line that sets it, from 1; entries of an array of tables are
            called "1", "2", ….
    """

    name: str
    table: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def where(self, *path: str) -> str:
        """`mailer.toml:7` for a key, or for the nearest table around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}"
        return self.name


def read_document(path: Path) -> Document | None:
    """The file's configuration; None if it is a pyproject.toml without [tool.mailer].

    Raises:
        ConfigError: E403 if it cannot be read or is no TOML.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError("E403", f"{path} cannot be read", detail=str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "E403",
            f"{path.name} is not UTF-8",
            where=str(path),
            detail=f"The byte at offset {error.start} begins no character.",
            next_step="save the file as UTF-8",
        ) from error
    if path.name != "pyproject.toml":
        return parse_document(text, name=path.name)
    return parse_document(text, name=path.name, under=("tool", "mailer"))


def parse_document(text: str, *, name: str, under: tuple[str, ...] = ()) -> Document | None:
    """Understand a TOML text; None if it has no table `under`.

    Raises:
        ConfigError: E403 if it is no TOML.
    """
    text = text.removeprefix("\N{BYTE ORDER MARK}").replace("\r\n", "\n")
    if under and under[-1] not in text:
        return None  # Somebody else's pyproject.toml: none of our business, even when broken.
    try:
        table: Any = tomllib.loads(text)
        numbers = line_numbers(text)
    except (ValueError, RecursionError) as error:  # tomllib lets int() and the stack speak, too
        raise _not_toml(name, error) from error
    for key in under:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict) or (under and not table):
        return None
    skip = len(under)
    lines = {path[skip:]: line for path, line in numbers.items() if len(path) > skip}
    return Document(name=name, table=table, lines=lines)


def _not_toml(name: str, error: Exception) -> ConfigError:
    said = "too deeply nested" if isinstance(error, RecursionError) else str(error)
    line = re.search(r"at line (\d+)", said)
    where = f"{name}:{line[1]}" if line else name
    return ConfigError(
        "E403",
        f"{where}  not valid TOML",
        where=where,
        detail=said,
        next_step="text values stand in double quotes, tables in [brackets]",
    )


def line_numbers(text: str) -> dict[tuple[str, ...], int]:
    """Path of each table and key -> its line in a text that is known to be TOML.

    tomllib tells no lines. Each statement is valid TOML by itself, so it is parsed alone and its
    keys belong to the line on which it begins.
    """
    found: dict[tuple[str, ...], int] = {}
    entries: Counter[tuple[str, ...]] = Counter()
    table: tuple[str, ...] = ()
    for line, statement in _statements(text):
        header = statement.lstrip()
        paths = list(_paths(tomllib.loads(statement)))
        if header.startswith("[["):
            name = paths[-1][:-1]  # its entry is the first: each header is parsed alone
            entries[name] += 1
            table = (*name, str(entries[name]))
            paths = [table]
        elif header.startswith("["):
            table = paths[-1]
            paths = [table]
        else:
            paths = [table + path for path in paths]
        for path in paths:
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    depth = start = 0
    line = 1
    for token in _TOKEN.finditer(text + "\n"):
        depth += _DEPTH.get(token[0], 0)
        if token[0] == "\n" and depth == 0:
            statement = text[start : token.start()]
            if statement.strip():
                yield line, statement
            line += statement.count("\n") + 1
            start = token.end()


def _paths(table: object, *, depth: int = _DEEPEST) -> Iterator[tuple[str, ...]]:
    if isinstance(table, list):
        table = {str(n): item for n, item in enumerate(table, 1) if isinstance(item, dict)}
    if not isinstance(table, dict) or depth == 0:
        return
    for key, value in table.items():
        yield (key,)
        for rest in _paths(value, depth=depth - 1):
            yield (key, *rest)
