"""A browser of this machine, driven over the pipe of its DevTools protocol: no package, no port.

It knows how to start and end one, and how to ask; not what for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

from mailer.errors import MailerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""What Chromium and its kin are called on a PATH."""

PATIENCE: Final = 60.0  # seconds for one answer: a cold start from a slow disk takes ten

_FLAGS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PIPES: Final = (3, 4)  # The browser hears and speaks through these file descriptors.
_ABOVE: Final = 10  # ours stand above them, so that neither overwrites the other on the way


class Devtools:
    """A conversation with one tab.

    Args:
        reads: a file descriptor that the browser writes to.
        writes: one that it reads from.
        listen: called with the name and the values of each event that comes while an answer is
            waited for.
    """

    def __init__(
        self, reads: int, writes: int, *, listen: Callable[[str, Mapping[str, Any]], None]
    ) -> None:
        self._reads = reads
        self._writes = writes
        self._listen = listen
        self._rest = b""
        self._number = 0
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]

    def call(self, method: str, **values: Any) -> Mapping[str, Any]:  # noqa: ANN401  JSON
        """Ask for something and wait for the answer.

        Raises:
            MailerError: E009, the browser refuses, is silent or has ended.
        """
        number = self.tell(method, **values)
        deadline = time.monotonic() + PATIENCE
        while True:
            heard = self._hear(deadline)
            if "method" in heard:
                self._listen(heard["method"], heard["params"])
            if heard.get("id") != number:
                continue
            if "error" in heard:
                raise trouble(f"{method}: {heard['error'].get('message', '')}")
            result: Mapping[str, Any] = heard["result"]
            return result

    def tell(self, method: str, **values: Any) -> int:  # noqa: ANN401  JSON
        """Ask for something and wait for nothing; returns the number of the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        octets = json.dumps(message).encode() + b"\0"
        try:
            while octets:
                octets = octets[os.write(self._writes, octets) :]
        except OSError as error:
            raise trouble("it has ended") from error
        return self._number

    def _hear(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._reads], [], [], wait)[0]:
                raise trouble(f"no answer within {PATIENCE:.0f} s")
            piece = os.read(self._reads, 1 << 20)
            if not piece:
                raise trouble("it has ended")
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(one)
        return heard


def trouble(what: str) -> MailerError:
    """That the browser does not do what it should."""
    return MailerError(
        "E009",
        "The browser failed",
        detail=what,
        next_step=f"look whether it starts by itself: {NAMES[0]} --headless --dump-dom about:blank",
    )


def found() -> str:
    """The path of a browser.

    Raises:
        MailerError: E008, none is installed.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise MailerError(
        "E008",
        "There is no browser to take pictures with",
        detail=f"looked on PATH for {', '.join(NAMES)}",
        next_step="install Chromium, such as: apt install chromium",
    )


@contextlib.contextmanager
def started(
    path: str,
    *flags: str,
    environ: Mapping[str, str] | None = None,
    listen: Callable[[str, Mapping[str, Any]], None] = lambda _name, _values: None,
) -> Iterator[Devtools]:
    """A fresh browser with one tab and an empty profile; it ends with the block."""
    with contextlib.ExitStack() as stack:
        # First in, last out: the profile goes when nobody writes to it any more.
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        theirs_read, ours_write = _pipe()
        ours_read, theirs_write = _pipe()
        for ours in (ours_read, ours_write):
            stack.callback(os.close, ours)
        # Chromium's own sandbox cannot be set up by root, as whom containers run.
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments = [path, *_FLAGS, *root, *flags, f"--user-data-dir={profile}"]
        try:
            child = os.posix_spawn(
                path,
                arguments,
                {**os.environ, **(environ or {})},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_read, _PIPES[0]),
                    (os.POSIX_SPAWN_DUP2, theirs_write, _PIPES[1]),
                    *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)),
                ],
            )
        except OSError as error:
            raise trouble(f"{path}: {error.strerror}") from error
        finally:
            os.close(theirs_read)
            os.close(theirs_write)
        stack.callback(_end, child)
        yield Devtools(ours_read, ours_write, listen=listen)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends no other child inherits, both above the numbers of the protocol."""
    ends = os.pipe()
    read, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for end in ends)
    for end in ends:
        os.close(end)
    return read, write


def _end(child: int) -> None:
    """Ask it to end; kill it if it does not."""
    deadline = time.monotonic() + 10
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.02)
