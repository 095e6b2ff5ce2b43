"""One rendering of an issue as checks look at it: its text, its own HTML, the finished mail."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import lxml.html

from mailer.check.issue import line_of
from mailer.content.source import Source
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lxml.html import HtmlElement

    from mailer.config import CheckConfig, Newsletter
    from mailer.model import Issue, Rendering, Template

CODE: Final = frozenset({"code", "kbd", "pre", "samp"})
"""Elements whose text is quoted, not said."""

_SILENT: Final = frozenset({"head", "script", "style", "title"})
_INLINE_NAMES = (
    "a abbr b bdi bdo cite del dfn em font i img ins mark q s small span strong sub sup time u var"
)
_INLINE: Final = frozenset(_INLINE_NAMES.split())

_BORDER: Final = "\x1e"  # a control character, which no text of a mail has
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of the issue's own text.

    Attributes:
        text: its words, white space collapsed; the alt text of an image in it.
        url: where it leads, absolute; braces stand for what is filled per recipient.
        number: which of the links with this url it is, from 1.
        at: which of all anchors of the text it is (`Proof.anchors`).
    """

    text: str
    url: str
    number: int
    at: int

    @property
    def host(self) -> str:
        """The host in lower case, without `www.`; empty if it leads to none."""
        return host_of(self.url)

    @property
    def is_personal(self) -> bool:
        """Whether it differs from reader to reader."""
        return "{{" in self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of the issue's own text; `width` is what is shown, 0 if the mail does not say."""

    url: str
    alt: str
    width: int
    number: int


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Everything that is known of one rendering before it is sent.

    Attributes:
        content: the issue's own HTML, without the theme around it.
        planned: when it starts, aware.
        compose: makes the message for nobody in particular, as octets.
        root: the newsletter's folder.
    """

    issue: Issue
    newsletter: Newsletter
    config: CheckConfig
    rendering: Rendering
    content: Template
    planned: datetime
    root: Path
    compose: Callable[[], bytes]

    @cached_property
    def source(self) -> Source:
        """The Markdown, to find lines in."""
        return Source(body=self.issue.body, file=self.issue.file, body_line=self.issue.body_line)

    @cached_property
    def tree(self) -> HtmlElement:
        """The issue's own HTML, under a `div`."""
        return lxml.html.fragment_fromstring(filled(self.content), create_parent="div")

    @cached_property
    def anchors(self) -> tuple[HtmlElement, ...]:
        """The `a` elements of the issue's own HTML."""
        return tuple(self.tree.iter("a"))

    @cached_property
    def html(self) -> str:
        """The finished HTML part, personal places as they are written."""
        return filled(self.rendering.html)

    @cached_property
    def mail(self) -> HtmlElement:
        """The finished HTML part as a document."""
        return lxml.html.document_fromstring(self.html)

    @cached_property
    def message(self) -> bytes:
        """The message for nobody in particular."""
        return self.compose()

    @cached_property
    def subject(self) -> str:
        """The subject, personal places as they are written."""
        return filled(self.rendering.subject)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The links of the issue's own text, in reading order, without those inside the mail."""
        seen: Counter[str] = Counter()
        return tuple(self._links(seen))

    @property
    def web_links(self) -> tuple[Link, ...]:
        """The links that a program may follow, each once: one of a single reader's is a visit."""
        return tuple(
            link
            for link in self.links
            if link.url.startswith(("http:", "https:"))
            and link.number == 1
            and not link.is_personal
        )

    def _links(self, seen: Counter[str]) -> Iterator[Link]:
        for at, element in enumerate(self.anchors):
            url = element.get("href", "")
            if url and not url.startswith("#"):
                seen[url] += 1
                yield Link(text=words_of(element), url=url, number=seen[url], at=at)

    @cached_property
    def images(self) -> tuple[Image, ...]:
        """The images of the issue's own text, in reading order."""
        seen: Counter[str] = Counter()
        found = []
        for element in self.tree.iter("img"):
            url, width = element.get("src", ""), element.get("width", "")
            seen[url] += 1
            found.append(
                Image(
                    url=url,
                    alt=element.get("alt", ""),
                    width=int(width) if width.isdecimal() else 0,
                    number=seen[url],
                )
            )
        return tuple(found)

    @cached_property
    def sayings(self) -> tuple[str, ...]:
        """The text of each block of the issue's own HTML, without code."""
        return tuple(sayings(self.tree))

    @cached_property
    def said(self) -> str:
        """All sayings, apart by what no pattern takes for a space."""
        return "\0".join(self.sayings)

    @property
    def day(self) -> date:
        """The day of the issue: its own date, else that of its mailing."""
        return (self.issue.date or self.planned).date()

    def release(self) -> None:
        """Give back the memory of what can be made again: many issues may be waiting."""
        for name in ("tree", "anchors", "mail", "html", "message", "sayings", "said"):
            self.__dict__.pop(name, None)

    # --- where something stands ---

    def key(self, *names: str) -> Place:
        """The line of the first of these keys that the front matter has."""
        return Place(line_of(self.issue, *names))

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
        bases = [base for base in (self.newsletter.assets, self.newsletter.site) if base]
        own = [one.removeprefix(base) for base in bases for one in whole if one.startswith(base)]
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

    def found(
        self, check: str, message: str, place: Place | None = None, *, next_step: str = ""
    ) -> Finding:
        """A finding in the issue's file."""
        place = place or Place()
        return Finding(
            id=check,
            message=message,
            file=self.issue.file,
            line=place.line,
            column=place.column,
            next_step=next_step,
        )


def filled(template: Template) -> str:
    """A template as text, each personal place as its author wrote it."""
    return "".join(
        piece if isinstance(piece, str) else f"{{{{ {_harmless(piece.expression)} }}}}"
        for piece in template
    )


def _harmless(expression: str) -> str:
    """An expression that may stand in an attribute; it is only shown."""
    return expression.replace('"', "'").replace("<", " ").replace(">", " ")


def sayings(root: HtmlElement) -> Iterator[str]:
    """The text of each block, white space collapsed; what is quoted as code is an ellipsis."""
    parts: list[str] = []
    _collect(root, parts)
    for block in "".join(parts).split(_BORDER):
        saying = " ".join(block.split())
        if saying:
            yield saying


def _collect(element: HtmlElement, parts: list[str]) -> None:
    """Pieces of text in reading order, and where a block begins or ends."""
    tag = element.tag
    if tag in CODE:
        parts.append("…")
    elif isinstance(tag, str) and tag not in _SILENT:
        border = "" if tag in _INLINE else _BORDER
        parts += (border, element.text or "")
        for child in element:
            _collect(child, parts)
            parts.append(child.tail or "")
        parts.append(border)


def words_of(element: HtmlElement) -> str:
    """The words of an element and the alt texts of its images, white space collapsed."""
    parts = []
    for one in element.iter():
        parts.append(one.get("alt", "") if one.tag == "img" else one.text or "")
        if one is not element:
            parts.append(one.tail or "")
    return " ".join("".join(parts).split())


def host_of(url: str) -> str:
    """The host of an address in lower case, without `www.`; empty if it has none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").rstrip(".")
