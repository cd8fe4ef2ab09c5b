"""Chains of calls by the links of the API description, as each role: more than in every run of the tests."""

from pathlib import Path
from typing import Final

import pytest

from tests.e2e.test_schemathesis import ROLES, call_as
from tests.faults.trial import Size
from tests.world import World

CHAINS: Final = 40
"""How many chains are drawn for each role."""


@pytest.mark.parametrize("who", ROLES)
def test_chains_of_calls_get_what_the_description_promises(
    who: str, world: World, tmp_path: Path, size: Size
) -> None:
    if not size.is_full:
        pytest.skip("tests/e2e/test_schemathesis.py makes some chains in every run")
    call_as(who, world, tmp_path, "--phases", "stateful", cases=CHAINS)
