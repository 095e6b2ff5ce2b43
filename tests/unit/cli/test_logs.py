"""Logs: one event per line, no token, no address in clear unless asked for (interface §1.3)."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from mailer.cli.context import App
from mailer.cli.logs import Discreet, JsonLines, begin_log
from tests.samples.messages import compose

if TYPE_CHECKING:
    from tests.samples.newsletter import News

log = logging.getLogger("mailer")


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Let no handler of another test mask a record first; leave the logger as it was."""
    before = list(log.handlers), log.level
    log.handlers = []
    yield
    log.handlers, log.level = before[0], before[1]


def app(news: News, *, verbose: int = 0, quiet: bool = False) -> App:
    return App(
        folder=news.folder,
        config_file=None,
        as_json=False,
        quiet=quiet,
        verbose=verbose,
        no_input=True,
    )


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_elsewhere_than_on_a_terminal_each_event_is_a_json_object(
    peopled: News, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_log(app(peopled))
    log.info("m%d is sent", 42)
    log.warning('said "no"\nand more')
    first, second = logged(capsys)
    assert ("info", "m42 is sent") == (first["level"], first["message"])
    assert 'said "no"\nand more' == second["message"]
    assert first["at"].endswith("+00:00")


def test_quiet_logs_only_trouble(peopled: News, capsys: pytest.CaptureFixture[str]) -> None:
    begin_log(app(peopled, quiet=True))
    log.info("m42 is sent")
    log.warning("trouble")
    assert ["trouble"] == [one["message"] for one in logged(capsys)]


def test_addresses_are_hashed_as_the_ledger_knows_them(
    peopled: News, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_log(app(peopled))
    log.warning("RCPT TO: 550 5.1.1 <%s>: no such user, Ann@Example.org.", "ann@example.org")
    with peopled.ledger() as ledger:
        key = ledger.address_key("ann@example.org").hex()[:8]
    (event,) = logged(capsys)
    assert f"RCPT TO: 550 5.1.1 <#{key}>: no such user, #{key}." == event["message"]


def test_addresses_stand_in_clear_where_that_was_asked_for(
    peopled: News, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_log(app(peopled, verbose=1))
    log.warning("550 <ann@example.org>")
    assert ["550 <ann@example.org>"] == [one["message"] for one in logged(capsys)]


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_tokens_are_always_masked(
    peopled: News, capsys: pytest.CaptureFixture[str], verbose: int
) -> None:
    """X-10: whoever reads a log must not be able to forge a bounce."""
    begin_log(app(peopled, verbose=verbose))
    sender = compose().mail_from
    token = sender.partition("@")[0].removeprefix("b-")
    log.warning("MAIL FROM: 451 <%s> later, %s", sender, sender.upper())
    (event,) = logged(capsys)
    assert token not in event["message"].lower()
    assert "<b-•••@bounces.example.org>" in event["message"]


def test_a_terminal_gets_a_line_with_the_time(
    peopled: News, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    begin_log(app(peopled))
    log.info("m42 is sent")
    assert capsys.readouterr().err.rstrip().endswith(" m42 is sent")


def test_what_looks_like_no_address_is_left_alone() -> None:
    record = logging.LogRecord("mailer", 20, "", 0, "a @ b, x@y and smtp://host:25", (), None)
    assert Discreet(lambda _: "#").filter(record)
    assert "a @ b, x@y and smtp://host:25" == record.getMessage()
    assert json.loads(JsonLines().format(record))["message"] == record.getMessage()
