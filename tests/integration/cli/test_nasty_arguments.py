"""Whatever is typed: an exit code of the table and an error of our shape (interface §2.6, §2.7)."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.samples.newsletter import MAILER

if TYPE_CHECKING:
    from tests.samples.newsletter import News

NASTY = (
    "",
    " ",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "issues",
    "mailer.toml",
    "m0",
    "m99999999999999999999999999",
    "%s%n",
    "'; DROP TABLE mailing; --",
    "[a-z]*",
    "💥\u202e\u2028",
    "\x1b[31mred",
    "a" * 5000,
    "@" * 300,
    "\udcff\udcfe",
)
VERBS = (
    ("send", "{}"),
    ("send", "{}", "--dry-run"),
    ("send", "winter", "--list", "{}"),
    ("send", "winter", "--at", "{}"),
    ("send", "winter", "--to", "{}"),
    ("send", "winter", "--expect", "{}"),
    ("render", "{}"),
    ("render", "winter", "--list", "{}"),
    ("status", "{}"),
    ("trace", "{}"),
    ("pause", "{}"),
    ("resume", "{}"),
    ("cancel", "{}"),
    ("retry", "{}", "--failed"),
    ("bounces", "list", "--mailing", "{}"),
    ("bounces", "show", "{}"),
    ("bounces", "{}"),
    ("db", "{}"),
)
CODES = {0, 1, 2, 3, 4, 6, 7, 9}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_argument_brings_out_a_traceback(peopled: News, verb: tuple[str, ...]) -> None:
    peopled.relay(1)
    for nasty in NASTY:
        done = peopled.run(*(part.replace("{}", nasty) for part in verb))
        assert done.code in CODES, (nasty, done)
        assert "Traceback" not in done.err, (nasty, done)
        assert "E000" not in done.err, (nasty, done)
        if done.code:
            assert done.err.lstrip("▲").lstrip().startswith("✖ E") or "\n✖ E" in done.err, done


@pytest.mark.parametrize("verb", ["send", "status", "render", "trace", "pause"])
def test_octets_that_are_no_text_are_shown_as_something(peopled: News, verb: str) -> None:
    """A terminal of another encoding: stderr must be able to carry what it quotes."""
    done = subprocess.run(
        [*map(os.fsencode, MAILER), b"-C", os.fsencode(peopled.folder), verb.encode(), b"\xff\xfe"],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C"},
        check=False,
    )
    assert done.returncode in CODES - {0, 1}, done
    assert b"Traceback" not in done.stderr
