"""File names of uploads, and a mark for files whose blob is missing.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# uploads.filename: the name of a document until its uploader renames it. missing_since: when the
# reconciliation job first found no blob for the row; set once, so that a missing blob is reported once.
UP = """
ALTER TABLE uploads ADD COLUMN filename text;
ALTER TABLE practice_images ADD COLUMN missing_since timestamptz;
ALTER TABLE practice_documents ADD COLUMN missing_since timestamptz;
CREATE INDEX uploads_expired_idx ON uploads (expires_at) WHERE state = 'expired';
"""

DOWN = """
DROP INDEX uploads_expired_idx;
ALTER TABLE practice_documents DROP COLUMN missing_since;
ALTER TABLE practice_images DROP COLUMN missing_since;
ALTER TABLE uploads DROP COLUMN filename;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
