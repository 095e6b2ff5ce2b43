"""Pictures of an HTML part as a browser shows it: two widths, light and dark, nothing loaded.

The browser reaches no network: images of the web show their alt text, as for a reader who has
images switched off, and nobody learns that somebody looked. Local and embedded images show.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from mailer.prepare import devtools

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTHS: Final = (600, 375)
SCHEMES: Final = ("light", "dark")

_OFFLINE: Final = ("--host-resolver-rules=MAP * ~NOTFOUND", "--no-proxy-server")
_TALLEST: Final = 50_000  # pixels: 120 MB in memory


def pictures(html: str) -> Iterator[tuple[str, bytes]]:
    """Each picture's name, such as "600-dark", and its bytes as PNG.

    Raises:
        MailerError: E008, no browser is installed; E009, it failed.
    """
    with devtools.started(devtools.found(), *_OFFLINE) as tab:
        tab.call("Emulation.setScriptExecutionDisabled", value=True)
        frame = tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        for scheme in SCHEMES:
            for width in WIDTHS:
                look(tab, width=width, scheme=scheme)
                tab.call("Page.setDocumentContent", frameId=frame, html=html)
                yield f"{width}-{scheme}", picture(tab, width=width)


def look(tab: devtools.Devtools, *, width: int, scheme: str) -> None:
    """Look with a window of this width and in this colour scheme."""
    size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    tab.call("Emulation.setDeviceMetricsOverride", **size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    tab.call("Emulation.setEmulatedMedia", features=[feature])


def picture(tab: devtools.Devtools, *, width: int) -> bytes:
    """The whole page, however long, as PNG."""
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
