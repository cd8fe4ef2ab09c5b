from itertools import product

import pytest

from bp_core.copying import ORDER, ImplementationStatus, require_step
from bp_core.shared.errors import Conflict

STEPS = {
    ("planning", "in_progress"),
    ("in_progress", "completed"),
    ("in_progress", "planning"),
    ("completed", "in_progress"),
}


@pytest.mark.parametrize(("start", "goal"), list(product(ORDER, ORDER)))
def test_an_implementation_goes_one_step_on_or_back(
    start: ImplementationStatus, goal: ImplementationStatus
) -> None:
    if (start, goal) in STEPS:
        require_step(start, goal)
        return
    with pytest.raises(Conflict, match=f"from {start} to {goal}") as refusal:
        require_step(start, goal)
    assert refusal.value.code == "INVALID_TRANSITION"
