"""Peak memory of sending does not grow with the list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.wire.memory import PEAK_MEGABYTES
from tests.wire.sink import Sink

# Runs the command line in this process and says how much memory it took at most.
MEASURED = f"""
import sys
from mailer.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
print({PEAK_MEGABYTES})
"""


def peak_of_sending(folder: Path, recipients: int) -> int:
    """Peak memory in MB of one `mailer send` to so many."""
    subprocess.run([sys.executable, "-m", "mailer", "init", str(folder), "--no-input"], check=True)
    people = "\n".join(f"person{number}@d{number % 50}.test" for number in range(recipients))
    (folder / "subscribers" / "weekly.csv").write_text(f"email\n{people}\n")
    base = [sys.executable, "-m", "mailer", "-C", str(folder)]
    subprocess.run([*base, "subscribers", "import"], check=True)
    with Sink() as sink:
        command = ["-C", str(folder), "-q", "send", "welcome", "--yes"]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command, "--expect", str(recipients)],
            env={**os.environ, "MAILER_RELAY_URL": f"smtp://127.0.0.1:{sink.port}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert recipients == len(sink.taken) == sink.total
    return round(float(done.stdout.splitlines()[-1]))


def test_peak_memory_stays_under_150_mb_and_does_not_grow_with_the_list(tmp_path: Path) -> None:
    small = peak_of_sending(tmp_path / "small", 5_000)
    large = peak_of_sending(tmp_path / "large", 100_000)
    assert large < 150, f"{large} MB for 100,000"
    assert large - small < 15, f"{small} MB for 5,000, {large} MB for 100,000"
