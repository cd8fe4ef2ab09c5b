"""How the database goes about what the portal reads: by indexes and kept figures, however much there is."""

from typing import Final

from bench.crowd import fill
from bench.plans import sequential_scans
from tests.world import NOON, World

PRACTICES: Final = 120_000
"""So many that reading them all is never the cheapest way; `dev.py bench plans` takes a million."""


def test_no_read_goes_through_all_practices(world: World) -> None:
    readers = world.headquarters(), world.plant_user(0)
    fill(world.database_url, PRACTICES, NOON.date().isoformat())
    explained, found = sequential_scans(world, *readers)
    assert found == []
    assert explained > 60
