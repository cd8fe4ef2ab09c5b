"""The pool of connections, and the two ways of using it: a statement at a time, or one transaction.

It opens at its first use, holds no connection that is not used, and turns a database that is away, or a pool
that is used up, into Unavailable within its time-out (docs/adr).
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any, Final, LiteralString, Self, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import RowFactory, TupleRow, class_row, dict_row, scalar_row, tuple_row
from psycopg_pool import ConnectionPool, PoolTimeout

from adapters.postgres.refusals import refusal_of
from adapters.telemetry import NoTelemetry, Telemetry
from bp_core.shared.errors import Unavailable
from bp_core.shared.paging import Page

Row = TypeVar("Row")
Query = LiteralString | sql.Composed | sql.SQL
Values = Mapping[str, Any]

CONNECT_TIMEOUT: Final = 3
RECONNECT_TIMEOUT: Final = 1.0
"""How long the pool tries for one connection, in seconds, before it begins anew: so it tries every second."""

KEEPALIVE_IDLE: Final = 30
TCP_USER_TIMEOUT_MS: Final = 10_000
"""A connection whose packets nobody acknowledges any more is given up after so long."""

IDLE_LIFETIME: Final = 120.0
TRUSTED_FOR: Final = 2.0
"""A connection that was used within so many seconds is handed out without being asked whether it lives."""

STATEMENT_TIMEOUT_MS: Final = 20_000


def first_of(
    query: sql.Composable, order: sql.SQL, *, limit: int, detail: sql.Composable | None = None
) -> sql.Composed:
    """Ask for the first rows of what `Sql.page` would take, with their details."""
    return sql.SQL(
        "SELECT part.*{detail} FROM (SELECT * FROM ({query}) whole ORDER BY {order} LIMIT {limit}) part"
        " ORDER BY {order}"
    ).format(query=query, order=order, limit=limit, detail=detail or sql.SQL(""))


def parameters_of(url: str) -> Mapping[str, str]:
    """Tell what a connection URL says, by libpq's names: user, host, password, sslmode.

    Raises ValueError, without a word of the URL, where it is none.
    """
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise ValueError("is no connection URL of PostgreSQL") from None


class Sql:
    """Runs statements, each in a connection of the pool and by itself, or all in one transaction."""

    def __init__(self, pool: "Database", connection: Connection[TupleRow] | None = None) -> None:
        self._pool = pool
        self._connection = connection

    def rows(self, query: Query, values: Values | None = None, *, into: type[Row]) -> list[Row]:
        """Fetch every row of a query, as objects of a class with the columns' names."""
        return self._fetch(query, values, class_row(into))

    def row(self, query: Query, values: Values | None = None, *, into: type[Row]) -> Row | None:
        """Fetch the first row of a query, or None."""
        return next(iter(self.rows(query, values, into=into)), None)

    def one(self, query: Query, values: Values | None = None, *, into: type[Row]) -> Row:
        """Fetch the row of a query that always has one."""
        return self.rows(query, values, into=into)[0]

    def tuples(self, query: Query, values: Values | None = None) -> list[TupleRow]:
        """Fetch every row of a query as a tuple."""
        return self._fetch(query, values, tuple_row)

    def mappings(self, query: Query, values: Values | None = None) -> list[dict[str, Any]]:
        """Fetch every row of a query as a mapping from column names."""
        return self._fetch(query, values, dict_row)

    def value(self, query: Query, values: Values | None = None) -> Any:
        """Fetch the first column of the first row of a query, or None."""
        return next(iter(self._fetch(query, values, scalar_row)), None)

    def page(
        self,
        query: sql.Composable,
        values: Values | None = None,
        *,
        order: sql.SQL,
        limit: int,
        offset: int,
        into: type[Row],
        detail: sql.Composable | None = None,
    ) -> Page[Row]:
        """Fetch a part of a query's rows and how many there are in all, in one query.

        The total comes with an empty part, too. For lists that stay short: the whole query is counted.
        `detail` names further columns, each after a comma, that are worked out for the part only.
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
            {**(values or {}), "limit": limit, "offset": offset},
        )
        total = rows[0]["rows_in_list"]
        marks = {"rows_in_list", "place_in_list"}
        items = [
            into(**{name: value for name, value in row.items() if name not in marks})
            for row in rows
            if row["place_in_list"] is not None
        ]
        return Page(items, total, limit, offset)

    def sections(
        self, queries: Mapping[str, sql.Composable], values: Values | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Fetch the rows of several queries in one statement, and so at one moment.

        They come as JSON writes them: ids and days as texts, and numbers exact.
        """
        section = "(SELECT coalesce(json_agg(row_to_json(part)), '[]')::text FROM ({query}) part) AS {name}"
        parts = [
            sql.SQL(section).format(query=query, name=sql.Identifier(name)) for name, query in queries.items()
        ]
        [row] = self.mappings(sql.SQL("SELECT {parts}").format(parts=sql.SQL(", ").join(parts)), values)
        return {name: json.loads(rows, parse_float=Decimal) for name, rows in row.items()}

    def run(self, query: Query, values: Values | None = None) -> int:
        """Run a statement; tell how many rows it changed."""
        with self._pool.telemetry.statement(query), self._using() as connection:
            return connection.execute(query, values).rowcount

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Run what is inside in one transaction: the one that is open, or one of its own.

        Every store that shares this `Sql` takes part; like a connection, it is used by one thread at a time.
        """
        if self._connection is not None:
            yield
            return
        with self._pool.connection() as connection, connection.transaction():
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

    `password` is asked for the password of every new connection, where it does not stand in the URL.
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
            url,
            open=False,
            min_size=0,
            max_size=pool_size,
            timeout=pool_timeout,
            max_idle=IDLE_LIFETIME,
            reconnect_timeout=RECONNECT_TIMEOUT,
            reconnect_failed=ConnectionPool.check,  # or else callers that wait already would wait in vain
            check=self._check,
            reset=self._note_use,
            name="portal",
            kwargs=partial(_connecting, password, prepared_statements=prepared_statements),
        )
        self._opening = threading.Lock()
        self._opened = False
        self._last_used: WeakKeyDictionary[Connection[TupleRow], float] = WeakKeyDictionary()

    def autocommit(self) -> Sql:
        """Use the database a statement at a time, without BEGIN and COMMIT."""
        return Sql(self)

    @contextmanager
    def transaction(self) -> Iterator[Sql]:
        """Use the database in one transaction, which is kept if the block ends and undone if it raises."""
        with self.connection() as connection, connection.transaction():
            yield Sql(self, connection)

    @contextmanager
    def connection(self) -> Iterator[Connection[TupleRow]]:
        """Take a connection from the pool for a while. Raises Unavailable."""
        with _database_errors(), self._open_pool().connection() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        if self._opened:
            self._pool.close()

    def __enter__(self) -> Self:
        """Use the database until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close every connection."""
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
        if time.monotonic() - used <= TRUSTED_FOR:
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._pool.check()  # what broke one broke others: callers need not try them one by one
            raise


def _connecting(password: Callable[[], str] | None, *, prepared_statements: bool) -> dict[str, Any]:
    """Say how a connection is made, at the moment that it is made."""
    return {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT,
        "keepalives_idle": KEEPALIVE_IDLE,
        "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
        "application_name": "amber-portal",
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
        # PgBouncer in transaction mode may hand the next call another server connection.
        "prepare_threshold": 5 if prepared_statements else None,
        **({} if password is None else {"password": password()}),
    }


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn what the database refuses into the portal's own errors."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("The database does not answer; try again shortly.") from error
    except psycopg.Error as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
