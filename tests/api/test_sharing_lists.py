"""The lists of benchmarks, copies and points with years of them: one statement each, whatever there is."""

from typing import Any, Final

from tests.world import Person, World

BENCHMARKED: Final = 4_000
COPIES: Final = 10_000

# Practice number n belongs to plant n mod 7, and is copied by the two or three plants after that one.
FILL: Final = """
CREATE TEMP TABLE place AS SELECT id, row_number() OVER (ORDER BY name) - 1 AS number FROM plants;
INSERT INTO best_practices (title, plant_id, submitted_by_user_id, category_id, status, submitted_date)
SELECT 'Original ' || n, place.id, (SELECT id FROM users LIMIT 1), (SELECT id FROM categories LIMIT 1),
       'approved', '2026-01-01'
FROM generate_series(0, {benchmarked} - 1) n JOIN place ON place.number = mod(n, 7);
INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)
SELECT id, submitted_by_user_id, date '2026-01-02' + (random() * 200)::int FROM best_practices;
CREATE TEMP TABLE wanted AS
SELECT original.id AS original_id, gen_random_uuid() AS copy_id, copier.id AS plant_id,
       original.submitted_by_user_id
FROM best_practices original
JOIN place origin ON origin.id = original.plant_id
CROSS JOIN generate_series(1, 3) step
JOIN place copier ON copier.number = mod(origin.number + step, 7)
WHERE step < 3 OR mod(substr(original.title, 10)::int, 2) = 0;
INSERT INTO best_practices (id, title, plant_id, submitted_by_user_id, status, submitted_date)
SELECT copy_id, 'Copy', plant_id, submitted_by_user_id, 'submitted', '2026-08-01' FROM wanted;
INSERT INTO copied_practices
    (original_practice_id, copied_practice_id, copying_plant_id, copied_date, implementation_status)
SELECT original_id, copy_id, plant_id, date '2026-08-01' + (random() * 10)::int, 'planning' FROM wanted;
ANALYZE;
"""


def statements_of(statements: list[str], reader: Person, path: str, **query: Any) -> tuple[list[str], Any]:
    """What a call sends to the database beyond finding out who calls, and what it answers."""
    statements.clear()
    answer = reader.get(path, **query)
    assert answer.status_code == 200, answer.text
    return [one for one in statements if "FROM sessions" not in one], answer.json()


def test_each_list_is_one_statement_with_4000_benchmarks_and_10000_copies(
    world: World, statements: list[str]
) -> None:
    reader, hq = world.plant_user(1), world.headquarters()
    world.query(FILL.format(benchmarked=BENCHMARKED))
    totals = hq.post("/leaderboard/recalculate").json()["data"]
    assert totals["origin_points_awarded"] == 10 * BENCHMARKED
    assert totals["copier_points_awarded"] == 5 * COPIES
    [(original,)] = world.query("SELECT id FROM best_practices WHERE title = 'Original 0'")
    for path, total in (
        ("/benchmarking/list", BENCHMARKED),
        ("/benchmarking/copy-spread", BENCHMARKED),
        ("/copy/deployment-status", BENCHMARKED),
        ("/copy/my-implementations", None),
    ):
        for part in ({"limit": 100}, {"limit": 100, "offset": 200}):
            sent, answer = statements_of(statements, reader, path, **part)
            assert len(sent) == 1, path
            assert len(answer["data"]) == 100
            assert total is None or answer["pagination"]["total"] == total
    for path, length in (
        ("/benchmarking/recent", 10),
        ("/benchmarking/total-count", 1),
        (f"/benchmarking/{original}/copies", 3),
        (f"/copy/{original}/copies", 3),
        ("/leaderboard/current", 7),
    ):
        sent, answer = statements_of(statements, reader, path)
        assert (len(sent), len(answer["data"])) == (1, length), path
    sent, answer = statements_of(statements, reader, f"/leaderboard/{world.plants[1]}/breakdown")
    assert len(sent) == 1
    assert answer["data"]["copiedCount"] == len(answer["data"]["copied"]) > 1_000
    for row in reader.get("/leaderboard/current").json()["data"]:
        assert len(row["breakdown"]) == row["origin_points"] // 10 + row["copier_points"] // 5
