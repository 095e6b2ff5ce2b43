"""MkDocs' `!!! note "Title"`, `??? note` and `=== "Tab"` with their indented text as containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailer.content.dialects.sheet import Sheet

_OPENING: Final = re.compile(
    r"(?P<indent>[ \t>]*)(?P<mark>!!!|\?\?\?\+?|===!?\+?)[ \t]+(?P<kind>[\w-]+(?:[ \t]+[\w-]+)*)?"
    r"[ \t]*(?:\"(?P<title>.*)\")?[ \t]*"
)
_STEP: Final = 4


def to_containers(sheet: Sheet) -> None:
    """Rewrite the paragraphs from the last to the first, so that inner ones come before outer."""
    if not any(mark in sheet.text for mark in ("!!!", "???", "===")):
        return
    lines = sheet.text.split("\n")
    for number in range(len(lines) - 1, -1, -1):
        opening = _OPENING.fullmatch(lines[number])
        if opening and _is_one(opening):
            _rewrite(lines, number, opening)
    sheet.text = "\n".join(lines)


def _is_one(opening: re.Match[str]) -> bool:
    """A tab has a title; three signs alone are excitement."""
    return opening["title"] is not None or bool(opening["kind"] and opening["mark"][0] != "=")


def _rewrite(lines: list[str], number: int, opening: re.Match[str]) -> None:
    indent, title = opening["indent"], opening["title"] or ""
    end = _end(lines, number, indent)
    content = [_dedented(line, indent) for line in lines[number + 1 : end]]
    if opening["mark"].startswith("="):
        lines[number:end] = [f"{indent}**{title}**", *content]
        return
    kind = "details" if opening["mark"].startswith("?") else (opening["kind"] or "note").split()[0]
    mark = f"{indent}:::{kind} {title}".rstrip()
    below = end < len(lines) and not lines[end].strip(" \t>")
    above = number > 0 and not lines[number - 1].strip(" \t>")
    if not content:
        lines[number] = f"{indent}**{title}**" if title else lines[number]
    elif below:
        lines[number : end + 1] = [mark, *content, f"{indent}:::"]
    elif above:
        lines[number - 1 : end] = [mark, *content, f"{indent}:::"]
    else:
        lines[number:end] = [f"{indent}**{title}**" if title else indent.rstrip(), *content]


def _end(lines: list[str], number: int, indent: str) -> int:
    """Behind the last line of an admonition's text."""
    end = place = number + 1
    while place < len(lines):
        line = lines[place]
        if line.strip(" \t>"):
            inner = line[len(indent) :] if line.startswith(indent) else ""
            if len(inner.expandtabs(_STEP)) - len(inner.expandtabs(_STEP).lstrip()) < _STEP:
                break
            end = place + 1
        place += 1
    return end


def _dedented(line: str, indent: str) -> str:
    if not line.startswith(indent):
        return line
    inner = line[len(indent) :]
    if inner.startswith("\t"):
        return indent + inner[1:]
    return indent + (inner[_STEP:] if inner[:_STEP].isspace() else inner.lstrip(" "))
