"""Many clients at the same time: no error, and memory that does not grow."""

import time

from tests.faults.trial import Site, Size, Trial

MINUTE = 60.0
THINK_SECONDS = 8.0
"""The mean time between two calls of a client."""

GROWTH = 1.05
"""How much memory may grow from the second minute of ten to the last, if it is more than ALLOWANCE."""

NEAR_SECONDS = 15.0
ALLOWANCE = 10.0
"""In megabytes: less is not growth but the size of what just runs."""


def test_two_hundred_clients_work_for_a_minute_without_an_error(trial: Trial, size: Size) -> None:
    clients = size.count(bounded=40, full=200)
    seconds = size.pick(bounded=2.0, full=MINUTE)
    writers, think = clients // 5, size.pick(bounded=1.0, full=3.0)
    with (
        trial.fault(f"{clients} clients for {seconds:.0f} seconds"),
        trial.load(
            *trial.writers(writers, think_seconds=think),
            *trial.readers(clients - writers, think_seconds=think),
        ),
    ):
        time.sleep(seconds)
    trial.assert_no_errors()


def test_five_hundred_clients_work_for_ten_minutes_and_memory_stays_flat(
    trial: Trial, site: Site, size: Size
) -> None:
    clients = size.count(bounded=50, full=500)
    minutes = size.pick(bounded=0.08, full=10.0)
    think = size.pick(bounded=1.0, full=THINK_SECONDS)
    writers = clients // 10
    with (
        trial.fault(f"{clients} clients for {minutes:g} minutes"),
        trial.load(
            *trial.writers(writers, think_seconds=think),
            *trial.readers(clients - writers, think_seconds=think),
        ),
    ):
        began = time.monotonic()
        time.sleep(minutes * MINUTE)
        early = trial.memory.around(began + 2 * MINUTE, NEAR_SECONDS)
        late = trial.memory.around(began + minutes * MINUTE - NEAR_SECONDS, NEAR_SECONDS)
        if size.is_full:
            sizes = [f"{before:.0f} to {late[url]:.0f} MB" for url, before in early.items()]
            trial.remarks.append(
                f"memory of the hosts from the second minute to the last: {', '.join(sizes)}"
            )
    trial.assert_no_errors()
    for url, before in early.items():
        assert late[url] <= max(before * GROWTH, before + ALLOWANCE)
