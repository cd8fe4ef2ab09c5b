import inspect
from typing import Any, Final

import pytest

from adapters.storage.accounts import AccountByKey
from adapters.storage.blobs import AzureBlobs
from adapters.storage.read_only import ReadOnlyBlobs
from bp_core.shared.errors import RestoredCopy

READS: Final = {"read", "names", "check", "url", "read_url", "export_url"}
"""The methods that change nothing in the storage, and give no right to change it."""

OTHERS: Final = sorted(
    name
    for name, _ in inspect.getmembers(AzureBlobs, inspect.isfunction)
    if not name.startswith("_") and name not in READS
)


@pytest.mark.parametrize("name", OTHERS)
def test_a_restored_copy_refuses_whatever_changes_the_storage(name: str) -> None:
    blobs = ReadOnlyBlobs(AccountByKey("UseDevelopmentStorage=true"))
    method: Any = getattr(blobs, name)
    arguments = [None] * len(inspect.signature(method).parameters)

    with pytest.raises(RestoredCopy, match="restored copy"):
        method(*arguments)


def test_a_restored_copy_reads_like_any_other_portal() -> None:
    assert READS.isdisjoint(vars(ReadOnlyBlobs))
    assert "quarantine" in OTHERS
