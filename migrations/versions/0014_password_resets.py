"""Password resets that headquarters issues: at most one for each user.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE password_resets (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    token_hash bytea NOT NULL CONSTRAINT password_resets_token_hash_key UNIQUE,
    issued_by_user_id uuid NOT NULL REFERENCES users (id),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

DOWN = """
DROP TABLE password_resets;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
