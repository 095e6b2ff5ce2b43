"""Words, links and pictures of the settled tree, as they stand in a line of the text part."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailer.content.shape.blocks import BLOCKS
from mailer.content.shape.links import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_BREAK: Final = "\n"
_WORD_END = re.compile(r"['’]?[A-Za-zÀ-ɏͰ-ϿЀ-ӿ]{1,12}(?!\w)")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")


def content_of(element: HtmlElement) -> str:
    """The text of inline content, white space still as in the tree, `br` as a line end."""
    return "".join(_pieces(element))


def _pieces(element: HtmlElement) -> Iterator[str]:
    yield spaced(element.text)
    for child in element:
        apart = " " if child.tag in BLOCKS else ""
        yield apart + inline(child) + apart
        yield after(child)


def spaced(text: str | None) -> str:
    """White space of HTML as single spaces; a no-break space is none."""
    return _SPACE.sub(" ", text or "")


def one_line(text: str) -> str:
    """The text without line ends, white space collapsed."""
    return " ".join(_SPACE.sub(" ", text).split(" ")).strip()


def class_of(element: HtmlElement) -> str:
    """The classes of an element, or nothing."""
    return element.get("class") or ""


def inline(element: HtmlElement) -> str:
    """An element that stands in a line of text."""
    return _INLINE.get(element.tag, content_of)(element)


def after(child: HtmlElement) -> str:
    """The text behind an element, but for the end of a word that it took along."""
    return spaced(child.tail)[len(_end_of_word(child)) :]


def _end_of_word(link: HtmlElement) -> str:
    """What belongs to the last word of a link: `[Boat](…)s`, `[Ann](…)'s`."""
    found = _WORD_END.match(link.tail or "") if link.tag == "a" else None
    if found is None or not _address(link, words := content_of(link)):
        return ""
    return found[0] if words[-1:].isalnum() else ""


def _address(link: HtmlElement, words: str) -> str:
    """The address that stands behind the words of a link; none if they are it."""
    href: str = link.get("href") or ""
    address = href.removeprefix("mailto:")
    is_said = href.startswith("#") or _bare(words) in (_bare(href), _bare(address))
    return "" if is_said or words == f"▶ {shown(href)}" else address


def _link(element: HtmlElement) -> str:
    href = element.get("href")
    words = content_of(element)
    if href and not one_line(element.text_content()) and element.find(".//img") is not None:
        words = " ".join(_named(picture) for picture in element.iter("img"))
    if href is None or href.startswith("#"):
        return words
    address = _address(element, words)
    if not address:
        return ("▶ " if words.startswith("▶ ") else "") + str(href.removeprefix("mailto:"))
    tail = words[len(words.rstrip()) :]
    return f"{words.rstrip()}{_end_of_word(element)} <{address}>{tail}"


def _bare(address: str) -> str:
    return unquote(address.strip()).rstrip("/")


def _image(element: HtmlElement) -> str:
    src = element.get("src")
    return _named(element) if src.startswith("cid:") else f"{_named(element)} <{src}>"


def _named(image: HtmlElement) -> str:
    alt = image.get("alt")
    return f"[Image: {alt}]" if alt else "[Image]"


def _superscript(element: HtmlElement) -> str:
    return f"[{content_of(element)}]" if class_of(element) == "ref" else _raised(element, "^")


def _raised(element: HtmlElement, sign: str) -> str:
    """As in TeX: `CO_2`, `H_{2}O`, `2^10`."""
    words, after = content_of(element), (element.tail or "")[:1]
    return f"{sign}{{{words}}}" if after.isalnum() else f"{sign}{words}"


_INLINE: Final[dict[str, Callable[[HtmlElement], str]]] = {
    "a": _link,
    "br": lambda _: _BREAK,
    "code": lambda element: f"`{content_of(element)}`",
    "del": lambda element: f"~~{content_of(element)}~~",
    "img": _image,
    "q": lambda element: f"“{content_of(element)}”",
    "s": lambda element: f"~~{content_of(element)}~~",
    "sub": lambda element: _raised(element, "_"),
    "sup": _superscript,
}
