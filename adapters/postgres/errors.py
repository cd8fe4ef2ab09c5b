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


class NotWritable(Unavailable):
    """The database reads, but does not write."""


TOOK_TOO_LONG: Final = (
    "The database took too long. Ask for less, with filters or a smaller limit, or try again later."
)
LOCKED: Final = "Somebody else is changing this at the moment. Try again shortly."
FULL: Final = "The database has no room left, so nothing can be stored at the moment. Nothing was changed."
READ_ONLY: Final = "The database is read-only, so nothing can be stored at the moment. Nothing was changed."
NO_ANSWER: Final = "The database does not answer. Try again shortly."

OUTAGES: Final[Mapping[str, Callable[[], Unavailable]]] = {
    "25006": lambda: NotWritable(READ_ONLY),  # read_only_sql_transaction
    "40001": lambda: Unavailable(LOCKED),  # serialization_failure
    "40P01": lambda: Unavailable(LOCKED),  # deadlock_detected
    "53100": lambda: NotWritable(FULL),  # disk_full
    "55P03": lambda: Unavailable(LOCKED),  # lock_not_available
    "57014": lambda: Unavailable(TOOK_TOO_LONG),  # query_canceled
    "58030": lambda: NotWritable(NO_ANSWER),  # io_error
}
"""The states of errors that are no fault of the caller, and need a message of their own."""


def portal_error(error: psycopg.Error) -> PortalError | None:
    """Return the error for the caller; None if the database error is a bug in the portal."""
    if isinstance(error, psycopg.IntegrityError):
        new_error = CONSTRAINT_ERRORS.get(error.diag.constraint_name or "")
        return new_error() if new_error else None
    if error.sqlstate in TEXT_STATES or error.diag.source_file in TEXT_SEARCH_FILES:
        return Invalid(
            "The database cannot process a text of this request. Shorten it, or leave out unusual characters."
        )
    if (outage := OUTAGES.get(error.sqlstate or "")) is not None:
        return outage()
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(NO_ANSWER)  # for example a lost connection, or a server that starts or stops
    return None
