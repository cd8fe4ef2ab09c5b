"""Reviews: practices that are declined, that wait for a decision, and that somebody has taken for review.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATUSES = "'draft', 'submitted', 'approved', 'revision_required'"

# A constraint that the old rows fulfil is replaced by a wider one, so nothing has to be checked.
DECLINED = f"""
ALTER TABLE best_practices DROP CONSTRAINT best_practices_status_check;
ALTER TABLE best_practices ADD CONSTRAINT best_practices_status_check
    CHECK (status IN ({STATUSES}, 'declined')) NOT VALID;
ALTER TABLE best_practices VALIDATE CONSTRAINT best_practices_status_check;

CREATE VIEW counted_copies AS
SELECT c.id, c.original_practice_id, c.copied_practice_id, c.copying_plant_id, c.copied_date,
       c.implementation_status, c.created_at, c.updated_at
FROM copied_practices c JOIN best_practices copy ON copy.id = c.copied_practice_id
WHERE NOT copy.is_deleted AND copy.status <> 'declined';
"""

# waiting_since is the moment of the last submission. A trigger keeps it, so that no writer can forget it, not
# even the previous release of the portal.
WAITING = """
ALTER TABLE best_practices ADD COLUMN waiting_since timestamptz;
ALTER TABLE best_practices ADD COLUMN reviewer_id uuid
    CONSTRAINT best_practices_reviewer_id_fkey REFERENCES users (id);
CREATE INDEX best_practices_reviewer_idx ON best_practices (reviewer_id) WHERE reviewer_id IS NOT NULL;

CREATE FUNCTION keep_waiting_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'submitted' THEN
        NEW.waiting_since := NULL;
    ELSIF TG_OP = 'INSERT' OR OLD.status <> 'submitted' THEN
        NEW.waiting_since := NEW.updated_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER practice_waits BEFORE INSERT OR UPDATE OF status ON best_practices
    FOR EACH ROW EXECUTE FUNCTION keep_waiting_since();

UPDATE best_practices p SET waiting_since = coalesce(
    (SELECT max(t.at) FROM practice_transitions t WHERE t.practice_id = p.id AND t.to_status = 'submitted'),
    p.created_at)
WHERE status = 'submitted';
ALTER TABLE best_practices ADD CONSTRAINT best_practices_waiting_since_check
    CHECK ((status = 'submitted') = (waiting_since IS NOT NULL));

CREATE INDEX best_practices_waiting_idx ON best_practices (waiting_since, id)
    WHERE status = 'submitted' AND NOT is_deleted;
"""

# A declined practice becomes one that needs a revision: its plant and headquarters see it, and it counts
# nowhere.
DOWN = f"""
DROP INDEX best_practices_waiting_idx;
ALTER TABLE best_practices DROP CONSTRAINT best_practices_waiting_since_check;
DROP TRIGGER practice_waits ON best_practices;
DROP FUNCTION keep_waiting_since();
ALTER TABLE best_practices DROP COLUMN reviewer_id;
ALTER TABLE best_practices DROP COLUMN waiting_since;

DROP VIEW counted_copies;
UPDATE best_practices SET status = 'revision_required' WHERE status = 'declined';
UPDATE practice_transitions SET to_status = 'revision_required' WHERE to_status = 'declined';
UPDATE practice_transitions SET from_status = 'revision_required' WHERE from_status = 'declined';
ALTER TABLE best_practices DROP CONSTRAINT best_practices_status_check;
ALTER TABLE best_practices ADD CONSTRAINT best_practices_status_check CHECK (status IN ({STATUSES}));
"""


def upgrade() -> None:
    for statements in (DECLINED, WAITING):
        op.execute(statements)


def downgrade() -> None:
    op.execute(DOWN)
