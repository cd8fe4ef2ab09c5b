"""Expensive calls that are running.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
CREATE UNLOGGED TABLE expensive_calls (
    user_id uuid NOT NULL REFERENCES users (id),
    slot smallint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, slot)
);
"""

DOWN = "DROP TABLE expensive_calls;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
