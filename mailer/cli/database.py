"""`mailer db`: check, upgrade, back up and move the ledger's database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import App, Noun
from mailer.errors import CheckError, LedgerError, MailerError, UsageError

if TYPE_CHECKING:
    from mailer.ledger import Ledger


@click.group(cls=Noun)
def db() -> None:
    """The ledger's database.

    \b
    mailer db backup
    """


@db.command()
@click.pass_obj
def check(app: App) -> None:
    """Say whether the database can be used; exit 3 if not.

    \b
    mailer db check
    """
    from mailer.ledger import database
    from mailer.ledger.dialect import faults
    from mailer.ledger.looking import looking

    try:
        with looking(app.config.database_url) as ledger:
            if ledger is None:
                raise database.nothing_there(app.config.database_url)
            where = ledger.where
            with ledger.read() as connection:
                found = faults(connection)
            if found:
                raise _damaged(found, ledger)
    except LedgerError as error:
        error.exit = CheckError.exit
        raise
    app.emit(
        "mailer.db-check/1",
        {"path": where, "schema": database.SCHEMA},
        f"{where}: schema {database.SCHEMA}, intact",
    )


def _damaged(found: list[str], ledger: Ledger) -> LedgerError:
    is_server = ledger.path is None
    return LedgerError(
        "E607",
        "The server does not keep what it is told" if is_server else "The database is damaged",
        where=ledger.where,
        detail="\n".join(found),
        next_step="fsync = on in postgresql.conf" if is_server else "restore the last backup",
    )


@db.command()
@click.pass_obj
def upgrade(app: App) -> None:
    """Migrate the database to this program's schema; back it up before.

    \b
    mailer db backup && mailer db upgrade
    """
    from mailer.ledger import database
    from mailer.ledger.engines import path_of, shown

    url = app.config.database_url
    path, is_server = shown(url), path_of(url) is None
    engine = database.open_unchecked(url)
    try:
        with database.usable(path, is_server=is_server):
            before = database.schema_version(engine)
            if before is None:
                raise LedgerError(
                    "E610",
                    "This is no database of ours",
                    where=str(path),
                    next_step="[database] url in mailer.toml names another file?",
                )
            if before > database.SCHEMA:
                database.check_schema(engine, where=str(path))
            database.upgrade(engine)
    finally:
        engine.dispose()
    app.emit(
        "mailer.db-upgrade/1",
        {"path": str(path), "from": before, "to": database.SCHEMA},
        f"{path}: schema {before} → {database.SCHEMA}",
    )


@db.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def backup(app: App, target: Path | None) -> None:
    """Copy the database while it is in use, to TARGET or beside it; a server's by pg_dump.

    \b
    mailer db backup /backups/monday.db
    """
    from mailer.ledger.database import exists, nothing_there
    from mailer.ledger.engines import path_of, shown
    from mailer.model import moment
    from mailer.when import now

    url = app.config.database_url
    if not exists(url):
        raise nothing_there(url)
    path = path_of(url)
    beside = path or app.config.root / "subscribers" / "mailer.dump"
    stamp = f"{moment(now()):%Y%m%dT%H%M%SZ}"
    ending = beside.suffix if path is None else ".db"
    target = target or beside.with_name(f"{beside.stem}-{stamp}{ending}")
    if target.exists():
        raise UsageError("E007", f"{target} exists already", next_step="name another file")
    try:
        target.touch(mode=0o600)
        if path is None:
            _dump(url, target)
        else:
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
    except (OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        target.unlink(missing_ok=True)
        said = getattr(error, "stderr", None) or getattr(error, "strerror", None) or str(error)
        raise MailerError(
            "E611",
            "The backup could not be written",
            where=f"{shown(url)} → {target}",
            detail=said.strip(),
            next_step=_OLD_PG_DUMP if "server version mismatch" in said else _ANOTHER_FILE,
        ) from error
    app.say(
        "The journal stays where it is; keep it apart: it knows what this copy will have missed."
    )
    app.emit("mailer.db-backup/1", {"path": str(target)}, str(target))


_ANOTHER_FILE = "name another file, or run: mailer db check"
_OLD_PG_DUMP = (
    "use a pg_dump that is not older than the server: put its folder first in PATH, "
    "or run it where the server is"
)


def _dump(url: str, target: Path) -> None:
    """Let pg_dump write it; the password is not among its arguments, which everybody can read."""
    from mailer.ledger.engines import shown, without_password

    program = shutil.which("pg_dump")
    if program is None:
        target.unlink()
        raise MailerError(
            "E654",
            "The backup of a server needs pg_dump, which is not installed here",
            where=shown(url),
            next_step=f"where it is: pg_dump --format=custom --file={target.name} '{shown(url)}'",
        )
    place, password = without_password(url)
    subprocess.run(  # noqa: S603  the operator's own database
        [program, "--format=custom", f"--file={target}", f"--dbname={place}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **({"PGPASSWORD": password} if password else {})},
    )


@db.command()
@click.option("--to", "target", required=True, metavar="URL", help="sqlite:PATH or postgresql://…")
@click.pass_obj
def move(app: App, target: str) -> None:
    """Copy the whole ledger into another, empty database, while nobody delivers.

    The password of a server is better put into PGPASSWORD or ~/.pgpass than into URL.

    \b
    mailer db move --to postgresql://mailer@db.example.org/mailer
    mailer db move --to sqlite:subscribers/mailer.db
    """
    from mailer.config.urls import database_url
    from mailer.ledger.database import exists, nothing_there
    from mailer.ledger.engines import configured, shown
    from mailer.ledger.moving import move as move_to

    try:
        database_url(target)
    except ValueError as error:
        raise UsageError("E001", f"--to {error}", next_step="mailer db move --help") from error
    if not exists(app.config.database_url):
        raise nothing_there(app.config.database_url)
    scheme, _, rest = target.partition(":")
    place = f"sqlite:{app.config.root / rest}" if scheme == "sqlite" else target
    counts: dict[str, int] = {}
    rows = move_to(app.ledger, place, journal=app.config.journal, on_table=counts.__setitem__)
    line = f'url = "{target if scheme == "sqlite" else configured(target)}"'
    app.say(f"{app.ledger.where} stays as it was, and must not be used any more.")
    app.emit(
        "mailer.db-move/1",
        {"from": app.ledger.where, "to": shown(place), "rows": rows, "tables": counts},
        f"{rows:,} rows are in {shown(place)}; put this into mailer.toml:\n\n[database]\n{line}",
    )
