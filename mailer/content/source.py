"""An issue's Markdown as written: where something stands in it, and what of it is code."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

from mailer.model import Finding

_FENCE = re.compile(
    r"(?:[ \t]*+>)*+[ \t]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]*+)?(?P<mark>`{3,}|~{3,})(?P<info>.*)"
)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\1(?!`)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The body of an issue, and what was found wrong with it so far.

    Looking for lines is linear in the body however many findings there are.

    Attributes:
        file: path for messages.
        body_line: line in the file of the first line of `body`.
    """

    body: str
    file: str
    body_line: int
    _findings: dict[Finding, None] = field(default_factory=dict)
    _offsets: dict[str, list[int]] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was reported so far, by lines; it grows while the body is converted."""
        return tuple(sorted(self._findings, key=lambda finding: finding.line))

    @cached_property
    def masked(self) -> str:
        """The body with all code and comments blanked."""
        return mask_code(self.body)

    @cached_property
    def _ends(self) -> list[int]:
        return [end.start() for end in re.finditer("\n", self.body)]

    def line_at(self, offset: int) -> int:
        """The line in the file of a place in the body."""
        return self.body_line + bisect_left(self._ends, offset)

    def line_matching(self, pattern: str, number: int = 1) -> int:
        """The line in the file of the n-th match outside code; 0 if there are fewer."""
        if pattern not in self._offsets:
            matches = re.finditer(pattern, self.masked, re.IGNORECASE)
            self._offsets[pattern] = [match.start() for match in matches]
        offsets = self._offsets[pattern]
        return self.line_at(offsets[number - 1]) if number <= len(offsets) else 0

    def line_of(self, needle: str) -> int:
        """The line in the file where `needle` first stands; 0 if Markdown spelt it differently."""
        offset = self.body.find(needle) if needle else -1
        return self.line_at(offset) if offset >= 0 else 0

    def report(self, check: str, message: str, *, line: int, next_step: str = "") -> None:
        """Remember a finding, once for each line."""
        finding = Finding(id=check, message=message, file=self.file, line=line, next_step=next_step)
        self._findings.setdefault(finding)


def mask_blocks(text: str) -> str:
    """The text with fenced code and comments blanked: same length, same lines."""
    lines = text.split("\n")
    mark = ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if mark:
            if fence and fence["mark"].startswith(mark) and not fence["info"].strip():
                mark = ""
            lines[number] = " " * len(line)
        elif fence and not (fence["mark"][0] == "`" and "`" in fence["info"]):
            mark = fence["mark"]
            lines[number] = " " * len(line)
    return _COMMENT.sub(_blank, "\n".join(lines))


def mask_code(text: str) -> str:
    """The text with fenced code, comments and code spans blanked: same length, same lines."""
    return _SPAN.sub(_blank, mask_blocks(text))


def _blank(match: re.Match[str]) -> str:
    return _VISIBLE.sub(" ", match[0])
