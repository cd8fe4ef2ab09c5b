"""Files that are changed at random are accepted or refused with a reason, within the limits.

They are made from those of `corpus/`, which has every file in which an error was found. To see one again:
`python -m tests.faults.examined_files SEED NUMBER NUMBER+1`.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any, Final

import pytest

from tests.faults.mutations import CORPUS, corpus
from tests.faults.report import PROPERTY, Row
from tests.faults.trial import Size

SEED: Final = int(os.environ.get("FUZZ_SEED", "12"))
MEMORY_LIMIT: Final = 200
"""The most memory that a process which examines files may have, in megabytes."""

PORTION: Final = 1_000
"""How many files one process examines."""

MAX_CORPUS_BYTES: Final = 1_000_000


def test_the_corpus_has_every_format_and_is_small() -> None:
    samples = corpus()
    extensions = {sample.extension for sample in samples}
    assert extensions == {"jpg", "png", "webp", "pdf", "doc", "xls", "ppt", "docx", "xlsx", "pptx"}
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < MAX_CORPUS_BYTES


def test_changed_files_are_accepted_or_refused_within_the_limits(
    size: Size, request: pytest.FixtureRequest
) -> None:
    count = size.count(bounded=400, full=10_000)
    peak = 0.0
    for first in range(0, count, PORTION):
        seen = examine(first, min(first + PORTION, count))
        assert seen["failures"] == [], f"seed {SEED}"
        assert seen["answers"].get("accepted", 0) > 0
        assert len(seen["answers"]) > 5  # the files reach more than the first check
        peak = max(peak, seen["peak_megabytes"])
    row = Row(f"{count:,} changed files", calls=count, peak_memory=round(peak))
    request.node.user_properties.append((PROPERTY, asdict(row)))
    assert peak < MEMORY_LIMIT


def examine(first: int, last: int) -> dict[str, Any]:
    """What a process sees in these files. Fails if the process ends before the last one."""
    command = [sys.executable, "-m", "tests.faults.examined_files", *map(str, (SEED, first, last))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"seed {SEED}: {lines[-1:]} ended the process: {done.stderr[-2000:]}"
    seen: dict[str, Any] = json.loads(lines[-1])
    return seen
