"""Opening the ledger's database: transactions, schema version and salt; no statement about mail."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    QueuePool,
    Text,
    cast,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError

from mailer.address import normalise
from mailer.errors import ConfigError, LedgerError, NotFoundError
from mailer.ledger.dialect import driver_errors
from mailer.ledger.schema import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = "0003"
"""The revision that this program reads and writes; a test compares it with the migrations."""

BUSY_SECONDS = 5
KEY_OCTETS = 16


class Ledger:
    """One open database.

    Attributes:
        salt: keys the hashes of addresses; made with the ledger, never rotated (decisions 3).
        path: the file of the embedded database; None for a server.
    """

    def __init__(self, engine: Engine, salt: bytes, path: Path | None) -> None:
        self.engine = engine
        self.salt = salt
        self.path = path

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; on SQLite it takes the write lock at once."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state and writes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def address_key(self, address: str) -> bytes:
        """The keyed hash under which an address is known, 16 octets (decisions 3)."""
        return self.normalised_key(normalise(address))

    def normalised_key(self, normalised: str) -> bytes:
        """As `address_key`, for an address that is normalised already."""
        return hmac.digest(self.salt, normalised.encode(), hashlib.sha256)[:KEY_OCTETS]

    def close(self) -> None:
        """Close every connection; the embedded database folds its log into its file."""
        self.engine.dispose()


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """Open the ledger at `url` ("sqlite:PATH" for the embedded database).

    A fresh embedded database is created on first use; nothing migrates silently.

    Raises:
        NotFoundError: there is no database yet and `create` is false.
        LedgerError: the schema is older or newer than this program, or the file is no database.
    """
    path = _sqlite_path(url)
    fresh = not exists(url)
    if fresh and not create:
        raise NotFoundError(
            "E603",
            "There is no database yet",
            where=str(path),
            next_step="mailer subscribers import",
        )
    engine = _sqlite_engine(path)
    try:
        if fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # people's addresses; the log beside it gets the same mode
            upgrade(engine)
        check_schema(engine, where=str(path))
        with engine.connect() as connection:
            salt = connection.scalar(select(meta.c.value).where(meta.c.key == "salt"))
    except DatabaseError as error:
        engine.dispose()
        raise LedgerError(
            "E600", "The database cannot be used", where=str(path), detail=str(error.orig)
        ) from error
    except LedgerError:
        engine.dispose()
        raise
    return Ledger(engine, bytes.fromhex(salt or ""), path)


def open_unchecked(url: str) -> tuple[Engine, Path]:
    """The engine of an existing database whatever its schema, for `mailer db`."""
    path = _sqlite_path(url)
    if not path.exists():
        raise NotFoundError("E603", "There is no database yet", where=str(path))
    return _sqlite_engine(path), path


def bump_changes(connection: Connection) -> None:
    """Tell dispatchers that somebody left or an operator spoke: they look again before MAIL FROM.

    Belongs into every transaction that makes a person ineligible or changes a mailing's state.
    """
    connection.execute(
        update(meta)
        .where(meta.c.key == "changes")
        .values(value=cast(cast(meta.c.value, Integer) + 1, Text))
    )


def schema_version(engine: Engine) -> str | None:
    """The migration that the database stands at; None if it holds no ledger."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def check_schema(engine: Engine, *, where: str) -> None:
    """Refuse a schema that this program does not write.

    Raises:
        LedgerError: older (upgrade), newer (a newer program wrote it) or no ledger at all.
    """
    version = schema_version(engine)
    if version == SCHEMA:
        return
    if version is not None and version > SCHEMA:
        raise LedgerError(
            "E604",
            f"The database was written by a newer mailer (schema {version}, this reads {SCHEMA})",
            where=where,
            next_step="install the newer version",
        )
    raise LedgerError(
        "E601",
        f"The database has schema {version or 'none'}, this program needs {SCHEMA}",
        where=where,
        next_step="mailer db backup && mailer db upgrade",
    )


def upgrade(engine: Engine) -> None:
    """Migrate to this program's schema; a new ledger gets its salt and its change counter."""
    with _migrating(engine) as (connection, migrate):
        migrate("upgrade", "head")
        known = set(connection.scalars(select(meta.c.key)))
        born = {"salt": secrets.token_hex(32), "changes": "0", "journal": "0"}
        for key in born.keys() - known:
            connection.execute(insert(meta).values(key=key, value=born[key]))


def downgrade(engine: Engine, *, to: str = "base") -> None:
    """Take back the migrations after one, or every one and with them everything that is stored."""
    with _migrating(engine) as (_, migrate):
        migrate("downgrade", to)


@contextmanager
def _migrating(engine: Engine) -> Iterator[tuple[Connection, Callable[[str, str], None]]]:
    from alembic import command  # noqa: PLC0415  150 ms that only a migration needs
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415

    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        yield connection, lambda verb, to: getattr(command, verb)(config, to)


def exists(url: str) -> bool:
    """Whether there is a database at `url`."""
    path = _sqlite_path(url)
    return path.exists() and path.stat().st_size > 0


def _sqlite_path(url: str) -> Path:
    scheme, _, rest = url.partition(":")
    if scheme != "sqlite" or not rest:
        raise ConfigError(
            "E410",
            f"This database is not supported: {scheme}:",
            where="[database] url",
            next_step='url = "sqlite:subscribers/mailer.db"',
        )
    return Path(rest)


def _sqlite_engine(path: Path) -> Engine:
    # Quoted: a folder may have any name.
    uri = f"file:{quote(str(path))}?mode=rwc"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, _: object) -> None:  # noqa: ANN401  sqlite3 or any other driver
        # The driver must not begin transactions of its own: `begin` below does.
        dbapi.isolation_level = None
        cursor = dbapi.cursor()
        # FULL: a commit is on the disk when it returns, which the one rule rests on (S-41).
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        text = "BEGIN IMMEDIATE" if writes else "BEGIN"
        with driver_errors(connection, text):
            connection.connection.cursor().execute(text)

    return engine
