"""Users in PostgreSQL."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql, matching
from bp_core.shared.paging import Page
from bp_core.users import Profile, User, UserQuery, UserStore

# Also for RETURNING, so the name is a subquery.
USER_COLUMNS: Final = sql.SQL("""
    id, email, full_name, role, plant_id, (SELECT name FROM plants WHERE plants.id = plant_id) AS plant_name,
    is_active, created_at, updated_at
""")

USER: Final = sql.SQL("SELECT {columns} FROM users ").format(columns=USER_COLUMNS)

FILTERS: Final[Mapping[str, sql.SQL]] = {
    "role": sql.SQL("role = %(role)s"),
    "plant_id": sql.SQL("plant_id = %(plant_id)s"),
    "is_active": sql.SQL("is_active = %(is_active)s"),
    "search": sql.SQL("(strpos(lower(full_name), lower(%(search)s)) > 0"
                      " OR strpos(lower(email), lower(%(search)s)) > 0)"),
}  # fmt: skip


class PostgresUsers(UserStore):
    """Stores users in PostgreSQL."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def profile(self, user_id: UUID) -> Profile | None:
        return self._sql.row(
            """
            SELECT u.id, u.email, u.full_name, u.role, u.plant_id, u.is_active, u.created_at, u.updated_at,
                   p.name AS plant_name, p.short_name AS plant_short_name
            FROM users u LEFT JOIN plants p ON p.id = u.plant_id
            WHERE u.id = %(user_id)s
            """,
            {"user_id": user_id},
            into=Profile,
        )

    @override
    def user(self, user_id: UUID) -> User | None:
        return self._sql.row(USER + sql.SQL("WHERE id = %(id)s"), {"id": user_id}, into=User)

    @override
    def user_for_update(self, user_id: UUID) -> User | None:
        query = USER + sql.SQL("WHERE id = %(id)s FOR NO KEY UPDATE")
        return self._sql.row(query, {"id": user_id}, into=User)

    @override
    def lock_with_headquarters(self, *user_ids: UUID) -> list[User]:
        query = USER + sql.SQL("""
            WHERE id = ANY (%(ids)s) OR (role = 'hq' AND is_active) ORDER BY id FOR NO KEY UPDATE
        """)
        return self._sql.rows(query, {"ids": list(user_ids)}, into=User)

    @override
    def users(self, query: UserQuery) -> Page[User]:
        requested = query.model_dump(exclude_none=True)
        return self._sql.page(
            USER + sql.SQL("WHERE ") + matching(FILTERS, requested),
            requested,
            order=sql.SQL("lower(full_name), id"),
            part=query,
            into=User,
        )

    @override
    def save(self, user: User) -> None:
        self._sql.run(
            """
            UPDATE users SET full_name = %(full_name)s, role = %(role)s, plant_id = %(plant_id)s,
                             is_active = %(is_active)s, updated_at = %(updated_at)s
            WHERE id = %(id)s
            """,
            user.model_dump(),
        )
