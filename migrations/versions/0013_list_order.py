"""The list of practices breaks ties by the time of creation, and counts by savings: its indexes follow.

Not one transaction: each index is made concurrently and takes the place of the old one. After an interruption
it can run again.

Revision ID: 0013
Revises: 0012
"""

from collections.abc import Mapping

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

NEW = {
    "best_practices_list_idx": "(submitted_date DESC, created_at DESC, id)"
    " INCLUDE (plant_id, category_id, status, annualised_savings)",
    "best_practices_title_idx": "(lower(title) DESC, created_at DESC, id)",
    "best_practices_savings_idx": "(annualised_savings DESC, created_at DESC, id)",
}
OLD = {
    "best_practices_list_idx": "(submitted_date DESC, id) INCLUDE (plant_id, category_id, status)",
    "best_practices_title_idx": "(lower(title) DESC, id)",
    "best_practices_savings_idx": "(annualised_savings DESC, id)",
}


def replace(indexes: Mapping[str, str]) -> None:
    """Make each index under another name, then let it replace the one with its name."""
    with op.get_context().autocommit_block():
        for name, columns in indexes.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new")
            op.execute(
                f"CREATE INDEX CONCURRENTLY {name}_new ON best_practices {columns} WHERE NOT is_deleted"
            )
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"ALTER INDEX {name}_new RENAME TO {name}")


def upgrade() -> None:
    """Rebuild the indexes with the time of creation and, for counting, with the savings."""
    replace(NEW)


def downgrade() -> None:
    """Rebuild the indexes as before."""
    replace(OLD)
