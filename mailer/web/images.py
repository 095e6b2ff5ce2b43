"""The images beside issues, for the mails that show them: only pictures, only below `issues/`.

::

    GET, HEAD   /images/DIGEST/PATH     the file issues/PATH; nothing changes

The digest lets whoever keeps the image keep it for ever: another content has another address. Where
it is not the file's, the file was replaced since: old mails get the new one, and keep it briefly.
"""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from mailer.content.pictures import LARGEST, is_picture, promised_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

FOR_EVER: Final = "public, max-age=31536000, immutable"
BRIEFLY: Final = "public, max-age=300"

_DIGEST = re.compile(r"[0-9a-f]{16}").fullmatch
_CHUNK = 64 * 1024
_THREADS = 2  # reading for a digest must not keep those waiting who unsubscribe
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # webmail shows it on pages of its own
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may be shown."""

    path: Path
    size: int
    digest: str


class Images:
    """The handler; `issues` is the folder of which pictures are shown."""

    def __init__(self, issues: Path) -> None:
        self._issues = issues
        self._limiter = anyio.CapacityLimiter(_THREADS)

    async def show(self, request: Request) -> Response:
        """GET and HEAD of one picture.

        Raises:
            HTTPException: 404, there is no such picture, whatever the reason.
        """
        digest, name = request.path_params["digest"], request.path_params["path"]
        if not _DIGEST(digest):
            raise HTTPException(404)
        found = await anyio.to_thread.run_sync(find, self._issues, name, limiter=self._limiter)
        if found is None:
            raise HTTPException(404)
        headers = {
            **_HEADERS,
            "Cache-Control": FOR_EVER if found.digest.startswith(digest) else BRIEFLY,
            "Content-Type": promised_type(name),
            "Content-Length": str(found.size),
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        return StreamingResponse(_chunks(found), headers=headers)


def find(issues: Path, name: str) -> Picture | None:
    """The picture of this name below `issues`; None if there is none that may be shown.

    No name with a part that is empty or begins with a dot, no way out of the folder, be it by a
    link of the file system, nothing but regular files that are what their names say.
    """
    if any(part.startswith(".") or part == "" for part in name.split("/")):
        return None
    try:
        root = issues.resolve()
        path = (root / name).resolve(strict=True)
        status = path.stat()
        if not path.is_relative_to(root) or not stat.S_ISREG(status.st_mode):
            return None
        return _examined(path, name, (status.st_ino, status.st_mtime_ns, status.st_size))
    except (OSError, ValueError, RuntimeError):  # no such file, a NUL, a name too long, a loop
        return None


@lru_cache(maxsize=512)
def _examined(path: Path, name: str, stamp: tuple[int, int, int]) -> Picture | None:
    """Look into a file once, as long as it stays as its stamp says."""
    size = stamp[-1]
    if size > LARGEST or not promised_type(name):
        return None
    with path.open("rb") as file:
        if not is_picture(name, file.read(32)):
            return None
        file.seek(0)
        return Picture(path, size, hashlib.file_digest(file, "sha256").hexdigest())


def _chunks(picture: Picture) -> Iterator[bytes]:
    left = picture.size
    with picture.path.open("rb") as file:
        while left and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
