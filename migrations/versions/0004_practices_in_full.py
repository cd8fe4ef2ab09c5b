"""Versions and view counts of practices, and full words in the search document.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# "brazi" is a prefix of "brazing", but not of its stem "braz". So the search document also has the full
# words, with the lowest weight.
UP = """
ALTER TABLE best_practices ADD COLUMN version integer NOT NULL DEFAULT 1;

ALTER TABLE best_practices DROP COLUMN search_document;
ALTER TABLE best_practices ADD COLUMN search_document tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('english', coalesce(problem_statement, '')), 'B')
    || setweight(to_tsvector('english', coalesce(solution, '')), 'C')
    || setweight(to_tsvector('simple', title), 'D')
    || setweight(to_tsvector('simple', coalesce(problem_statement, '')), 'D')
    || setweight(to_tsvector('simple', coalesce(solution, '')), 'D')
) STORED;
CREATE INDEX best_practices_search_idx ON best_practices USING gin (search_document);

CREATE TABLE practice_views (
    practice_id uuid NOT NULL
        CONSTRAINT practice_views_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    slot smallint NOT NULL CONSTRAINT practice_views_slot_check CHECK (slot BETWEEN 0 AND 15),
    views bigint NOT NULL,
    PRIMARY KEY (practice_id, slot)
);
"""

DOWN = """
DROP TABLE practice_views;

ALTER TABLE best_practices DROP COLUMN search_document;
ALTER TABLE best_practices ADD COLUMN search_document tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('english', coalesce(problem_statement, '')), 'B')
    || setweight(to_tsvector('english', coalesce(solution, '')), 'C')
) STORED;
CREATE INDEX best_practices_search_idx ON best_practices USING gin (search_document);

ALTER TABLE best_practices DROP COLUMN version;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
