"""The live display: a picture that fits a terminal, a line every 10 s elsewhere (§2.1, §2.5)."""

from __future__ import annotations

import dataclasses
import io
import json
import sys

import pytest
from wcwidth import wcswidth

from mailer.cli import display
from mailer.cli.context import App
from mailer.cli.display import Display, fitted, is_terminal
from mailer.ledger.overview import Overview
from mailer.model import Instant, MailingId, MailingState

ZERO = dict.fromkeys(
    ("queued", "claimed", "sending", "accepted", "rejected", "in_doubt", "cancelled"), 0
)


def seen(accepted: int, *, recipients: int = 40_112, subject: str = "Winter") -> Overview:
    return Overview(
        id=MailingId(42),
        issue="winter",
        list="weekly",
        subject=subject,
        state=MailingState.SENDING,
        reason="",
        recipients=recipients,
        counts={**ZERO, "accepted": accepted, "queued": recipients - accepted},
        resent=0,
        ever_in_doubt=0,
        bounced=0,
        deferred=41,
        next_try_at=None,
        due_at=Instant(0),
        zone="UTC",
        started_at=Instant(0),
        finished_at=None,
    )


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr one of 60 columns."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    return stream


def app(*, as_json: bool = False, quiet: bool = False) -> App:
    return App(
        folder=None,
        config_file=None,
        as_json=as_json,
        quiet=quiet,
        verbose=0,
        no_input=True,
    )


class Clock:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.seconds


def follow(shown: Display, clock: Clock, *steps: tuple[float, Overview]) -> None:
    for seconds, one in steps:
        clock.seconds = seconds
        shown.show(one)


def test_on_a_terminal_the_picture_is_drawn_over_itself_and_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    clock = Clock()
    shown = Display(app(), keys="^C drains", clock=clock)
    follow(shown, clock, (0, seen(0)), (10, seen(139, subject="冬の営業時間のお知らせ" * 9)))
    first, second = screen.getvalue().split("\x1b[4F")
    assert 4 == first.count("\x1b[2K") == second.count("\x1b[2K")
    lines = screen.getvalue().replace("\x1b[4F", "").replace("\x1b[2K", "").splitlines()
    assert all(wcswidth(line) <= 60 for line in lines)
    assert "139/40,112" in second
    assert "…   ^C drains" in second  # a long subject does not hide what the keys do
    assert "13.9/s" in second


def test_rate_and_end_are_of_the_last_minute_and_empty_until_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interface §2.5: the end is reckoned from the last 60 s."""
    screen = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "100")
    clock = Clock()
    shown = Display(app(), keys="", clock=clock)
    follow(shown, clock, (0, seen(0)))
    assert "left" not in screen.getvalue()
    follow(shown, clock, (100, seen(100)), (130, seen(40)), (160, seen(400)))
    assert "5.0/s  left 2:12:22  ends" in screen.getvalue().split("\x1b[4F")[-1]


@pytest.mark.parametrize(("name", "value"), [("CI", "1"), ("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_picture_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    screen = terminal(monkeypatch)
    assert is_terminal()
    monkeypatch.setenv(name, value)
    assert not is_terminal()
    Display(app(), keys="").show(seen(5))
    assert "" == screen.getvalue()


def lines(capsys: pytest.CaptureFixture[str], options: App) -> tuple[list[str], list[str]]:
    clock = Clock()
    shown = Display(options, keys="", clock=clock)
    follow(shown, clock, *((second / 4, seen(second * 10)) for second in range(4 * 35)))
    shown.show(seen(40_112), last=True)
    printed = capsys.readouterr()
    return printed.out.splitlines(), printed.err.splitlines()


def test_elsewhere_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = lines(capsys, app())
    assert [] == out
    assert 3 == len(err)
    assert err[0].startswith("m42 400/40,112  0 %  40.0/s")


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ([], []) == lines(capsys, app(quiet=True))


def test_json_is_an_event_per_line_on_stdout_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Interface §2.1: long runs print one event per line."""
    out, err = lines(capsys, app(as_json=True))
    assert [] == err
    events = [json.loads(line) for line in out]
    assert ["progress"] * 3 == [event["type"] for event in events]
    assert {"mailer.send/1"} == {event["schema"] for event in events}
    assert 400 == events[0]["mailing"]["counts"]["accepted"]


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("a bit too long", 10, "a bit too…"),
        ("冬の営業時間", 7, "冬の営…"),
        ("e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…"),
        ("", 5, ""),
        ("narrow", 0, ""),
        ("narrow", -7, ""),
    ],
)
def test_a_line_is_cut_to_the_columns_that_there_are(line: str, width: int, shown: str) -> None:
    assert shown == fitted(line, width)
    assert wcswidth(fitted(line, width)) <= max(width, 0)


def test_a_mailing_of_nobody_is_complete() -> None:
    nobody = dataclasses.replace(seen(0, recipients=1), recipients=0, counts=ZERO)
    assert "0/0  100 %" == display._progress(nobody)
    assert display.BAR == display._bar(nobody).count("━")
