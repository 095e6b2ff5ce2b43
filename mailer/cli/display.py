"""What people see while a mailing runs: a picture on a terminal, a line every 10 s elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click
from wcwidth import wcswidth, wcwidth

from mailer.cli.status import as_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.cli.context import App
    from mailer.ledger.overview import Overview

PICTURE = 0.25  # seconds between two pictures on a terminal
LOOK = 1.0  # seconds between two looks elsewhere
LINE = 10.0  # seconds between two lines there
BAR = 24
WINDOW = 60.0  # seconds over which the rate is taken


class Display:
    """Shows one mailing as it goes on: on stderr for people, with `--json` on stdout as events.

    Args:
        keys: what the terminal's keys do, for the first line of the picture.
    """

    def __init__(self, app: App, *, keys: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._keys = keys
        self._clock = clock
        self._picture = is_terminal() and not app.quiet and not app.as_json
        self._seen: deque[tuple[float, int]] = deque()
        self._said = clock()
        self._height = 0
        self.pause = PICTURE if self._picture else LOOK

    def show(self, one: Overview, *, last: bool = False) -> None:
        """Show how far it is, if it is time to; the last picture is always shown."""
        moment = self._clock()
        self._seen.append((moment, one.settled))
        while moment - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        if self._picture:
            self._draw(one)
        elif not last and moment - self._said >= LINE:
            self._said = moment
            self._say(one)

    def _draw(self, one: Overview) -> None:
        width = shutil.get_terminal_size().columns
        lines = [fitted(line, width) for line in self._lines(one, width)]
        up = f"\x1b[{self._height}F" if self._height else ""
        click.echo(up + "\n".join(f"\x1b[2K{line}" for line in lines), err=True, color=True)
        self._height = len(lines)

    def _say(self, one: Overview) -> None:
        if self._app.as_json:
            self._app.emit("mailer.send/1", {"type": "progress", "mailing": as_data(one)}, "")
        else:
            self._app.say(f"{one.name} {_progress(one)}{self._pace(one)}  {_counts(one)}")

    def _lines(self, one: Overview, width: int) -> list[str]:
        waiting = one.counts["queued"] + one.counts["claimed"]
        keys = f"   {self._keys}"
        return [
            fitted(f" {one.name} {one.subject} → {one.list}", width - len(keys)) + keys,
            f" {_bar(one)}  {_progress(one)}{self._pace(one)}",
            f" {_counts(one)}",
            f" {one.state} · queued {waiting:,} ({one.deferred:,} deferred)",
        ]

    def _pace(self, one: Overview) -> str:
        """Rate and end by the last minute; empty until they are known."""
        (since, before), (moment, after) = self._seen[0], self._seen[-1]
        if moment - since < 1 or after <= before:
            return ""
        rate = (after - before) / (moment - since)
        left = timedelta(seconds=round((one.recipients - one.settled) / rate))
        ends = datetime.now().astimezone() + left
        return f"  {rate:,.1f}/s  left {left}  ends {ends:%H:%M}"


def is_terminal() -> bool:
    """Whether a picture can be drawn (interface §2.1)."""
    plain = any(os.environ.get(name) for name in ("CI", "NO_COLOR"))
    return sys.stderr.isatty() and not plain and os.environ.get("TERM") != "dumb"


def fitted(line: str, width: int) -> str:
    """As much of a line as fits a terminal, wide characters counted as two columns."""
    if wcswidth(line) <= width:
        return line
    if width < 1:
        return ""
    shown, used = [], 1
    for character in line:
        used += max(wcwidth(character), 0)
        if used > width:
            break
        shown.append(character)
    return "".join(shown) + "…"


def _bar(one: Overview) -> str:
    done = round(BAR * one.settled / one.recipients) if one.recipients else BAR
    return "━" * done + "─" * (BAR - done)


def _progress(one: Overview) -> str:
    percent = 100 * one.settled // one.recipients if one.recipients else 100
    return f"{one.settled:,}/{one.recipients:,}  {percent} %"


def _counts(one: Overview) -> str:
    shown = ("accepted", "rejected", "cancelled", "in_doubt")
    return " · ".join(f"{name.replace('_', ' ')} {one.counts[name]:,}" for name in shown)
