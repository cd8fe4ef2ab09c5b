"""What the database keeps of practices by itself: true after whatever is written, by whomever, in bulk."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest

Connection = psycopg.Connection[tuple[Any, ...]]

ADD: Final = """
INSERT INTO best_practices
    (title, submitted_by_user_id, plant_id, category_id, status, submitted_date, savings_amount,
     savings_currency, savings_period, is_deleted)
SELECT 'x', users.id, plants.ids[1 + n %% 3], categories.ids[1 + n * 7 %% 9], status,
       CASE status WHEN 'draft' THEN NULL ELSE date '2025-11-01' + (n * 13) %% 200 END,
       n, CASE n %% 2 WHEN 0 THEN 'lakhs' ELSE 'crores' END,
       CASE n %% 3 WHEN 0 THEN 'monthly' ELSE 'annually' END,
       n %% 11 = 0
FROM users, (SELECT array_agg(id ORDER BY name) AS ids FROM plants) plants,
     (SELECT array_agg(id ORDER BY name) || ARRAY[NULL]::uuid[] AS ids FROM categories) categories,
     generate_series(%(first)s::int, %(last)s::int) n,
     LATERAL (SELECT (ARRAY['draft', 'submitted', 'approved', 'revision_required'])[1 + n %% 4]) one (status)
"""

CHANGES: Final = (
    "UPDATE best_practices SET status = 'approved' WHERE status = 'submitted' AND {some}",
    "UPDATE best_practices SET status = 'revision_required' WHERE status = 'approved' AND {some}",
    "UPDATE best_practices SET status = 'submitted' WHERE status = 'revision_required' AND {some}",
    "UPDATE best_practices SET status = 'submitted', submitted_date = '2026-02-28'"
    " WHERE status = 'draft' AND {some}",
    "UPDATE best_practices SET submitted_date = submitted_date + 40 WHERE {some}",
    "UPDATE best_practices SET plant_id = (SELECT min(id::text)::uuid FROM plants) WHERE {some}",
    "UPDATE best_practices SET category_id = (SELECT min(id::text)::uuid FROM categories) WHERE {some}",
    "UPDATE best_practices SET savings_amount = savings_amount + 0.07 WHERE {some}",
    "UPDATE best_practices SET savings_currency = 'crores' WHERE {some}",
    "UPDATE best_practices SET savings_period = 'monthly' WHERE {some}",
    "UPDATE best_practices SET is_deleted = NOT is_deleted WHERE {some}",
    "UPDATE best_practices SET title = 'y' WHERE {some}",
    "DELETE FROM best_practices WHERE {some} AND id NOT IN (SELECT practice_id FROM benchmarked_practices)",
    "INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)"
    " SELECT id, submitted_by_user_id, date '2026-01-15' + mod(savings_amount::int, 60) FROM best_practices"
    " WHERE {some} ON CONFLICT DO NOTHING",
    "UPDATE benchmarked_practices SET benchmarked_date = benchmarked_date + 30"
    " WHERE practice_id IN (SELECT id FROM best_practices WHERE {some})",
    "DELETE FROM benchmarked_practices WHERE practice_id IN (SELECT id FROM best_practices WHERE {some})",
)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO users (email, full_name, role) VALUES ('hq@amber.test', 'HQ', 'hq')")
        yield connection


def by_hand(connection: Connection) -> tuple[dict[Any, list[int]], dict[Any, tuple[Decimal, int]]]:
    """What ought to be kept, counted in Python from the practices and benchmarks."""
    submitted, benchmarked = Counter[Any](), Counter[Any]()
    sums: dict[Any, tuple[Decimal, int]] = {}
    practices = connection.execute(
        "SELECT p.id, plant_id, category_id, status, submitted_date, is_deleted, annualised_savings,"
        " b.benchmarked_date FROM best_practices p LEFT JOIN benchmarked_practices b ON b.practice_id = p.id"
    ).fetchall()
    for _, plant, category, status, day, is_deleted, annualised, benchmarked_on in practices:
        if is_deleted:
            continue
        if status in ("submitted", "approved"):
            submitted[plant, category, day.year, day.month] += 1
        if status == "approved":
            total, count = sums.get((plant, day.year, day.month), (Decimal(0), 0))
            sums[plant, day.year, day.month] = (total + annualised, count + 1)
        if benchmarked_on:
            benchmarked[plant, category, benchmarked_on.year, benchmarked_on.month] += 1
    keys = submitted.keys() | benchmarked.keys()
    return {key: [submitted[key], benchmarked[key]] for key in keys}, sums


def kept(connection: Connection) -> tuple[dict[Any, list[int]], dict[Any, tuple[Decimal, int]]]:
    """What is kept; an entry of nothing is as good as none."""
    counts = connection.execute(
        "SELECT plant_id, category_id, year, month, submitted, benchmarked FROM practice_counts"
    )
    sums = connection.execute(
        "SELECT plant_id, year, month, annualised_savings, practice_count, total_savings FROM monthly_savings"
    ).fetchall()
    for *_, annualised, _, total in sums:
        assert total == (annualised / 12).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
    return (
        {
            (*key,): figures
            for *key, submitted, benchmarked in counts
            if any(figures := [submitted, benchmarked])
        },
        {(plant, year, month): (annualised, count) for plant, year, month, annualised, count, _ in sums},
    )


def rebuild(connection: Connection) -> int:
    [[wrong]] = connection.execute("SELECT rebuild_roll_ups()").fetchall()
    assert isinstance(wrong, int)
    return wrong


def test_whatever_is_written_by_whatever_statement_is_counted_and_summed(connection: Connection) -> None:
    dice = random.Random(6)
    connection.execute(ADD, {"first": 1, "last": 200})
    assert kept(connection) == by_hand(connection)
    for turn in range(90):
        change = CHANGES[turn % len(CHANGES)]
        some = f"mod(('x' || right(id::text, 4))::bit(16)::int, 16) < {dice.choice([1, 4, 9])}"
        connection.execute(change.format(some=some).encode())
        if turn % 20 == 19:
            connection.execute(ADD, {"first": 200 + turn, "last": 260 + turn})
        assert kept(connection) == by_hand(connection), change
    counts, sums = kept(connection)
    assert len(counts) > 20
    assert len(sums) > 10
    assert rebuild(connection) == 0


def test_what_is_undone_is_not_counted(connection: Connection) -> None:
    connection.execute(ADD, {"first": 1, "last": 40})
    before = kept(connection)
    with connection.transaction(force_rollback=True):
        connection.execute(ADD, {"first": 41, "last": 80})
        assert kept(connection) == by_hand(connection) != before
    assert kept(connection) == before


def test_a_rebuild_puts_right_what_is_damaged_and_tells_how_much_it_was(connection: Connection) -> None:
    connection.execute(ADD, {"first": 1, "last": 200})
    connection.execute(CHANGES[13].format(some="true").encode())
    right = kept(connection)
    damages = (
        "UPDATE practice_counts SET submitted = submitted + 3 WHERE (year, month) = (2026, 1)",
        "UPDATE practice_counts SET benchmarked = 0 WHERE benchmarked > 0",
        "DELETE FROM practice_counts WHERE category_id IS NULL",
        "DELETE FROM monthly_savings WHERE month = 2",
        "UPDATE monthly_savings SET annualised_savings = 7, practice_count = 9 WHERE month = 3",
        "INSERT INTO practice_counts SELECT min(id::text)::uuid, NULL, 2031, 1, 5, 5 FROM plants",
    )
    for damage in damages:
        damaged = connection.execute(damage.encode()).rowcount
        assert damaged > 0, damage
        assert rebuild(connection) == damaged, damage
        assert kept(connection) == right, damage
        assert rebuild(connection) == 0


def test_a_practice_that_is_moved_while_it_is_benchmarked_is_counted_where_it_is_then(
    connection: Connection, database_url: str
) -> None:
    connection.execute(ADD, {"first": 2, "last": 2})  # approved
    benchmark = (
        "INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)"
        " SELECT id, submitted_by_user_id, '2026-08-01' FROM best_practices"
    )
    move = "UPDATE best_practices SET category_id = (SELECT max(id::text)::uuid FROM categories)"
    for first, second in ((move, benchmark), (benchmark, move)):
        connection.execute("DELETE FROM benchmarked_practices")
        connection.execute("UPDATE best_practices SET category_id = NULL")
        with (
            psycopg.connect(database_url) as rival,
            ThreadPoolExecutor(1) as other,
            psycopg.connect(database_url, autocommit=True) as watcher,
        ):
            rival.execute(first.encode())
            waiting = other.submit(connection.execute, second.encode())
            while not is_waiting(watcher):
                assert not waiting.done()
            rival.commit()
            waiting.result()
        assert kept(connection) == by_hand(connection)


def is_waiting(watcher: Connection) -> bool:
    """Whether anybody waits for a lock."""
    found = watcher.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)").fetchone()
    return found == (True,)


def test_a_rebuild_beside_writers_keeps_nobody_waiting_and_finds_nothing_wrong(
    connection: Connection, database_url: str
) -> None:
    plants: list[UUID] = [row[0] for row in connection.execute("SELECT id FROM plants")]
    connection.execute(ADD, {"first": 1, "last": 100})

    def write(seed: int) -> None:
        dice = random.Random(seed)
        with psycopg.connect(database_url, autocommit=True) as writer:
            for _ in range(60):
                writer.execute(
                    "UPDATE best_practices SET plant_id = %s, submitted_date = submitted_date + %s WHERE id ="
                    " (SELECT id FROM best_practices OFFSET %s LIMIT 1)",
                    (dice.choice(plants), dice.randint(-30, 30), dice.randint(0, 99)),
                )

    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(write, seed) for seed in range(3)]
        wrong = []
        while not all(writer.done() for writer in writers):
            wrong.append(rebuild(connection))
        for writer in writers:
            writer.result()
    assert len(wrong) > 5
    assert set(wrong) == {0}
    assert kept(connection) == by_hand(connection)
