"""A mark for uploads whose file was deleted: their blob names are refused.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The upload of a deleted file gets the state expired: the previous release knows no other that fits.
UP = """
ALTER TABLE uploads ADD COLUMN deleted_at timestamptz;
"""

DOWN = """
DELETE FROM uploads WHERE deleted_at IS NOT NULL;
ALTER TABLE uploads DROP COLUMN deleted_at;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
