"""What the tests of files share: an author, and a practice of theirs."""

from typing import Any

import pytest

from tests.world import Person, World


@pytest.fixture
def author(world: World) -> Person:
    """A user of a plant."""
    return world.plant_user(0)


@pytest.fixture
def practice(world: World, author: Person) -> dict[str, Any]:
    """A draft of the author."""
    return world.practice(author)
