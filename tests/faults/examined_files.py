"""Examines many changed files in this process, as the process for uploads and the import do.

`python -m tests.faults.examined_files SEED FIRST LAST` prints the number of each file before it reads it, so
that the file that ends the process is known, and at the end what it has seen, as JSON.
"""

import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from adapters.files import examination
from adapters.files.examiner import ExaminerLimits
from bench.child import peak_megabytes
from bench.hostile_files import import_workbook
from tests.documents import CONTENT_TYPES
from tests.faults.mutations import Sample, corpus, mutated
from tests.hostile_images import IMAGE_TYPES

TYPES: Final = {**CONTENT_TYPES, **IMAGE_TYPES}
WORKBOOK: Final = "xlsx"
LIMITS: Final = ExaminerLimits()

SENTENCE: Final = re.compile(r"The (file|image|lists|list|objects|colour|colours)\b[^\n]{10,300}\.")
"""What a reason of a rejection looks like: it is shown to the uploader."""

TOLD: Final = re.compile(r"^(is|has|declares) [^\n]{5,200}$|^\d+ rows, \d+ errors$")
"""What the reason of a refused import, or its result, looks like."""


@dataclass
class Seen:
    """What was seen: answers and how often, the longest computing time, the peak memory, what went wrong."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    slowest: str = ""
    peak_megabytes: float = 0.0
    failures: list[str] = field(default_factory=list)

    def time(self, what: str, seconds: float) -> None:
        """Note the computing time of a file."""
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = seconds, what
        if seconds > LIMITS.cpu_seconds:
            self.failures.append(f"{what}: {seconds:.1f} s of computing time")


def examine(sample: Sample) -> str:
    """Examine a file as an upload; return the reason of its rejection, or `accepted`.

    Raises AssertionError for an answer that the process for uploads may not give.
    """
    content_type = TYPES[sample.extension]
    request = {"content_type": content_type, "with_thumbnail": True, "keep_metadata": False}
    header, parts = examination.answer(request, [sample.data])
    if "rejected" in header:
        assert parts == []
        assert SENTENCE.fullmatch(header["rejected"]), header
        return str(header["rejected"])
    assert len(parts) == header["is_changed"] + header["has_thumbnail"], header
    assert bool(header["size"]) is content_type.startswith("image/"), header
    return "accepted"


def read(sample: Sample) -> str:
    """Read a file as an import; return its result. Raises AssertionError."""
    answer = import_workbook(sample.data)
    assert all(TOLD.fullmatch(one) for one in answer.split(". ")), answer
    return answer


def main(seed: int, first: int, last: int) -> None:
    """Examine the changed files of these numbers."""
    examination.limit_process(LIMITS.memory_bytes)
    samples, seen = corpus(), Seen()
    for number in range(first, last):
        sample = mutated(samples, seed, number)
        for use in (examine, read) if sample.extension == WORKBOOK else (examine,):
            what = f"{use.__name__} {number} ({sample.name})"
            print(what, flush=True)  # noqa: T201 - for the test
            started = time.process_time()
            try:
                seen.answers[use(sample)] += 1
            except Exception as error:  # noqa: BLE001 - what nothing may raise
                seen.failures.append(f"{what}: {error!r}")
            seen.time(what, time.process_time() - started)
    seen.peak_megabytes = peak_megabytes()
    print(json.dumps(vars(seen)))  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
