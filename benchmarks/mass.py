"""A list of a million: how fast it is imported and frozen, and the memory that it takes.

Usage: python benchmarks/mass.py [PEOPLE]

Each step is a process of its own (`steps.py`), so that its peak is its own.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import send, sinks
from mailer.ledger import open_ledger

HERE = Path(__file__).parent
MILLION = 1_000_000
FEW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mass:
    """What a list of so many took; memory is the peak of a process in MB."""

    import_rate: float
    import_peak: float
    freeze_seconds: float
    freeze_peak: float
    send_peak: float

    def __str__(self) -> str:
        return (
            f"import {self.import_rate:,.0f} rows/s in {self.import_peak:.0f} MB; "
            f"freeze {self.freeze_seconds:.1f} s in {self.freeze_peak:.0f} MB; "
            f"send in {self.send_peak:.0f} MB"
        )


def measure(people: int) -> Mass:
    """Import so many, freeze a mailing for them, and begin to send it."""
    with tempfile.TemporaryDirectory() as name, sinks.own() as port:
        folder = Path(name)
        send.configured(folder, port, connections=10, processes=1, dkim=False)
        _write(folder / "weekly.csv", people)
        (folder / "secret").write_text(send.SECRET)
        (folder / "plan").write_bytes(pickle.dumps(send.plan_of(None)))
        open_ledger(f"sqlite:{folder / 'mailer.db'}").close()  # migrations load another 8 MB, once
        took, import_peak = _step("import", folder)
        frozen, freeze_peak = _step("freeze", folder)
        _, send_peak = _step("send", folder)
    return Mass(
        import_rate=people / took,
        import_peak=import_peak,
        freeze_seconds=frozen,
        freeze_peak=freeze_peak,
        send_peak=send_peak,
    )


def _write(file: Path, people: int) -> None:
    """Of a hundred lines two are no address, and two name somebody for the second time."""
    with file.open("w", encoding="utf-8") as out:
        out.write("email,name\n")
        for number in range(people):
            who = number - 2 if number % 50 == 1 else number
            address = f"person{who}@d{who % 500}.test"
            out.write(f"{'no address' if number % 50 == 0 else address},Person {who}\n")


def _step(name: str, folder: Path) -> tuple[float, float]:
    command = [sys.executable, str(HERE / "steps.py"), name, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    took, peak = json.loads(done.stdout.splitlines()[-1])
    return float(took), float(peak)


def main() -> None:
    """Print the figures."""
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else MILLION))


if __name__ == "__main__":
    main()
