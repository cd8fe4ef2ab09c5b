"""Fixtures for the tests of the function host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import Azurite


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    """An Azurite that the test can stop and start."""
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    yield azurite
    azurite.stop()
