"""The migration that adds the moment since which a practice waits, on a database that has practices."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from ops.migrate import downgrade, upgrade
from tests.conftest import DatabaseServer, new_database

BEFORE: Final = "0007"
ADDED: Final = "0008"

# A draft, an approved practice, one that was submitted twice, and one whose history is not kept.
ADD_PRACTICES: Final = """
    INSERT INTO users (email, full_name, role) VALUES ('hq@amber.test', 'HQ', 'hq');
    INSERT INTO best_practices
        (title, description, problem_statement, solution, status, submitted_date, submitted_by_user_id,
         plant_id, created_at)
    SELECT title, 'D.', 'P.', 'S.', status, CASE WHEN status <> 'draft' THEN date '2026-08-01' END,
           u.id, p.id, timestamptz '2026-08-01 06:00Z'
    FROM (VALUES ('draft', 'draft'), ('approved', 'approved'), ('twice', 'submitted'),
                 ('without', 'submitted')) AS new (title, status),
         users u, (SELECT id FROM plants LIMIT 1) p;
    INSERT INTO practice_transitions (practice_id, from_status, to_status, by_user_id, at)
    SELECT p.id, change.from_status, change.to_status, u.id, change.at
    FROM best_practices p, users u,
         (VALUES ('twice', NULL, 'submitted', timestamptz '2026-08-02 06:00Z'),
                 ('twice', 'submitted', 'revision_required', timestamptz '2026-08-03 06:00Z'),
                 ('twice', 'revision_required', 'submitted', timestamptz '2026-08-04 06:00Z'),
                 ('approved', NULL, 'submitted', timestamptz '2026-08-02 06:00Z'),
                 ('approved', 'submitted', 'approved', timestamptz '2026-08-05 06:00Z'))
             AS change (title, from_status, to_status, at)
    WHERE p.title = change.title;
"""

WAITING: Final = """
    SELECT title, to_char(waiting_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
    FROM best_practices ORDER BY title
"""


@pytest.fixture
def earlier_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """The URL of a database before the migration, with practices in every state."""
    with new_database(postgres_server, template="template0") as name:
        url = postgres_server.url(name)
        upgrade(url, BEFORE)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ADD_PRACTICES)
        yield url


def test_submitted_practices_wait_since_their_last_submission_and_the_others_do_not(earlier_url: str) -> None:
    upgrade(earlier_url, ADDED)
    expected = [
        ("approved", None),
        ("draft", None),
        ("twice", "2026-08-04 06:00"),
        ("without", "2026-08-01 06:00"),
    ]
    with psycopg.connect(earlier_url) as connection:
        assert connection.execute(WAITING).fetchall() == expected


def test_a_declined_practice_needs_a_revision_after_the_downgrade(earlier_url: str) -> None:
    upgrade(earlier_url, ADDED)
    with psycopg.connect(earlier_url, autocommit=True) as connection:
        connection.execute("UPDATE best_practices SET status = 'declined' WHERE title = 'twice'")
    downgrade(earlier_url, BEFORE)
    with psycopg.connect(earlier_url) as connection:
        statuses = connection.execute("SELECT title, status FROM best_practices ORDER BY title").fetchall()
    assert statuses == [
        ("approved", "approved"),
        ("draft", "draft"),
        ("twice", "revision_required"),
        ("without", "submitted"),
    ]
