"""Categories in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql

from adapters.postgres.database import Sql
from bp_core.categories import Category, NewCategory

CATEGORY: Final = sql.SQL("""
SELECT c.id, c.name, c.slug, c.color_class, c.icon_name, c.created_at,
       coalesce(sum(counted.submitted), 0) AS practice_count
FROM categories c
LEFT JOIN practice_counts counted ON counted.category_id = c.id
{where}
GROUP BY c.id
ORDER BY c.name
""")


class PostgresCategories:
    """The categories that practices are filed under, with their practices that all may see."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def categories(self) -> list[Category]:
        """List the categories by name."""
        return self._sql.rows(CATEGORY.format(where=sql.SQL("")), into=Category)

    def category(self, category_id: UUID) -> Category | None:
        """Find one category."""
        query = CATEGORY.format(where=sql.SQL("WHERE c.id = %(category_id)s"))
        return self._sql.row(query, {"category_id": category_id}, into=Category)

    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        """Keep a new category. Raises Conflict (DUPLICATE) if another has its name or slug."""
        category_id: UUID = self._sql.value(
            """
            INSERT INTO categories (name, slug, color_class, icon_name, created_at)
            VALUES (%(name)s, %(slug)s, %(color_class)s, %(icon_name)s, %(now)s) RETURNING id
            """,
            {**new.model_dump(), "slug": slug, "now": now},
        )
        return category_id

    def hold(self, category_id: UUID) -> None:
        """Keep others from changing a category until the transaction ends."""
        self._sql.tuples("SELECT id FROM categories WHERE id = %(id)s FOR NO KEY UPDATE", {"id": category_id})

    def save(self, category: Category) -> None:
        """Keep a category as it is now. Raises Conflict (DUPLICATE) if another has its name or slug."""
        self._sql.run(
            """
            UPDATE categories SET name = %(name)s, slug = %(slug)s, color_class = %(color_class)s,
                                  icon_name = %(icon_name)s
            WHERE id = %(id)s
            """,
            category.model_dump(),
        )
