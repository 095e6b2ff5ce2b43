"""`mailer db`: check, upgrade and back up the ledger's database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from mailer.cli.context import App, Noun
from mailer.errors import CheckError, LedgerError, MailerError, NotFoundError, UsageError


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
    from mailer.ledger.looking import looking

    try:
        with looking(app.config.database_url) as ledger:
            if ledger is None:
                raise _missing(app)
            path = ledger.path
            with ledger.read() as connection:
                problems = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            _require_intact(list(problems), path)
    except LedgerError as error:
        error.exit = CheckError.exit
        raise
    app.emit(
        "mailer.db-check/1",
        {"path": str(path), "schema": database.SCHEMA},
        f"{path}: schema {database.SCHEMA}, intact",
    )


def _require_intact(problems: list[str], path: Path | None) -> None:
    if problems != ["ok"]:
        raise LedgerError(
            "E607",
            "The database is damaged",
            where=str(path),
            detail="\n".join(problems),
            next_step="restore the last backup",
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
    """Copy the database while it is in use, to TARGET or beside it.

    \b
    mailer db backup /backups/monday.db
    """
    from mailer.ledger.database import exists
    from mailer.model import moment
    from mailer.when import now

    if not exists(app.config.database_url):
        raise _missing(app)
    path = _path(app)
    target = target or path.with_name(f"{path.stem}-{moment(now()):%Y%m%dT%H%M%SZ}.db")
    if target.exists():
        raise UsageError("E007", f"{target} exists already", next_step="name another file")
    try:
        target.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise MailerError(
            "E611",
            "The backup could not be written",
            where=f"{path} → {target}",
            detail=getattr(error, "strerror", None) or str(error),
            next_step="name another file, or run: mailer db check",
        ) from error
    app.emit("mailer.db-backup/1", {"path": str(target)}, str(target))


def _path(app: App) -> Path:
    return Path(app.config.database_url.partition(":")[2])


def _missing(app: App) -> NotFoundError:
    return NotFoundError(
        "E603",
        "There is no database yet",
        where=str(_path(app)),
        next_step="mailer subscribers import",
    )
