"""The connection pool, and its two modes: autocommit, or one transaction.

The pool opens at its first use and closes idle connections. If the database does not answer, or all
connections are in use, Unavailable is raised after a timeout (docs/adr).
"""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, LiteralString, Self, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection, sql
from psycopg.rows import RowFactory, TupleRow, class_row, dict_row, scalar_row, tuple_row
from psycopg_pool import ConnectionPool, PoolTimeout

from adapters.postgres.connections import connecting, verified
from adapters.postgres.errors import portal_error
from adapters.telemetry import NoTelemetry, Telemetry
from bp_core.shared.errors import Unavailable
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

Row = TypeVar("Row")
Query = LiteralString | sql.Composed | sql.SQL
Values = Mapping[str, Any]

RECONNECT_TIMEOUT: Final = 1.0
"""How long the pool tries to open a connection before it gives up, in seconds."""

IDLE_LIFETIME: Final = 120.0
CHECK_AFTER: Final = 2.0
"""A connection that was idle for longer is checked before it is used, in seconds."""

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
        pool: "Database",
        connection: Connection[TupleRow] | None = None,
        *,
        statement_timeout: timedelta | None = None,
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._statement_timeout = statement_timeout

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
            self._pool.telemetry.statement(query),
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
        with self._pool.telemetry.statement(query), self._using() as connection:
            return connection.execute(query, values).rowcount

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Run the block in one transaction: the open one, or a new one.

        It includes all stores that share this `Sql`. A `Sql` must be used by one thread at a time.
        """
        if self._connection is not None:
            yield
            return
        with self._pool.open_transaction(self._statement_timeout) as connection:
            self._connection = connection
            try:
                yield
            finally:
                self._connection = None

    def _fetch(self, query: Query, values: Values | None, factory: RowFactory[Row]) -> list[Row]:
        with (
            self._pool.telemetry.statement(query),
            self._using() as connection,
            connection.cursor(row_factory=factory) as cursor,
        ):
            return cursor.execute(query, values).fetchall()

    @contextmanager
    def _using(self) -> Iterator[Connection[TupleRow]]:
        if self._connection is None:
            with self._pool.connection() as connection:
                yield connection
            return
        with _database_errors():
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
        self._pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool(
            verified(url),
            open=False,
            min_size=0,
            max_size=pool_size,
            timeout=pool_timeout,
            max_idle=IDLE_LIFETIME,
            reconnect_timeout=RECONNECT_TIMEOUT,
            reconnect_failed=ConnectionPool.check,  # lets waiting callers fail before their timeout
            check=self._check,
            reset=self._note_use,
            name="portal",
            kwargs=partial(connecting, password, prepared_statements=prepared_statements),
        )
        self._opening = threading.Lock()
        self._opened = False
        self._last_used: WeakKeyDictionary[Connection[TupleRow], float] = WeakKeyDictionary()

    def autocommit(self, statement_timeout: timedelta | None = None) -> Sql:
        """Return a `Sql` in autocommit mode; the timeout is for the statements of its `atomic` blocks."""
        return Sql(self, statement_timeout=statement_timeout)

    @contextmanager
    def transaction(self, statement_timeout: timedelta | None = None) -> Iterator[Sql]:
        """Open a transaction for the block: committed at its end, rolled back on an exception."""
        with self.open_transaction(statement_timeout) as connection:
            yield Sql(self, connection)

    @contextmanager
    def open_transaction(self, statement_timeout: timedelta | None) -> Iterator[Connection[TupleRow]]:
        """Open a transaction for the block; the timeout is for each statement. Raises Unavailable."""
        with self.connection() as connection, connection.transaction():
            if statement_timeout is not None:
                milliseconds = str(int(statement_timeout.total_seconds() * 1000))
                connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """Take a connection from the pool for the block. Raises Unavailable."""
        with _database_errors(), self._open_pool().connection() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        if self._opened:
            self._pool.close()

    def __enter__(self) -> Self:
        """Use the database until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close all connections."""
        self.close()

    def _open_pool(self) -> "ConnectionPool[Connection[TupleRow]]":
        if not self._opened:
            with self._opening:
                if not self._opened:
                    self._pool.open()
                    self._opened = True
        return self._pool

    def _note_use(self, connection: Connection[TupleRow]) -> None:
        self._last_used[connection] = time.monotonic()

    def _check(self, connection: Connection[TupleRow]) -> None:
        used = self._last_used.pop(connection, 0.0)
        if time.monotonic() - used <= CHECK_AFTER:
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._pool.check()  # other connections are probably broken as well: check all of them now
            raise


@contextmanager
def _database_errors() -> Iterator[None]:
    """Translate errors of the database into errors of the portal."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("The database does not answer. Try again shortly.") from error
    except psycopg.Error as error:
        translated = portal_error(error)
        if translated is None:
            raise
        raise translated from error
