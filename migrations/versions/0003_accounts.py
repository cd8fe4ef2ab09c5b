"""Plant users without a plant until they are activated, failed sign-ins, and an insert-only audit trail.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A user who registers without an invite has no plant until headquarters sets one. Active plant users always
# have one.
UP = """
ALTER TABLE users DROP CONSTRAINT users_plant_belongs_to_role_check;
ALTER TABLE users ADD CONSTRAINT users_plant_belongs_to_role_check
    CHECK ((role = 'plant') = (plant_id IS NOT NULL) OR (role = 'plant' AND NOT is_active));

CREATE TABLE sign_in_failures (
    account_hash bytea NOT NULL,
    client varchar(100) NOT NULL,
    failed_at timestamptz NOT NULL,
    failures integer NOT NULL,
    PRIMARY KEY (account_hash, client)
);
CREATE INDEX sign_in_failures_failed_at_idx ON sign_in_failures (failed_at);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is insert-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
"""

DOWN = """
DROP TRIGGER audit_log_is_insert_only ON audit_log;
DROP FUNCTION refuse_audit_change();
DROP TABLE sign_in_failures;
DELETE FROM users WHERE role = 'plant' AND plant_id IS NULL;
ALTER TABLE users DROP CONSTRAINT users_plant_belongs_to_role_check;
ALTER TABLE users ADD CONSTRAINT users_plant_belongs_to_role_check
    CHECK ((role = 'plant') = (plant_id IS NOT NULL));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
