"""An Azurite for the host's tests that one of them may stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import Azurite


@pytest.fixture
def own_azurite(tmp_path: Path) -> Iterator[Azurite]:
    """An Azurite that the test may stop and start."""
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    yield azurite
    azurite.stop()
