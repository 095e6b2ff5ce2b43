"""How links, pictures and players are written, as Markdown or plain HTML, on one line."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import quote

from mailer.content.personal import BRACES

_NUMBER: Final = re.compile(r"\d+\Z")
_MARKDOWN: Final = re.compile(r"[\[`*_]|<https?:|(?<![\"'=])https?://")
_ADDRESS: Final = re.compile(r"(?:https?:|mailto:|/|\.{0,2}/|#)\S*\Z")


def is_address(value: str) -> bool:
    """Whether a value is an address as a whole."""
    return bool(_ADDRESS.match(value))


def link(text: str, url: str) -> str:
    """A link in Markdown."""
    return f"[{text}]({address(url)})"


def image(source: str, alternative: str, *, title: str = "") -> str:
    """An image in Markdown; the alternative text is text."""
    title = f' "{html.escape(title)}"' if title else ""
    return f"![{escaped(alternative)}]({address(source)}{title})"


def figure(
    source: str, alternative: str, *, caption: str = "", target: str = "", width: str = ""
) -> str:
    """An image, linked or with a caption or both."""
    if not caption and not width:
        plain = image(source, alternative)
        return f"[{plain}]({address(target)})" if is_address(target) else plain
    wide = f' width="{width}"' if _NUMBER.match(width) else ""
    shown = f'<img src="{html.escape(address(source))}" alt="{html.escape(alternative)}"{wide}>'
    if is_address(target):
        shown = f'<a href="{html.escape(address(target))}">{shown}</a>'
    if not caption:
        return shown
    return f"<figure>{shown}<figcaption>{as_html(caption)}</figcaption></figure>"


def player(url: str, title: str) -> str:
    """A video or page that mail cannot show, as the element that becomes a linked picture."""
    title = f' title="{html.escape(title)}"' if title else ""
    return f'<iframe src="{html.escape(url)}"{title}></iframe>'


def address(url: str) -> str:
    """An address that Markdown takes as one."""
    url = url.strip()
    done, parts = 0, []
    for place in BRACES.finditer(url):  # a personal place stays as it is
        parts += [_encoded(url[done : place.start()]), place[0]]
        done = place.end()
    return "".join([*parts, _encoded(url[done:])])


def _encoded(url: str) -> str:
    return quote(url, safe="/:?#@!$&'*+,;=~%-._{}[]|" + "()" * (url.count("(") == 0))


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_\[\]#])", r"\\\1", text)
    return re.sub(r"[&<>{}~|]", lambda sign: f"&#{ord(sign[0])};", text)


def as_html(caption: str) -> str:
    """A piece of Markdown for the inside of HTML, where nobody would read it."""
    caption = " ".join(caption.split())
    if not _MARKDOWN.search(caption):
        return caption
    from mailer.content import engine  # noqa: PLC0415  slow to import, and few captions need it

    markup = engine.to_html(caption).strip().replace("\n", " ")
    return re.sub(r"\A<p>(.*)</p>\Z", r"\1", markup)
