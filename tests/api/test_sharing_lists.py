"""Lists of benchmarks, copies and points take one statement each, however many rows there are."""

from typing import Any, Final, NamedTuple

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


class Measured(NamedTuple):
    """How many statements a call sends (without the one that reads the session), and what it returns."""

    statements: int
    rows: int
    total: int | None


def measure(statements: list[str], reader: Person, path: str, **query: Any) -> Measured:
    statements.clear()
    response = reader.get(path, **query)
    assert response.status_code == 200, response.text
    sent = [statement for statement in statements if "FROM sessions" not in statement]
    body = response.json()
    return Measured(len(sent), len(body["data"]), body.get("pagination", {}).get("total"))


def test_each_list_is_one_statement_with_4000_benchmarks_and_10000_copies(
    world: World, statements: list[str]
) -> None:
    reader, hq = world.plant_user(1), world.headquarters()
    world.query(FILL.format(benchmarked=BENCHMARKED))
    totals = hq.post("/leaderboard/recalculate").json()["data"]
    assert (totals["origin_points_awarded"], totals["copier_points_awarded"]) == (
        10 * BENCHMARKED, 5 * COPIES
    )  # fmt: skip
    [(original,)] = world.query("SELECT id FROM best_practices WHERE title = 'Original 0'")
    [(own,)] = world.query(
        "SELECT count(*) FROM copied_practices WHERE copying_plant_id = %s", world.plants[1]
    )

    paged = {
        "/benchmarking/list": BENCHMARKED,
        "/benchmarking/copy-spread": BENCHMARKED,
        "/copy/deployment-status": BENCHMARKED,
        "/copy/my-implementations": own,
    }
    for page in ({"limit": 100}, {"limit": 100, "offset": 200}):
        measured = {path: measure(statements, reader, path, **page) for path in paged}
        assert measured == {path: Measured(1, 100, total) for path, total in paged.items()}
    expected = {
        "/benchmarking/recent": Measured(1, 10, BENCHMARKED),
        "/benchmarking/total-count": Measured(1, 1, None),
        # One of the two reads who may see the practice.
        f"/benchmarking/{original}/copies": Measured(2, 3, 3),
        f"/copy/{original}/copies": Measured(2, 3, 3),
        "/leaderboard/current": Measured(1, 7, 7),
    }
    assert {path: measure(statements, reader, path) for path in expected} == expected
    check_points(world, statements, reader)


def check_points(world: World, statements: list[str], reader: Person) -> None:
    """Check that the breakdown is one statement, and that it lists every benchmark and copy that counts."""
    breakdown = f"/leaderboard/{world.plants[1]}/breakdown"
    assert measure(statements, reader, breakdown).statements == 1
    shown = reader.get(breakdown).json()["data"]
    assert shown["copiedCount"] == len(shown["copied"]) > 1_000
    for row in reader.get("/leaderboard/current").json()["data"]:
        assert len(row["breakdown"]) == row["origin_points"] // 10 + row["copier_points"] // 5
