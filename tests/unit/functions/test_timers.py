from datetime import UTC, datetime, timedelta

import pytest

from functions.jobs.timers import EARLY, due_time

DUE = datetime(2026, 3, 10, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-10T19:30:00+00:00",
        "2026-03-10T19:30:00Z",
        "2026-03-11T01:00:00+05:30",
        "2026-03-10T19:30:00.0000000+00:00",
        "2026-03-10T19:30:00",
    ],
)
def test_a_timer_is_due_at_what_the_host_says_comes_next_if_that_has_come(written: str) -> None:
    assert due_time({"Next": written}, DUE + timedelta(days=2)) == DUE


def test_a_host_whose_clock_is_a_little_ahead_is_believed() -> None:
    status = {"Next": DUE.isoformat()}

    assert due_time(status, DUE - EARLY) == DUE
    assert due_time(status, DUE - EARLY - timedelta(microseconds=1)) is None


@pytest.mark.parametrize("status", [{}, {"Last": DUE.isoformat()}, {"Next": ""}, {"Next": "soon"}])
def test_a_timer_that_the_host_says_nothing_of_is_due_for_no_time(status: dict[str, str]) -> None:
    assert due_time(status, DUE) is None
