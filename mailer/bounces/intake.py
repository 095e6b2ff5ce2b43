"""Taking a report in from a pipe, without ever holding more than is read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailer.bounces.parts import OCTETS_MAX

if TYPE_CHECKING:
    from typing import BinaryIO

_CHUNK = 65_536


def read_report(stream: BinaryIO) -> bytes:
    """The first megabyte of a mail (B-6, X-17).

    The rest is read and dropped: a mail server that cannot finish writing would deliver again.
    """
    kept = bytearray()
    while chunk := stream.read(_CHUNK):
        kept += chunk[: OCTETS_MAX - len(kept)]
    return bytes(kept)
