"""A real browser for tests: pages, keys, pictures, and what was asked of the network."""

from __future__ import annotations

import base64
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from mailer.prepare import devtools, screenshot
from tests.wire.programs import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_FLAGS = (
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # Nothing leaves this machine.
    # One process, so that requests of sandboxed frames are seen, too.
    "--disable-features=IsolateSandboxedIframes",
    "--font-render-hinting=none",  # a letter's width does not depend on how it is drawn
    "--force-color-profile=srgb",
)
_KEYS = {"Tab": 9, "Enter": 13}


class Page:
    """One tab.

    Attributes:
        requests: the URLs that pages asked for.
        blocked: those that were not let out -> why, such as "csp".
        width: how wide the window is, in pixels.
    """

    def __init__(self) -> None:
        self._tab: devtools.Devtools
        self._frame = ""
        self._asked: dict[str, str] = {}
        self._image: Callable[[str], bytes] | None = None
        self.requests: list[str] = []
        self.blocked: dict[str, str] = {}
        self.width = 800

    def attach(self, tab: devtools.Devtools) -> Self:
        """Begin to use a tab."""
        self._tab = tab
        self._frame = tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        for domain in ("Page", "Network", "Runtime"):
            tab.call(f"{domain}.enable")
        return self

    def heard(self, event: str, values: Mapping[str, Any]) -> None:
        """What the browser tells without being asked."""
        match event, values:
            case "Network.requestWillBeSent", {"requestId": number, "request": {"url": url}}:
                self._asked[number] = url
                self.requests.append(url)
            case "Network.loadingFailed", {"requestId": number, "blockedReason": reason}:
                self.blocked[self._asked.get(number, "")] = reason
            case "Fetch.requestPaused", {"requestId": number, "request": {"url": url}}:
                assert self._image is not None
                body = base64.b64encode(self._image(url)).decode()
                self._tab.tell(
                    "Fetch.fulfillRequest", requestId=number, responseCode=200, body=body
                )

    def show(self, *, width: int, scheme: str = "light") -> Self:
        """Look with a window of this width and in this colour scheme."""
        self.width = width
        screenshot.look(self._tab, width=width, scheme=scheme)
        return self

    def images(self, draw: Callable[[str], bytes] | None) -> Self:
        """Answer what asks for an image with what is drawn for its URL; None: it finds nothing."""
        self._image = draw
        if draw is None:
            self._tab.call("Fetch.disable")
        else:
            self._tab.call("Fetch.enable", patterns=[{"resourceType": "Image"}])
        return self

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self._tab.call("Page.navigate", url=url)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def write(self, html: str) -> Self:
        """Show this document, with its images if they come."""
        self._tab.call("Page.navigate", url="about:blank")
        self._tab.call("Page.setDocumentContent", frameId=self._frame, html=html)
        self.until("[...document.images].every(one => one.complete)")
        return self

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return screenshot.picture(self._tab, width=self.width)

    def ask(self, expression: str) -> Any:
        """What a JavaScript expression gives, if need be after a while."""
        answer = self._tab.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for an expression to become true."""
        deadline = time.monotonic() + 20
        while not self.ask(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """A key of the keyboard."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self._tab.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self._tab.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def cookies(self) -> list[Any]:
        """Every cookie that the browser holds."""
        found: list[Any] = self._tab.call("Network.getCookies")["cookies"]
        return found


@contextmanager
def browser(**environ: str) -> Iterator[Page]:
    """A fresh browser with one tab."""
    page = Page()
    with devtools.started(program("chromium"), *_FLAGS, environ=environ, listen=page.heard) as tab:
        yield page.attach(tab)
