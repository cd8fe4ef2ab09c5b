"""Inserts many practices, for benchmarks of analytics, lists and query plans."""

import time
from typing import Final

import psycopg

MONTHS: Final = 30

# Spread over thirty months, all plants and all categories. One in ten is a draft, most are approved, some are
# deleted. Every value follows from the number of the practice, so each run inserts the same practices.
INSERT_PRACTICES: Final = """
WITH plant AS (SELECT array_agg(id ORDER BY name) AS ids FROM plants),
     category AS (SELECT array_agg(id ORDER BY name) AS ids FROM categories),
     author AS (SELECT min(id::text)::uuid AS id FROM users),
     word AS (SELECT string_to_array('joint leak scrap brazing nitrogen torque fixture coil press paint
         conveyor sensor gauge vibration bearing compressor refrigerant weld robot pallet label barcode
         energy water noise dust safety guard interlock tool change setup time cycle yield rework', ' ')
             AS words),
     tag AS (SELECT ARRAY['brazing', 'nitrogen', 'scrap', 'energy', '5s', 'safety', 'water', 'gas'] AS words)
INSERT INTO best_practices
    (title, description, category_id, submitted_by_user_id, plant_id, problem_statement, solution,
     savings_amount, savings_currency, savings_period, status, submitted_date, is_deleted, created_at,
     updated_at, tags, area_implemented)
SELECT initcap(word.words[1 + n * 7 %% 36]) || ' ' || word.words[1 + n * 11 %% 35] || ' ' || n,
       'Practice number ' || n || '.',
       category.ids[1 + n * 13 %% 8], author.id, plant.ids[1 + n * 17 %% 7],
       'The ' || word.words[1 + n * 19 %% 34] || ' was bad.',
       'A better ' || word.words[1 + n * 23 %% 33] || '.',
       (n * 37 %% 10000) / 100.0, 'lakhs', CASE n %% 3 WHEN 0 THEN 'monthly' ELSE 'annually' END,
       generated.status, CASE generated.status WHEN 'draft' THEN NULL ELSE generated.day END, n %% 50 = 3,
       generated.day, generated.day, tag.words[1 + n * 29 %% 8:1 + n * 29 %% 8 + n %% 3],
       initcap(word.words[1 + n * 31 %% 32]) || ', line ' || n %% 40
FROM generate_series(1, %(practices)s) n, plant, category, author, word, tag, LATERAL (
    SELECT CASE WHEN n %% 10 = 0 THEN 'draft' WHEN n %% 10 < 3 THEN 'submitted'
                WHEN n %% 20 = 5 THEN 'revision_required' ELSE 'approved' END AS status,
           %(today)s::date - (n * 619 %% %(days)s)::int AS day
) generated
"""

INSERT_BENCHMARKS: Final = """
INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)
SELECT id, submitted_by_user_id, submitted_date FROM best_practices
WHERE status = 'approved' AND NOT is_deleted ORDER BY id LIMIT %(benchmarks)s
"""


ALL_VISIBLE: Final = """
SELECT relallvisible > 0.9 * relpages FROM pg_class WHERE relname = 'best_practices'
"""
VACUUMS: Final = 60


def insert_practices(database_url: str, practices: int, today: str, *, benchmarks: int = 400) -> None:
    """Insert practices and benchmarks directly into the database, and update the planner statistics.

    The first user is the author of all practices, so there must be one. `today` is an ISO date.
    """
    values = {"practices": practices, "benchmarks": benchmarks, "today": today, "days": MONTHS * 30}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(INSERT_PRACTICES, values)
        connection.execute(INSERT_BENCHMARKS, values)
        connection.execute("ANALYZE")
        # Index-only scans need pages that are marked as visible to all, which an automatic ANALYZE delays.
        for _ in range(VACUUMS):
            connection.execute("VACUUM")
            if connection.execute(ALL_VISIBLE).fetchone() == (True,):
                return
            time.sleep(1)
