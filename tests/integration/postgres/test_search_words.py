"""The migrations that add the search document of practices, on a database that has practices already."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import psycopg
import pytest

from ops.migrate import downgrade, upgrade
from tests.conftest import DatabaseServer, new_database

BEFORE: Final = "0009"
ADDED: Final = "0010"
FILLED: Final = "0011"

ADD_PRACTICES: Final = """
    INSERT INTO best_practices
        (title, description, problem_statement, solution, status, submitted_by_user_id, plant_id)
    SELECT 'Brazing ' || n, 'Leaks were found late.', 'Oxide flakes.', 'Nitrogen.', 'draft', u.id, p.id
    FROM generate_series(1, %s) n, users u, (SELECT id FROM plants LIMIT 1) p
"""
"""As the release before writes practices: without tags."""

FOUND: Final = "SELECT count(*) FROM best_practices WHERE search_words @@ websearch_to_tsquery('english', %s)"


@pytest.fixture
def earlier_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """The URL of a database before these migrations, with 2,500 practices."""
    with new_database(postgres_server, template="template0") as name:
        url = postgres_server.url(name)
        upgrade(url, BEFORE)
        run(url, "INSERT INTO users (email, full_name, role) VALUES ('hq@amber.test', 'HQ', 'hq')")
        run(url, ADD_PRACTICES, 2_500)
        yield url


def run(url: str, statement: str, *values: object) -> int:
    """Run a statement. Returns the first number of its result, 0 without any."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        row = cursor.fetchone() if cursor.description else None
        return int(row[0]) if row else 0


def test_practices_that_are_there_before_and_during_the_migrations_are_found(earlier_url: str) -> None:
    upgrade(earlier_url, ADDED)
    assert run(earlier_url, FOUND, "brazing leak") == 0
    run(earlier_url, ADD_PRACTICES, 1)
    assert run(earlier_url, FOUND, "brazing leak") == 1
    upgrade(earlier_url)
    assert run(earlier_url, FOUND, "brazing leak") == 2_501
    assert run(earlier_url, "SELECT count(*) FROM best_practices WHERE search_words IS NULL") == 0
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert run(earlier_url, invalid) == 0


def test_an_interrupted_fill_runs_again(earlier_url: str) -> None:
    upgrade(earlier_url, ADDED)
    run(earlier_url, "UPDATE best_practices SET search_words = NULL WHERE title LIKE '%%1'")
    run(earlier_url, "CREATE INDEX best_practices_tags_idx ON best_practices USING gin (tags)")
    upgrade(earlier_url, FILLED)
    assert run(earlier_url, FOUND, "nitrogen -brazing or leak") == 2_500
    downgrade(earlier_url, BEFORE)
    assert run(earlier_url, "SELECT count(*) FROM best_practices") == 2_500
    upgrade(earlier_url)
    assert run(earlier_url, FOUND, "leak") == 2_500


def test_instances_that_start_together_migrate_one_after_the_other(earlier_url: str) -> None:
    with ProcessPoolExecutor(3, get_context("spawn")) as instances:
        list(instances.map(upgrade, [earlier_url] * 3))
    assert run(earlier_url, FOUND, "leak") == 2_500
