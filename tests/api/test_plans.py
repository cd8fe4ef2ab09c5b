"""The plans of the portal's reads: indexes and stored figures, however many practices there are."""

from typing import Final

from bench.plans import sequential_scans
from bench.sample_data import insert_practices
from tests.world import NOON, World

PRACTICES: Final = 120_000
"""With so many, a sequential scan is never the cheapest plan; `dev.py bench plans` takes a million."""


def test_no_read_scans_all_practices(world: World) -> None:
    readers = world.headquarters(), world.plant_user(0)
    insert_practices(world.database_url, PRACTICES, NOON.date().isoformat())
    explained, found = sequential_scans(world, *readers)
    assert found == []
    assert explained > 90
