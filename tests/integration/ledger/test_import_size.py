"""Imports at the size of real lists, in a process of their own (case 22, X-17)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mailer.ledger import importing, open_ledger, sheets
from mailer.ledger.schema import subscriber, subscription
from tests.samples.people import ledger_with
from tests.wire.memory import PEAK_MEGABYTES

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = 100_000
SECONDS = 30
MEGABYTES = 70

# Prints the counts, the seconds and the peak memory of one import, after each batch a line.
IMPORT = """
import json, sys, time
from pathlib import Path
from mailer.ledger import open_ledger
from mailer.ledger.importing import import_csv
from mailer.when import now

ledger = open_ledger(f"sqlite:{sys.argv[1]}")
began = time.perf_counter()
report = import_csv(
    ledger,
    Path(sys.argv[2]),
    list_slug="weekly",
    operator="olga",
    now=now(),
    on_lines=lambda lines: print(len(lines), flush=True),
)
print(json.dumps({
    "counts": report.counts,
    "seconds": time.perf_counter() - began,
    "megabytes": PEAK_MEGABYTES,
}))
""".replace("PEAK_MEGABYTES", PEAK_MEGABYTES)


def write_list(path: Path, people: int) -> None:
    """A list as an association might keep it."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,language,city,member since\n")
        for number in range(people):
            file.write(
                f"person.{number}@mail{number % 997}.example.org,Jürgen Müller {number},"
                f"de,Town {number % 1000},{1990 + number % 30}\n"
            )


def run(database: Path, file: Path) -> dict[str, Any]:
    """Import a file in a fresh process and tell what it took."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(database), str(file)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(told)
    return told


def on_list(database: Path) -> tuple[int, int]:
    """How many people and how many subscriptions there are."""
    ledger = open_ledger(f"sqlite:{database}")
    with ledger.read() as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (subscriber, subscription)
        ]
    ledger.close()
    return counts[0], counts[1]


def test_case_22_100_000_rows_are_streamed_in_time_and_memory(tmp_path: Path) -> None:
    ledger_with(tmp_path, "weekly").close()
    database, file = tmp_path / "mailer.db", tmp_path / "weekly.csv"
    write_list(file, PEOPLE)

    first, again = run(database, file), run(database, file)
    assert (first["counts"], again["counts"]) == ({"added": PEOPLE}, {"unchanged": PEOPLE})
    for told in (first, again):
        assert told["seconds"] < SECONDS
        assert told["megabytes"] < MEGABYTES
    assert on_list(database) == (PEOPLE, PEOPLE)


def test_x_17_an_import_that_was_killed_goes_on_where_it_ended(tmp_path: Path) -> None:
    ledger_with(tmp_path, "weekly").close()
    database, file = tmp_path / "mailer.db", tmp_path / "weekly.csv"
    people = importing.BATCH * 4
    write_list(file, people)

    with subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(database), str(file)], stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    kept, places = on_list(database)
    assert kept == places
    assert 0 < kept < people
    assert kept % importing.BATCH == 0

    told = run(database, file)
    assert told["counts"] == {"unchanged": kept, "added": people - kept}
    assert on_list(database) == (people, people)
    ledger = open_ledger(f"sqlite:{database}")
    with ledger.read() as connection:
        assert importing.imported(connection, sheets.file_digest(file))
    ledger.close()
