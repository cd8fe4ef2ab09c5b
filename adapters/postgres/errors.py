"""Translates errors of PostgreSQL: violated constraints by name, outages to Unavailable."""

from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from bp_core.shared.errors import Duplicate, Invalid, PortalError, PracticeDeleted, Unavailable

CONSTRAINT_ERRORS: Final[Mapping[str, Callable[[], PortalError]]] = {
    "best_practices_category_id_fkey": lambda: Invalid.of("category_id", "there is no such category"),
    "best_practices_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "users_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "invites_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "plants_name_key": lambda: Duplicate("Another plant has this name."),
    "categories_name_key": lambda: Duplicate("Another category has this name."),
    "categories_slug_key": lambda: Duplicate("Another category has this slug."),
    "practice_images_practice_id_fkey": lambda: PracticeDeleted("The practice was deleted."),
    "practice_documents_practice_id_fkey": lambda: PracticeDeleted("The practice was deleted."),
}


def portal_error(error: psycopg.Error) -> PortalError | None:
    """Return the error for the caller; None if the database error is a bug in the portal."""
    if isinstance(error, psycopg.IntegrityError):
        new_error = CONSTRAINT_ERRORS.get(error.diag.constraint_name or "")
        return new_error() if new_error else None
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # For example a lost connection, a statement timeout or a deadlock: a retry can succeed.
        return Unavailable("The database does not answer. Try again shortly.")
    return None
