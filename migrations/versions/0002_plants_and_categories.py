"""The initial seven plants and eight categories.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PLANTS = (
    ("Greater Noida (Ecotech 1)", "Greater Noida", "Component"),
    ("Kanchipuram", "Kanchipuram", "Component"),
    ("Rajpura", "Rajpura", "Component"),
    ("Shahjahanpur", "Shahjahanpur", "Component"),
    ("Supa", "Supa", "Component"),
    ("Ranjangaon", "Ranjangaon", "Component"),
    ("Ponneri", "Ponneri", "Component"),
)

CATEGORIES = (
    ("Safety", "safety", "bg-red-50 text-red-700 border-red-200", "Shield"),
    ("Quality", "quality", "bg-blue-50 text-blue-700 border-blue-200", "Target"),
    ("Productivity", "productivity", "bg-purple-50 text-purple-700 border-purple-200", "Zap"),
    ("Cost", "cost", "bg-green-50 text-green-700 border-green-200", "IndianRupee"),
    ("Automation", "automation", "bg-amber-50 text-amber-700 border-amber-200", "Bot"),
    ("Digitalisation", "digitalisation", "bg-indigo-50 text-indigo-700 border-indigo-200", "Cpu"),
    ("ESG", "esg", "bg-emerald-50 text-emerald-700 border-emerald-200", "LineChart"),
    ("Other", "other", "bg-gray-50 text-gray-700 border-gray-200", "Settings"),
)

ADD_PLANT = sa.text("INSERT INTO plants (name, short_name, division) VALUES (:name, :short_name, :division)")
ADD_CATEGORY = sa.text(
    "INSERT INTO categories (name, slug, color_class, icon_name)"
    " VALUES (:name, :slug, :color_class, :icon_name)"
)


def upgrade() -> None:
    for name, short_name, division in PLANTS:
        op.execute(ADD_PLANT.bindparams(name=name, short_name=short_name, division=division))
    for name, slug, color_class, icon_name in CATEGORIES:
        op.execute(
            ADD_CATEGORY.bindparams(name=name, slug=slug, color_class=color_class, icon_name=icon_name)
        )


def downgrade() -> None:
    for name, _, _ in PLANTS:
        op.execute(sa.text("DELETE FROM plants WHERE name = :name").bindparams(name=name))
    for name, _, _, _ in CATEGORIES:
        op.execute(sa.text("DELETE FROM categories WHERE name = :name").bindparams(name=name))
