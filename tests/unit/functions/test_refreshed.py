"""Values that are computed once for many callers."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

from functions.refreshed import Refreshed

HOUR = timedelta(hours=1)
ALWAYS = timedelta(0)


def counting() -> Callable[[], int]:
    numbers = count(1)
    return lambda: next(numbers)


def test_a_value_is_kept_for_its_lifetime() -> None:
    value = Refreshed(counting(), HOUR)

    assert [value.get() for _ in range(3)] == [1, 1, 1]


def test_a_value_that_is_too_old_is_computed_again() -> None:
    value = Refreshed(counting(), ALWAYS)

    assert [value.get() for _ in range(3)] == [1, 2, 3]


def test_callers_that_come_first_wait_for_one_computation() -> None:
    numbers, begun, may_end = count(1), threading.Event(), threading.Event()

    def compute() -> int:
        begun.set()
        may_end.wait()
        return next(numbers)

    value = Refreshed(compute, HOUR)
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(value.get) for _ in range(4)]
        begun.wait()
        may_end.set()
        assert [each.result() for each in found] == [1, 1, 1, 1]


def test_while_one_caller_computes_the_others_get_the_last_value() -> None:
    numbers, begun, may_end = count(1), threading.Event(), threading.Event()

    def compute() -> int:
        number = next(numbers)
        if number > 1:
            begun.set()
            may_end.wait()
        return number

    value = Refreshed(compute, ALWAYS)
    assert value.get() == 1
    with ThreadPoolExecutor(1) as threads:
        refreshed = threads.submit(value.get)
        begun.wait()
        assert [value.get() for _ in range(3)] == [1, 1, 1]
        may_end.set()
        assert refreshed.result() == 2
