"""What stands around a place of a text: it decides in which form something can be put there."""

from __future__ import annotations

import re
from typing import Final

_HTML_BLOCK: Final = re.compile(
    r"\n*[ \t>]*</?(?:address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset"
    r"|figcaption|figure|footer|form|h[1-6]|header|li|main|nav|ol|p|section|summary|table|tbody|td"
    r"|tfoot|th|thead|tr|ul)(?=[\s/>])",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"(?:\]\(<?|[\w:-]=[\"']|<(?=https?:)|\]:[ \t]*)[^\s\"'<>)]*\Z")
_MARKUP: Final = re.compile(r"<[^<>]*>|\{[{%].*?[}%]\}|^[ \t>]*\d+[.)]")
MARKERS: Final = re.compile(r"(?:[ \t>]|(?:[-*+]|\d{1,9}[.)])[ \t])*")


def in_html(text: str, place: int) -> bool:
    """Whether a place is inside of a block of HTML, where Markdown is not read."""
    block = text.rfind("\n\n", 0, place) + 2
    return bool(_HTML_BLOCK.match(text, block if block > 1 else 0, place))


def begins_paragraph(text: str, start: int, end: int) -> bool:
    """Whether a piece begins a line, and a line of words follows directly on its last one."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    line = text.find("\n", end)
    if line < 0 or text[end:line].strip() or MARKERS.sub("", before, count=1):
        return False
    after = text.find("\n", line + 1)
    return bool(text[line + 1 : after if after >= 0 else None].strip(" \t>"))


def in_address(text: str, place: int) -> bool:
    """Whether a place is inside of the address of a link or image."""
    line = text.rfind("\n", 0, place) + 1
    return bool(_ADDRESS.search(text, line, place))


def in_sentence(text: str, start: int, end: int) -> bool:
    """Whether words stand beside a piece of the text, on its line."""
    line = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end)
    beside = f"{text[line:start]} {text[end : after if after >= 0 else None]}"
    return any(sign.isalpha() for sign in _MARKUP.sub("", beside))
