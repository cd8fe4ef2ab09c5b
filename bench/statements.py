"""Captures the SQL statements that the portal sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

Statement = tuple[str, Any]
"""The text of a statement, and its parameters."""


@contextmanager
def captured_statements() -> Iterator[list[Statement]]:
    """All statements that psycopg executes in the block."""
    captured: list[Statement] = []
    execute = psycopg.Cursor.execute

    def capture(cursor: psycopg.Cursor[Any], query: Any, values: Any = None, **options: Any) -> Any:
        if query:  # the pool checks connections with an empty statement
            text = query.as_string(cursor) if isinstance(query, sql.Composable) else query
            captured.append((text, values))
        return execute(cursor, query, values, **options)

    psycopg.Cursor.execute = capture  # type: ignore[assignment, method-assign]
    try:
        yield captured
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
