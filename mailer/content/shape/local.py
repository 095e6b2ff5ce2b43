"""Images that stand beside an issue: found below `issues/`, measured, published or embedded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from mailer.content.pictures import LARGEST, is_picture, promised_type
from mailer.model import EmbeddedImage

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.content.web import Web


_HOST = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalImage:
    """A file below `issues/`.

    Attributes:
        name: its path below `issues/`, with slashes.
        width, height: in pixels; 0 if the file does not say.
    """

    name: str
    data: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        """SHA-256 of the data, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def published(self, web: Web) -> str:
        """Where `mailer serve` shows it; another content has another address."""
        return f"{web.url}/images/{self.digest[:16]}/{quote(self.name)}"

    def embedded(self, web: Web) -> EmbeddedImage:
        """The image as a part of the mail, named by its content (RFC 2392)."""
        host = urlsplit(web.url).hostname or ""
        host = host if _HOST.fullmatch(host) else "images.invalid"
        return EmbeddedImage(
            content_id=f"{self.digest[:32]}@{host}",
            media_type=promised_type(self.name),
            name=self.name.rpartition("/")[2],
            data=self.data,
        )


class NoPictureError(Exception):
    """A local file cannot be shown; says why, for a message."""


def find(address: str, web: Web) -> LocalImage | None:
    """The local image that an address without scheme means; None if there is no such file.

    A path that leaves `issues/`, be it by a link of the file system, is none.

    Raises:
        NoPictureError: there is such a file, and no mail can show it.
    """
    if web.issues is None or web.folder is None:
        return None
    written = unquote(address.partition("?")[0].partition("#")[0])
    start = web.issues if written.startswith("/") else web.folder
    try:
        root = web.issues.resolve()
        path = (start / written.lstrip("/")).resolve()
        inside = path.is_relative_to(root) and path.is_file()
        return _read(path, path.relative_to(root).as_posix()) if inside else None
    except (OSError, RuntimeError, ValueError):  # name too long, links in a circle, NUL
        return None


def is_elsewhere(address: str, web: Web) -> bool:
    """Whether nothing says that a missing image should be here: not even its folder is.

    Of an issue that no site generator knows, that is so only where the address names a folder.
    """
    folder = unquote(address.partition("?")[0]).removeprefix("./").rpartition("/")[0]
    if not web.generated and (not folder or ".." in folder.split("/")):
        return False
    if not folder or web.folder is None:
        return True
    try:
        return not (web.folder / folder).is_dir()
    except (OSError, ValueError):
        return True


def _read(path: Path, name: str) -> LocalImage:
    import imagesize  # noqa: PLC0415  half the issues have no local image

    if not promised_type(name):
        raise NoPictureError("mail clients show png, jpg, gif and webp only")
    if name.startswith(".") or "/." in name:
        raise NoPictureError("files whose names begin with a dot are not published")
    if path.stat().st_size > LARGEST:
        raise NoPictureError(f"it has more than {LARGEST:,} bytes")
    data = path.read_bytes()
    if not is_picture(name, data):
        raise NoPictureError(f"it is no {promised_type(name)}, whatever its name says")
    width, height = imagesize.get(BytesIO(data))
    return LocalImage(name=name, data=data, width=max(int(width), 0), height=max(int(height), 0))
