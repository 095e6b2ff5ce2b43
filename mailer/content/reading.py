"""The file of an issue as text: UTF-8, or a refusal that says where it is not (case 17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.content.limits import LARGEST_FILE, refuse_size
from mailer.errors import CheckError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


def shown(path: Path, root: Path) -> str:
    """A path as messages have it: below the newsletter's folder if it is there."""
    path, root = path.absolute(), root.absolute()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def read(path: Path, file: str) -> bytes:
    """The octets of a file.

    Raises:
        NotFoundError: E115, it cannot be read.
        CheckError: E150, it is no text that anybody wrote.
    """
    try:
        with path.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise NotFoundError("E115", f"{file} cannot be read", detail=str(error.strerror)) from error
    refuse_size(len(raw), file=file)
    return raw


def decode(raw: bytes, file: str) -> str:
    """UTF-8 text with LF line ends and no byte order mark.

    Raises:
        CheckError: E109, not UTF-8, or a NUL in it.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _undecodable(raw, error.start, file) from error
    if "\0" in text:
        offset = raw.index(0)
        raise CheckError(
            "E109",
            "The file holds a NUL byte",
            where=_place(raw, offset, file),
            detail=f"at byte {offset}",
            next_step="remove it: is this a text file?",
        )
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _undecodable(raw: bytes, offset: int, file: str) -> CheckError:
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    guess = "UTF-16" if utf16 else "windows-1252"
    return CheckError(
        "E109",
        "The file is not UTF-8",
        where=_place(raw, offset, file),
        detail=f"byte 0x{raw[offset]:02X} at offset {offset} begins no character",
        next_step=f"save it as UTF-8, perhaps: iconv -f {guess} -t utf-8 {file}",
    )


def _place(raw: bytes, offset: int, file: str) -> str:
    line = raw.count(b"\n", 0, offset) + 1
    return f"{file}:{line}"
