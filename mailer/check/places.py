"""Where something of a mail stands in the Markdown that it was made of, spelt otherwise there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from mailer.content.source import Source

_SEARCHED: Final = 60
"""So many characters of a text are enough to find it again."""

_FEW: Final = 4
_PUNCTUATION: Final = ".,;:!?…"
_MARKUP = r"(?:\]\([^)\n]*\)|[\s*_~`=\\\[\]{}])*"
_URL_GOES_ON = r"(?![\w/%=&#?~+-]|\.\w)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; zeros where it is not known."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Finds addresses and words in an issue's Markdown.

    Attributes:
        bases: what addresses that begin with a slash stand on.
    """

    source: Source
    bases: tuple[str, ...] = ()

    def address(self, url: str, number: int = 1) -> Place:
        """Where an address stands for the n-th time; the last time where there are fewer."""
        spellings = self._spellings(url)
        whole = "|".join(("(?<!<)" if one[0] == "/" else "") + re.escape(one) for one in spellings)
        name = re.escape(unquote(urlsplit(url).path.rpartition("/")[2])) or whole
        for pattern in (f"(?<![\\w/:.%-])(?:{whole})", name):
            for text in (self.source.masked, self.source.body):
                found = [match.start() for match in re.finditer(pattern + _URL_GOES_ON, text)]
                if found:
                    return self.at(found[min(number, len(found)) - 1])
        return Place()

    def _spellings(self, url: str) -> list[str]:
        """How an author may have written an address that is absolute and encoded now."""
        whole = dict.fromkeys((url, unquote(url), url.replace("&", "&amp;")))
        own = [
            one.removeprefix(base) for base in self.bases for one in whole if one.startswith(base)
        ]
        bare = [one.partition("//")[2] for one in whole if "//" in one]
        longer_than_a_slash = (one for one in (*whole, *own, *bare) if len(one) > 1)
        return sorted(dict.fromkeys(longer_than_a_slash), key=len, reverse=True)

    def words(self, text: str) -> Place:
        """Where a text stands, however it is marked up and wrapped; its beginning is enough."""
        words = text[:_SEARCHED].split()
        if len(text) > _SEARCHED and len(words) > 1:
            words.pop()
        for count in (len(words), _FEW):
            some = [re.escape(word) for word in words[:count]]
            if not some:
                break
            some[-1] = re.escape(words[:count][-1].rstrip(_PUNCTUATION)) or some[-1]
            pattern = re.compile(_MARKUP.join(some))
            match = pattern.search(self.source.masked) or pattern.search(self.source.body)
            if match:
                return self.at(match.start())
        return Place()

    def at(self, offset: int) -> Place:
        """The place of a character of the Markdown."""
        start = self.source.body.rfind("\n", 0, offset) + 1
        return Place(self.source.line_at(offset), offset - start + 1)
