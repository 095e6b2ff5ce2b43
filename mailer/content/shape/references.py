"""Links: absolute addresses, and in-page targets that every client can find."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from lxml import etree
from lxml.html.builder import E

from mailer.content.shape.blocks import BLOCKS, GONE, text_of
from mailer.content.shape.links import SHOWN, SHOWN_IN_CELLS, SLOT, Resolved, resolve, shown

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from mailer.content.source import Source
    from mailer.content.web import Web

_TEXTS_NAMES = "p h1 h2 h3 h4 h5 h6 dt span sup sub em strong code"
_TEXTS: Final = frozenset(_TEXTS_NAMES.split())
_MIXED: Final = frozenset({"li", "dd", "td", "th", "div", "blockquote"})
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def links(root: HtmlElement, *, web: Web, source: Source) -> None:
    """Make every link absolute; one that cannot be followed loses its address, not its text."""
    targets = _Targets(root)
    for link in list(root.iter("a")):
        href = link.get("href")
        if href is None or not (text_of(link) or link.find(".//img") is not None):
            _unlink(link)
        elif href.strip().startswith("#"):
            name = targets.name_for(unquote(href.strip()[1:]))
            if name:
                link.set("href", f"#{name}")
            else:
                line = source.line_of(href)
                message = f"link to {href} removed: nothing in this issue has that name"
                source.report("W113", message, line=line)
                _unlink(link)
        else:
            _follow(link, href, web=web, source=source)
    etree.strip_tags(root, GONE)


def _follow(link: HtmlElement, href: str, *, web: Web, source: Source) -> None:
    words = text_of(link)
    if not href.strip():
        line = source.line_matching(r"\]\(\s*\)|href\s*=\s*[\"']\s*[\"']")
        step = "write where it leads, or take the brackets away"
        message = f"a link without an address: its words stay ({words})"
        source.report("W128", message, line=line, next_step=step)
        _unlink(link)
        return
    if words.lower().startswith("www.") and href == f"http://{words}":
        href = words  # the engine guessed a scheme; `resolve` knows the better one
    found = resolve(href, web)
    bare = words == href  # the engine linked it: for its author it is only text
    if found.problem and not bare:
        report("link", href, found, source)
    if found.url and not (found.problem and bare):
        link.set("href", found.url)
    else:
        _unlink(link)


def shorten(root: HtmlElement) -> None:
    """Show a long bare address without what nobody reads; the link leads where it led."""
    for link in root.iter("a"):
        words = link.text or ""
        if len(link) or len(words) <= SHOWN_IN_CELLS or SLOT.search(words) or " " in words:
            continue
        most = SHOWN_IN_CELLS if any(True for _ in link.iterancestors("td", "th")) else SHOWN
        bare = unquote(words).rstrip("/") == unquote(link.get("href", "")).rstrip("/")
        if bare and len(words) > most:
            link.text = shown(words, most)


def report(kind: str, address: str, found: Resolved, source: Source) -> None:
    """Say what is wrong with the address of a link or an image, and where it stands."""
    broken = found.check.startswith("E")
    message = f"the address of this {kind} cannot be used: " if broken else f"this {kind}: "
    message += found.problem + (f" ({address})" if address.strip() else "")
    source.report(found.check, message, line=source.line_of(address), next_step=found.step)


def _unlink(link: HtmlElement) -> None:
    if link.get("name") is None:
        link.tag = GONE
    elif "href" in link.attrib:
        del link.attrib["href"]


class _Targets:
    """The places that in-page links can go to; each gets an `a name` once it is asked for."""

    def __init__(self, root: HtmlElement) -> None:
        self._elements: dict[str, HtmlElement] = {}
        self._names: dict[str, str] = {}
        for element in root.iter():
            for name in (element.get("id"), element.get("name")):
                if name:
                    self._elements.setdefault(name, element)
        for heading in root.iter("h1", "h2", "h3", "h4", "h5", "h6"):
            self._elements.setdefault(slug(text_of(heading)), heading)

    def name_for(self, target: str) -> str:
        """The mail-safe name of a target, empty if there is none."""
        element = self._elements.get(target)
        if element is None:
            return ""
        if target not in self._names:
            name = _NOT_IN_A_NAME.sub("-", target).strip("-") or "here"
            while name in self._names.values():
                name += "-"
            self._names[target] = name
            _put_anchor(element, name)
        return self._names[target]


def slug(text: str) -> str:
    """What site generators make of a heading: lower case, hyphens, no punctuation."""
    kept = "".join(
        sign for sign in text.lower() if sign in " -_" or unicodedata.category(sign)[0] in "LNM"
    )
    return kept.strip().replace(" ", "-")


def _put_anchor(element: HtmlElement, name: str) -> None:
    if element.tag == "a":
        element.set("name", name)
        return
    anchor = E.a()
    anchor.set("name", name)
    inside = next(
        (
            place
            for place in element.iter()
            if place.tag in _TEXTS or (place.tag in _MIXED and not _begins_with_block(place))
        ),
        None,
    )
    if inside is None:
        element.addprevious(anchor)
    else:
        anchor.tail, inside.text = inside.text, None
        inside.insert(0, anchor)


def _begins_with_block(element: HtmlElement) -> bool:
    return len(element) > 0 and element[0].tag in BLOCKS and not (element.text or "").strip()
