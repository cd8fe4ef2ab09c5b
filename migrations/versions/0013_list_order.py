"""The list of practices breaks ties by the time of creation: its indexes follow.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
DROP INDEX best_practices_list_idx;
CREATE INDEX best_practices_list_idx ON best_practices (submitted_date DESC, created_at DESC, id)
    INCLUDE (plant_id, category_id, status) WHERE NOT is_deleted;
DROP INDEX best_practices_title_idx;
CREATE INDEX best_practices_title_idx ON best_practices (lower(title) DESC, created_at DESC, id)
    WHERE NOT is_deleted;
DROP INDEX best_practices_savings_idx;
CREATE INDEX best_practices_savings_idx ON best_practices (annualised_savings DESC, created_at DESC, id)
    WHERE NOT is_deleted;
"""

DOWN = """
DROP INDEX best_practices_savings_idx;
CREATE INDEX best_practices_savings_idx ON best_practices (annualised_savings DESC, id) WHERE NOT is_deleted;
DROP INDEX best_practices_title_idx;
CREATE INDEX best_practices_title_idx ON best_practices (lower(title) DESC, id) WHERE NOT is_deleted;
DROP INDEX best_practices_list_idx;
CREATE INDEX best_practices_list_idx ON best_practices (submitted_date DESC, id)
    INCLUDE (plant_id, category_id, status) WHERE NOT is_deleted;
"""


def upgrade() -> None:
    """Rebuild the indexes with the time of creation."""
    op.execute(UP)


def downgrade() -> None:
    """Rebuild the indexes as before."""
    op.execute(DOWN)
