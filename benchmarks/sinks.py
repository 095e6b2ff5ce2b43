"""What mail is handed to: Postfix's smtp-sink, and a cheaper sink of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def program(name: str, package: str) -> str:
    """Where a peer's program is, or how to get it."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{SBIN}")
    if found is None:
        sys.exit(f"{name} is missing: install {package}, then run this again")
    return found


@contextlib.contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's sink on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program("smtp-sink", "postfix"), f"127.0.0.1:{port}", "200"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as sink:
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            sink.terminate()


def compiler() -> str | None:
    """A C compiler, without which there is no sink of our own."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@contextlib.contextmanager
def own(*, milliseconds: int = 0) -> Iterator[int]:
    """`sink.c`, compiled, on a free port; each reply takes so long.

    Raises:
        SystemExit: there is no C compiler.
    """
    cc = compiler() or program("cc", "a C compiler")
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "sink"
        subprocess.run([cc, "-O2", "-o", str(binary), str(HERE / "sink.c")], check=True)
        command = [str(binary), "-d", str(milliseconds), "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
            assert sink.stdout is not None
            try:
                yield int(sink.stdout.readline())
            finally:
                sink.terminate()
