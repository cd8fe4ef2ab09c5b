"""Categories in PostgreSQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from bp_core.categories import Category, CategoryStore, NewCategory
from bp_core.practices.ports import CategoryNames
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery

CATEGORY: Final = sql.SQL("""
SELECT c.id, c.name, c.slug, c.color_class, c.icon_name, c.created_at,
       coalesce(sum(counted.submitted), 0) AS practice_count
FROM categories c
LEFT JOIN practice_counts counted ON counted.category_id = c.id
{where}
GROUP BY c.id
""")


class PostgresCategories(CategoryStore, CategoryNames):
    """The table `categories`, with the counts of public practices."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def categories(self, query: PageQuery) -> Page[Category]:
        every = CATEGORY.format(where=sql.SQL(""))
        return self._sql.page(every, order=sql.SQL("name, id"), part=query, into=Category)

    @override
    def ids_by_name(self) -> dict[str, UUID]:
        rows = self._sql.mappings("SELECT id, name FROM categories ORDER BY name")
        return {row["name"]: row["id"] for row in rows}

    @override
    def category(self, category_id: UUID) -> Category | None:
        query = CATEGORY.format(where=sql.SQL("WHERE c.id = %(category_id)s"))
        return self._sql.row(query, {"category_id": category_id}, into=Category)

    @override
    def add(self, new: NewCategory, slug: str, now: datetime) -> UUID:
        category_id: UUID = self._sql.value(
            """
            INSERT INTO categories (name, slug, color_class, icon_name, created_at)
            VALUES (%(name)s, %(slug)s, %(color_class)s, %(icon_name)s, %(now)s) RETURNING id
            """,
            {**new.model_dump(), "slug": slug, "now": now},
        )
        return category_id

    @override
    def lock(self, category_id: UUID) -> None:
        self._sql.run("SELECT FROM categories WHERE id = %(id)s FOR NO KEY UPDATE", {"id": category_id})

    @override
    def save(self, category: Category) -> None:
        self._sql.run(
            """
            UPDATE categories SET name = %(name)s, slug = %(slug)s, color_class = %(color_class)s,
                                  icon_name = %(icon_name)s
            WHERE id = %(id)s
            """,
            category.model_dump(),
        )
