"""Opening the ledger's database: transactions, schema version and salt; no statement about mail."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Text,
    cast,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError

from mailer.address import normalise
from mailer.errors import LedgerError, NotFoundError
from mailer.ledger.engines import Lock, engine_of, path_of, shown
from mailer.ledger.journal import Journal, beside, salt_of
from mailer.ledger.locks import locks_of
from mailer.ledger.schema import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = "0003"
"""The revision that this program reads and writes; a test compares it with the migrations."""

KEY_OCTETS = 16


class Ledger:
    """One open database.

    Attributes:
        salt: keys the hashes of addresses; made with the ledger, never rotated (decisions 3).
        url: where it is; it may hold a password, so that messages say `where`.
        path: the file of the embedded database; None for a server.
        locks: say whose holders live (`liveness`).
    """

    def __init__(
        self, engine: Engine, salt: bytes, url: str, *, journal: Path | None = None
    ) -> None:
        self.engine = engine
        self.salt = salt
        # HMAC-SHA-256 (RFC 2104 §4) with what depends on the key alone worked out once: a third of
        # the time of `hmac.digest`, which an import needs a million times.
        padded = salt.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded))
        self.url = url
        self.path = path_of(url)
        self.journal = Journal(
            beside(self.path) if self.path else journal, salt, alone=self.path is not None
        )
        self.locks = locks_of(self.path, engine)
        self._reading = {} if self.path else {"isolation_level": "REPEATABLE READ"}

    @property
    def where(self) -> str:
        """The database as messages name it."""
        return shown(self.url)

    @contextmanager
    def write(
        self, lock: Lock | None = Lock.QUEUE, *, copying: bool = False
    ) -> Iterator[Connection]:
        """A transaction that may write, and what it excludes; on SQLite the lock is always there.

        Without a lock only what is right beside everything else: statements about one person.
        With `copying` SQLite does not ask whether the rows that new ones refer to exist: only for
        rows that are made of those. What was noted in it is in the journal, or owed to it, when
        this returns.
        """
        options = {"writes": True, "lock": lock, "copying": copying}
        writing = self.engine.connect().execution_options(**options)
        with writing as connection:
            with self.journal.recording(connection):
                yield connection
            self.journal.settle(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state and writes nothing."""
        reading = self.engine.connect().execution_options(**self._reading)
        with reading as connection, connection.begin():
            yield connection

    def address_key(self, address: str) -> bytes:
        """The keyed hash under which an address is known, 16 octets (decisions 3)."""
        return self.normalised_key(normalise(address))

    def normalised_key(self, normalised: str) -> bytes:
        """As `address_key`, for an address that is normalised already."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(normalised.encode())
        outer.update(inner.digest())
        return outer.digest()[:KEY_OCTETS]

    def close(self) -> None:
        """Close every connection; the embedded database folds its log into its file."""
        self.engine.dispose()
        self.journal.close()


def open_ledger(url: str, *, create: bool = True, journal: Path | None = None) -> Ledger:
    """Open the ledger at `url` ("sqlite:PATH" for the embedded database, or "postgresql://…").

    A fresh database is filled on first use; nothing migrates silently. `journal` is where this
    machine's journal of a server's ledger lies; the embedded database has its own beside it.

    Raises:
        NotFoundError: there is no database yet and `create` is false.
        LedgerError: the schema is older or newer than this program, the file is no database, or the
            server cannot be used.
    """
    path, where = path_of(url), shown(url)
    engine = engine_of(url)
    try:
        with usable(where, is_server=path is None):
            if _is_fresh(engine, path):
                _fill(engine, url, create=create, journal=journal)
            check_schema(engine, where=where)
            with engine.connect() as connection:
                salt = connection.scalar(select(meta.c.value).where(meta.c.key == "salt"))
    except Exception:
        engine.dispose()
        raise
    return Ledger(engine, bytes.fromhex(salt or ""), url, journal=journal)


def _fill(engine: Engine, url: str, *, create: bool, journal: Path | None) -> None:
    if not create:
        raise nothing_there(url)
    path = path_of(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # people's addresses; the log beside it gets the same mode
        journal = beside(path)
    upgrade(engine)
    # Of a database that was lost the journal is left: with its salt, what it says still counts.
    salt = None if journal is None else salt_of(journal)
    if salt is not None:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(update(meta).where(meta.c.key == "salt").values(value=salt.hex()))


def open_unchecked(url: str) -> Engine:
    """The engine of an existing database whatever its schema, for `mailer db`."""
    if not exists(url):
        raise nothing_there(url)
    return engine_of(url)


def nothing_there(url: str) -> NotFoundError:
    """The error for a database that does not exist yet."""
    return NotFoundError(
        "E603",
        "There is no database yet",
        where=shown(url),
        next_step="mailer subscribers import",
    )


@contextmanager
def usable(where: str, *, is_server: bool) -> Iterator[None]:
    """Say what the database said as E600, with the next step."""
    try:
        yield
    except DatabaseError as error:
        said = str(error.orig).strip()
        raise LedgerError(
            "E600",
            "The database cannot be used",
            where=where,
            detail=said,
            next_step=_server_step(said) if is_server else "mailer db check",
        ) from error


def _server_step(said: str) -> str:
    for words, step in _SERVER_STEPS:
        if words in said:
            return step
    return "psql with the same URL shows whether the server answers"


_SERVER_STEPS = (
    ("password", "put the password into MAILER_DATABASE_URL, PGPASSWORD or ~/.pgpass"),
    ("does not exist", "createdb makes an empty database; createuser a user"),
    ("permission denied", "GRANT CREATE, USAGE ON SCHEMA public TO the user"),
)


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
        return _version(connection)


def _version(connection: Connection) -> str | None:
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
    # SQLite makes some tables anew, and what refers to their rows must not stop it.
    options = {"writes": True, "copying": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        config.attributes["connection"] = connection
        yield connection, lambda verb, to: getattr(command, verb)(config, to)


def exists(url: str) -> bool:
    """Whether there is a database at `url`; on a server, whether it holds tables of ours.

    Raises:
        LedgerError: E600, the server cannot be used.
    """
    path = path_of(url)
    if path is not None:
        return _has_content(path)
    engine = engine_of(url)
    try:
        with usable(shown(url), is_server=True):
            return not _is_fresh(engine, None)
    finally:
        engine.dispose()


def _is_fresh(engine: Engine, path: Path | None) -> bool:
    return schema_version(engine) is None if path is None else not _has_content(path)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
