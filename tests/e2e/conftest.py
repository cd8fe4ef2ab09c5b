"""What the end-to-end tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def open_directory() -> Iterator[Path]:
    """A temporary directory of the module that the database's own user may enter, if the tests run as root.

    Into pytest's tmp_path it may not: each start of pytest closes the directory above it to all others.
    """
    with tempfile.TemporaryDirectory(prefix="amber-portal-") as directory:
        yield Path(directory)


@pytest.fixture
def open_path(open_directory: Path) -> Path:
    """A directory of the test in there."""
    return Path(tempfile.mkdtemp(dir=open_directory))
