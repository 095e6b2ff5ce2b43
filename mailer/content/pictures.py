"""Which files are pictures that a mail can show, by their names and by their first bytes."""

from __future__ import annotations

from typing import Final

LARGEST: Final = 10_000_000
"""Bytes of one picture; ten times what a reader on the road forgives."""

TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
"""Endings of names, and the media types that they promise."""

_BEGINNINGS: Final = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def promised_type(name: str) -> str:
    """The media type that a file's name promises; empty if it is none that a mail can show."""
    return TYPES.get(name.rpartition(".")[2].lower(), "")


def is_picture(name: str, beginning: bytes) -> bool:
    """Whether a file's first bytes keep what its name promises."""
    kind = promised_type(name)
    if kind == "image/webp" and beginning[8:12] != b"WEBP":
        return False
    return bool(kind) and beginning.startswith(_BEGINNINGS[kind])
