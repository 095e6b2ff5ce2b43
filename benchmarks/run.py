"""Measure ours and the peers in one run and write the table that the README shows.

Usage: python benchmarks/run.py     (make bench)

Needs `smtp-sink` and `smtp-source` (Debian's package postfix), and node with npm for nodemailer.
Every round measures all of them one after the other, so that whatever else the machine does falls
on each alike; figures are medians of the rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import render
from benchmarks.compose import measure
from benchmarks.content import parts, rendering

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
ROUNDS = 5
MESSAGES = 20_000
FEWER = 3_000  # for the peer that takes ten times as long
CONNECTIONS = 10
SBIN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who sends; `measure` gives messages per second to a port."""

    name: str
    measure: Callable[[int], float]


def program(name: str, package: str) -> str:
    """Where a peer's program is, or how to get it."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:{SBIN}")
    if found is None:
        sys.exit(f"{name} is missing: install {package}, then run this again")
    return found


@contextlib.contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's sink on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program("smtp-sink", "postfix"), f"127.0.0.1:{port}", "200"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as sink:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
        sink.terminate()


def ours(port: int) -> float:
    """This program: ledger included, one process."""
    command = [sys.executable, str(HERE / "send.py"), str(port), str(MESSAGES), str(CONNECTIONS)]
    return float(_output(command))


def smtp_source(octets: int) -> Callable[[int], float]:
    """Postfix's load generator: no composing, no ledger, one message repeated."""
    source = program("smtp-source", "postfix")

    def run(port: int) -> float:
        counts = ["-s", str(CONNECTIONS), "-m", str(MESSAGES), "-l", str(octets)]
        begun = time.perf_counter()
        subprocess.run([source, "-d", *counts, f"127.0.0.1:{port}"], check=True)
        return MESSAGES / (time.perf_counter() - begun)

    return run


def nodemailer(file: Path) -> Callable[[int], float]:
    """The pooled transport of the newest nodemailer, each message personalised, no ledger."""
    node, npm = program("node", "Node.js"), program("npm", "Node.js")
    quiet = ["--no-audit", "--no-fund", "--silent", "--no-save"]
    subprocess.run([npm, "install", *quiet, "nodemailer@latest"], cwd=HERE, check=True)

    def run(port: int) -> float:
        counts = [str(port), str(FEWER), str(CONNECTIONS)]
        return float(_output([node, str(HERE / "nodemailer.mjs"), *counts, str(file)]))

    return run


def _output(command: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def main() -> None:
    """Measure, print, and write RESULTS.md and the README's table."""
    with tempfile.TemporaryDirectory() as folder, smtp_sink() as port:
        file = Path(folder) / "parts.json"
        file.write_text(json.dumps(parts(rendering())))
        composing, octets = measure()
        peers = (
            Peer("mailer, ledger included", ours),
            Peer("smtp-source (C, no ledger)", smtp_source(octets)),
            Peer("nodemailer, pooled (no ledger)", nodemailer(file)),
        )
        rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for number in range(ROUNDS):
            for peer in peers:
                rates[peer.name].append(peer.measure(port))
                print(f"round {number + 1}: {peer.name:32} {rates[peer.name][-1]:8,.0f}/s")
    medians = {name: statistics.median(found) for name, found in rates.items()}
    table = _table(medians, octets=octets, composing=composing)
    print(table)
    (HERE / "RESULTS.md").write_text(f"# Results\n\n{table}")
    readme = README.read_text()
    block = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
    README.write_text(block.sub(lambda found: f"{found[1]}{table}{found[2]}", readme))


def _table(medians: dict[str, float], *, octets: int, composing: float) -> str:
    slowest = medians["nodemailer, pooled (no ledger)"]
    lines = [
        (
            f"Messages of {octets / 1000:.1f} KB with five personal places to `smtp-sink`, "
            f"{CONNECTIONS} connections, one process, loopback, SQLite with `synchronous=FULL`:"
        ),
        "",
        "| | messages/s | times nodemailer |",
        "|---|--:|--:|",
        *(f"| {name} | {rate:,.0f} | {rate / slowest:.1f} |" for name, rate in medians.items()),
        "",
        f"Composing a message of 40 KB: {composing:.0f} µs.",
        "",
        render.table(),
        (
            f"Medians of {ROUNDS} rounds by `make bench` on {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}."
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
