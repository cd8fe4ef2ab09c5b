"""Zip files: what is known of them before the library reads them."""

from typing import Final

_ENTRY: Final = b"PK\x01\x02"
"""The signature of an entry in the directory of a zip."""


def most_entries(data: bytes) -> int:
    """Return how many entries the directory of a zip has at most.

    Counted in the bytes: the library makes an object of each entry, so hundreds of thousands of them would
    need too much memory.
    """
    return data.count(_ENTRY)
