"""An issue that ends early: the rest is on its page, and a link leads there.

The cut is behind the section of a heading, which lasts to the next heading of its own or a higher
level. Notes of which a number is left stay at the end; links to what is gone lead to the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote

from lxml.html.builder import E

from mailer.content.shape.blocks import HEADINGS, text_of
from mailer.content.shape.references import slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from mailer.content.source import Source
    from mailer.content.web import Web
    from mailer.model import Issue

_WORDS: Final = {
    "ar": "المتابعة على الموقع",
    "de": "Online weiterlesen",
    "en": "Continue online",
    "es": "Seguir leyendo en línea",
    "fr": "Lire la suite en ligne",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where an issue ends early: behind the section of which heading, and the line that says so."""

    after: str
    line: int

    @classmethod
    def of(cls, issue: Issue) -> Self | None:
        """What the front matter of an issue asks for, if it asks."""
        if not issue.cut_after:
            return None
        return cls(after=issue.cut_after, line=issue.line_of("cut_after"))


def cut(root: HtmlElement, *, at: Cut, web: Web, language: str, source: Source) -> None:
    """End the tree there, in place; E119 if it has no such heading, or the issue has no page."""
    if not web.page:
        step = 'page = "https://…/{id}" under [newsletter]'
        source.report(
            "E119", "cut_after: there is no page to continue on", line=at.line, next_step=step
        )
    elif not end_after(root, at.after, page=web.page, language=language):
        message = f'cut_after: there is no heading "{at.after}"'
        step = "write the heading as it stands in the text, without its #"
        source.report("E119", message, line=at.line, next_step=step)


def end_after(root: HtmlElement, heading: str, *, page: str, language: str) -> bool:
    """End the tree after a heading's section, in place; False if it has no such heading.

    Args:
        root: of the whole issue.
        heading: its words; case and white space do not matter.
        page: where the rest can be read.
        language: in which the link is worded.
    """
    wanted = _folded(heading)
    headings = list(root.iter(*HEADINGS))
    found = next((at for at, one in enumerate(headings) if _folded(text_of(one)) == wanted), None)
    if found is None:
        return False
    level = headings[found].tag
    end = next((one for one in headings[found + 1 :] if one.tag <= level), None)
    if end is None:
        return True
    notes = root.xpath('./div[@class="footnote"]')
    for one in notes:
        one.drop_tree()
    known = set(_names(root))
    _drop_from(end, root)
    root.append(_link(page, language))
    root.extend(notes)
    _forget_notes(root)
    _lead_to(page, root, gone=known - set(_names(root)))
    return True


def _folded(words: str) -> str:
    return " ".join(words.split()).casefold()


def _drop_from(element: HtmlElement, root: HtmlElement) -> None:
    """Remove an element and all that follows it in the document."""
    parent = element.getparent()
    for later in [element, *element.itersiblings()]:
        parent.remove(later)
    while parent is not root:
        for later in list(parent.itersiblings()):
            later.getparent().remove(later)
        parent.tail = None
        parent = parent.getparent()


def _link(page: str, language: str) -> HtmlElement:
    words = _WORDS.get(language.lower().split("-")[0], _WORDS["en"])
    link = E.a(words)
    link.set("href", page)
    paragraph = E.p(link)
    paragraph.set("class", "continue")
    paragraph.tail = "\n"
    return paragraph


def _forget_notes(root: HtmlElement) -> None:
    """Drop the notes to which no number leads any more."""
    for notes in root.xpath('./div[@class="footnote"]'):
        wanted = {link.get("href") for link in root.iter("a") if link.get("href")}
        for note in list(notes.iter("li")):
            if note.get("id") and f"#{note.get('id')}" not in wanted:
                note.getparent().remove(note)
        if notes.find(".//li") is None:
            notes.getparent().remove(notes)


def _lead_to(page: str, root: HtmlElement, *, gone: set[str]) -> None:
    for link in root.iter("a"):
        href = (link.get("href") or "").strip()
        if href.startswith("#") and unquote(href[1:]) in gone:
            link.set("href", page.partition("#")[0] + href)


def _names(root: HtmlElement) -> Iterator[str]:
    """What links inside the issue can lead to."""
    for element in root.iter():
        yield from filter(None, (element.get("id"), element.get("name")))
        if element.tag in HEADINGS:
            yield slug(text_of(element))
