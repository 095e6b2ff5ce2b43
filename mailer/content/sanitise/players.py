"""What stands in a mail for a player: its picture and its name, linked to its page.

Mail plays nothing (rendering §3), so a video becomes what a reader can follow.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from mailer.content.shape.links import IMAGE_SCHEMES, scheme_of, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_YOUTUBE: Final = r"(?:https?:)?//(?:www\.|m\.)?youtube(?:-nocookie)?\.com/"
_PAGES: Final = (
    (rf"{_YOUTUBE}embed/videoseries\?.*?\blist=([\w-]+)", "https://www.youtube.com/playlist?list={}"),
    (rf"{_YOUTUBE}(?:embed|shorts|live|v)/([\w-]+)", "https://www.youtube.com/watch?v={}"),
    (rf"{_YOUTUBE}watch\?(?:.*?&)?v=([\w-]+)", "https://www.youtube.com/watch?v={}"),
    (r"(?:https?:)?//youtu\.be/([\w-]+)", "https://www.youtube.com/watch?v={}"),
    (r"(?:https?:)?//player\.vimeo\.com/video/(\d+)\?(?:.*?&)?h=(\w+)", "https://vimeo.com/{}/{}"),
    (r"(?:https?:)?//player\.vimeo\.com/video/(\d+)", "https://vimeo.com/{}"),
    (r"(?:https?:)?//open\.spotify\.com/embed(?:-podcast)?/([\w/]+)", "https://open.spotify.com/{}"),
    (r"(?:https?:)?//(?:www\.)?dailymotion\.com/embed/video/(\w+)", "https://www.dailymotion.com/video/{}"),
    (r"(?:https?:)?//w\.soundcloud\.com/player/?\?(?:.*?&)?url=([^&]+)", "{}"),
)  # fmt: skip
"""Addresses of players that show no page of their own, and of the pages that they play."""

_PICTURE: Final = re.compile(r"https://www\.youtube\.com/watch\?v=([\w-]{6,})\Z")
_SOURCE: Final = re.compile(r"<source\b((?:[^>\"']+|\"[^\"]*\"|'[^']*')*+)>", re.IGNORECASE)
_NAMES: Final = frozenset({"", "youtube video player", "vimeo video player", "video player"})
"""Titles that say nothing: YouTube itself offers the first one for copying."""

_TITLES: Final = ("title", "videotitle", "aria-label", "playlabel")

PLAYERS: Final = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "lite-vimeo": "videoid",
    "lite-youtube": "videoid",
    "object": "data",
    "video": "src",
}
"""Elements that play, and which attribute says what."""

_BY_NUMBER: Final = {
    "lite-vimeo": "https://vimeo.com/{}",
    "lite-youtube": "https://www.youtube.com/watch?v={}",
}
"""Elements of which that attribute holds no address."""


def stand_in(name: str, attributes: Mapping[str, str], source: Mapping[str, str]) -> str:
    """The HTML that stands for a player; empty if it plays no address of the web.

    Args:
        name: of the element, lower-case.
        attributes: its own.
        source: those of the first `source` inside it.
    """
    if name not in PLAYERS:
        return ""
    address = (attributes.get(PLAYERS[name]) or source.get("src", "")).strip()
    address = address and _BY_NUMBER.get(name, "{}").format(address)
    if scheme_of(address) not in {"", *IMAGE_SCHEMES} or not address:
        return ""
    page = html.escape(_page(address))
    title = next((attributes[key] for key in _TITLES if attributes.get(key)), "")
    title = " ".join(title.split())
    label = html.escape(shown(_page(address)) if title.lower() in _NAMES else title)
    picture = html.escape(attributes.get("poster", "") or _picture(_page(address)))
    caption = f'<a href="{page}">▶ {label}</a>'
    if not picture:
        return f"<p>{caption}</p>"
    image = f'<a href="{page}"><img src="{picture}" alt="{label}"></a>'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def first_source(content: str) -> str:
    """The attributes, as written, of the first `source` in a player."""
    found = _SOURCE.search(content)
    return found[1] if found else ""


def _page(address: str) -> str:
    for pattern, page in _PAGES:
        found = re.match(pattern, address, re.IGNORECASE)
        if found:
            return page.format(*(unquote(part) for part in found.groups()))
    return address


def _picture(page: str) -> str:
    video = _PICTURE.match(page)
    return f"https://i.ytimg.com/vi/{video[1]}/hqdefault.jpg" if video else ""
