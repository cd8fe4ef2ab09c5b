"""The database, and its two modes: autocommit, or one transaction.

If the database does not answer, or all connections are in use, Unavailable is raised (docs/adr).
"""

import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, LiteralString, Self, TypeVar

import psycopg
from psycopg import Connection, sql
from psycopg.rows import RowFactory, TupleRow, class_row, dict_row, scalar_row, tuple_row

from adapters.postgres.connections import CALLS, Limits, connecting, verified
from adapters.postgres.errors import NotWritable, portal_error
from adapters.postgres.pool import Pool
from adapters.telemetry import NoTelemetry, Telemetry
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

Row = TypeVar("Row")
Query = LiteralString | sql.Composed | sql.SQL
Values = Mapping[str, Any]

STREAMED_ROWS: Final = 32
"""How many rows of a streamed query are in memory: of practices with the longest texts, about 20 MB."""


def first_of(
    query: sql.Composable, order: sql.SQL, *, limit: int, detail: sql.Composable | None = None
) -> sql.Composed:
    """Return a query for the first rows of a list, with the same arguments as `Sql.page`."""
    return sql.SQL(
        "SELECT part.*{detail} FROM (SELECT * FROM ({query}) whole ORDER BY {order} LIMIT {limit}) part"
        " ORDER BY {order}"
    ).format(query=query, order=order, limit=limit, detail=detail or sql.SQL(""))


def columns(*names: str, table: str = "") -> sql.Composed:
    """Return a list of column names, with the name of the table (or its alias) if it is given."""
    return sql.SQL(", ").join(
        sql.Identifier(table, name) if table else sql.Identifier(name) for name in names
    )


def named_values(*names: str) -> sql.Composed:
    """Return a list of placeholders with these names."""
    return sql.SQL(", ").join(sql.Placeholder(name) for name in names)


def matching(filters: Mapping[str, sql.SQL], requested: Mapping[str, object]) -> sql.Composable:
    """Return the condition of a list: all filters, by field of the query, whose field is requested."""
    conditions = [condition for field, condition in filters.items() if field in requested]
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")


class Sql:
    """Runs statements: in autocommit, each on a connection of the pool, or all in one transaction."""

    def __init__(
        self,
        database: "Database",
        connection: Connection[TupleRow] | None = None,
        *,
        limits: Limits = CALLS,
    ) -> None:
        self._database = database
        self._connection = connection
        self._limits = limits

    def rows(self, query: Query, values: Values | None = None, *, into: type[Row]) -> list[Row]:
        """Fetch all rows of a query as objects of a class, whose fields are the columns."""
        return self._fetch(query, values, class_row(into))

    def row(self, query: Query, values: Values | None = None, *, into: type[Row]) -> Row | None:
        """Fetch the first row of a query, or None."""
        return next(iter(self.rows(query, values, into=into)), None)

    def one(self, query: Query, values: Values | None = None, *, into: type[Row]) -> Row:
        """Fetch the only row of a query that always returns one."""
        return self.rows(query, values, into=into)[0]

    def tuples(self, query: Query, values: Values | None = None) -> list[TupleRow]:
        """Fetch all rows of a query as tuples."""
        return self._fetch(query, values, tuple_row)

    def mappings(self, query: Query, values: Values | None = None) -> list[dict[str, Any]]:
        """Fetch all rows of a query as dictionaries by column name."""
        return self._fetch(query, values, dict_row)

    def value(self, query: Query, values: Values | None = None) -> Any:
        """Fetch the first column of the first row of a query, or None."""
        return next(iter(self._fetch(query, values, scalar_row)), None)

    def page(
        self,
        query: sql.Composable,
        values: Values | None = None,
        *,
        part: PageQuery,
        order: sql.SQL,
        into: type[Row],
        detail: sql.Composable | None = None,
    ) -> Page[Row]:
        """Fetch one page of the rows of a query, and their total, in one statement.

        An empty page has the total as well. For short lists only, because all rows are counted. `detail` has
        more columns, each after a comma, which are computed only for the rows of the page.
        """
        rows = self.mappings(
            sql.SQL("""
            WITH whole AS ({query}), part AS (
                SELECT row_number() OVER (ORDER BY {order}) AS place_in_list, whole.*
                FROM whole ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
            )
            SELECT (SELECT count(*) FROM whole) AS rows_in_list, part.*{detail}
            FROM (SELECT) always LEFT JOIN part ON true ORDER BY part.place_in_list
            """).format(query=query, order=order, detail=detail or sql.SQL("")),
            {**(values or {}), "limit": part.limit, "offset": part.offset},
        )
        extra = {"rows_in_list", "place_in_list"}
        items = [
            into(**{name: value for name, value in row.items() if name not in extra})
            for row in rows
            if row["place_in_list"] is not None
        ]
        return Page(items, rows[0]["rows_in_list"], part.limit, part.offset)

    def stream(self, query: Query, values: Values | None = None) -> Generator[dict[str, Any]]:
        """Yield all rows of a query as dictionaries, few at a time, in the open transaction or a new one."""
        with (
            self.atomic(),
            self._database.telemetry.statement(query),
            self._using() as connection,
            connection.cursor(name="stream", row_factory=dict_row) as cursor,
        ):
            cursor.itersize = STREAMED_ROWS
            yield from cursor.execute(query, values)

    def sections(
        self, queries: Mapping[str, sql.Composable], values: Values | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Fetch the rows of several queries in one statement, so from one snapshot.

        Rows come as JSON: ids and dates are strings, numbers are exact.
        """
        section = "(SELECT coalesce(json_agg(row_to_json(part)), '[]')::text FROM ({query}) part) AS {name}"
        parts = [
            sql.SQL(section).format(query=query, name=sql.Identifier(name)) for name, query in queries.items()
        ]
        [row] = self.mappings(sql.SQL("SELECT {parts}").format(parts=sql.SQL(", ").join(parts)), values)
        return {name: json.loads(rows, parse_float=Decimal) for name, rows in row.items()}

    def run(self, query: Query, values: Values | None = None) -> int:
        """Run a statement; return how many rows it changed."""
        with self._database.telemetry.statement(query), self._using() as connection:
            return connection.execute(query, values).rowcount

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Run the block in one transaction: the open one, or a new one.

        It includes all stores that share this `Sql`. A `Sql` must be used by one thread at a time.
        """
        if self._connection is not None:
            yield
            return
        with self._database.open_transaction(self._limits) as connection:
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    def _fetch(self, query: Query, values: Values | None, factory: RowFactory[Row]) -> list[Row]:
        with (
            self._database.telemetry.statement(query),
            self._using() as connection,
            connection.cursor(row_factory=factory) as cursor,
        ):
            return cursor.execute(query, values).fetchall()

    @contextmanager
    def _using(self) -> Iterator[Connection[TupleRow]]:
        if self._connection is None:
            with self._database.connection(self._limits) as connection:
                yield connection
            return
        with self._database.errors():
            yield self._connection


class Database:
    """A PostgreSQL database and the pool of connections to it.

    `password` returns the password of each new connection, if the URL has none.
    """

    def __init__(
        self,
        url: str,
        *,
        password: Callable[[], str] | None = None,
        pool_size: int = 10,
        pool_timeout: float = 3.0,
        prepared_statements: bool = True,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.telemetry = telemetry or NoTelemetry()
        self._sets_limits = not prepared_statements
        self._refused_write_at = -math.inf
        self._pool = Pool(
            verified(url),
            partial(connecting, password, prepared_statements=prepared_statements),
            size=pool_size,
            timeout=pool_timeout,
        )

    def autocommit(self, limits: Limits = CALLS) -> Sql:
        """Return a `Sql` in autocommit mode; its `atomic` blocks keep the limits."""
        return Sql(self, limits=limits)

    @contextmanager
    def transaction(self, limits: Limits = CALLS) -> Iterator[Sql]:
        """Open a transaction for the block: committed at its end, rolled back on an exception."""
        with self.open_transaction(limits) as connection:
            yield Sql(self, connection)

    @contextmanager
    def open_transaction(self, limits: Limits) -> Iterator[Connection[TupleRow]]:
        """Open a transaction for the block; the limits are for each statement. Raises Unavailable."""
        with self.connection(limits) as connection, connection.transaction():
            # Connections have the limits of calls, but PgBouncer does not pass them on to the server.
            if self._sets_limits or limits != CALLS:
                connection.execute(
                    "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
                    [limits.statement_ms, limits.lock_ms],
                )
            yield connection

    @contextmanager
    def connection(self, limits: Limits = CALLS) -> Iterator[Connection[TupleRow]]:
        """Take a connection from the pool for the block. Raises Unavailable."""
        with self.errors(), self._pool.connection(limits.connection) as connection:
            yield connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Translate errors of the database into errors of the portal."""
        try:
            yield
        except psycopg.Error as error:
            translated = portal_error(error)
            if isinstance(translated, NotWritable):
                self._refused_write_at = time.monotonic()
            if translated is None:
                raise
            raise translated from error

    @property
    def is_away(self) -> bool:
        """Whether the database is known to be away, so that calls do not wait for it."""
        return self._pool.is_away

    def refused_write(self, within: timedelta) -> bool:
        """Whether the database refused to write, in this process and not longer ago than this."""
        return time.monotonic() - self._refused_write_at <= within.total_seconds()

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Use the database until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close all connections."""
        self.close()
