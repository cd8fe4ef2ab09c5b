"""Counts and sums of practices, updated by triggers; scheduled times of job runs; indexes for sorting.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What practices add to the figures (rules 2, 3): a public practice counts in its month, and the saving of an
# approved practice counts in the same month.
DATED = """
    SELECT plant_id, category_id, date_part('year', submitted_date)::int AS year,
           date_part('month', submitted_date)::int AS month, {sign} AS submitted, 0 AS benchmarked,
           CASE status WHEN 'approved' THEN {sign} ELSE 0 END AS approved,
           CASE status WHEN 'approved' THEN {sign} * annualised_savings ELSE 0 END AS annualised_savings
    FROM {practices}
    WHERE status IN ('submitted', 'approved') AND NOT is_deleted
"""

# What benchmarks add: each counts in the month of its own date, for the plant and category of its practice.
BENCHMARKED = """
    SELECT p.plant_id, p.category_id, date_part('year', b.benchmarked_date)::int AS year,
           date_part('month', b.benchmarked_date)::int AS month, 0 AS submitted, {sign} AS benchmarked,
           0 AS approved, 0 AS annualised_savings
    FROM {benchmarks} b JOIN {practices} p ON p.id = b.practice_id
    WHERE NOT p.is_deleted
"""

COUNTED = DATED + " UNION ALL " + BENCHMARKED


def summed(counted: str, *, sign: int, practices: str, benchmarks: str = "benchmarked_practices") -> str:
    """Return the SQL expression for an array of the sums that practices or benchmarks add."""
    rows = counted.format(sign=sign, practices=practices, benchmarks=benchmarks)
    return f"""
        ARRAY(
            SELECT ROW(plant_id, category_id, year, month, sum(submitted), sum(benchmarked), sum(approved),
                       sum(annualised_savings))::counted_practices
            FROM ({rows}) counted GROUP BY plant_id, category_id, year, month
        )"""


TABLES = f"""
CREATE TABLE practice_counts (
    plant_id uuid NOT NULL CONSTRAINT practice_counts_plant_id_fkey REFERENCES plants (id),
    category_id uuid CONSTRAINT practice_counts_category_id_fkey REFERENCES categories (id),
    year integer NOT NULL,
    month integer NOT NULL CONSTRAINT practice_counts_month_check CHECK (month BETWEEN 1 AND 12),
    submitted integer NOT NULL,
    benchmarked integer NOT NULL,
    CONSTRAINT practice_counts_key UNIQUE NULLS NOT DISTINCT (plant_id, category_id, year, month)
);
CREATE INDEX practice_counts_category_idx ON practice_counts (category_id);

CREATE VIEW counted_practices AS
{COUNTED.format(sign=1, practices="best_practices", benchmarks="benchmarked_practices")};
"""

# A transaction that changes the figures of plants locks these plants in the order of their ids, like
# `PostgresSavings.lock`, which avoids deadlocks. A change without effect on the figures, for example a new
# title, locks no plant.
ADDING = """
CREATE FUNCTION add_to_roll_ups(changes counted_practices[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    counts counted_practices[] := ARRAY(
        SELECT ROW(plant_id, category_id, year, month, sum(submitted), sum(benchmarked), 0,
                   0)::counted_practices
        FROM unnest(changes) GROUP BY plant_id, category_id, year, month
        HAVING (sum(submitted), sum(benchmarked)) <> (0, 0));
    sums counted_practices[] := ARRAY(
        SELECT ROW(plant_id, NULL, year, month, 0, 0, sum(approved),
                   sum(annualised_savings))::counted_practices
        FROM unnest(changes) GROUP BY plant_id, year, month
        HAVING (sum(approved), sum(annualised_savings)) <> (0, 0));
BEGIN
    PERFORM FROM plants WHERE id IN (SELECT plant_id FROM unnest(counts || sums))
    ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO practice_counts AS kept (plant_id, category_id, year, month, submitted, benchmarked)
    SELECT plant_id, category_id, year, month, submitted, benchmarked FROM unnest(counts)
    ON CONFLICT ON CONSTRAINT practice_counts_key DO UPDATE
    SET submitted = kept.submitted + excluded.submitted,
        benchmarked = kept.benchmarked + excluded.benchmarked;
    INSERT INTO monthly_savings AS kept
        (plant_id, year, month, annualised_savings, total_savings, practice_count)
    SELECT plant_id, year, month, annualised_savings, trunc(annualised_savings / 12, 2), approved
    FROM unnest(sums)
    ON CONFLICT (plant_id, year, month) DO UPDATE
    SET annualised_savings = kept.annualised_savings + excluded.annualised_savings,
        total_savings = trunc((kept.annualised_savings + excluded.annualised_savings) / 12, 2),
        practice_count = kept.practice_count + excluded.practice_count, updated_at = now();
    DELETE FROM monthly_savings kept USING unnest(sums) changed
    WHERE (kept.plant_id, kept.year, kept.month) = (changed.plant_id, changed.year, changed.month)
      AND kept.practice_count = 0;
    RETURN cardinality(counts) + cardinality(sums);
END $$;
"""

# The trigger of a benchmark locks its practice (FOR SHARE), so that the practice cannot change before commit.
TRIGGERS = f"""
CREATE FUNCTION count_practices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changes counted_practices[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        changes := {summed(COUNTED, sign=-1, practices="old_rows")};
    END IF;
    IF TG_OP <> 'DELETE' THEN
        changes := changes || {summed(COUNTED, sign=1, practices="new_rows")};
    END IF;
    PERFORM add_to_roll_ups(changes);
    RETURN NULL;
END $$;
CREATE TRIGGER practices_added AFTER INSERT ON best_practices
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_practices();
CREATE TRIGGER practices_changed AFTER UPDATE ON best_practices
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_practices();
CREATE TRIGGER practices_removed AFTER DELETE ON best_practices
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_practices();

CREATE FUNCTION count_benchmarks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changes counted_practices[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM FROM best_practices WHERE id IN (SELECT practice_id FROM old_rows) ORDER BY id FOR SHARE;
        changes := {summed(BENCHMARKED, sign=-1, practices="best_practices", benchmarks="old_rows")};
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM FROM best_practices WHERE id IN (SELECT practice_id FROM new_rows) ORDER BY id FOR SHARE;
        changes := changes
            || {summed(BENCHMARKED, sign=1, practices="best_practices", benchmarks="new_rows")};
    END IF;
    PERFORM add_to_roll_ups(changes);
    RETURN NULL;
END $$;
CREATE TRIGGER benchmarks_added AFTER INSERT ON benchmarked_practices
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_benchmarks();
CREATE TRIGGER benchmarks_changed AFTER UPDATE ON benchmarked_practices
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_benchmarks();
CREATE TRIGGER benchmarks_removed AFTER DELETE ON benchmarked_practices
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION count_benchmarks();
"""

# The correction is the difference between the computed and the stored figures, from one snapshot. Every
# change adds its own difference, so the correction stays right whatever other transactions commit, without a
# lock.
REBUILDING = f"""
CREATE FUNCTION rebuild_roll_ups() RETURNS integer LANGUAGE sql AS $$
    SELECT add_to_roll_ups(
        {summed("SELECT * FROM {practices}", sign=1, practices="counted_practices")}
        || ARRAY(SELECT ROW(plant_id, category_id, year, month, -submitted, -benchmarked, 0,
                            0)::counted_practices
                 FROM practice_counts)
        || ARRAY(SELECT ROW(plant_id, NULL, year, month, 0, 0, -practice_count,
                            -annualised_savings)::counted_practices
                 FROM monthly_savings)
    )
$$;
SELECT rebuild_roll_ups();
"""

# A run that is still running when its lease expires was stopped. scheduled_for shows whether two runs were
# started for the same scheduled time.
RUNS = """
ALTER TABLE job_runs ADD COLUMN scheduled_for timestamptz;
ALTER TABLE job_runs ADD COLUMN past_due boolean NOT NULL DEFAULT false;
ALTER TABLE job_runs ADD COLUMN lease_until timestamptz;
"""

# Each sort order of the list has an index. The default one includes the columns of the usual filters, so that
# a list is counted by an index-only scan.
INDEXES = """
DROP INDEX best_practices_list_idx;
CREATE INDEX best_practices_list_idx ON best_practices (submitted_date DESC, id)
    INCLUDE (plant_id, category_id, status) WHERE NOT is_deleted;
CREATE INDEX best_practices_title_idx ON best_practices (lower(title) DESC, id) WHERE NOT is_deleted;
CREATE INDEX best_practices_created_idx ON best_practices (created_at DESC, id) WHERE NOT is_deleted;
CREATE INDEX best_practices_savings_idx ON best_practices (annualised_savings DESC, id) WHERE NOT is_deleted;
"""

DOWN = """
DROP INDEX best_practices_savings_idx;
DROP INDEX best_practices_created_idx;
DROP INDEX best_practices_title_idx;
DROP INDEX best_practices_list_idx;
CREATE INDEX best_practices_list_idx ON best_practices (submitted_date DESC, id) WHERE NOT is_deleted;

ALTER TABLE job_runs DROP COLUMN lease_until;
ALTER TABLE job_runs DROP COLUMN past_due;
ALTER TABLE job_runs DROP COLUMN scheduled_for;

DROP FUNCTION rebuild_roll_ups();
DROP TRIGGER benchmarks_removed ON benchmarked_practices;
DROP TRIGGER benchmarks_changed ON benchmarked_practices;
DROP TRIGGER benchmarks_added ON benchmarked_practices;
DROP FUNCTION count_benchmarks();
DROP TRIGGER practices_removed ON best_practices;
DROP TRIGGER practices_changed ON best_practices;
DROP TRIGGER practices_added ON best_practices;
DROP FUNCTION count_practices();
DROP FUNCTION add_to_roll_ups(counted_practices[]);
DROP VIEW counted_practices;
DROP TABLE practice_counts;
"""


def upgrade() -> None:
    for statements in (TABLES, ADDING, TRIGGERS, REBUILDING, RUNS, INDEXES):
        op.execute(statements)


def downgrade() -> None:
    op.execute(DOWN)
