"""The relationships of an Office document: what it loads from other places (ECMA-376 part 2, 6.5)."""

import zipfile
from collections.abc import Iterable
from typing import Final
from xml.parsers import expat

from bp_core.uploads.kinds import MEGABYTE, RejectedFileError

MAX_RELATIONSHIPS: Final = 20 * MEGABYTE
"""How many bytes all lists of relationships of a file may have, unpacked."""

ALLOWED: Final = frozenset(
    {"hyperlink", "externallinkpath", "xlpathmissing", "xlstartup", "xlalternatestartup", "xllibrary"}
)
"""The types of relationships that may lead to another place, by the last part of their name.

A link is followed when a user clicks on it, and another workbook is read after Excel has asked. Everything
else is loaded without a question, such as the template of a document, which can have macros.
"""


def require_internal(archive: zipfile.ZipFile) -> None:
    """Check that a document loads nothing from another place. Raises RejectedFileError."""
    left = MAX_RELATIONSHIPS
    for part in archive.infolist():
        if not part.filename.lower().endswith(".rels"):
            continue
        with archive.open(part) as opened:
            listing = opened.read(left + 1)
        left -= len(listing)
        if left < 0:
            raise RejectedFileError(
                f"The lists of relationships in the file have more than {MAX_RELATIONSHIPS} bytes."
            )
        _require_internal(elements(listing))


def _require_internal(relationships: Iterable[dict[str, str]]) -> None:
    for one in relationships:
        named = {name.rpartition(":")[2].lower(): value for name, value in one.items()}
        if named.get("targetmode", "").strip().lower() != "external":
            continue
        kind = named.get("type", "").rstrip("/").rpartition("/")[2]
        if kind.lower() not in ALLOWED:
            raise RejectedFileError(f"The file loads content from another place ({kind[:40] or 'unknown'}).")


def elements(listing: bytes) -> list[dict[str, str]]:
    """Return the attributes of each element of a list in a document. Raises RejectedFileError, ExpatError.

    Raises LookupError and ValueError for an unknown encoding.
    """
    found: list[dict[str, str]] = []

    def element(_: str, attributes: dict[str, str]) -> None:
        found.append(attributes)

    def doctype(*_: object) -> None:
        raise RejectedFileError("The file is damaged: one of its lists declares XML entities.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(listing, True)
    return found
