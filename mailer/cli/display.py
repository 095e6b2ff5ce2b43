"""What people see while a mailing runs: a picture on a terminal, a line every 10 s elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from wcwidth import wcswidth, wcwidth

from mailer.cli.account import as_data
from mailer.cli.reckoning import carriers, end, end_text
from mailer.cli.scene import as_data as scene_data
from mailer.cli.scene import lines as surroundings
from mailer.model import MailingState
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailer.cli.context import App
    from mailer.cli.reckoning import End
    from mailer.cli.scene import Scene
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
        schema: of the events.
        at_once: the first line does not wait for 10 s to pass.
    """

    def __init__(
        self,
        app: App,
        *,
        keys: str,
        schema: str = "mailer.send/1",
        at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._keys = keys
        self._schema = schema
        self._clock = clock
        self._picture = is_terminal() and not app.quiet and not app.as_json
        self._seen: deque[tuple[float, int]] = deque()
        self._said = clock() - (LINE if at_once else 0.0)
        self._height = 0
        self.pause = PICTURE if self._picture else LOOK

    def show(self, one: Overview, scene: Scene, *, last: bool = False) -> None:
        """Show how far it is, if it is time to; the last picture is always shown."""
        moment = self._clock()
        self._seen.append((moment, one.settled))
        while moment - self._seen[0][0] > WINDOW:
            self._seen.popleft()
        if self._picture:
            self._draw(one, scene)
        elif not last and moment - self._said >= LINE:
            self._said = moment
            self._say(one, scene)

    def clear(self) -> None:
        """Take the picture away: what is said next stands in its place, the next one below."""
        if self._height:
            click.echo(f"\x1b[{self._height}F\x1b[J", err=True, nl=False, color=True)
            self._height = 0

    def _draw(self, one: Overview, scene: Scene) -> None:
        width = shutil.get_terminal_size().columns
        lines = [fitted(line, width) for line in self._lines(one, scene, width)]
        up = f"\x1b[{self._height}F" if self._height else ""
        # What is left of a higher picture is wiped, too.
        text = up + "\n".join(f"\x1b[2K{line}" for line in lines) + "\x1b[J"
        click.echo(text, err=True, color=True)
        self._height = len(lines)

    def _say(self, one: Overview, scene: Scene) -> None:
        if not self._app.as_json:
            self._app.say(f"{one.name} {_progress(one)}{self._pace(one, scene)}  {_counts(one)}")
            return
        rate, ends = self._rate(), self._end(one, scene)
        pace = {
            "rate": None if rate is None else round(rate, 1),
            "ends_in": None if ends is None else round(ends.seconds or 0),
            "limit": ends.limit if ends else "",
        }
        data = {"type": "progress", "mailing": as_data(one), **pace, **scene_data(scene)}
        self._app.emit(self._schema, data, "")

    def _lines(self, one: Overview, scene: Scene, width: int) -> list[str]:
        waiting = one.counts["queued"] + one.counts["claimed"]
        keys = f"   {self._keys}"
        held = f", {one.held:,} held" if one.held else ""
        processes = f" · {scene.processes} processes" if scene.processes > 1 else ""
        reason = f": {one.reason}" if one.reason else ""
        return [
            fitted(f" {one.name} {one.subject} → {one.list}", width - len(keys)) + keys,
            f" {_bar(one)}  {_progress(one)}{self._pace(one, scene)}",
            f" {_counts(one)}",
            f" queued {waiting:,} ({one.deferred:,} deferred{held}){processes}",
            f" {one.state}{reason}",
            *(f" {line}" for line in surroundings(one, scene)),
        ]

    def _rate(self) -> float | None:
        """Messages per second by the last minute; None until it is known."""
        (since, before), (moment, after) = self._seen[0], self._seen[-1]
        if moment - since < 1 or after <= before:
            return None
        return (after - before) / (moment - since)

    def _end(self, one: Overview, scene: Scene) -> End | None:
        """When it ends by that rate and by the quotas; None until it is known."""
        rate = self._rate()
        if rate is None or one.state is not MailingState.SENDING:
            return None
        left = one.recipients - one.settled - one.held
        return end(left, carriers(scene.ways, one.list), measured=rate) if scene.ways else None

    def _pace(self, one: Overview, scene: Scene) -> str:
        """Rate and end; empty until they are known."""
        rate, ends = self._rate(), self._end(one, scene)
        if rate is None or ends is None or ends.seconds is None:
            return ""
        left = timedelta(seconds=round(ends.seconds))
        limit = f", {ends.limit}" if ends.limit else ""
        return f"  {rate:,.1f}/s  left {left}  ends {_at(ends.seconds)}{limit}"


def _at(seconds: float) -> str:
    return end_text(seconds, now=now(), zone=None)


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
