"""Pictures of a message as a browser shows it: two widths, light and dark, without the network.

Images that are embedded or stand beside the issue show; those of the web show their alt text, as
for a reader who has images switched off: nobody learns of a look, and every look is the same.
"""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mailer.content.pictures import promised_type
from mailer.content.shape import local
from mailer.prepare import devtools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailer.content.web import Web
    from mailer.model import Message

WIDTHS: Final = (600, 375)
SCHEMES: Final = {"light": "", "dark": "-dark"}

_OFFLINE: Final = ("--host-resolver-rules=MAP * ~NOTFOUND", "--no-proxy-server")
_TALLEST: Final = 50_000  # pixels: 120 MB in memory


def pictures(browser: str, html: str) -> Iterator[tuple[str, bytes]]:
    """Each picture's name, such as "600-dark", and its bytes as PNG.

    Args:
        browser: the path of a Chromium, by `devtools.found`.
        html: a whole document.

    Raises:
        MailerError: E009, the browser failed.
    """
    with devtools.started(browser, *_OFFLINE) as tab:
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        frame = tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        for scheme, mark in SCHEMES.items():
            for width in WIDTHS:
                look(tab, width=width, scheme=scheme)
                tab.call("Page.setDocumentContent", frameId=frame, html=html)
                yield f"{width}{mark}", picture(tab, width=width)


def look(tab: devtools.Devtools, *, width: int, scheme: str) -> None:
    """Look with a window of this width and in this colour scheme."""
    size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    tab.call("Emulation.setEmulatedMedia", features=[feature])


def picture(tab: devtools.Devtools, *, width: int) -> bytes:
    """The whole page as PNG, cut where it is taller than any mail."""
    height = tab.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
    clip: dict[str, Any] = {
        "x": 0,
        "y": 0,
        "width": width,
        "height": min(height, _TALLEST),
        "scale": 1,
    }
    shot = tab.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
    return base64.b64decode(shot["data"])


def self_contained(message: Message, web: Web) -> str:
    """The HTML part of a message with its embedded and local images in it, to be looked at only."""
    parsed = message_from_bytes(message.content, policy=policy.default)
    part = parsed.get_body(("html",))
    assert part is not None
    embedded = {
        str(one["Content-ID"]).strip("<>"): (one.get_content_type(), one.get_content())
        for one in parsed.walk()
        if one["Content-ID"]
    }
    html: str = part.get_content()
    html = _filled(html, "cid:", embedded.get)
    return _filled(html, f"{web.url}/images/", lambda path: _beside(path, web))


def _filled(html: str, prefix: str, find: Callable[[str], tuple[str, bytes] | None]) -> str:
    """The images whose addresses begin so, as `data:`, where they are found."""

    def fill(address: re.Match[str]) -> str:
        found = find(unquote(address[1]))
        if found is None:
            return address[0]
        media_type, octets = found
        return f'src="data:{media_type};base64,{base64.b64encode(octets).decode()}"'

    return re.sub(rf'src="{re.escape(prefix)}([^"]*)"', fill, html)


def _beside(path: str, web: Web) -> tuple[str, bytes] | None:
    """What is published as DIGEST/PATH."""
    name = path.partition("/")[2]
    try:
        image = local.find(f"/{name}", web)
    except local.NoPictureError:
        return None
    return None if image is None else (promised_type(name), image.data)
