"""What PostgreSQL refuses, in the portal's own terms: constraints by name, an outage as Unavailable."""

from collections.abc import Callable, Mapping
from typing import Final

import psycopg

from bp_core.shared.errors import Conflict, Invalid, PortalError, Unavailable

BROKEN_CONSTRAINTS: Final[Mapping[str, Callable[[], PortalError]]] = {
    "best_practices_category_id_fkey": lambda: Invalid.of("category_id", "there is no such category"),
    "best_practices_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "users_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "invites_plant_id_fkey": lambda: Invalid.of("plant_id", "there is no such plant"),
    "plants_name_key": lambda: Conflict("Another plant has this name.", code="DUPLICATE"),
    "categories_name_key": lambda: Conflict("Another category has this name.", code="DUPLICATE"),
    "categories_slug_key": lambda: Conflict("Another category has this slug.", code="DUPLICATE"),
    "practice_images_practice_id_fkey": lambda: Conflict("The practice is gone."),
    "practice_documents_practice_id_fkey": lambda: Conflict("The practice is gone."),
}


def refusal_of(error: psycopg.Error) -> PortalError | None:
    """Tell what a database error means to a caller; None where it is a fault of ours."""
    if isinstance(error, psycopg.IntegrityError):
        make = BROKEN_CONSTRAINTS.get(error.diag.constraint_name or "")
        return make() if make else None
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # Connection lost, server shutting down, too many clients, statement timed out, deadlock: try again.
        return Unavailable("The database does not answer; try again shortly.")
    return None
