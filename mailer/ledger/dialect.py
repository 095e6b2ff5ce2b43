"""Where SQLite and PostgreSQL say the same thing in different words."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from typing import cast as cast_type

from sqlalchemy import (
    JSON,
    BindParameter,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import visitors
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from sqlalchemy import Column, ColumnElement, Connection, Delete, Dialect, Select, Table, Update
    from sqlalchemy.sql.dml import Insert
    from sqlalchemy.types import TypeEngine

    from mailer.ledger.entries import Packed


_NAMED = re.compile(r"%\((\w+)\)s")  # psycopg's
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?").fullmatch


def insert_new(connection: Connection, table: Table) -> Insert:
    """An INSERT that passes over rows which a unique key of the table holds already.

    Its `rowcount` says how many were new.
    """
    statement: Insert
    if connection.dialect.name == "postgresql":
        statement = _postgresql().insert(table).on_conflict_do_nothing()
    else:
        statement = sqlite.insert(table).on_conflict_do_nothing()
    return statement.execution_options(**COUNTED)


def _postgresql() -> ModuleType:
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  3 MB that SQLite does not need

    return postgresql


COUNTED: Final = {"preserve_rowcount": True}
"""Execution options of an INSERT whose `rowcount` is asked for: psycopg forgets it otherwise."""


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """INSERT tuples as the driver takes them: 1.7 instead of 4.4 µs for a row of eight columns."""
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(map(quote, columns))
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {quote(table.name)} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608  our own names
    connection.exec_driver_sql(statement, list(rows))


def refill(
    connection: Connection, table: Table, entries: Iterable[Packed], *, numbered: Table
) -> int:
    """Put entries in the place of all rows of a temporary table of this session; returns how many.

    Its columns are the place of the entry, a number that no row of `numbered` has, the key, and the
    texts. The database takes the JSON apart, where SQLite lets other threads run.
    """
    server = connection.dialect.name == "postgresql"
    n, number, key, *texts = (column.name for column in table.columns)
    cell, source = ("value ->> {}", _JSONB) if server else ("json_extract(value, '$[{}]')", _JSON)
    cells = ", ".join(cell.format(place) for place in range(len(texts)))
    names = ", ".join((n, number, key, *texts))
    text = f"INSERT INTO {table.name} ({names}) {source.format(numbered.name, cells)}"
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for one in entries:
            width = len(one.keys) // max(one.size, 1)
            yield {"first": count, "width": width, "keys": one.keys, "texts": one.texts}
            count += one.size

    # What is deleted from a temporary table of a server stays in it.
    empty = f"TRUNCATE {table.name}" if server else f"DELETE FROM {table.name}"  # noqa: S608  as above
    cursor: Any = connection.connection.cursor()  # both take rows one by one
    with driver_errors(connection, text):
        cursor.execute(empty)
        if not server:
            cursor.execute(_FEW_PAGES)
        cursor.executemany(text, rows())
        if server:
            cursor.execute(f"ANALYZE {table.name}")  # nobody else counts what is in it
    return count


# It lies in a file, and is written and read from one end to the other.
_FEW_PAGES = "PRAGMA temp.cache_size = -256"
_JSON = """
SELECT :first + key, (SELECT coalesce(max(id), 0) FROM {}) + :first + key + 1,
       substr(:keys, :width * key + 1, :width), {}
FROM json_each(:texts)
"""
_JSONB = """
SELECT %(first)s + place - 1, nextval(pg_get_serial_sequence('{}', 'id')),
       substr(%(keys)s, CAST(%(width)s * (place - 1) + 1 AS integer), %(width)s), {}
FROM jsonb_array_elements(CAST(%(texts)s AS jsonb)) WITH ORDINALITY AS each (value, place)
"""


def _copy(connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
    # psycopg's cursor, which no interface of SQLAlchemy's describes
    cursor: Any = connection.connection.cursor()
    with driver_errors(connection, text), cursor.copy(text) as copying:
        for row in rows:
            copying.write_row(row)


def faults(connection: Connection) -> list[str]:
    """What is wrong with a database as such: SQLite looks at all of it, a server at itself."""
    if connection.dialect.name == "postgresql":
        safe = connection.exec_driver_sql("SHOW fsync").scalar() == "on"
        return (
            [] if safe else ["fsync is off: what was sent may be forgotten at a power cut (S-41)"]
        )
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [fault for fault in found if fault != "ok"]


def forbid_writes(connection: Connection, tables: Iterable[Table]) -> None:
    """Nobody else writes to these tables until the transaction ends; SQLite's lock says so."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(connection.dialect.identifier_preparer.quote(one.name) for one in tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")


def restart_numbers(connection: Connection, tables: Iterable[Table]) -> None:
    """New rows are numbered behind those that came with their numbers; SQLite does that itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        if table.primary_key.columns.keys() == ["id"]:
            sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
            last = func.coalesce(func.max(table.c.id), 0)
            connection.execute(select(func.setval(sequence, last + 1, False)))


def shows(connection: Connection, column: Column[str], key: str, text: str) -> ColumnElement[bool]:
    """Whether a field of a JSON object that Python wrote shows in a mail as this text.

    Texts show as they are; a number or a truth value as Python spells it, which is how JSON does,
    but for a capital. Most texts spell neither, which saves the second comparison.
    """
    assert not set(key) & set('"\\'), key
    kind, value, spelling = _field(connection, column, key)
    same = and_(kind.in_(("text", "string")), value == text)
    if text in ("True", "False") or _NUMBER(text):
        return or_(same, spelling == text.lower())
    return same


def _field(
    connection: Connection, column: Column[str], key: str
) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """The kind of a field of a JSON object, its value as text, and how JSON spells it."""
    if connection.dialect.name == "postgresql":
        field = cast(column, JSON).op("->")(key)
        return func.json_typeof(field), cast(column, JSON).op("->>")(key), cast(field, Text)
    path = f'$."{key}"'
    return func.json_type(column, path), func.json_extract(column, path), column.op("->")(path)


class RowUpdate:
    """An UPDATE that runs for many rows, thousands of times a second.

    SQLAlchemy compiles it once and the driver runs it: rows are tuples of what the driver knows
    (str, int, bytes, None). Parameters built and converted anew would cost more than the statement.
    SQLite runs it row by row; PostgreSQL once, with an array for each parameter.

    Args:
        statement: all its parameters are named; one whose type its place does not say has the name
            of a column and an underscore.
        names: those names in the order that rows have them.
    """

    def __init__(self, statement: Update, names: str) -> None:
        self._statement = statement
        self._names = names.split()
        self._compiled: dict[str, tuple[str, itemgetter[Any]]] = {}

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Update every row; returns how many there were."""
        text, in_order = self._for(connection.dialect)
        with driver_errors(connection, text):
            cursor = connection.connection.cursor()
            if connection.dialect.name == "postgresql":
                cursor.execute(text, [list(one) for one in in_order(list(zip(*rows, strict=True)))])
            else:
                cursor.executemany(text, [in_order(row) for row in rows])
            return cursor.rowcount

    def _for(self, dialect: Dialect) -> tuple[str, itemgetter[Any]]:
        if dialect.name not in self._compiled:
            arrays = dialect.name == "postgresql"
            statement = self._from_arrays() if arrays else self._statement
            text, names = _positional(statement, dialect)
            in_order = itemgetter(*map(self._names.index, names))
            self._compiled[dialect.name] = text, in_order
        return self._compiled[dialect.name]

    def _from_arrays(self) -> Update:
        """The same statement with the columns of `unnest(…)` in place of the parameters."""
        types: dict[str, TypeEngine[Any]] = {}

        def note(parameter: BindParameter[Any]) -> None:
            name, known = parameter.key, parameter.type
            if isinstance(known, NullType):
                known = self._statement.table.c[name.removesuffix("_")].type
            types[name] = known

        visitors.traverse(self._statement, {}, {"bindparam": note})
        arrays = [bindparam(name, type_=_postgresql().ARRAY(types[name])) for name in self._names]
        columns = (column(name, types[name]) for name in self._names)
        rows = func.unnest(*arrays).table_valued(*columns).render_derived()

        def replace(element: Any, **_: object) -> Any:  # noqa: ANN401  as SQLAlchemy calls it
            return rows.c[element.key] if isinstance(element, BindParameter) else None

        return cast_type("Update", visitors.replacement_traverse(self._statement, {}, replace))


class RowStatement:
    """A statement for one row that runs with every commit, as the driver takes it.

    Args:
        statement: all its parameters are named, and their types known.
        names: those names in the order that a row has them.
    """

    def __init__(self, statement: Insert | Update | Delete, names: str) -> None:
        self._statement = statement
        self._names = names.split()
        self._compiled: dict[str, tuple[str, tuple[int, ...]]] = {}

    def run(self, connection: Connection, *row: object) -> Any:  # noqa: ANN401  any column
        """Run it; returns the value that it returns, if it returns one."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            text, names = _positional(self._statement, dialect)
            self._compiled[dialect.name] = text, tuple(map(self._names.index, names))
        text, places = self._compiled[dialect.name]
        with driver_errors(connection, text):
            cursor = connection.connection.cursor()
            cursor.execute(text, [row[place] for place in places])
            # Every row is fetched: SQLite does not commit under a statement that has not ended.
            rows = cursor.fetchall() if cursor.description else ()
            return rows[0][0] if rows else None


class RowQuery:
    """A SELECT of many rows, each the tuple that the driver makes of it.

    Args:
        statement: the parameters that `run` is given are named and typed.
        names: those names in their order.
    """

    def __init__(self, statement: Select[Any], names: str) -> None:
        self._statement = statement
        self._names = names.split()
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def run(self, connection: Connection, *values: object) -> Sequence[tuple[Any, ...]]:
        """All rows."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            constants = dict(self._statement.compile(dialect=dialect).params)
            self._compiled[dialect.name] = *_positional(self._statement, dialect), constants
        text, names, constants = self._compiled[dialect.name]
        given = constants | dict(zip(self._names, values, strict=True))
        with driver_errors(connection, text):
            cursor = connection.connection.cursor()
            cursor.execute(text, [given[name] for name in names])
            return cursor.fetchall()


def read_value(connection: Connection, statement: Select[Any]) -> Any:  # noqa: ANN401  any column
    """The one value of a statement without parameters, read many times a second."""
    text, _ = _positional(statement, connection.dialect)
    with driver_errors(connection, text):
        cursor = connection.connection.cursor()
        cursor.execute(text)
        row = cursor.fetchone()
    return None if row is None else row[0]


class driver_errors:  # noqa: N801  read as a statement; a generator would cost 1 µs more
    """Raise the driver's errors as SQLAlchemy does; its own execution costs 20 µs a statement.

    A connection that is lost is made anew by its next transaction.
    """

    __slots__ = ("_connection", "_text")

    def __init__(self, connection: Connection, text: str) -> None:
        self._connection = connection
        self._text = text

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        dialect = self._connection.dialect
        dbapi = dialect.loaded_dbapi
        if not isinstance(error, dbapi.Error):
            return
        lost = dialect.is_disconnect(error, self._connection.connection, None)
        if lost:
            self._connection.invalidate(error)
        raise DBAPIError.instance(
            self._text, None, error, dbapi.Error, connection_invalidated=lost
        ) from error


@lru_cache(maxsize=16)
def _positional(
    statement: Insert | Update | Delete | Select[Any], dialect: Dialect
) -> tuple[str, tuple[str, ...]]:
    """A statement as its driver takes it, and the names of its parameters in their order."""
    compiled = statement.compile(dialect=dialect)
    if compiled.positiontup is not None:
        return str(compiled), tuple(compiled.positiontup)
    names: list[str] = []

    def mark(found: re.Match[str]) -> str:
        names.append(found[1])
        return "%s"

    return _NAMED.sub(mark, str(compiled)), tuple(names)
