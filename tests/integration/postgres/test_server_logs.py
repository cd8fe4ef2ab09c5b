"""What PostgreSQL logs with the settings of infra/modules/database.bicep."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pycep import BicepParser

from local.postgres import EmbeddedPostgres, throwaway_postgres

DATABASE = Path(__file__).resolve().parents[3] / "infra" / "modules" / "database.bicep"
SECRET = "bcrypt-hash-of-somebody"
INSERT = "INSERT INTO people VALUES (%s, %s)"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A server that logs like that in Azure, except that every statement counts as slow."""
    parsed: dict[str, Any] = dict(BicepParser().parse(text=DATABASE.read_text(encoding="utf-8")))
    settings: dict[str, str] = parsed["variables"]["serverSettings"]["value"]
    chosen = {name: value for name, value in settings.items() if name.startswith("log_")}
    assert chosen["log_min_duration_statement"] == "1000"
    with throwaway_postgres() as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for name, value in {**chosen, "log_min_duration_statement": "0"}.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE TABLE people (email text UNIQUE, hashed_password text)")
        yield server


def log_of(server: EmbeddedPostgres) -> str:
    return (server.directory / "log").read_text(encoding="utf-8", errors="replace")


def test_the_log_of_the_database_has_statements_without_their_parameters(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("SET log_error_verbosity = 'default'")  # `terse` would leave them out, too
        connection.execute(INSERT, ("one@plant.example", SECRET))

    log = log_of(server)
    assert re.search(r"duration: .* INSERT INTO people VALUES \(\$1, \$2\)", log)
    assert SECRET not in log


def test_the_log_of_the_database_has_errors_without_the_values_of_rows(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(INSERT, ("two@plant.example", SECRET))
        with pytest.raises(psycopg.errors.UniqueViolation, match="two@plant"):
            connection.execute(INSERT, ("two@plant.example", SECRET))

    log = log_of(server)
    assert "duplicate key value violates unique constraint" in log
    assert "two@plant" not in log
