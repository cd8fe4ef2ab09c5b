"""Translates errors of PostgreSQL: constraints by name, bad texts to Invalid, outages to Unavailable."""

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

TEXT_STATES: Final = frozenset(
    {
        "22021",  # character_not_in_repertoire
        "22P02",  # invalid_text_representation
        "22P05",  # untranslatable_character
        "54000",  # program_limit_exceeded: for example a text that is too long for a tsvector
        "54001",  # statement_too_complex: for example a stack that is too deep
    }
)
"""States of errors that only a text of the request can cause: the portal's statements are always the same."""

TEXT_SEARCH_FILES: Final = frozenset(
    {
        "to_tsany.c",
        "ts_parse.c",
        "ts_utils.c",
        "tsquery.c",
        "tsquery_rewrite.c",
        "tsquery_util.c",
        "tsrank.c",
        "tsvector.c",
        "tsvector_op.c",
        "tsvector_parser.c",
        "wparser.c",
        "wparser_def.c",
    }
)
"""The files of PostgreSQL that parse searches.

Their errors can have any state: "tsquery stack too small" is an internal error, and "syntax error in tsquery"
has the state of a wrong statement.
"""


TOOK_TOO_LONG: Final = (
    "The database took too long. Ask for less, with filters or a smaller limit, or try again later."
)


def portal_error(error: psycopg.Error) -> PortalError | None:
    """Return the error for the caller; None if the database error is a bug in the portal."""
    if isinstance(error, psycopg.IntegrityError):
        new_error = CONSTRAINT_ERRORS.get(error.diag.constraint_name or "")
        return new_error() if new_error else None
    if error.sqlstate in TEXT_STATES or error.diag.source_file in TEXT_SEARCH_FILES:
        return Invalid(
            "The database cannot process a text of this request. Shorten it, or leave out unusual characters."
        )
    if isinstance(error, psycopg.errors.QueryCanceled):
        return Unavailable(TOOK_TOO_LONG)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # For example a lost connection or a deadlock: a retry can succeed.
        return Unavailable("The database does not answer. Try again shortly.")
    return None
