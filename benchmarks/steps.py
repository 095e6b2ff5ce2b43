"""One step of `mass.py`: prints its seconds and its peak memory in MB.

Usage: python benchmarks/steps.py import|freeze|send FOLDER

It imports no more than the program itself does at that point.
"""

# ruff: noqa: PLC0415  each step loads what it needs

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mailer.config import Config, load_config, require_secret
from mailer.ledger import Ledger, open_ledger
from mailer.when import now

SECONDS = 8.0
"""How long is sent: memory that grows with the list would have grown by then."""


def _import(folder: Path, config: Config, ledger: Ledger) -> None:
    from mailer.ledger import audience, importing

    with ledger.write() as connection:
        audience.define_list(connection, config, config.lists["weekly"], now=now())
    file = folder / "weekly.csv"
    importing.import_csv(ledger, file, list_slug="weekly", operator="bench", now=now())


def _freeze(folder: Path, config: Config, ledger: Ledger) -> None:
    del config
    import pickle

    from mailer.ledger import freezing

    plan = pickle.loads((folder / "plan").read_bytes())  # noqa: S301  written by mass.py
    freezing.freeze(ledger, plan, now=now())


def _send(folder: Path, config: Config, ledger: Ledger) -> None:
    del folder
    import asyncio

    from mailer.compose.links import Keyring
    from mailer.delivery.shift import Shift
    from mailer.ledger import liveness

    async def some() -> None:
        shift = Shift(config, ledger, Keyring(require_secret(config)), holder=holder)
        asyncio.get_running_loop().call_later(SECONDS, shift.on_signal, 15)
        await shift.run()

    with liveness.hold(ledger) as holder:
        asyncio.run(some())


STEPS: dict[str, Callable[[Path, Config, Ledger], None]] = {
    "import": _import,
    "freeze": _freeze,
    "send": _send,
}


def _peak() -> float:
    """The most that this process has had in memory, in MB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def main() -> None:
    """Do the step."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    secret = (folder / "secret").read_text()
    config = load_config(folder, None, environ={"MAILER_SECRET_KEY": secret})
    ledger = open_ledger(config.database_url)
    begun = time.perf_counter()
    STEPS[name](folder, config, ledger)
    print(json.dumps([time.perf_counter() - begun, _peak()]))


if __name__ == "__main__":
    main()
