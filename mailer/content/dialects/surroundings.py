"""What stands around a place of a text: it decides in which form something can be put there."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import Final

_HTML_BLOCK: Final = re.compile(
    r"\n*[ \t>]*</?(?:address|article|aside|blockquote|center|dd|details|dialog|div|dl|dt|fieldset"
    r"|figcaption|figure|footer|form|h[1-6]|header|li|main|nav|ol|p|section|summary|table|tbody|td"
    r"|tfoot|th|thead|tr|ul)(?=[\s/>])",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"(?:\]\(|(?<=\]\()<|(?<=[\w:-]=)[\"']|<(?=https?:)|\]:|(?<=\]:)[ \t]+)[^\s\"'<>)]*"
)
_TAG: Final = re.compile(r"\{[{%].{0,2000}?[}%]\}")
_ELEMENT: Final = re.compile(r"<[^<>]*>")
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
    starts, ends = _addresses(text)
    index = bisect_left(starts, place) - 1
    return index >= 0 and place <= ends[index]


@lru_cache(maxsize=1)  # all tags of a text ask for the same
def _addresses(text: str) -> tuple[list[int], list[int]]:
    """Where the addresses of a text begin, with the mark before them, and where they end."""
    found = [address.span() for address in _ADDRESS.finditer(text)]
    return [start for start, _ in found], [end for _, end in found]


def in_sentence(text: str, start: int, end: int) -> bool:
    """Whether words stand beside a piece of the text, on its line."""
    first, _ = _letters(text, text.rfind("\n", 0, start) + 1)
    _, last = _letters(text, text.rfind("\n", 0, end) + 1)
    return 0 <= first < start or last >= end


@lru_cache(maxsize=2)  # a piece may begin on one line and end on another
def _letters(text: str, begin: int) -> tuple[int, int]:
    """The places of the first and the last letter of a line that are no markup; -1 if none is."""
    end = text.find("\n", begin)
    words = text[begin : end if end >= 0 else None]
    for markup in (_TAG, _ELEMENT):  # in this order: an element may have tags in it
        words = markup.sub(lambda found: " " * len(found[0]), words)
    places = [begin + place for place, sign in enumerate(words) if sign.isalpha()]
    return (places[0], places[-1]) if places else (-1, -1)
