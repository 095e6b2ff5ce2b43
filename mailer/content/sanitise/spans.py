"""Bold, links and the like end where their block ends: one that nobody closed takes no more.

HTML would carry it on through every block that follows, to the end of the mail.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from mailer.content.sanitise.tags import TAG
from mailer.content.shape.blocks import BLOCKS

if TYPE_CHECKING:
    from mailer.content.source import Source

_SPANS_NAMES = (
    "a abbr b big cite code del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup tt u var"
)
SPANS: Final = frozenset(_SPANS_NAMES.split())
"""Elements that stand in a line of text."""

_SPAN = re.compile(rf"<(/?)({'|'.join(SPANS)})(?=[\s/>])", re.IGNORECASE)
_LINK = re.compile(r"<(/?)a(?=[\s>])", re.IGNORECASE)


def confine(markup: str, source: Source) -> str:
    """Close what is open at the begin or the end of a block; said with a line (W113)."""
    balance: Counter[str] = Counter()
    for end, name in _SPAN.findall(markup):
        balance[name.lower()] += -1 if end else 1
    if not any(count > 0 for count in balance.values()):
        return markup
    return _Confining(markup, source).result()


class _Confining:
    """One walk through the tags of a markup in which something is never closed."""

    def __init__(self, markup: str, source: Source) -> None:
        self._markup = markup
        self._source = source
        self._pieces: list[str] = []
        self._done = 0
        self._open: list[tuple[str, int]] = []  # name, and which of its name it is
        self._wide = _closed_links(markup)

    def result(self) -> str:
        """The markup with all that is missing."""
        seen: Counter[str] = Counter()
        for tag in TAG.finditer(self._markup):
            name = (tag["name"] or "").lower()
            if name in SPANS and not tag["end"]:
                seen[name] += 1
                if tag.start() not in self._wide and (
                    "=" in tag["rest"] or not tag["rest"].strip()
                ):
                    self._open.append((name, seen[name]))
            elif name in SPANS:
                self._close(name)
            elif name in BLOCKS and self._open:
                self._end_all(tag.start())
        self._end_all(len(self._markup))
        return "".join([*self._pieces, self._markup[self._done :]])

    def _close(self, name: str) -> None:
        names = [other for other, _ in self._open]
        if name in names:
            del self._open[len(names) - 1 - names[::-1].index(name)]

    def _end_all(self, position: int) -> None:
        for name, number in reversed(self._open):
            line = self._source.line_matching(rf"<{name}(?![\w-])", number)
            message = f"<{name}> is never closed and ends with its paragraph"
            self._source.report("W113", message, line=line)
            self._pieces += [self._markup[self._done : position], f"</{name}>"]
            self._done = position
        self._open.clear()


def _closed_links(markup: str) -> frozenset[int]:
    """Where the links begin that are closed: one may hold several blocks."""
    starts, last = set(), -1
    for tag in _LINK.finditer(markup):
        if not tag[1]:
            last = tag.start()
        elif last >= 0:
            starts.add(last)
            last = -1
    return frozenset(starts)
