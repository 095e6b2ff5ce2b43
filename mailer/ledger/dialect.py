"""Where SQLite and PostgreSQL say the same thing in different words."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Dialect, Select, Table, Update
    from sqlalchemy.sql.dml import Insert


def insert_new(connection: Connection, table: Table) -> Insert:
    """An INSERT that passes over rows which a unique key of the table holds already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """INSERT tuples as the driver takes them: 1.7 instead of 4.4 µs for a row of eight columns."""
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    names, marks = ", ".join(columns), ", ".join([mark] * len(columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608  our own names
    if rows:
        connection.exec_driver_sql(statement, list(rows))


def update_rows(connection: Connection, statement: Update, rows: Sequence[dict[str, Any]]) -> int:
    """Run a parametrised UPDATE for many rows as the driver takes them; returns how many changed.

    SQLAlchemy would build and convert the parameters of each row anew, which costs more than the
    statement itself; so values must be what the driver knows: str, int, bytes or None.
    """
    text, names, fixed = _compiled(statement, connection.dialect)
    in_order = itemgetter(*names)
    return connection.exec_driver_sql(text, [in_order(fixed | row) for row in rows]).rowcount


def read_value(connection: Connection, statement: Select[Any]) -> Any:  # noqa: ANN401  any column
    """The one value of a statement without parameters of its own, read many times a second."""
    text, names, fixed = _compiled(statement, connection.dialect)
    return connection.exec_driver_sql(text, tuple(fixed[name] for name in names)).scalar()


@lru_cache(maxsize=16)
def _compiled(
    statement: Update | Select[Any], dialect: Dialect
) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert compiled.positiontup is not None, "both drivers take positional parameters"
    fixed = {
        name: str(value) if isinstance(value, str) else value
        for name, value in compiled.params.items()
    }
    return str(compiled), tuple(compiled.positiontup), fixed
