"""Images: absolute addresses, an alt text on each, and a size that every client can keep (M-27)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lxml import etree

from mailer.content.shape.blocks import BLOCKS, GONE, text_of
from mailer.content.shape.links import Resolved, resolve, scheme_of
from mailer.content.shape.local import LocalImage, NoPictureError, find, is_elsewhere
from mailer.content.shape.references import report

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from mailer.content.source import Source
    from mailer.content.web import Web
    from mailer.model import EmbeddedImage

_INDENT: Final = {"li": 24, "dd": 24, "blockquote": 20}
_CELL_GAP: Final = 16
_NARROWEST: Final = 40
_AMONG_WORDS: Final = 120
"""The width of a badge, for Outlook; others show the image as wide as it is."""

_APART: Final = BLOCKS | {"br"}
_LENGTH = re.compile(r"\s*(\d{1,4})(?:\.\d*)?\s*(px|%)?\s*\Z")
_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_NO_ALT = re.compile(r"\balt\s*=\s*(?:\"\"|'')", re.IGNORECASE)
_SRC = re.compile(r"\bsrc\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_RETINA = re.compile(r"@2x\.\w+\Z", re.IGNORECASE)


def images(
    root: HtmlElement, *, web: Web, column: int, source: Source
) -> tuple[EmbeddedImage, ...]:
    """Settle all images, in place; returns those that the mail must carry, each once."""
    carried: dict[str, EmbeddedImage] = {}
    decorations = _decorations(source)
    for image in list(root.iter("img")):
        _choose_address(image)
        _name(image, source, decorations=decorations)
        src = image.get("src")
        if src is None:
            _describe(image)
            continue
        found, local = _find(src, web)
        if found.problem:
            report("image", src, found, source)
        if local and web.images == "embed":
            part = local.embedded(web)
            carried.setdefault(part.content_id, part)
            found = Resolved(f"cid:{part.content_id}")
        if found.url:
            image.set("src", found.url)
            _size(image, column=column, local=local)
        else:
            _describe(image)
    etree.strip_tags(root, GONE)
    return tuple(carried.values())


def _find(src: str, web: Web) -> tuple[Resolved, LocalImage | None]:
    """Where an image is: in a file beside the issue, or on the web."""
    remote = resolve(src, web, image=True)
    if scheme_of(src):
        return remote, None
    try:
        local = find(src, web)
    except NoPictureError as error:
        step = "save it as png or jpg, with a name to match"
        wrong = Resolved(remote.url, str(error), step, "E130")
        return (remote if web.page else wrong), None
    if local:
        return Resolved(local.published(web)), local
    if remote.check == "W127" and not is_elsewhere(src, web):
        place = web.folder.name if web.folder else "issues"
        step = f"put it there below {place}/, or say where issues stand: [newsletter] page"
        problem = "there is no such file beside the issue"
        remote = Resolved(remote.url, problem, step, "E130")
    return remote, None


def _choose_address(image: HtmlElement) -> None:
    """What a page loads later, or by the reader's screen, a mail shows at once."""
    late, choice = image.get("data-src"), image.get("srcset", "").split()
    if late or (choice and not image.get("src")):
        image.set("src", late or choice[0].rstrip(","))


def _name(image: HtmlElement, source: Source, *, decorations: frozenset[str]) -> None:
    """An alt text; an image alone in a link must have one, or nobody knows where it leads."""
    image.set("alt", " ".join(image.get("alt", "").split()))
    if image.get("alt"):
        return
    src = image.get("src") or ""
    link = next(image.iterancestors("a"), None)
    is_alone = link is not None and link.get("href") and not text_of(link)
    if link is not None and is_alone:
        words = image.get("title") or link.get("title") or urlsplit(link.get("href")).hostname or ""
        image.set("alt", " ".join(words.split()))
    elif src in decorations:
        return
    source.report(
        "W131",
        "this image has no words for those who do not see it",
        line=source.line_of(src),
        next_step="write them between the brackets: ![what it shows](address)",
    )


def _decorations(source: Source) -> frozenset[str]:
    """The images whose author wrote an empty `alt`, as HTML lets them say so; Markdown cannot."""
    tags = (tag for tag in _TAG.findall(source.body) if _NO_ALT.search(tag))
    return frozenset(address for tag in tags for address in _SRC.findall(tag))


def _describe(image: HtmlElement) -> None:
    """Leave only the alt text of an image that cannot be shown."""
    image.text = image.get("alt", "")
    image.tag = GONE


def _size(image: HtmlElement, *, column: int, local: LocalImage | None = None) -> None:
    room = _room(image, column)
    wanted, height = _length(image.get("width"), room), _length(image.get("height"), 0)
    if not wanted and local and local.width:
        share = 2 if _RETINA.search(local.name) else 1
        wanted, height = local.width // share or 1, local.height // share
    kind = ""
    if not wanted and _stands_among_words(image):
        wanted, kind = _AMONG_WORDS, "inline"
    width = min(wanted or room, room)
    image.set("width", str(width))
    if wanted and height and not kind:
        image.set("height", str(max(1, round(height * width / wanted))))
    else:
        image.attrib.pop("height", None)
    if kind or width == room:
        image.set("class", kind or "wide")


def _stands_among_words(image: HtmlElement) -> bool:
    """Whether there is something else on its line: words, as around a badge, or another image."""
    inner = image
    while inner.getparent().tag not in BLOCKS:
        parent = inner.getparent()
        if _is_beside(parent, inner):
            return True
        inner = parent
    return _is_beside(inner.getparent(), inner)


def _is_beside(parent: HtmlElement, inner: HtmlElement) -> bool:
    """Whether something stands beside an element on its line."""
    after = inner.tail or ""
    if after.partition("\n")[0].strip():
        return True
    following, before = inner.getnext(), inner.getprevious()
    if following is not None and "\n" not in after and following.tag not in _APART:
        return True
    between = (parent.text if before is None else before.tail) or ""
    if between.rpartition("\n")[2].strip():
        return True
    return before is not None and "\n" not in between and before.tag not in _APART


def _length(text: str | None, whole: int) -> int:
    match = _LENGTH.match(text or "")
    if match is None:
        return 0
    return int(match[1]) if match[2] != "%" else whole * int(match[1]) // 100


def _room(image: HtmlElement, column: int) -> int:
    """How wide an image may be where it stands."""
    room = column
    for ancestor in image.iterancestors():
        room -= _INDENT.get(ancestor.tag, 0)
        if ancestor.tag in ("td", "th"):
            cells = len(ancestor.getparent())
            room = room // cells - _CELL_GAP
    return max(room, _NARROWEST)
