"""Fills the search document of all practices, and makes the indexes of search, tags and areas.

Not one transaction, so that the portal can write meanwhile: practices are filled in portions, and indexes are
made concurrently. After an interruption it can run again.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The trigger writes the document of each row that is updated.
FILL = """
DO $$
DECLARE
    last_id uuid := '00000000-0000-0000-0000-000000000000';
    ids uuid[];
BEGIN
    LOOP
        ids := ARRAY(SELECT id FROM best_practices WHERE id > last_id ORDER BY id LIMIT 1000);
        EXIT WHEN cardinality(ids) = 0;
        UPDATE best_practices SET search_words = NULL WHERE id = ANY (ids) AND search_words IS NULL;
        last_id := ids[cardinality(ids)];
        COMMIT;
    END LOOP;
END $$
"""

VALIDATE = "ALTER TABLE best_practices VALIDATE CONSTRAINT best_practices_tags_check"

INDEXES = {
    "best_practices_search_words_idx": "gin (search_words)",
    "best_practices_tags_idx": "gin (tags)",
    "best_practices_area_idx": "gin (to_tsvector('simple', coalesce(area_implemented, '')))",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(FILL)
        op.execute(VALIDATE)
        for name, columns in INDEXES.items():
            # An interrupted run leaves an invalid index.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON best_practices USING {columns}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
