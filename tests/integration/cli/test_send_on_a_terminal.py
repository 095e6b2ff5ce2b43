"""What a person sees and types who sends from a terminal (interface §2.1, §2.3, §2.5)."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest
from wcwidth import wcswidth

from mailer.model import MailingState
from tests.samples.newsletter import ISSUE, MAILER, News
from tests.wire.fault_server import Act, FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = 80
MANY = 120


@pytest.fixture
def crowd(news: News) -> News:
    """A newsletter for 120 people, with a subject that is wide."""
    news.people(*(f"person{n}@d{n % 7}.test" for n in range(MANY)))
    news.issue(ISSUE.replace("Winter opening hours", "冬の営業時間のお知らせ" * 3))
    return news


@pytest.fixture
def relay(crowd: News) -> Iterator[FaultServer]:
    """A relay that takes some seconds for everybody."""
    with FaultServer({"dot": itertools.repeat(Act(after=0.04))}) as server:
        crowd.relay(server.port)
        yield server


class Terminal:
    """A program on a terminal of 80 columns, and what stands on its screen."""

    def __init__(self, news: News, *arguments: str, **environ: str) -> None:
        self._screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        plain = {name: text for name, text in os.environ.items() if name not in ("CI", "NO_COLOR")}
        self.process = subprocess.Popen(
            [*MAILER, "-C", str(news.folder), *arguments],
            env={**plain, **news.environ, "TERM": "xterm", **environ},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  no threads
        )
        os.close(inside)
        self.seen = ""

    def see(self, text: str, *, seconds: float = 90) -> None:
        """Wait until this stands there."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            self._read(0.1)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    def end(self, *, pressing: str = "") -> int:
        """Everything up to the end, and the exit code.

        `pressing` is pressed, and again after each second of silence, as a person would: Python
        takes note of a Ctrl-C in the instant before it waits for a line only at the next key.
        """
        end = time.monotonic() + 90
        if pressing:
            self.type(pressing)
        before = self.seen
        while self._read(1.0):
            assert time.monotonic() < end, self.seen
            if pressing and self.seen == before and self.process.poll() is None:
                self.type(pressing)
            before = self.seen
        os.close(self._screen)
        return self.process.wait(90)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._screen], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self._screen, 65_536)
        except OSError:  # Linux says EIO when the other side has gone
            return False
        self.seen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)


def pictures(seen: str) -> list[list[str]]:
    """The pictures that were drawn one over the other, as lines."""
    first, *later = re.split(r"\x1b\[\d+F", seen)
    drawn = ["\x1b[2K" + first.split("\x1b[2K", 1)[1], *later]
    return [[line for line in one.split("\n") if "\x1b[2K" in line] for one in drawn]


def test_a_person_types_the_number_and_watches_it_go(crowd: News, relay: FaultServer) -> None:
    """The first mailing to a list, from 11 people on."""
    terminal = Terminal(crowd, "send", "winter")
    terminal.see("Type 120 to send: ")
    assert "▲ this is the first mailing to this list\n" in terminal.seen
    assert [] == relay.connections
    terminal.type("120\n")
    assert 0 == terminal.end(), terminal.seen
    drawn = pictures(terminal.seen)
    assert len(drawn) > 3
    assert {6} == {len(lines) for lines in drawn}
    plain = [re.sub(r"\x1b\[(2K|J)", "", line) for lines in drawn for line in lines]
    assert all(wcswidth(line) <= COLUMNS for line in plain)
    assert "120/120  100 %" in drawn[-1][1]
    assert any(re.search(r"/s  left \d:\d\d:\d\d  ends \d\d:\d\d", line) for line in plain)
    assert f"m1 sent: {MANY} accepted · 0 rejected" in terminal.seen.rsplit("\x1b[2K", 1)[1]


@pytest.mark.parametrize("typed", ["\n", "y\n", "12\n", "n\n"])
def test_anything_else_sends_nothing(crowd: News, relay: FaultServer, typed: str) -> None:
    terminal = Terminal(crowd, "send", "winter")
    terminal.see("Type 120 to send: ")
    terminal.type(typed)
    assert 7 == terminal.end()
    assert "✖ E702 Not confirmed; nothing was sent" in terminal.seen
    assert ([], []) == (crowd.mailings(), relay.connections)


def test_ctrl_c_at_the_question_sends_nothing(crowd: News, relay: FaultServer) -> None:
    terminal = Terminal(crowd, "send", "winter")
    terminal.see("Type 120 to send: ")
    assert 130 == terminal.end(pressing="\x03")
    assert "Traceback" not in terminal.seen
    assert ([], []) == (crowd.mailings(), relay.connections)


def test_ctrl_c_drains_and_says_what_is_left(crowd: News, relay: FaultServer) -> None:
    """Interface §2.1."""
    terminal = Terminal(crowd, "send", "winter", "--yes")
    terminal.see("^C drains")
    while len(relay.messages) < 10:
        time.sleep(0.01)
    terminal.type("\x03")
    assert 6 == terminal.end(), terminal.seen
    assert " left: mailer run or mailer send --due" in terminal.seen
    (seen,) = crowd.mailings()
    assert (MailingState.SENDING, 0, len(relay.messages)) == (
        seen.state,
        seen.ever_in_doubt,
        seen.counts["accepted"],
    )


@pytest.mark.parametrize(
    ("flags", "environ"),
    [(("-q",), {}), (("--json",), {}), ((), {"NO_COLOR": "1"}), ((), {"CI": "true"})],
)
def test_no_picture_where_none_is_wanted(
    crowd: News, relay: FaultServer, flags: tuple[str, ...], environ: dict[str, str]
) -> None:
    terminal = Terminal(crowd, "send", "winter", "--yes", *flags, **environ)
    assert 0 == terminal.end(), terminal.seen
    assert "\x1b[" not in terminal.seen
    assert MANY == len(relay.messages)
    assert ("will receive" not in terminal.seen) == ("-q" in flags)
