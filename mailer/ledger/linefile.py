"""A file of lines that several processes add to: each line whole, and on the disk once synced.

Behind the last line there is room, which is empty lines: to sync what is written into it takes two
thirds of the time that it takes for a file that grows (100 against 150 µs on the disk that this was
measured on), and a disk that is full is noticed before a line is cut. Half a line, which a crash
may leave, is ended by the empty line behind it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAST_ROOM, MOST_ROOM = 65_536, 1_048_576
"""Octets by which the file grows at once: as much as it has, within these."""

LONGEST = 4096
"""Octets of a line; what is longer is none of ours and is read in pieces."""

_BLOCK = 65_536
_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class LineFile:
    """The file as one process writes it; closed and opened anew after any error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._end = 0  # nobody has written less than this

    def add(self, data: bytes) -> None:
        """Add whole lines; a crash of this process does not lose them, one of the machine may.

        Raises:
            OSError: they may be there, in part or whole; the same call again does no harm.
        """
        with self._opened() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                self._write(data)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def sync(self) -> None:
        """Have on the disk whatever was added, by anybody.

        Raises:
            OSError: what was added since the last time may be lost: add it again.
        """
        with self._opened() as descriptor:
            _sync(descriptor)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
                self._end = 0
            yield self._descriptor
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        size = os.fstat(self._descriptor).st_size
        end = self._next_end(size)
        if end and os.pread(self._descriptor, 1, end - 1) != b"\n":
            data = b"\n" + data
        if end + len(data) > size:
            self._make_room(size, end + len(data))
        if os.pwrite(self._descriptor, data, end) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._end = end + len(data)

    def _next_end(self, size: int) -> int:
        """Where the lines end now: where they did for us, or behind what others have added."""
        if not 0 < self._end <= size:
            return end_of(self._descriptor, size)
        while (chunk := os.pread(self._descriptor, LONGEST, self._end)) and chunk[:1] != b"\n":
            room = chunk.find(b"\n\n")
            whole = room if room >= 0 else chunk.rfind(b"\n")
            if whole < 0:  # no line of ours
                return end_of(self._descriptor, size)
            self._end += whole + 1
        return self._end

    def _make_room(self, size: int, least: int) -> None:
        """Empty lines up to `least`, and as many more as there is space for."""
        more = min(MOST_ROOM, max(LEAST_ROOM, size))
        for target in (least + more, least):
            done = size
            try:
                while done < target:
                    done += os.pwrite(self._descriptor, b"\n" * min(_BLOCK, target - done), done)
            except OSError:
                if target == least:
                    raise
            else:
                return


def end_of(descriptor: int, size: int) -> int:
    """Where the last line ends that is not empty."""
    while size:
        start = max(0, size - _BLOCK)
        block = os.pread(descriptor, size - start, start)
        kept = block.rstrip(b"\n")
        if kept:
            return start + len(kept) + (len(kept) < len(block))
        size = start
    return 0


def last_lines(path: Path, *, octets: int) -> Iterator[bytes]:
    """The lines within so many octets before the end; the first of them may be a part of one."""
    with path.open("rb") as file:
        end = end_of(file.fileno(), file.seek(0, os.SEEK_END))
        file.seek(max(0, end - octets))
        yield from file.read(min(end, octets)).splitlines(keepends=True)


def all_lines(path: Path) -> Iterator[bytes]:
    """Every line, read one by one."""
    with path.open("rb") as file:
        left = end_of(file.fileno(), file.seek(0, os.SEEK_END))
        file.seek(0)
        while left > 0 and (raw := file.readline(LONGEST)):
            left -= len(raw)
            yield raw
