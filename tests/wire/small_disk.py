"""A file system of a few pages, to be full for real; only root may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOUNT, _UMOUNT = shutil.which("mount"), shutil.which("umount")


@contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Path]:
    """A folder that holds no more than `size`, such as "64k"; skips the test without root."""
    if os.geteuid() != 0 or _MOUNT is None or _UMOUNT is None:
        pytest.skip("only root may mount a small file system")
    folder.mkdir()
    tmpfs = [_MOUNT, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    if subprocess.run(tmpfs, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run([_UMOUNT, "-l", str(folder)], check=True)


def grow(folder: Path, *, size: str) -> None:
    """Give a small disk more room."""
    assert _MOUNT is not None
    subprocess.run([_MOUNT, "-o", f"remount,size={size}", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on a small disk; unlink the file to make room again."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    return path
