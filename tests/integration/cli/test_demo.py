"""`make demo`: the whole path in a folder of its own, again and again, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.samples.pages import ROOT

BIN = Path(sys.executable).parent
SECONDS = 60  # on a machine that does a lot else; alone it takes three


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the demo needs of this repository, without an `.env`."""
    for name in ("mailer.toml", ".ci/demo", "subscribers/weekly.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("issues", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def demo(checkout: Path) -> subprocess.Popen[str]:
    """The demo in a process group of its own, as a shell starts it, with no setting of ours."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    return subprocess.Popen(
        ["bash", ".ci/demo", str(BIN)],
        cwd=checkout,
        env=ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def is_alive(group: int) -> bool:
    """Whether a process of this group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_demo_mails_everybody_twice_over_and_ends(checkout: Path) -> None:
    """The second run is like the first: its ledger and its mails are new."""
    for _ in range(2):
        running = demo(checkout)
        said, _ = running.communicate(timeout=SECONDS)
        assert 0 == running.returncode, said
        assert not is_alive(running.pid)
        assert "8 mails are in out/demo/caught/" in said
        assert 8 == len(list((checkout / "out/demo/caught").glob("*.eml")))
        for call in ("subscribers import", "send welcome --dry-run", "send welcome", "status"):
            assert f"$ mailer {call}" in said


def test_a_demo_that_fails_says_so_and_leaves_nothing_running(checkout: Path) -> None:
    (checkout / "issues/2026-11-24-welcome.md").write_text("---\ndraft: true\n---\nNot yet.\n")
    running = demo(checkout)
    said, _ = running.communicate(timeout=SECONDS)
    assert 0 != running.returncode
    assert "E703" in said
    assert not is_alive(running.pid)


def test_ctrl_c_leaves_nothing_running(checkout: Path) -> None:
    running = demo(checkout)
    ready = checkout / "out/demo/catch.json"
    until = time.monotonic() + SECONDS
    while not (ready.is_file() and ready.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    running.communicate(timeout=SECONDS)
    assert 0 != running.returncode
    assert not is_alive(running.pid)
