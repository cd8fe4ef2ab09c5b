"""Recalculating points beside a rival that has not committed yet: each finds its own difference, once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import UUID

import pytest

from adapters.postgres.database import Database
from adapters.postgres.leaderboard import PostgresLeaderboard
from bp_core.leaderboard import PlantPoints, PointsUpdater
from tests.e2e.function_host.support import eventually

WAITING: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

PRACTICE: Final = """
    INSERT INTO best_practices (title, submitted_by_user_id, plant_id, status, submitted_date)
    SELECT 'x', id, %(plant)s, 'approved', '2026-01-01' FROM users RETURNING id
"""

COPY: Final = """
    INSERT INTO copied_practices
        (original_practice_id, copied_practice_id, copying_plant_id, copied_date, implementation_status)
    VALUES (%(original)s, %(copy)s, %(plant)s, '2026-08-15', 'planning')
"""


@pytest.fixture
def original(database: Database, plants: list[UUID]) -> UUID:
    """A benchmarked practice of the first plant, that the second has copied; the points are wrong by 7."""
    sql = database.autocommit()
    original: UUID = sql.value(PRACTICE, {"plant": plants[0]})
    sql.run(
        """
        INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)
        SELECT %(id)s, id, '2026-01-02' FROM users
        """,
        {"id": original},
    )
    copy(database, original, plants[1])
    sql.run(
        "UPDATE leaderboard_entries SET origin_points = origin_points + 7, total_points = total_points + 7"
    )
    return original


def copy(database: Database, original: UUID, plant: UUID) -> None:
    with database.transaction() as sql:
        sql.run("SELECT FROM best_practices WHERE id = %(id)s FOR NO KEY UPDATE", {"id": original})
        with PointsUpdater(PostgresLeaderboard(sql)).updated(original):
            made = sql.value(PRACTICE, {"plant": plant})
            sql.run(COPY, {"original": original, "copy": made, "plant": plant})


def recalculate(database: Database) -> list[PlantPoints]:
    with database.transaction() as sql:
        return PostgresLeaderboard(sql).recalculate(None)


def somebody_waits(database: Database) -> bool:
    return bool(database.autocommit().value(WAITING) == 1)


def entries(database: Database) -> dict[UUID, tuple[Any, ...]]:
    rows = database.autocommit().tuples(
        "SELECT plant_id, origin_points, copier_points FROM leaderboard_entries"
    )
    return {plant: tuple(points) for plant, *points in rows}


def test_a_second_recalculation_waits_for_the_first_and_finds_nothing_left(
    database: Database, plants: list[UUID], original: UUID
) -> None:
    with ThreadPoolExecutor(1) as rival:
        with database.transaction() as sql:
            first = PostgresLeaderboard(sql).recalculate(None)
            second = rival.submit(recalculate, database)
            eventually(lambda: somebody_waits(database))
        assert second.result() == []
    assert {(one.plant_id, one.origin_points) for one in first} == {(plants[0], -7), (plants[1], -7)}
    assert entries(database) == {plants[0]: (10, 0), plants[1]: (0, 5)}


def test_a_recalculation_beside_a_copy_takes_away_the_error_and_nothing_of_the_copy(
    database: Database, plants: list[UUID], original: UUID
) -> None:
    database.autocommit().run("DELETE FROM copied_practices")  # the next copy is the first, and pays both
    with ThreadPoolExecutor(1) as rival:
        with database.transaction() as sql:
            with PointsUpdater(PostgresLeaderboard(sql)).updated(original):
                made = sql.value(PRACTICE, {"plant": plants[2]})
                sql.run(COPY, {"original": original, "copy": made, "plant": plants[2]})
            recalculation = rival.submit(recalculate, database)
            eventually(lambda: somebody_waits(database))
        found = {(one.plant_id, one.origin_points, one.copier_points) for one in recalculation.result()}
    assert found == {(plants[0], -17, 0), (plants[1], -7, -5)}
    assert entries(database) == {plants[0]: (10, 0), plants[1]: (0, 0), plants[2]: (0, 5)}
    assert recalculate(database) == []


def test_a_copy_beside_a_recalculation_is_paid_in_full(
    database: Database, plants: list[UUID], original: UUID
) -> None:
    with ThreadPoolExecutor(1) as rival:
        with database.transaction() as sql:
            PostgresLeaderboard(sql).recalculate(None)
            rival.submit(
                copy, database, original, plants[2]
            ).result()  # it waits for nobody: no entry is shared
        assert entries(database) == {plants[0]: (10, 0), plants[1]: (0, 5), plants[2]: (0, 5)}
    assert recalculate(database) == []
