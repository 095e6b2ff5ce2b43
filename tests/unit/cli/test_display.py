"""The live display: a picture that fits a terminal, a line every 10 s elsewhere (§2.1, §2.5)."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import re
import sys

import pytest
from wcwidth import wcswidth

from mailer.cli import display
from mailer.cli.context import App
from mailer.cli.display import Display, fitted, is_terminal
from mailer.cli.logs import warnings_above
from mailer.cli.reckoning import Way
from mailer.cli.scene import Scene
from mailer.config import Quota, RelayConfig
from mailer.ledger.metering import Throttle
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


RELAY = RelayConfig(host="smtp.example.org", port=587, security="starttls", connections=6)
SCENE = Scene(at=Instant(0), ways=(Way(relay=RELAY),), processes=1)


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
        shown.show(one, SCENE)


def test_on_a_terminal_the_picture_is_drawn_over_itself_and_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    clock = Clock()
    shown = Display(app(), keys="^C drains", clock=clock)
    follow(shown, clock, (0, seen(0)), (10, seen(139, subject="冬の営業時間のお知らせ" * 9)))
    first, second = screen.getvalue().split("\x1b[6F")
    assert 6 == first.count("\x1b[2K") == second.count("\x1b[2K")
    lines = (
        screen.getvalue()
        .replace("\x1b[6F", "")
        .replace("\x1b[2K", "")
        .replace("\x1b[J", "")
        .splitlines()
    )
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
    assert "5.0/s  left 2:12:22  ends" in screen.getvalue().split("\x1b[6F")[-1]


def test_the_quota_counts_for_the_end_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interface §2.5: "ends Fri 08:00, daily limit"."""
    screen = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    quota = Quota(messages=20_000, seconds=86_400)
    scene = Scene(at=Instant(0), ways=(Way(relay=dataclasses.replace(RELAY, quota=quota)),))
    clock = Clock()
    shown = Display(app(), keys="", clock=clock)
    for clock.seconds, accepted in ((0.0, 0), (10.0, 1000)):
        shown.show(seen(accepted), scene)
    last = screen.getvalue().split("\x1b[6F")[-1]
    assert re.search(r"100\.0/s  left 1 day, 0:0\d:\d\d  ends \w{3} \d\d:\d\d, daily limit", last)


def test_domains_that_are_slowed_or_held_have_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions 16, S-32; a picture that was higher is wiped."""
    screen = terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    at = Instant(1_000_000_000)
    slowed = [
        Throttle("gmail.com", 142_857, Instant(0), "421 4.7.28 slow down", at),
        Throttle("gmx.de", 60_000_000, Instant(at + 5_400_000_000), "421 later", at),
        *(Throttle(f"d{n}.test", 200_000, Instant(0), "", at) for n in range(5)),
    ]
    scene = dataclasses.replace(SCENE, at=at, throttles=tuple(slowed), processes=2)
    held = dataclasses.replace(seen(5), held=7, holds={"web.de": "E314 about us"})
    shown = Display(app(), keys="")
    shown.show(held, scene)
    shown.show(seen(6), SCENE)
    drawn = screen.getvalue()
    for line in (
        " queued 40,107 (41 deferred, 7 held) · 2 processes",
        " web.de held: E314 about us",
        " gmail.com slowed by 421 (7/s)",
        " gmx.de left alone until 01:46 UTC by 421",
        " d0.test slowed by its replies (5/s)",
        " … 2 more domains",
    ):
        assert f"{line}\n" in drawn.replace("\x1b[J", "\n")
    assert "\x1b[13F" in drawn
    assert drawn.endswith(" relay ok · 6 connections\x1b[J\n")


def test_what_is_logged_meanwhile_stands_above_the_next_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture that is drawn over a warning hides it and leaves half of the last one behind."""
    screen = terminal(monkeypatch)
    shown = Display(app(), keys="")
    shown.show(seen(5), SCENE)
    log = logging.getLogger("mailer.delivery")
    with warnings_above(dataclasses.replace(app(), verbose=1), shown.clear):
        log.warning("m42 holds gmail.com")
        log.info("not for the terminal")
    shown.show(seen(6), SCENE)
    _, _, after = screen.getvalue().partition("\x1b[6F\x1b[J")
    assert after.startswith("m42 holds gmail.com\n\x1b[2K m42 Winter")


@pytest.mark.parametrize(("name", "value"), [("CI", "1"), ("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_picture_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    screen = terminal(monkeypatch)
    assert is_terminal()
    monkeypatch.setenv(name, value)
    assert not is_terminal()
    Display(app(), keys="").show(seen(5), SCENE)
    assert "" == screen.getvalue()


def lines(capsys: pytest.CaptureFixture[str], options: App) -> tuple[list[str], list[str]]:
    clock = Clock()
    shown = Display(options, keys="", clock=clock)
    follow(shown, clock, *((second / 4, seen(second * 10)) for second in range(4 * 35)))
    shown.show(seen(40_112), SCENE, last=True)
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
