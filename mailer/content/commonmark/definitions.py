"""What a document defines: the links of its references, its footnotes, its abbreviations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailer.content.commonmark.references import (
    LABEL,
    TITLE,
    Target,
    after_spaces,
    content,
    destination,
    normalised,
    unescaped,
)

if TYPE_CHECKING:
    from mailer.content.commonmark.nodes import Note, Paragraph

_LINE_END = re.compile(r"[ \t]*+(?:\n|\Z)")


@dataclass(slots=True, kw_only=True)
class Definitions:
    """What a document defines: by labels as `normalised` spells them, by abbreviations as written.

    Attributes:
        notes: the first one of each label.
    """

    links: dict[str, Target] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    abbreviations: dict[str, str] = field(default_factory=dict)

    def taken_from(self, paragraph: Paragraph) -> str:
        """The text of a paragraph without its definitions; the paragraph becomes empty."""
        text = "\n".join(paragraph.lines).rstrip(" \t\n")
        paragraph.lines = []
        return _take(text, self.links)


def _take(text: str, links: dict[str, Target]) -> str:
    """The text without the definitions that it begins with; the first one of a label wins."""
    place = 0
    while text.startswith("[", place):
        found = _definition(text, place)
        if found is None:
            break
        label, target, place = found
        links.setdefault(label, target)
    return text[place:]


def _definition(text: str, place: int) -> tuple[str, Target, int] | None:
    label = LABEL.match(text, place)
    if label is None or not label[1].strip() or not text.startswith(":", label.end()):
        return None
    found = destination(text, after_spaces(text, label.end() + 1))
    if found is None or found[1] == label.end() + 1:
        return None
    url, end = found
    title = _title_to_line_end(text, end)
    if title is not None:
        return normalised(label[1]), Target(url, title[0]), title[1]
    line_end = _LINE_END.match(text, end)
    return (normalised(label[1]), Target(url), line_end.end()) if line_end else None


def _title_to_line_end(text: str, place: int) -> tuple[str, int] | None:
    start = after_spaces(text, place)
    match = TITLE.match(text, start) if start > place else None
    line_end = _LINE_END.match(text, match.end()) if match else None
    return (unescaped(content(match)), line_end.end()) if match and line_end else None
