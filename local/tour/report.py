"""How the tour is told: what happens, and in a line what the portal answered."""

import re
from dataclasses import dataclass
from itertools import count, groupby

API = "/api/v1"
ID = re.compile(r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MANY = 3
"""So many equal answers in a row are told as a number."""


class Difference(Exception):
    """The portal does something else than the rules say."""


@dataclass(frozen=True)
class Call:
    """An HTTP call and how it was answered."""

    method: str
    path: str
    status: int
    milliseconds: float


class Teller:
    """Prints the tour, a step at a time."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._calls: list[Call] = []

    def begin(self, tale: str) -> None:
        """Tell what happens next."""
        self._calls.clear()
        print(f"{next(self._numbers):2}  {tale}", flush=True)

    def note(self, call: Call) -> None:
        """Take note of a call."""
        self._calls.append(call)

    def end(self, essence: str) -> None:
        """Tell how the step's calls were answered, and the essential of it."""
        milliseconds = sum(call.milliseconds for call in self._calls)
        print(f"    {_answers(self._calls)} ({milliseconds:.0f} ms): {essence}", flush=True)


def require(what: str, seen: object, wanted: object) -> None:
    """Hold what the portal says against what the rules say.

    Raises Difference.
    """
    if seen != wanted:
        raise Difference(f"{what}: the portal says {seen!r}, the rules say {wanted!r}.")


def _answers(calls: list[Call]) -> str:
    """The calls in short, with their statuses: those that write something, or the reads if all are reads."""
    writes = [call for call in calls if call.method != "GET"]
    answers: dict[str, list[int]] = {}
    for call in writes or calls:
        answers.setdefault(f"{call.method} {_short(call.path)}", []).append(call.status)
    return ", ".join(f"{place} {_statuses(statuses)}" for place, statuses in answers.items())


def _short(path: str) -> str:
    return ID.sub("", path).rpartition("/")[2]


def _statuses(statuses: list[int]) -> str:
    told = []
    for status, alike in groupby(statuses):
        times = len(list(alike))
        told += [f"{times} x {status}"] if times > MANY else [str(status)] * times
    return " ".join(told)
