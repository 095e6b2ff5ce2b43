"""Measure ours and the peers in one run and write the table that the README shows.

Usage: python benchmarks/run.py [SECTION …]     (make bench)

Sections: sink, cheap, signed, distant, compose, million, kill, ledger, render. Without any all are
measured, and RESULTS.md and the README's table are written.

Needs `smtp-sink` and `smtp-source` (Debian's package postfix), node with npm for nodemailer, and a
C compiler for the cheaper sink. Every round measures all of a section one after the other, so that
whatever else the machine does falls on each alike; figures are medians of the rounds.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmarks import compose, kill, mass, render, sinks
from benchmarks.content import parts, rendering
from mailer.compose.signingkeys import make_key

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
ROUNDS = 5
MESSAGES = 20_000
FEWER = 3_000  # for the peer that takes ten times as long
DISTANT = 2_000  # for who waits four times for each message
CONNECTIONS = 10
ROUND_TRIP = 30  # milliseconds

Rate = Callable[[int], float]
"""Somebody who sends: messages per second to a port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what was measured, what came out, and what is wanted."""

    what: str
    ours: str
    beside: str
    goal: str

    def cells(self, *, goals: bool) -> str:
        """As a row of the table; the README does without the goals."""
        return " | ".join([self.what, self.ours, self.beside, *([self.goal] if goals else [])])


# --- who sends -----------------------------------------------------------------------------------


def ours(*options: str, messages: int = MESSAGES) -> Rate:
    """This program: ledger and journal included."""

    def run(port: int) -> float:
        counts = (str(port), str(messages), str(CONNECTIONS))
        return float(_output([sys.executable, str(HERE / "send.py"), *counts, *options]))

    return run


def smtp_source(messages: int = MESSAGES) -> Rate:
    """Postfix's load generator: no composing, no ledger, one message repeated."""
    source = sinks.program("smtp-source", "postfix")

    def run(port: int) -> float:
        counts = ["-s", str(CONNECTIONS), "-m", str(messages), "-l", str(octets())]
        begun = time.perf_counter()
        subprocess.run([source, "-d", *counts, f"127.0.0.1:{port}"], check=True)
        return messages / (time.perf_counter() - begun)

    return run


def nodemailer(folder: Path, *, key: Path | None = None) -> Rate:
    """The pooled transport of the newest nodemailer, each message personalised, no ledger."""
    node = newest_nodemailer()
    file = folder / "parts.json"
    file.write_text(json.dumps(parts(rendering())))
    rest = [str(file)] if key is None else [str(file), str(key)]

    def run(port: int) -> float:
        counts = [str(port), str(FEWER), str(CONNECTIONS)]
        return float(_output([node, str(HERE / "nodemailer.mjs"), *counts, *rest]))

    return run


@cache
def newest_nodemailer() -> str:
    """Node, once the newest nodemailer is installed."""
    node, npm = sinks.program("node", "Node.js"), sinks.program("npm", "Node.js")
    quiet = ["--no-audit", "--no-fund", "--silent", "--no-save"]
    subprocess.run([npm, "install", *quiet, "nodemailer@latest"], cwd=HERE, check=True)
    return node


@cache
def octets() -> int:
    """The size of our message, for a peer that sends one of the same."""
    return compose.octets()


def medians(port: int, peers: dict[str, Rate]) -> dict[str, float]:
    """Messages per second of each, by turns."""
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(ROUNDS):
        for name, measure in peers.items():
            rates[name].append(measure(port))
            print(f"round {number + 1}: {name:24} {rates[name][-1]:8,.0f}/s", flush=True)
    return {name: statistics.median(found) for name, found in rates.items()}


def _output(command: list[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


# --- what is measured ----------------------------------------------------------------------------


def sink() -> list[Row]:
    """The usual case: ten connections to `smtp-sink`, no DKIM, one process."""
    with tempfile.TemporaryDirectory() as folder, sinks.smtp_sink() as port:
        peers = {"ours": ours(), "source": smtp_source(), "node": nodemailer(Path(folder))}
        found = medians(port, peers)
    mine, source, node = found.values()
    return [
        Row(
            what=f"to `smtp-sink`, {CONNECTIONS} connections",
            ours=f"{mine:,.0f}/s",
            beside=f"{_share(mine, source)}, {_times(mine, node)}",
            goal="95 % of smtp-source, 14 times nodemailer",
        )
    ]


def cheap() -> list[Row]:
    """A sink that costs little shows the client."""
    goal = "35 % of smtp-source"
    if sinks.compiler() is None:
        return [Row(what="to a cheaper sink", ours="needs a C compiler", beside="", goal=goal)]
    with sinks.own() as port:
        mine, source = medians(port, {"ours": ours(), "source": smtp_source()}).values()
    beside = _share(mine, source)
    return [Row(what="to a cheaper sink", ours=f"{mine:,.0f}/s", beside=beside, goal=goal)]


def signed() -> list[Row]:
    """RSA-2048 by one process and by two, and nodemailer with its own DKIM."""
    with tempfile.TemporaryDirectory() as name, sinks.smtp_sink() as port:
        key = Path(name) / "key.pem"
        key.touch(0o600)
        key.write_bytes(make_key("rsa"))
        peers = {
            "one": ours("--dkim"),
            "two": ours("--dkim", "--processes", "2"),
            "source": smtp_source(),
            "node": nodemailer(Path(name), key=key),
        }
        one, two, source, node = medians(port, peers).values()
    return [
        Row(
            what="with RSA-2048, one process",
            ours=f"{one:,.0f}/s",
            beside=f"{_times(one, node)} with its DKIM",
            goal="10 times",
        ),
        Row(
            what="with RSA-2048, two processes",
            ours=f"{two:,.0f}/s",
            beside=_share(two, source),
            goal="40 % of smtp-source",
        ),
    ]


def distant() -> list[Row]:
    """A relay far away: each reply takes 30 ms."""
    what, goal = f"a round trip of {ROUND_TRIP} ms", "3.5 times smtp-source"
    if sinks.compiler() is None:
        return [Row(what=what, ours="needs a C compiler", beside="", goal=goal)]
    with sinks.own(milliseconds=ROUND_TRIP) as port:
        peers = {"ours": ours(messages=DISTANT), "source": smtp_source(DISTANT)}
        mine, source = medians(port, peers).values()
    beside = f"{mine / source:.1f} times smtp-source"
    return [Row(what=what, ours=f"{mine:,.0f}/s", beside=beside, goal=goal)]


def composing() -> list[Row]:
    """A message of 40 KB with five personal places."""
    found = compose.measure()
    return [
        Row(what="composing 40 KB", ours=f"{found.plain:.1f} µs", beside="", goal="25 µs"),
        Row(
            what="composing and signing it with RSA-2048",
            ours=f"{found.rsa:.0f} µs",
            beside=f"{found.ratio:.2f} bare signatures of {found.raw:.0f} µs",
            goal="1.3 bare signatures",
        ),
    ]


def million() -> list[Row]:
    """A list of a million on SQLite."""
    few, many = mass.measure(mass.FEW), mass.measure(mass.MILLION)
    peak = max(many.freeze_peak, many.send_peak)
    growth = max(many.freeze_peak - few.freeze_peak, many.send_peak - few.send_peak)
    return [
        Row(
            what="freezing for 1,000,000",
            ours=f"{many.freeze_seconds:.1f} s",
            beside=f"{peak:.0f} MB, {growth:.0f} MB more than for 10,000",
            goal="10 s, 80 MB, 5 MB more",
        ),
        Row(
            what="importing 1,000,000",
            ours=f"{many.import_rate:,.0f} rows/s",
            beside=f"{many.import_peak:.0f} MB",
            goal="80,000 rows/s, 60 MB",
        ),
    ]


def killed() -> list[Row]:
    """A mailing that is killed a hundred times; `kill.py` does it to several processes, too."""
    rows, seed = [], secrets.randbelow(1 << 32)
    print(f"kill: seed {seed}", flush=True)
    for connections in kill.CONNECTIONS:
        found = kill.tried(kill.SETUPS["one"], connections, seed=seed)
        rows.append(
            Row(
                what=f"`kill -9` {found.kills} times, {connections} connections",
                ours=f"{found.lost} lost, at most {found.most} newly in doubt",
                beside=f"{found.duplicates:,} duplicates, {found.ever_in_doubt:,} ever in doubt",
                goal=f"0 lost, {connections}, duplicates ≤ ever in doubt",
            )
        )
    return rows


def ledger() -> list[Row]:
    """Claiming and settling on PostgreSQL, if it is there: the script says its own figures."""
    script = HERE / "ledger.py"
    if not script.is_file():
        return []
    _, claim, begin, settle = _output([sys.executable, str(script)]).split()
    return [
        Row(
            what="PostgreSQL: claim, begin, settle",
            ours=f"{claim}, {begin}, {settle} rows/s",
            beside="",
            goal="claim 50,000, settle 25,000 rows/s",
        )
    ]


def _share(mine: float, other: float) -> str:
    return f"{mine / other * 100:.0f} % of smtp-source ({other:,.0f}/s)"


def _times(mine: float, other: float) -> str:
    return f"{mine / other:.1f} times nodemailer ({other:,.0f}/s)"


SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "sink": sink,
    "cheap": cheap,
    "signed": signed,
    "distant": distant,
    "compose": composing,
    "million": million,
    "kill": killed,
    "ledger": ledger,
}


# --- the table -----------------------------------------------------------------------------------


def main() -> None:
    """Measure what is named and print it; or everything, and write it down."""
    named = sys.argv[1:]
    unknown = set(named) - {*SECTIONS, "render"}
    if unknown:
        sys.exit(f"no such section: {', '.join(unknown)}; there are {', '.join(SECTIONS)}, render")
    rows = [
        row for name, measure in SECTIONS.items() if name in named or not named for row in measure()
    ]
    rendered = render.table() if "render" in named or not named else ""
    results = _table(rows, rendered, goals=True)
    print(results)
    if not named:
        (HERE / "RESULTS.md").write_text(f"# Results\n\n{results}")
        text, readme = _table(rows, rendered, goals=False), README.read_text()
        block = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
        README.write_text(block.sub(lambda found: f"{found[1]}{text}{found[2]}", readme))


def _table(rows: list[Row], rendered: str, *, goals: bool) -> str:
    lines = [
        (
            f"Messages of {octets() / 1000:.1f} KB with five personal places, loopback, SQLite "
            "with `synchronous=FULL`; smtp-source (C) and nodemailer keep no ledger:"
        ),
        "",
        "| | mailer | beside it |" + " goal |" * goals,
        "|---|--:|--:|" + "--:|" * goals,
        *(f"| {row.cells(goals=goals)} |" for row in rows),
        "",
        *([rendered] if rendered else []),
        (
            f"Medians of {ROUNDS} rounds by `make bench` on {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}."
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
