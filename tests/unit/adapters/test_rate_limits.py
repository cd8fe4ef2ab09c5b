from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from adapters.rate_limits import MAX_KEYS, MemoryCounter

NOON = datetime(2025, 7, 15, 12, tzinfo=UTC)
NEXT = NOON + timedelta(minutes=1)


def test_requests_are_counted_by_caller() -> None:
    counter = MemoryCounter()

    assert [counter.count("asha", NOON), counter.count("asha", NOON), counter.count("ravi", NOON)] == [
        1,
        2,
        1,
    ]


def test_a_new_window_counts_from_one() -> None:
    counter = MemoryCounter()
    counter.count("asha", NOON)

    assert counter.count("asha", NEXT) == 1
    assert counter.count("asha", NEXT) == 2


def test_threads_that_count_at_the_same_time_lose_no_request() -> None:
    counter = MemoryCounter()

    with ThreadPoolExecutor(8) as threads:
        counted = list(threads.map(lambda _: counter.count("asha", NOON), range(2000)))

    assert sorted(counted) == list(range(1, 2001))


def test_memory_is_bounded() -> None:
    counter = MemoryCounter()

    for number in range(2 * MAX_KEYS):
        counter.count(f"caller {number}", NOON)

    assert len(counter._hits) == MAX_KEYS


def test_a_frequent_caller_is_not_forgotten() -> None:
    counter = MemoryCounter()
    counter.count("once", NOON)

    for number in range(MAX_KEYS):
        counter.count(f"caller {number}", NOON)
        always = counter.count("always", NOON)

    assert always == MAX_KEYS
    assert counter.count("once", NOON) == 1
