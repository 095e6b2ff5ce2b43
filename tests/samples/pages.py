"""The documentation as data: pages, sections, tables, examples; and what tests there are."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"

_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(?P<level>#{1,6}) (?P<title>.+)$", re.MULTILINE)
_SEPARATOR = re.compile(r"\|[ :|-]+\|")


def pages() -> list[Path]:
    """Every page of Markdown that people read."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]


def read(name: str) -> str:
    """The text of a page, named from the root of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """A page without its fenced blocks, line for line."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def headings(text: str) -> list[str]:
    """The titles of all headings."""
    return [match["title"] for match in _HEADING.finditer(prose(text))]


def sections(text: str, *, level: int = 2) -> dict[str, str]:
    """Title -> text of each section of this level, up to the next heading of its level or above."""
    marks = [match for match in _HEADING.finditer(text) if len(match["level"]) <= level]
    ends = [match.start() for match in marks[1:]] + [len(text)]
    return {
        mark["title"]: text[mark.end() : end]
        for mark, end in zip(marks, ends, strict=True)
        if len(mark["level"]) == level
    }


def rows(text: str) -> list[list[str]]:
    r"""The cells of every table row below a header; `\|` inside a cell is a bar."""
    lines = prose(text).split("\n")
    found = []
    for number, line in enumerate(lines):
        header = _SEPARATOR.fullmatch(lines[number + 1]) if number + 1 < len(lines) else None
        if line.startswith("|") and not header and not _SEPARATOR.fullmatch(line):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            found.append([cell.strip().replace(r"\|", "|") for cell in cells])
    return found


def blocks(text: str, kind: str) -> list[str]:
    """The fenced blocks of a language."""
    return [match["text"] for match in _FENCE.finditer(text) if match["kind"] == kind]


def commands(text: str) -> list[str]:
    """The lines of shell examples that call `mailer`, without what follows them on the line."""
    lines = [line.strip() for block in blocks(text, "sh") for line in block.splitlines()]
    called = [re.split(r"\s(?:#|>|<|&&|;)\s", line)[0].strip() for line in lines]
    return [line for line in called if line.startswith("mailer ")]


@cache
def tests_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file; empty if there is no such file."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_bytes())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    )


def is_a_test(name: str) -> bool:
    """Whether `path::name` is a test of this repository."""
    path, _, test = name.partition("::")
    return test in tests_in(ROOT / path)
