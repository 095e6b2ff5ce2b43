"""What `mailer subscribers import` says: a verdict per line, the faults in the shape of E501."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.control import operator
from mailer.when import now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mailer.cli.context import App
    from mailer.config import ListConfig
    from mailer.ledger import Ledger
    from mailer.ledger.importing import ImportReport
    from mailer.ledger.reading import Line

SHOWN = 20
"""How many faulty lines are printed; `--report` has them all."""


def import_files(
    app: App,
    chosen: Sequence[tuple[Path, ListConfig]],
    *,
    reason: str,
    dry_run: bool,
    report: Path | None,
) -> None:
    """Import each file into its list, or say what would become of it, and print what happened."""
    from mailer.ledger.importing import import_csv

    reports = []
    with ExitStack() as stack:
        ledger = _ledger(app, stack, dry_run=dry_run)
        write = _report_writer(report, stack)
        for path, target in chosen:
            name = _name(app, path)
            if not dry_run:
                _define(app, ledger, target)
            done = import_csv(
                ledger,
                path,
                name=name,
                list_slug=target.slug,
                reason=reason,
                operator=operator(),
                now=now(),
                dry_run=dry_run,
                on_lines=None if write is None else partial(write, name),
            )
            reports.append(done)
            _speak(done)
    data = {"dry_run": dry_run, "files": [_data(done) for done in reports]}
    app.emit("mailer.subscribers.import/1", data, "\n".join(_text(done) for done in reports))


def _ledger(app: App, stack: ExitStack, *, dry_run: bool) -> Ledger:
    """The ledger; for a dry run before there is one, an empty one that is thrown away."""
    from tempfile import TemporaryDirectory

    from mailer.ledger import open_ledger
    from mailer.ledger.database import exists

    if not dry_run or exists(app.config.database_url):
        return app.ledger
    folder = stack.enter_context(TemporaryDirectory())
    ledger = open_ledger(f"sqlite:{folder}/mailer.db")
    stack.callback(ledger.close)
    return ledger


def _define(app: App, ledger: Ledger, target: ListConfig) -> None:
    from mailer.ledger import audience

    with ledger.write() as connection:
        audience.define_list(connection, app.config, target, now=now())


def _name(app: App, path: Path) -> str:
    """How messages call a file: from the newsletter's folder if it lies there."""
    try:
        return str(path.resolve().relative_to(app.config.root.resolve()))
    except ValueError:
        return str(path)


def _report_writer(
    report: Path | None, stack: ExitStack
) -> Callable[[str, Sequence[Line]], None] | None:
    from mailer.ledger.sheets import safe_cell

    if report is None:
        return None
    file = stack.enter_context(report.open("w", newline="", encoding="utf-8"))
    writer = csv.writer(file)
    writer.writerow(["file", "line", "address", "verdict", "reason"])

    def write(name: str, lines: Sequence[Line]) -> None:
        writer.writerows(
            [name, line.number, safe_cell(line.address), line.verdict.label, line.reason]
            for line in lines
        )

    return write


# --- what is said --------------------------------------------------------------------------------


def _speak(done: ImportReport) -> None:
    """Trouble on stderr, also when quiet: the lines that cannot be imported, and a guess."""
    if done.sheet.guessed:
        click.echo(
            f"▲ {done.sheet.name} is not UTF-8; read as {done.sheet.encoding}: "
            f'"{done.sheet.guessed}"\n'
            '  → if that looks wrong, save it as "CSV UTF-8" and import it again',
            err=True,
        )
    faulty = [line for line in done.problems if line.code][:SHOWN]
    for line in faulty:
        what = "is not an address" if line.code == "E501" else "cannot be imported"
        click.echo(
            f'✖ {line.code} {done.sheet.name}:{line.number}  "{line.address}" {what}', err=True
        )
        last = f" {_sum(done)}" if line is faulty[-1] else ""
        click.echo(f"  {line.reason}{last}", err=True)
    if faulty:
        lines = "the line" if len(faulty) == 1 else "the lines"
        click.echo(
            f"  → correct {lines} and import the file again: nobody is added twice", err=True
        )


def _sum(done: ImportReport) -> str:
    imported = "would be imported" if done.batch is None else "imported"
    batch = "" if done.batch is None else f" (batch i{done.batch})"
    return f"{done.skipped:,} of {done.lines:,} lines skipped, {done.imported:,} {imported}{batch}."


def _text(done: ImportReport) -> str:
    counts = [
        f"{count:,} {verdict.label}" for verdict, count in sorted(done.counts.items()) if count
    ]
    batch = "nothing was stored" if done.batch is None else f"batch i{done.batch}"
    parts = [f"{done.lines:,} lines", *counts, batch]
    return f"✔ {done.sheet.name} → {done.list}: {' · '.join(parts)}"


def _data(done: ImportReport) -> dict[str, Any]:
    return {
        "file": done.sheet.name,
        "list": done.list,
        "batch": done.batch and f"i{done.batch}",
        "encoding": done.sheet.encoding,
        "lines": done.lines,
        "imported": done.imported,
        "skipped": done.skipped,
        "counts": dict(done.counts),
        "problems": [
            {
                "line": line.number,
                "address": line.address,
                "verdict": line.verdict,
                "code": line.code,
                "reason": line.reason,
            }
            for line in done.problems
        ],
    }
