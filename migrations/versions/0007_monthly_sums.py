"""One SQL function corrects the monthly sums: for the nightly job, the recalculation and the rebuild.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The view `counted_practices` with the day on which each practice or benchmark counts, so that an index can
# be used for a range of days. `counted_practices` becomes a view on this one: what counts is defined once.
CONTRIBUTIONS = """
CREATE VIEW practice_contributions AS
SELECT plant_id, category_id, date_part('year', submitted_date)::int AS year,
       date_part('month', submitted_date)::int AS month, 1 AS submitted, 0 AS benchmarked,
       CASE status WHEN 'approved' THEN 1 ELSE 0 END AS approved,
       CASE status WHEN 'approved' THEN annualised_savings ELSE 0 END AS annualised_savings,
       submitted_date AS day
FROM best_practices
WHERE status IN ('submitted', 'approved') AND NOT is_deleted
UNION ALL
SELECT p.plant_id, p.category_id, date_part('year', b.benchmarked_date)::int AS year,
       date_part('month', b.benchmarked_date)::int AS month, 0 AS submitted, 1 AS benchmarked, 0 AS approved,
       0 AS annualised_savings, b.benchmarked_date AS day
FROM benchmarked_practices b JOIN best_practices p ON p.id = b.practice_id
WHERE NOT p.is_deleted;

CREATE OR REPLACE VIEW counted_practices AS
SELECT plant_id, category_id, year, month, submitted, benchmarked, approved, annualised_savings
FROM practice_contributions;
"""

# The difference between what the practices of these days sum to and what is stored goes through
# `add_to_roll_ups`, as every change of a practice does by its trigger. The difference is computed in one
# statement, so it stays right whatever other transactions write meanwhile. Returns how many rows were wrong.
CORRECTION = """
CREATE FUNCTION correct_monthly_sums(from_day date, before_day date, of_plants uuid[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    corrected integer;
    others integer;
BEGIN
    corrected := add_to_roll_ups(
        ARRAY(
            SELECT ROW(plant_id, NULL, year, month, 0, 0, sum(approved),
                       sum(annualised_savings))::counted_practices
            FROM practice_contributions
            WHERE approved = 1 AND day >= from_day AND day < before_day
              AND (of_plants IS NULL OR plant_id = ANY (of_plants))
            GROUP BY plant_id, year, month
        )
        || ARRAY(
            SELECT ROW(plant_id, NULL, year, month, 0, 0, -practice_count,
                       -annualised_savings)::counted_practices
            FROM monthly_savings
            WHERE make_date(year, month, 1) >= from_day AND make_date(year, month, 1) < before_day
              AND (of_plants IS NULL OR plant_id = ANY (of_plants))
        )
    );
    -- What no difference shows: a total that does not fit its sum.
    UPDATE monthly_savings SET total_savings = trunc(annualised_savings / 12, 2), updated_at = now()
    WHERE make_date(year, month, 1) >= from_day AND make_date(year, month, 1) < before_day
      AND (of_plants IS NULL OR plant_id = ANY (of_plants))
      AND total_savings <> trunc(annualised_savings / 12, 2);
    GET DIAGNOSTICS others = ROW_COUNT;
    RETURN corrected + others;
END $$;
"""

REBUILD = """
CREATE OR REPLACE FUNCTION rebuild_roll_ups() RETURNS integer LANGUAGE sql AS $$
    SELECT add_to_roll_ups(
        ARRAY(SELECT ROW(plant_id, category_id, year, month, sum(submitted), sum(benchmarked), 0,
                         0)::counted_practices
              FROM practice_contributions GROUP BY plant_id, category_id, year, month)
        || ARRAY(SELECT ROW(plant_id, category_id, year, month, -submitted, -benchmarked, 0,
                            0)::counted_practices
                 FROM practice_counts)
    ) + correct_monthly_sums('-infinity', 'infinity', NULL)
$$;
"""

# As revision 0006 made them.
DOWN = """
CREATE OR REPLACE FUNCTION rebuild_roll_ups() RETURNS integer LANGUAGE sql AS $$
    SELECT add_to_roll_ups(
        ARRAY(SELECT ROW(plant_id, category_id, year, month, sum(submitted), sum(benchmarked), sum(approved),
                         sum(annualised_savings))::counted_practices
              FROM counted_practices GROUP BY plant_id, category_id, year, month)
        || ARRAY(SELECT ROW(plant_id, category_id, year, month, -submitted, -benchmarked, 0,
                            0)::counted_practices
                 FROM practice_counts)
        || ARRAY(SELECT ROW(plant_id, NULL, year, month, 0, 0, -practice_count,
                            -annualised_savings)::counted_practices
                 FROM monthly_savings)
    )
$$;
DROP FUNCTION correct_monthly_sums(date, date, uuid[]);
CREATE OR REPLACE VIEW counted_practices AS
SELECT plant_id, category_id, date_part('year', submitted_date)::int AS year,
       date_part('month', submitted_date)::int AS month, 1 AS submitted, 0 AS benchmarked,
       CASE status WHEN 'approved' THEN 1 ELSE 0 END AS approved,
       CASE status WHEN 'approved' THEN 1 * annualised_savings ELSE 0 END AS annualised_savings
FROM best_practices
WHERE status IN ('submitted', 'approved') AND NOT is_deleted
UNION ALL
SELECT p.plant_id, p.category_id, date_part('year', b.benchmarked_date)::int AS year,
       date_part('month', b.benchmarked_date)::int AS month, 0 AS submitted, 1 AS benchmarked, 0 AS approved,
       0 AS annualised_savings
FROM benchmarked_practices b JOIN best_practices p ON p.id = b.practice_id
WHERE NOT p.is_deleted;
DROP VIEW practice_contributions;
"""


def upgrade() -> None:
    for statements in (CONTRIBUTIONS, CORRECTION, REBUILD):
        op.execute(statements)


def downgrade() -> None:
    op.execute(DOWN)
