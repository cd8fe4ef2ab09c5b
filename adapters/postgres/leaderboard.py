"""Points in PostgreSQL: computed from benchmarks and copies, and stored as sums per plant and year.

The stored sums are only changed by adding differences, so that concurrent transactions can commit in any
order (docs/adr). `EARNED` is the only definition of the points.
"""

from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.leaderboard import (
    COPIER_POINTS,
    ORIGIN_POINTS,
    LeaderboardStore,
    LeaderboardTotals,
    PlantPoints,
    PointsBreakdown,
    Standing,
)
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

POINTS: Final = {"origin_points": ORIGIN_POINTS, "copier_points": COPIER_POINTS}

# All earnings (rules 5). A copy that is neither deleted nor declined counts while its original is benchmarked
# and not deleted. The origin earns points for the first copy that counts.
EARNED: Final = sql.SQL("""
    SELECT earning.*, counted.date, date_part('year', counted.date)::int AS year,
           counted.copied_at, counted.bp_id, counted.bp_title, counted.copies_count
    FROM (
        SELECT o.id AS bp_id, o.title AS bp_title, o.plant_id AS origin_plant_id, c.copying_plant_id,
               c.copied_date AS date, c.created_at AS copied_at,
               count(*) OVER (PARTITION BY o.id) AS copies_count,
               row_number() OVER (PARTITION BY o.id ORDER BY c.copied_date, c.created_at, c.id) AS place
        FROM counted_copies c
        JOIN benchmarked_practices b ON b.practice_id = c.original_practice_id
        JOIN best_practices o ON o.id = c.original_practice_id AND NOT o.is_deleted
        {of_practice}
    ) counted
    CROSS JOIN LATERAL (
        SELECT 'Copier' AS type, copying_plant_id AS plant_id, 0 AS origin_points,
               %(copier_points)s AS copier_points
        UNION ALL
        SELECT 'Origin', origin_plant_id, %(origin_points)s, 0 WHERE place = 1
    ) earning
""")

ALL_EARNED: Final = EARNED.format(of_practice=sql.SQL(""))
EARNED_THROUGH: Final = EARNED.format(of_practice=sql.SQL("WHERE c.original_practice_id = %(practice_id)s"))

# The benchmarked practices without copies, in the year of their benchmark: they may earn points.
UNCOPIED: Final = sql.SQL("""
    SELECT o.id AS bp_id, o.title AS bp_title, 0 AS copies_count, 0 AS origin_points,
           b.benchmarked_date AS date, b.created_at AS copied_at
    FROM benchmarked_practices b
    JOIN best_practices o ON o.id = b.practice_id AND NOT o.is_deleted
    WHERE o.plant_id = %(plant_id)s AND date_part('year', b.benchmarked_date) = %(year)s
      AND NOT EXISTS (SELECT FROM counted_copies c WHERE c.original_practice_id = o.id)
""")

BREAKDOWN: Final = sql.SQL("""
WITH earned AS (
    SELECT * FROM ({earned}) earned WHERE plant_id = %(plant_id)s AND year = %(year)s
), originated AS (
    SELECT bp_id, bp_title, copies_count, origin_points, date, copied_at FROM earned WHERE type = 'Origin'
    UNION ALL
    {uncopied}
)
SELECT p.id AS plant_id, p.name AS plant_name,
       (SELECT coalesce(jsonb_agg(
                   jsonb_build_object('bp_title', bp_title, 'bp_id', bp_id,
                                      'points', copier_points, 'date', date)
                   ORDER BY date DESC, copied_at DESC, bp_id), '[]')
        FROM earned WHERE type = 'Copier') AS copied,
       (SELECT coalesce(jsonb_agg(
                   jsonb_build_object('bp_title', bp_title, 'bp_id', bp_id,
                                      'copies_count', copies_count, 'points', origin_points)
                   ORDER BY date DESC, copied_at DESC, bp_id), '[]')
        FROM originated) AS originated
FROM plants p WHERE p.id = %(plant_id)s
""").format(earned=ALL_EARNED, uncopied=UNCOPIED)

# Adds the difference between the points in {earned} and in {before} to the stored sums, and returns it. The
# difference is computed from one snapshot, and every transaction changes the earnings and the sums together,
# so it stays correct whatever other transactions commit. Rows are updated in a fixed order, which avoids
# deadlocks.
ADD_DIFFERENCE: Final = sql.SQL("""
WITH difference AS (
    SELECT plant_id, year, sum(origin_points)::int AS origin_points, sum(copier_points)::int AS copier_points
    FROM (
        SELECT plant_id, year, origin_points, copier_points FROM ({earned}) earned
        UNION ALL
        SELECT plant_id, year, -origin_points, -copier_points FROM ({before}) before
    ) points
    {of_year}
    GROUP BY plant_id, year
    HAVING sum(origin_points) <> 0 OR sum(copier_points) <> 0
), added AS (
    INSERT INTO leaderboard_entries AS entry (plant_id, year, total_points, origin_points, copier_points)
    SELECT plant_id, year, origin_points + copier_points, origin_points, copier_points
    FROM difference ORDER BY plant_id, year
    ON CONFLICT (plant_id, year) DO UPDATE
    SET total_points = entry.total_points + excluded.total_points,
        origin_points = entry.origin_points + excluded.origin_points,
        copier_points = entry.copier_points + excluded.copier_points,
        updated_at = now()
)
SELECT plant_id, year, origin_points, copier_points FROM difference ORDER BY plant_id, year
""")

OF_YEAR: Final = sql.SQL("WHERE year = %(year)s")
OF_ALL_YEARS: Final = sql.SQL("")

STANDINGS: Final = sql.SQL("""
WITH earned AS (
    SELECT plant_id,
           jsonb_agg(
               jsonb_build_object('type', type, 'points', origin_points + copier_points, 'date', date,
                                  'bp_title', bp_title, 'bp_id', bp_id)
               ORDER BY date DESC, copied_at DESC, bp_id
           ) AS breakdown
    FROM ({earned}) earned WHERE year = %(year)s GROUP BY plant_id
)
SELECT p.id AS plant_id, p.name AS plant_name, coalesce(entry.total_points, 0) AS total_points,
       coalesce(entry.origin_points, 0) AS origin_points, coalesce(entry.copier_points, 0) AS copier_points,
       rank() OVER (ORDER BY coalesce(entry.total_points, 0) DESC) AS rank,
       coalesce(earned.breakdown, '[]') AS breakdown
FROM plants p
LEFT JOIN leaderboard_entries entry ON entry.plant_id = p.id AND entry.year = %(year)s
LEFT JOIN earned ON earned.plant_id = p.id
WHERE p.is_active OR entry.total_points <> 0
""").format(earned=ALL_EARNED)

BY_RANK: Final = sql.SQL("rank, plant_name, plant_id")


class PostgresLeaderboard(LeaderboardStore):
    """The table `leaderboard_entries`; an entry with 0 points means the same as no entry."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def earned_through(self, practice_id: UUID) -> list[PlantPoints]:
        return self._sql.rows(
            sql.SQL("SELECT plant_id, year, origin_points, copier_points FROM ({earned}) earned").format(
                earned=EARNED_THROUGH
            ),
            {**POINTS, "practice_id": practice_id},
            into=PlantPoints,
        )

    @override
    def add_difference(self, practice_id: UUID, before: list[PlantPoints]) -> list[PlantPoints]:
        query = ADD_DIFFERENCE.format(
            earned=EARNED_THROUGH,
            before=sql.SQL("""
                SELECT * FROM unnest(%(plant_ids)s::uuid[], %(years)s::int[], %(origins)s::int[],
                                     %(copiers)s::int[])
                    AS before (plant_id, year, origin_points, copier_points)
            """),
            of_year=OF_ALL_YEARS,
        )
        values = {
            **POINTS,
            "practice_id": practice_id,
            "plant_ids": [points.plant_id for points in before],
            "years": [points.year for points in before],
            "origins": [points.origin_points for points in before],
            "copiers": [points.copier_points for points in before],
        }
        return self._sql.rows(query, values, into=PlantPoints)

    @override
    def lock_original_of(self, practice_id: UUID) -> UUID | None:
        original_id: UUID | None = self._sql.value(
            """
            SELECT id FROM best_practices
            WHERE id = (SELECT original_practice_id FROM copied_practices WHERE copied_practice_id = %(id)s)
            FOR NO KEY UPDATE
            """,
            {"id": practice_id},
        )
        return original_id

    @override
    def recalculate(self, year: int | None) -> list[PlantPoints]:
        self._sql.value("SELECT pg_advisory_xact_lock(hashtextextended('leaderboard', 0))")
        query = ADD_DIFFERENCE.format(
            earned=ALL_EARNED,
            before=sql.SQL("SELECT * FROM leaderboard_entries"),
            of_year=OF_ALL_YEARS if year is None else OF_YEAR,
        )
        return self._sql.rows(query, {**POINTS, "year": year}, into=PlantPoints)

    @override
    def totals(self, year: int | None) -> LeaderboardTotals:
        return self._sql.one(
            sql.SQL("""
            SELECT %(year)s::int AS year, count(*) FILTER (WHERE total_points <> 0) AS total_entries,
                   coalesce(sum(origin_points), 0) AS origin_points_awarded,
                   coalesce(sum(copier_points), 0) AS copier_points_awarded,
                   coalesce(sum(total_points), 0) AS total_points
            FROM leaderboard_entries {of_year}
            """).format(of_year=OF_ALL_YEARS if year is None else OF_YEAR),
            {"year": year},
            into=LeaderboardTotals,
        )

    @override
    def standings(self, year: int, part: PageQuery) -> Page[Standing]:
        values = {**POINTS, "year": year}
        return self._sql.page(STANDINGS, values, order=BY_RANK, part=part, into=Standing)

    @override
    def breakdown(self, plant_id: UUID, year: int) -> PointsBreakdown | None:
        values = {**POINTS, "plant_id": plant_id, "year": year}
        return self._sql.row(BREAKDOWN, values, into=PointsBreakdown)
