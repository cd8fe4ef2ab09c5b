"""Prints the steps of the tour, with the API calls of each, and checks values."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, groupby

API = "/api/v1"
ID = re.compile(r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MAX_REPEATED = 3
"""More equal statuses in a row than this are printed as "5 x 200"."""


class CheckFailed(Exception):
    """The portal's response is not as the rules require."""


@dataclass(frozen=True)
class Call:
    """An HTTP call and the status of its response."""

    method: str
    path: str
    status: int
    milliseconds: float


@dataclass
class Step:
    """A step of the tour. `summary` is printed at its end."""

    summary: str = ""


class Report:
    """Prints the tour, step by step."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._calls: list[Call] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Print the title, then, when the block ends, the calls that it made and the step's summary."""
        self._calls.clear()
        print(f"{next(self._numbers):2}  {title}", flush=True)
        step = Step()
        yield step
        milliseconds = sum(call.milliseconds for call in self._calls)
        print(f"    {_format_calls(self._calls)} ({milliseconds:.0f} ms): {step.summary}", flush=True)

    def add_call(self, call: Call) -> None:
        """Record a call of the current step."""
        self._calls.append(call)


def check_equal(what: str, actual: object, expected: object) -> None:
    """Compare a value from the portal with the expected one. Raises CheckFailed."""
    if actual != expected:
        raise CheckFailed(f"{what}: expected {expected!r}, got {actual!r}.")


def _format_calls(calls: list[Call]) -> str:
    """The calls and their statuses: only those that write, or all if there are only reads."""
    writes = [call for call in calls if call.method != "GET"]
    statuses: dict[str, list[int]] = {}
    for call in writes or calls:
        statuses.setdefault(f"{call.method} {_last_segment(call.path)}", []).append(call.status)
    return ", ".join(f"{endpoint} {_format_statuses(codes)}" for endpoint, codes in statuses.items())


def _last_segment(path: str) -> str:
    return ID.sub("", path).rpartition("/")[2]


def _format_statuses(statuses: list[int]) -> str:
    parts = []
    for status, group in groupby(statuses):
        times = len(list(group))
        parts += [f"{times} x {status}"] if times > MAX_REPEATED else [str(status)] * times
    return " ".join(parts)
