"""How each database is reached: drivers, settings, and what a transaction excludes."""

from __future__ import annotations

import sqlite3
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy import QueuePool, create_engine, event
from sqlalchemy.exc import OperationalError

from mailer.errors import ConfigError
from mailer.ledger.dialect import driver_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 5
POLL_SECONDS = 0.0002  # about half of what a commit takes
CONNECT_SECONDS = 10

LOG_PAGES = 1000  # SQLite's own: so many in the log are written to the database
COPYING_PAGES = 16_000  # 64 MB

KEYS = 0x6D61696C
"""The first half of all our advisory locks on PostgreSQL; the second is a `Lock`."""

_SERVERS = ("postgresql", "postgresql+psycopg")


class Lock(Enum):
    """What a transaction that writes excludes on PostgreSQL; on SQLite it excludes every other.

    Whoever needs two takes QUEUE first.

    Attributes:
        QUEUE: dispatchers' commits and operators, who move deliveries.
        SENDING: operators; what dispatchers take, so that several commit at once.
        PACE: dispatchers whose commits ask or tell something of the pace: which relays and domains
            those lock, and in which order, would be different for each.
        PEOPLE: others who put people onto lists or into mailings; dispatchers go on.
    """

    QUEUE = (1, "pg_advisory_xact_lock")
    SENDING = (1, "pg_advisory_xact_lock_shared")
    PEOPLE = (2, "pg_advisory_xact_lock")
    PACE = (3, "pg_advisory_xact_lock")

    @property
    def statement(self) -> str:
        """Takes the lock until the transaction ends."""
        number, function = self.value
        return f"SELECT {function}({KEYS}, {number})"


def exclude(connection: Connection, lock: Lock) -> None:
    """Take a further lock for the rest of a transaction; on SQLite it has them all."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(lock.statement)


def path_of(url: str) -> Path | None:
    """The file of an embedded database; None for a server.

    Raises:
        ConfigError: E410, neither of both.
    """
    scheme, _, rest = url.partition(":")
    if scheme in _SERVERS:
        return None
    if scheme != "sqlite" or not rest:
        raise ConfigError(
            "E410",
            f"This database is not supported: {scheme}:",
            where="[database] url",
            next_step='url = "sqlite:subscribers/mailer.db"',
        )
    return Path(rest)


def shown(url: str) -> str:
    """A database as messages name it: the file, or the server without password and parameters."""
    path = path_of(url)
    if path is not None:
        return str(path)
    place = urlsplit(url)
    user, at, host = place.netloc.rpartition("@")
    return f"postgresql://{user.partition(':')[0]}{at}{host}{place.path}"


def configured(url: str) -> str:
    """A server as `mailer.toml` may name it: with all that it takes to reach it, no password."""
    named = [part for part in urlsplit(url).query.split("&") if not _is_secret(part)]
    return "?".join(filter(None, (shown(url), "&".join(named))))


def _is_secret(part: str) -> bool:
    return unquote(part.partition("=")[0]) in {"", "password", "sslpassword"}


def engine_of(url: str) -> Engine:
    """The engine of a database; it connects when it is first used.

    Raises:
        ConfigError: E410 the URL cannot be understood, E650 the driver is missing.
    """
    path = path_of(url)
    return _postgresql(url) if path is None else _sqlite(path)


def without_password(url: str) -> tuple[str, str]:
    """How libpq reaches a server, for the arguments of a program, and the password for its ear."""
    from psycopg import conninfo  # noqa: PLC0415  only who uses PostgreSQL has it

    given = _parameters(url)
    password = str(given.pop("password", "") or "")
    return conninfo.make_conninfo("", **given), password


# --- SQLite --------------------------------------------------------------------------------------


def _sqlite(path: Path) -> Engine:
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
        options = connection.get_execution_options()
        if options.get("copying"):
            # To look up a million people in the order of their keys took a third of a freeze.
            _execute(connection, "PRAGMA foreign_keys=OFF")
            # Its pages are written again and again by the transactions that follow.
            _execute(connection, f"PRAGMA wal_autocheckpoint={COPYING_PAGES}")
            connection.connection.info["unchecked"] = True
        if options.get("writes") and "lock" not in options:
            _begin_soon(connection)
        else:
            _execute(connection, "BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    @event.listens_for(engine, "checkin")
    def check_again(dbapi: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401  as above
        if record.info.pop("unchecked", False):
            dbapi.execute("PRAGMA foreign_keys=ON")
            dbapi.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        if record.info.pop("impatient", False):
            dbapi.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")

    return engine


def _begin_soon(connection: Connection) -> None:
    """Begin a dispatcher's transaction as soon as another has ended.

    SQLite sleeps for 1 ms, then 2, 5, 10 …, where dispatchers write for half of one in turn.
    """
    info = connection.connection.info
    if not info.get("impatient"):
        _execute(connection, "PRAGMA busy_timeout=0")
        info["impatient"] = True
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            _execute(connection, "BEGIN IMMEDIATE")
        except OperationalError as error:
            busy = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


# --- PostgreSQL ----------------------------------------------------------------------------------

_DEFAULTS = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "mailer",
    # A server that vanished is noticed within half a minute, not after two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def _postgresql(url: str) -> Engine:
    given = _parameters(url)
    try:
        engine = create_engine(
            "postgresql+psycopg://",
            # libpq fills in what is left out: PGPASSWORD, ~/.pgpass, services …
            connect_args=_DEFAULTS | given | {"client_encoding": "utf8"},
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
        )
    except ImportError as error:
        raise _no_driver() from error

    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, _: object) -> None:  # noqa: ANN401  psycopg's connection
        dbapi.autocommit = True
        dbapi.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        # A commit is on the disk when it returns, which the one rule rests on (S-41).
        dbapi.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
        dbapi.autocommit = False

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        lock = options.get("lock", Lock.SENDING) if options.get("writes") else None
        if lock is not None:
            _execute(connection, lock.statement)

    return engine


def _parameters(url: str) -> dict[str, Any]:
    """What libpq reads in the URL."""
    try:
        from psycopg import conninfo  # noqa: PLC0415  only who uses PostgreSQL has it
    except ImportError as error:
        raise _no_driver() from error
    scheme, _, rest = url.partition(":")
    try:
        return conninfo.conninfo_to_dict(f"{scheme.partition('+')[0]}:{rest}")
    except Exception:  # noqa: BLE001  whatever it says may quote the password
        raise ConfigError(
            "E410",
            "The URL of the database cannot be understood",
            where=f"[database] url = {shown(url)}",
            next_step="percent-encode special characters of its password: @ is %40, / is %2F",
        ) from None


def _no_driver() -> ConfigError:
    return ConfigError(
        "E650",
        "PostgreSQL needs the driver psycopg, which is not installed",
        where="[database] url",
        next_step='pip install "newsletter-mailer[postgres]"',
    )


def _execute(connection: Connection, text: str) -> None:
    with driver_errors(connection, text):
        connection.connection.cursor().execute(text)
