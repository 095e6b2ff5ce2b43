"""Findings on a terminal, for programs, and as annotations of a pull request."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

from wcwidth import wcswidth

from mailer.model import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailer.model import Finding

MARKS: Final = {Level.ERROR: "✖", Level.WARNING: "▲", Level.INFO: "ℹ"}
_COMMANDS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_WIDEST: Final = 120
_STEP: Final = "→ "
_INDENT: Final = 15


def blocks(findings: Iterable[Finding], *, file: str = "") -> Iterator[str]:
    """The findings of each file below its name; those of `file` first, without its name."""
    by_file: dict[str, list[Finding]] = {file: []}
    for one in findings:
        by_file.setdefault(one.file or file, []).append(one)
    for name, some in by_file.items():
        if name != file:
            yield f" {name}"
        yield from lines(some)


def lines(findings: list[Finding]) -> Iterator[str]:
    """Each finding on a line, its next step behind it where the terminal is wide enough."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    said = [_said(one) for one in findings]
    steps = ["" if one.ignored or not one.next_step else _STEP + one.next_step for one in findings]
    fits = [
        step and _columns(text) + 2 + _columns(step) <= width
        for text, step in zip(said, steps, strict=True)
    ]
    most = max((_columns(text) for text, fit in zip(said, fits, strict=True) if fit), default=0)
    for text, step, fit in zip(said, steps, fits, strict=True):
        gap = " " * max(most - _columns(text) + 2, 2)
        if step and fit and _columns(text) + len(gap) + _columns(step) <= width:
            yield text + gap + step
            continue
        yield text
        if step:
            yield " " * _INDENT + step


def _said(one: Finding) -> str:
    line = str(one.line or "")
    ignored = f"  (ignored: {one.ignored})" if one.ignored else ""
    return f"{line:>5}  {MARKS[one.level]} {one.id}  {one.message}{ignored}"


def _columns(text: str) -> int:
    return max(wcswidth(text), 0) or len(text)


def as_data(one: Finding) -> dict[str, Any]:
    """One finding for programs, in every schema alike."""
    return {
        "id": one.id,
        "level": one.level,
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "message": one.message,
        "next": one.next_step,
        "ignored": one.ignored,
    }


def annotation(one: Finding, *, prefix: str = "") -> str:
    """A workflow command that GitHub shows at the line of the file.

    Args:
        one: what was found.
        prefix: the newsletter's folder in the repository, with a slash at its end; or empty.
    """
    places = {
        "file": prefix + one.file if one.file else "",
        "line": str(one.line or ""),
        "col": str(one.column or ""),
        "title": one.id,
    }
    shown = ",".join(f"{name}={_property(value)}" for name, value in places.items() if value)
    step = f"\n{_STEP}{one.next_step}" if one.next_step and not one.ignored else ""
    ignored = f" (ignored: {one.ignored})" if one.ignored else ""
    return f"::{_COMMANDS[one.level]} {shown}::{_text(one.message + ignored + step)}"


def _text(value: str) -> str:
    """What would end a command, or begin another one, is encoded."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _text(value).replace(":", "%3A").replace(",", "%2C")
