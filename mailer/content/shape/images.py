"""Images: absolute addresses, an alt text on each, and a size that every client can keep (M-27)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lxml.html.builder import E

from mailer.content.shape.blocks import text_of
from mailer.content.shape.links import Resolved, resolve, scheme_of
from mailer.content.shape.local import LocalImage, NoPictureError, find
from mailer.content.shape.references import report

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from mailer.content.source import Source
    from mailer.content.web import Web
    from mailer.model import EmbeddedImage

_INDENT: Final = {"li": 24, "dd": 24, "blockquote": 20}
_CELL_GAP: Final = 16
_NARROWEST: Final = 40
_LENGTH = re.compile(r"\s*(\d{1,4})(?:\.\d*)?\s*(px|%)?\s*\Z")
_RETINA = re.compile(r"@2x\.\w+\Z", re.IGNORECASE)


def images(
    root: HtmlElement, *, web: Web, column: int, source: Source
) -> tuple[EmbeddedImage, ...]:
    """Settle all images, in place; returns those that the mail must carry, each once."""
    carried: dict[str, EmbeddedImage] = {}
    for image in list(root.iter("img")):
        _name(image, source)
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
    if remote.check == "W127":  # relative, and no page that it could be relative to
        place = web.folder.name if web.folder else "issues"
        step = f"put it there below {place}/, or say where issues stand: [newsletter] page"
        problem = "there is no such file beside the issue"
        remote = Resolved(remote.url, problem, step, "E130")
    return remote, None


def _name(image: HtmlElement, source: Source) -> None:
    """An alt text; an image alone in a link must have one, or nobody knows where it leads."""
    image.set("alt", " ".join(image.get("alt", "").split()))
    if image.get("alt"):
        return
    link = next(image.iterancestors("a"), None)
    if link is not None and link.get("href") and not text_of(link):
        words = image.get("title") or link.get("title") or urlsplit(link.get("href")).hostname or ""
        image.set("alt", " ".join(words.split()))
    source.report(
        "W131",
        "this image has no words for those who do not see it",
        line=source.line_of(image.get("src") or ""),
        next_step="write them between the brackets: ![what it shows](address)",
    )


def _describe(image: HtmlElement) -> None:
    """Leave only the alt text of an image that cannot be shown."""
    words = E.span(image.get("alt", ""))
    words.tail = image.tail
    image.getparent().replace(image, words)
    words.drop_tag()


def _size(image: HtmlElement, *, column: int, local: LocalImage | None = None) -> None:
    room = _room(image, column)
    wanted, height = _length(image.get("width"), room), _length(image.get("height"), 0)
    if not wanted and local and local.width:
        share = 2 if _RETINA.search(local.name) else 1
        wanted, height = local.width // share or 1, local.height // share
    width = min(wanted or room, room)
    image.set("width", str(width))
    if wanted and height:
        image.set("height", str(max(1, round(height * width / wanted))))
    else:
        image.attrib.pop("height", None)
    if width == room:
        image.set("class", "wide")


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
