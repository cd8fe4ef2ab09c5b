"""The client of each session, and an index for the highest cost of the stored passwords.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# An address from which people sign in is known: failed sign-ins from it are delayed later.
UP = """
ALTER TABLE sessions ADD COLUMN client varchar(100);
CREATE INDEX sessions_client_idx ON sessions (client, created_at);
CREATE INDEX users_password_cost_idx ON users (substr(hashed_password, 5, 2));
"""

DOWN = """
DROP INDEX users_password_cost_idx;
DROP INDEX sessions_client_idx;
ALTER TABLE sessions DROP COLUMN client;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
