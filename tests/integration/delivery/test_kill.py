"""kill -9 at random moments of a mailing, then the same command again (case 41, S-41)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mailer.ledger import open_ledger
from mailer.ledger.lines import Kind
from tests.wire.sink import Sink

RECIPIENTS = 10_000
KILLS = 20
CONNECTIONS = 10


def mailer(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "mailer", "-C", str(folder), *arguments]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A newsletter with 10,000 confirmed subscribers."""
    made = tmp_path / "news"
    subprocess.run(mailer(tmp_path, "init", str(made), "--no-input"), check=True)
    people = "\n".join(f"person{number}@d{number % 50}.test" for number in range(RECIPIENTS))
    (made / "subscribers" / "weekly.csv").write_text(f"email\n{people}\n")
    subprocess.run(mailer(made, "subscribers", "import"), check=True)
    return made


def status(folder: Path) -> dict[str, Any]:
    done = subprocess.run(mailer(folder, "status", "--json"), check=True, capture_output=True)
    mailings: list[dict[str, Any]] = json.loads(done.stdout)["mailings"]
    if not mailings:
        return {"state": "none", "ever_in_doubt": 0, "recipients": 0, "counts": {}}
    (found,) = mailings
    assert found["recipients"] == sum(found["counts"].values())
    return found


def told(folder: Path) -> set[bytes]:
    """Whom the journal knows to have the issue, or perhaps to have it (decisions 10)."""
    ledger = open_ledger(f"sqlite:{folder / 'subscribers' / 'mailer.db'}")
    kinds = (Kind.ACCEPTED, Kind.IN_DOUBT)
    found = {line.key for line in ledger.journal.lines(after=0) if line.kind in kinds}
    ledger.close()
    return found


def test_kill_9_loses_nobody_and_doubts_at_most_the_open_connections(folder: Path) -> None:
    """Everyone gets it; what is newly in doubt after a kill ≤ connections; duplicates ≤ doubt."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chosen = random.Random(seed)
    moments = sorted(chosen.sample(range(1, RECIPIENTS - CONNECTIONS), KILLS))
    command = mailer(folder, "send", "welcome", "--yes", "--expect", str(RECIPIENTS))
    with Sink(pause=0.01) as sink:
        environment = {
            **os.environ,
            "MAILER_RELAY_URL": f"smtp://127.0.0.1:{sink.port}",
            "MAILER_RELAY_CONNECTIONS": str(CONNECTIONS),
        }
        doubt = 0
        for moment in moments:
            sending = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            while sink.total < moment and sending.poll() is None:
                time.sleep(chosen.uniform(0, 0.004))
            sending.send_signal(signal.SIGKILL)
            sending.wait()
            # The next command recovers; what was in doubt before is in `ever_in_doubt` by then.
            left = status(folder)
            assert left["counts"]["sending"] <= CONNECTIONS
            assert left["ever_in_doubt"] - doubt <= CONNECTIONS
            doubt = left["ever_in_doubt"]
        finished = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)
    final = status(folder)
    assert (0, "sent", RECIPIENTS) == (
        finished.returncode,
        final["state"],
        final["counts"]["accepted"] + final["counts"]["in_doubt"],
    )
    assert final["ever_in_doubt"] - doubt <= CONNECTIONS
    assert RECIPIENTS == len(sink.taken)
    assert RECIPIENTS == len(told(folder))
    assert sink.total - RECIPIENTS <= final["ever_in_doubt"]
