"""Blobs that the nightly reconciliation could not process.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# No reference to uploads: a blob that nobody requested fails, too.
UP = """
CREATE TABLE blob_failures (
    container varchar(63) NOT NULL,
    blob_name varchar(1024) NOT NULL,
    error varchar(500) NOT NULL,
    nights integer NOT NULL CONSTRAINT blob_failures_nights_check CHECK (nights > 0),
    last_night date NOT NULL,
    PRIMARY KEY (container, blob_name)
);
"""

DOWN = "DROP TABLE blob_failures;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
