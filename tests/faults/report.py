"""The table of faults: one row for each, printed at the end of the run and written to .local/."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pytest

PROPERTY = "fault"
"""The name under which a test reports its rows; pytest-xdist brings them from its processes."""

LOCAL = Path(__file__).parents[2] / ".local"
HEADINGS = {
    "fault": "fault",
    "calls": "calls",
    "acknowledged": "writes acknowledged",
    "lost": "lost",
    "doubled": "doubled",
    "refused": "503",
    "unanswered": "no answer",
    "longest_answer": "longest answer (s)",
    "longest_health": "longest /health (s)",
    "peak_memory": "peak memory (MB)",
}


@dataclass(frozen=True)
class Row:
    """What was seen during one fault. `refused` are 503, `unanswered` calls to a host that was killed.

    `peak_memory` is of the larger host with the processes that it has started.
    """

    fault: str
    calls: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    refused: int = 0
    unanswered: int = 0
    longest_answer: float = 0.0
    longest_health: float = 0.0
    peak_memory: int = 0


def rows_of(reports: Iterable[object]) -> list[Row]:
    """The rows that tests have reported, in the order of the tests."""
    return [
        Row(**value)
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY and isinstance(value, dict)
    ]


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    cells = [list(HEADINGS.values()), ["---", *["--:"] * (len(HEADINGS) - 1)]]
    cells += [[_cell(getattr(row, field.name)) for field in fields(Row)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def summarize(reporter: pytest.TerminalReporter, *, is_full: bool) -> None:
    """Print the table of the run, if it had faults, and write it to .local/faults-full.json or -bounded."""
    rows = rows_of(
        report for name in ("passed", "failed", "skipped") for report in reporter.stats.get(name, [])
    )
    if not rows:
        return
    size = "full" if is_full else "bounded"
    write_rows(rows, LOCAL / f"faults-{size}.json")
    reporter.section(f"faults ({size} size)")
    reporter.line(table(rows))
