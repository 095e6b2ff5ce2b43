"""`mailer db`: check, upgrade and back up the ledger's database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from mailer.cli.context import App, Noun
from mailer.errors import LedgerError, UsageError


@click.group(cls=Noun)
def db() -> None:
    """The ledger's database.

    \b
    mailer db backup
    """


@db.command()
@click.pass_obj
def check(app: App) -> None:
    """Say whether the database can be used; exit 3 if not."""
    from mailer.ledger import database

    engine, path = database.open_unchecked(app.config.database_url)
    try:
        database.check_schema(engine, where=str(path))
        with engine.connect() as connection:
            problems = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    except LedgerError as error:
        error.exit = 3
        raise
    finally:
        engine.dispose()
    if list(problems) != ["ok"]:
        raise LedgerError(
            "E607",
            "The database is damaged",
            where=str(path),
            detail="\n".join(map(str, problems)),
            next_step="restore the last backup",
        )
    app.emit(
        "mailer.db-check/1",
        {"path": str(path), "schema": database.SCHEMA},
        f"{path}: schema {database.SCHEMA}, intact",
    )


@db.command()
@click.pass_obj
def upgrade(app: App) -> None:
    """Migrate the database to this program's schema."""
    from mailer.ledger import database

    engine, path = database.open_unchecked(app.config.database_url)
    before = database.schema_version(engine)
    database.upgrade(engine)
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
    """Copy the database while it is in use, to TARGET or beside it."""
    from mailer.ledger import database
    from mailer.model import moment
    from mailer.when import now

    engine, path = database.open_unchecked(app.config.database_url)
    engine.dispose()
    target = target or path.with_name(f"{path.stem}-{moment(now()):%Y%m%dT%H%M%SZ}.db")
    if target.exists():
        raise UsageError("E202", f"{target} exists already", next_step="name another file")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(0o600)
    app.emit("mailer.db-backup/1", {"path": str(target)}, str(target))
