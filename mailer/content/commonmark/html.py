"""Raw HTML as CommonMark tells it from text: where a block begins and ends, and tags in text."""

from __future__ import annotations

import re
from typing import Final

_BLOCKS: Final = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|"
    "dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|"
    "param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_ATTRIBUTE: Final = (
    r"(?:\s++[a-zA-Z_:][a-zA-Z0-9:._-]*+"
    r"(?:\s*+=\s*+(?:[^\"'=<>`\x00-\x20]++|'[^']*+'|\"[^\"]*+\"))?+)*+"
)
_OPENING: Final = rf"<[a-zA-Z][a-zA-Z0-9-]*+{_ATTRIBUTE}\s*+/?>"
_CLOSING: Final = r"</[a-zA-Z][a-zA-Z0-9-]*+\s*+>"

TAG = re.compile(rf"{_OPENING}|{_CLOSING}")
"""A tag in text."""

SPANS: Final = (
    (re.compile(r"<!--(?=-?>)"), ">"),
    (re.compile(r"<!--"), "-->"),
    (re.compile(r"<\?"), "?>"),
    (re.compile(r"<!\[CDATA\["), "]]>"),
    (re.compile(r"<![a-zA-Z]"), ">"),
)
"""What else in text is HTML: how it begins and how it ends."""

ENDED: Final = (
    (
        re.compile(r"<(script|pre|style|textarea)(?=[\s>]|\Z)", re.IGNORECASE),
        re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE),
        r"</\1>",
    ),
    (re.compile(r"<!--"), re.compile(r"-->"), "-->"),
    (re.compile(r"<\?"), re.compile(r"\?>"), "?>"),
    (re.compile(r"<![a-zA-Z]"), re.compile(r">"), ">"),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>"), "]]>"),
)
"""Blocks that go on over blank lines: how they begin, how they end, and what ends them else."""

BLOCK = re.compile(rf"</?(?:{_BLOCKS})(?=\s|/?>|\Z)", re.IGNORECASE)
"""The beginning of a block that goes on to a blank line."""

ALONE = re.compile(rf"(?:{_OPENING}|{_CLOSING})[ \t]*\Z")
"""A tag that begins a block because it stands alone on its line; not within a paragraph."""

HOLDS_MARKDOWN = re.compile(
    r"<[a-z][a-z0-9]*[^<>]*\smarkdown(?:=[\"']?(?:1|block)[\"']?)?(?:\s[^<>]*)?>[ \t]*\Z",
    re.IGNORECASE,
)
"""A line that says, as in Markdown Extra, that what follows is Markdown."""

_WHOLE: Final = (  # as a browser reads them
    r"<!--(?:-?>|.*?-->)|</?[a-zA-Z](?:[^>=]|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>"
)
_OPEN = re.compile(rf"{_WHOLE}|(<!--|</?[a-zA-Z])", re.DOTALL)


def settled(markup: str) -> str:
    """The HTML without an open comment or tag at its end, which would take in what follows it."""
    for match in _OPEN.finditer(markup):
        if match[1] == "<!--":
            return f"{markup}-->"
        if match[1]:
            at = match.start()
            return markup[:at] + markup[at:].replace("<", "&lt;")
    return markup
