"""A real browser, driven over the pipe of its DevTools protocol: no package, no port."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from tests.wire.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # Nothing leaves this machine.
    # One process, so that requests of sandboxed frames are seen, too.
    "--disable-features=IsolateSandboxedIframes",
)
_KEYS = {"Tab": 9, "Enter": 13}


class Page:
    """One tab.

    Attributes:
        requests: the URLs that pages asked for.
        blocked: those that were not let out -> why, such as "csp".
    """

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = reads
        self._writes = writes
        self._rest = b""
        self._number = 0
        self._session = ""
        self._asked: dict[str, str] = {}
        self.requests: list[str] = []
        self.blocked: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                result: dict[str, Any] = heard["result"]
                return result

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._reads, 65536)
            assert piece, "chromium has ended"
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(one)
        match heard.get("method"), heard.get("params"):
            case "Network.requestWillBeSent", {"requestId": number, "request": {"url": url}}:
                self._asked[number] = url
                self.requests.append(url)
            case "Network.loadingFailed", {"requestId": number, "blockedReason": reason}:
                self.blocked[self._asked.get(number, "")] = reason
        return heard

    def show(self, *, width: int, scheme: str = "light") -> Self:
        """Look with a window of this width and in this colour scheme."""
        size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._call("Emulation.setEmulatedMedia", features=[feature])
        return self

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self._call("Page.navigate", url=url)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
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
        self._call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **code)

    def cookies(self) -> list[Any]:
        """Every cookie that the browser holds."""
        found: list[Any] = self._call("Network.getCookies")["cookies"]
        return found


@contextmanager
def browser() -> Iterator[Page]:
    """A fresh browser with one tab."""
    chromium = program("chromium")
    ours_read, theirs_write = os.pipe()
    theirs_read, ours_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The protocol's pipes are file descriptors 3 and 4.
        script = f'exec "$0" "$@" 3<&{theirs_read} 4>&{theirs_write}'
        process = subprocess.Popen(
            ["bash", "-c", script, chromium, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_read, theirs_write),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_read)
        os.close(theirs_write)
        try:
            yield Page(ours_read, ours_write)
        finally:
            process.terminate()
            process.wait(10)
            os.close(ours_read)
            os.close(ours_write)
