"""One rendering of an issue as checks look at it: its text, its own HTML, the finished mail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import lxml.html

from mailer.check.hosts import host_of
from mailer.check.issue import line_of
from mailer.check.places import Finder, Place
from mailer.check.reading import filled, sayings, words_of
from mailer.content.source import Source
from mailer.model import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lxml.html import HtmlElement

    from mailer.config import CheckConfig, Newsletter
    from mailer.model import Issue, Rendering, Template


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
        for name in ("tree", "anchors", "mail", "html", "message", "sayings", "said", "_finder"):
            self.__dict__.pop(name, None)

    # --- where something stands ---

    def key(self, *names: str) -> Place:
        """The line of the first of these keys that the front matter has."""
        return Place(line_of(self.issue, *names))

    def address(self, url: str, number: int = 1) -> Place:
        """Where an address stands for the n-th time."""
        return self._finder.address(url, number)

    def words(self, text: str) -> Place:
        """Where a text stands."""
        return self._finder.words(text)

    def at(self, offset: int) -> Place:
        """The place of a character of the Markdown."""
        return self._finder.at(offset)

    @cached_property
    def _finder(self) -> Finder:
        source = Source(body=self.issue.body, file=self.issue.file, body_line=self.issue.body_line)
        bases = (self.newsletter.assets, self.newsletter.site)
        return Finder(source=source, bases=tuple(filter(None, bases)))

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
