"""What a Markdown text quotes instead of saying: fences, code spans, verbatim HTML, comments.

Code that is only indented cannot be told from the text of a list at this level, and is not found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Spans = list[tuple[int, int]]
"""Ranges of a text, in reading order."""

_VERBATIM: Final = re.compile(
    r"<(?P<tag>pre|code|script|style)\b.*?</(?P=tag)\s*>"
    r"|\{%-?\s*(?P<block>raw|highlight)\b.*?\{%-?\s*end(?P=block)\s*-?%\}"
    r"|<!--.*?-->"
    r"|\\[\\`{]"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.IGNORECASE,
)
_FENCE: Final = re.compile(
    r"^[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t][ \t>]*+)*+(?P<mark>`{3,}|~{3,})(?P<info>.*)$"
)


def quoted(text: str) -> Spans:
    """Where a Markdown text quotes: fences, and verbatim places between them."""
    spans: Spans = []
    done = 0
    for start, end in [*_fences(text), (len(text), len(text))]:
        spans += [match.span() for match in _VERBATIM.finditer(text, done, start)]
        spans.append((start, end))
        done = end
    return spans


def _fences(text: str) -> Spans:
    """Fenced code by the rules of CommonMark; one that is not closed lasts to the end."""
    spans: Spans = []
    mark, start, position = "", 0, 0
    for line in text.splitlines(keepends=True):
        fence = _FENCE.match(line.rstrip())
        if fence and not mark and not (fence["mark"][0] == "`" and "`" in fence["info"]):
            mark, start = fence["mark"], position
        elif fence and mark and fence["mark"].startswith(mark) and not fence["info"].strip():
            spans.append((start, position + len(line)))
            mark = ""
        position += len(line)
    return [*spans, (start, position)] if mark else spans


def outside(skipped: Spans, matches: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    """The matches that do not begin in one of the spans; both are in reading order."""
    spans = iter(skipped)
    span = next(spans, None)
    for match in matches:
        while span is not None and span[1] <= match.start():
            span = next(spans, None)
        if span is None or match.start() < span[0]:
            yield match
