"""Long lines on a terminal: broken at words, with an indent; elsewhere they stay whole."""

from __future__ import annotations

import shutil
import sys
import textwrap


def wrapped(line: str, indent: int) -> str:
    """A line of stdout as a person reads it: as wide as the terminal, whole in a pipe or a file."""
    if not sys.stdout.isatty():
        return line
    return folded(line, shutil.get_terminal_size().columns, indent)


def folded(line: str, width: int, indent: int) -> str:
    """A line broken at spaces; addresses, options and URLs stay in one piece (interface §2.1)."""
    return textwrap.fill(
        line,
        max(width, 2 * indent),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
