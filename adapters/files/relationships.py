"""The relationships of an Office document: what it loads from other places (ECMA-376 part 2, 6.5)."""

import zipfile
from collections.abc import Mapping
from typing import Final

from adapters.files.elements import ListReader
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


def require_internal(archive: zipfile.ZipFile, reader: ListReader) -> None:
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
        reader.read(listing, _require_internal)


def _require_internal(relationship: Mapping[str, str]) -> None:
    named = {name.rpartition(":")[2].lower(): value for name, value in relationship.items()}
    if named.get("targetmode", "").strip().lower() != "external":
        return
    kind = named.get("type", "").rstrip("/").rpartition("/")[2]
    if kind.lower() not in ALLOWED:
        raise RejectedFileError(f"The file loads content from another place ({kind[:40] or 'unknown'}).")
